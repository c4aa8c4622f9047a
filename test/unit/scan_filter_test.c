// SPDX-License-Identifier: Apache-2.0
// Which findings are hidden and why: by what is asked, by lists of what is ignored, by default.
#include "scan_fixture.h"

static struct advisories *db;

static int open_database(void **state)
{
	db = database_of("records");
	return 0;
}

static int close_database(void **state)
{
	advisories_close(db);
	return 0;
}

#define EVERYTHING                                                                             \
	"deb openssl 3.0.14-1;deb linux-libc-dev 6.1 source=linux headers;npm branches 1.0.0 " \
	"path=app/node_modules/branches/package.json;pypi my-package 1.0 owned"

static void scan_everything(struct installed *in, struct scan *s)
{
	struct err e = ERR_INIT;
	installed_of(in, "debian 12", EVERYTHING);
	if (scan_packages(db, &in->list, s, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(s->n, 9);
}

// "FLAW: reason;" of what is hidden.
static void put_hidden(struct buf *b, const struct scan *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].hidden)
			buf_printf(b, "%s: %s;", s->v[i].flaw->names[0], s->v[i].hidden);
}

#define DEFAULTS                                            \
	"CVE-2024-22: unimportant, says Debian;"            \
	"CVE-2024-27: kernel headers: no kernel runs here;" \
	"CVE-2024-6: a distribution's package owns it;"

static const struct {
	const char *name, *severities, *statuses;
	struct scan_filter f;
	const char *want;
} rows[] = {
        {"nothing is asked", NULL, NULL, {0}, DEFAULTS},
        {"all", NULL, NULL, {.all = true}, ""},
        {"severities", "high,LOW", NULL, {0},
                "CVE-2024-22: severity NEGLIGIBLE is left out;"
                "CVE-2024-27: severity UNKNOWN is left out;CVE-2024-6: severity UNKNOWN is left "
                "out;"
                "CVE-2024-20: severity UNKNOWN is left out;CVE-2024-24: severity UNKNOWN is left "
                "out;"
                "CVE-2024-25: severity UNKNOWN is left out;CVE-2024-26: severity UNKNOWN is left "
                "out;"},
        {"statuses", NULL, "affected, will_not_fix,fix_deferred,end_of_life", {.all = true},
                "CVE-2024-23: status fix_deferred is left out;"
                "CVE-2024-22: status affected is left out;CVE-2024-27: status affected is left out;"
                "CVE-2024-24: status will_not_fix is left out;"
                "CVE-2024-25: status end_of_life is left out;"
                "CVE-2024-26: status affected is left out;"},
        {"fixed", NULL, "fixed", {.all = true},
                "CVE-2024-1: status fixed is left out;CVE-2024-6: status fixed is left out;"
                "CVE-2024-20: status fixed is left out;"},
        {"only the distribution's", NULL, NULL, {.no_library = true, .all = true},
                "CVE-2024-1: packages of languages are left out;"
                "CVE-2024-6: packages of languages are left out;"},
        {"only languages", "HIGH", NULL, {.no_os = true},
                "CVE-2024-23: packages of the distribution are left out;"
                "CVE-2024-22: packages of the distribution are left out;"
                "CVE-2024-27: packages of the distribution are left out;"
                "CVE-2024-6: severity UNKNOWN is left out;"
                "CVE-2024-20: packages of the distribution are left out;"
                "CVE-2024-24: packages of the distribution are left out;"
                "CVE-2024-25: packages of the distribution are left out;"
                "CVE-2024-26: packages of the distribution are left out;"},
};

static void test_filter(void **state)
{
	struct installed in = {0};
	auto_scan struct scan s = {0};
	scan_everything(&in, &s);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		struct scan_filter f = rows[i].f;
		auto_buf struct buf got = {0};
		if ((rows[i].severities &&
		            severities_parse(rows[i].severities, &f.severities, &e)) ||
		        (rows[i].statuses &&
		                statuses_parse(rows[i].statuses, &f.ignore_statuses, &e)))
			fail_msg("%s: %s", rows[i].name, e.msg);
		scan_filter(&s, &f);
		put_hidden(&got, &s);
		if (strcmp(buf_cstr(&got), rows[i].want) != 0)
			fail_msg("%s:\n%s", rows[i].name, buf_cstr(&got));
	}
	arena_release(&in.arena);
}

// A score of zero is not the publisher's word.
static void test_unimportant(void **state)
{
	struct installed in = {0};
	auto_scan struct scan s = {0};
	struct err e = ERR_INIT;
	installed_of(&in, "alpine 3.19", "apk rated 1.0-r0");
	if (scan_packages(db, &in.list, &s, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.v[0].severity, SEVERITY_NEGLIGIBLE);
	scan_filter(&s, &(struct scan_filter){0});
	assert_null(s.v[0].hidden);
	arena_release(&in.arena);
}

static void test_words(void **state)
{
	struct err e = ERR_INIT;
	unsigned bits = 77;
	assert_int_equal(severities_parse("CRITICAL,HIHG", &bits, &e), -1);
	assert_non_null(strstr(e.msg, "'HIHG' is no severity"));
	assert_int_equal(e.kind, ERR_USAGE);
	assert_int_equal(severities_parse("", &bits, &e), -1);
	assert_int_equal(statuses_parse("open", &bits, &e), -1);
	assert_non_null(strstr(e.msg, "'open' is no status"));
	assert_int_equal(bits, 77);
	assert_int_equal(severities_parse("Critical, unknown", &bits, &e), 0);
	assert_int_equal(bits, 1 << SEVERITY_CRITICAL | 1 << SEVERITY_UNKNOWN);
	assert_int_equal(statuses_parse("not_affected,unknown", &bits, &e), 0);
	assert_int_equal(bits, 0);
	assert_string_equal(status_word(ADVISORY_NO_DSA), "affected");
	assert_string_equal(status_word(ADVISORY_UNDETERMINED), "under_investigation");
}

// --- lists of what is ignored ------------------------------------------------------------------

#define VEX(statements) \
	"{\"@context\":\"https://openvex.dev/ns/v0.2.0\",\"statements\":[" statements "]}"
#define ABOUT(flaw, product, rest) \
	"{\"vulnerability\":{\"name\":\"" flaw "\"},\"products\":[" product "]," rest "}"
#define NOT_AFFECTED "\"status\":\"not_affected\",\"justification\":\"vulnerable_code_not_present\""
#define ID(purl) "{\"@id\":\"" purl "\"}"

static const struct {
	const char *name, *text, *want; // of what is hidden, beside DEFAULTS' flaws
} ignored[] = {
        {".trivyignore",
                "# comment\n\n  CVE-2024-20\nghsa-0001 # why\nCVE-2024-23 exp:2026-11-26\n"
                "CVE-2024-24 exp:2026-11-27 until then\r\nDS002\n",
                "CVE-2024-1: ignored by .trivyignore line 4;"
                "CVE-2024-20: ignored by .trivyignore line 3;"
                "CVE-2024-24: ignored by .trivyignore line 6;"},
        {"a/.trivyignore.yaml",
                "vulnerabilities:\n"
                "  - id: CVE-2024-1\n    paths: ['app/**/package.json']\n"
                "  - id: CVE-2024-20\n    paths: [elsewhere]\n"
                "  - id: CVE-2024-23\n    purls: ['pkg:deb/debian/openssl@3.0.14-1?arch=amd64']\n"
                "    expired_at: 2026-11-27\n    statement: not now\n"
                "  - id: CVE-2024-24\n    purls: ['pkg:deb/debian/openssl@3.0.15-1']\n"
                "  - id: CVE-2024-25\n    expired_at: 2026-11-26\n"
                "misconfigurations:\n  - id: DS002\n",
                "CVE-2024-1: ignored by .trivyignore.yaml line 2;"
                "CVE-2024-23: ignored by .trivyignore.yaml line 6;"},
        {"empty.yaml", "# nothing\n", ""},
        {"empty.yml", "vulnerabilities:\n", ""},
        {".grype.yaml",
                "fail-on-severity: high\nignore:\n"
                "  - vulnerability: GHSA-0001\n    reason: read\n"
                "  - fix-state: wont-fix\n    package: {type: deb, name: open*}\n"
                "  - package: {name: openssl, version: 9}\n"
                "  - vulnerability: CVE-2024-20\n    package: {type: python}\n",
                "CVE-2024-1: ignored by .grype.yaml line 3;"
                "CVE-2024-24: ignored by .grype.yaml line 5;"},
        {"vex.json",
                VEX(ABOUT("GHSA-0001", ID("pkg:npm/branches@1.0.0"), NOT_AFFECTED) "," ABOUT(
                        "CVE-2024-20", ID("pkg:npm/openssl"), NOT_AFFECTED) "," ABOUT("CVE-2024-23",
                        ID("pkg:oci/app@sha256%3Aabc"),
                        "\"status\":\"fixed\"") "," ABOUT("CVE-2024-24",
                        ID("pkg:deb/debian/openssl"),
                        NOT_AFFECTED) "," ABOUT("CVE-2024-24", ID("pkg:deb/debian/openssl"),
                        "\"status\":\"affected\"") "," ABOUT("CVE-2024-25",
                        "{\"@id\":\"pkg:oci/app\",\"subcomponents\":[" ID("pkg:deb/openssl") "]}",
                        "\"status\":\"not_affected\"") "," ABOUT("CVE-2024-26",
                        ID("https://example.org/another"), NOT_AFFECTED)),
                "CVE-2024-1: VEX: not affected (vulnerable_code_not_present);"
                "CVE-2024-23: VEX: fixed;CVE-2024-25: VEX: not affected;"},
        {"old-vex.json",
                VEX("{\"vulnerability\":\"CVE-0000-1\",\"aliases\":[\"CVE-2024-1\"],\"products\":["
                    "\"pkg:npm/branches\"],"
                    "\"status\":\"not_affected\",\"justification\":\"\\u001b[31m\"}"),
                "CVE-2024-1: VEX: not affected;"},
};

static void test_ignored(void **state)
{
	struct installed in = {0};
	auto_scan struct scan s = {0};
	scan_everything(&in, &s);
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++) {
		struct err e = ERR_INIT;
		auto_ignores struct ignores list = {0};
		auto_buf struct buf got = {0};
		if (ignores_add(
		            &list, ignored[i].name, ignored[i].text, strlen(ignored[i].text), &e))
			fail_msg("%s: %s", ignored[i].name, e.msg);
		scan_filter(&s, &(struct scan_filter){
		                        .all = true, .ignores = &list, .today = "2026-11-26"});
		put_hidden(&got, &s);
		if (strcmp(buf_cstr(&got), ignored[i].want) != 0)
			fail_msg("%s:\n%s", ignored[i].name, buf_cstr(&got));
	}
	arena_release(&in.arena);
}

static const struct {
	const char *name, *text, *why;
} refused[] = {
        {"x", "CVE-2024-1\nCVE-2024-2 exp:tomorrow\n", "x:2: 'exp:tomorrow' is no day"},
        {"x", "CVE-2024-1 exp:2026-13-01", "x:1: 'exp:2026-13-01' is no day"},
        {"x.yaml", "vulnerabilities:\n  - id: CVE-1\n    path: [a]\n", "x.yaml:3: 'path' is not"},
        {"x.yaml", "vulnerabilities:\n  - paths: [a]\n", "x.yaml:2: an entry that does not say"},
        {"x.yaml", "vulnerabilities:\n  - id: CVE-1\n    paths: a\n", "x.yaml:3: a list of texts"},
        {"x.yaml", "vulnerabilities:\n  - id: CVE-1\n    expired_at: soon\n",
                "x.yaml:3: expired_at"},
        {"x.yaml", "vulnerabilities: {a: [}\n", "x.yaml:1: "},
        {"x.yaml", "ignore:\n  - {}\n", "x.yaml:2: an entry that does not say"},
        {"x.yaml", "ignore:\n  - package: {language: go}\n", "x.yaml:2: 'language' is not"},
        {"x.json", "{\"bomFormat\":\"CycloneDX\"}", "x.json: not an OpenVEX document"},
        {"x.json", "{", "x.json: "},
        {"x.json", VEX("{\"vulnerability\":\"CVE-1\",\"status\":\"fixed\"}"),
                "x.json: statement 1 names no product"},
        {"x.json", VEX("{\"products\":[\"pkg:npm/a\"],\"status\":\"fixed\"}"),
                "x.json: statement 1 names no vulnerability"},
        {"x.json", VEX("{\"vulnerability\":\"CVE-1\",\"products\":[\"pkg:npm/a\"]}"),
                "x.json: statement 1 has no status"},
};

static void test_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct err e = ERR_INIT;
		auto_ignores struct ignores list = {0};
		assert_int_equal(ignores_add(&list, refused[i].name, refused[i].text,
		                         strlen(refused[i].text), &e),
		        -1);
		if (!str_has_prefix(e.msg, refused[i].why) || e.kind != ERR_USAGE)
			fail_msg("%zu: %s", i, e.msg);
	}
}

// --- package URLs ------------------------------------------------------------------------------

static const struct {
	const char *package, *purl;
	bool same;
	const char *ecosystem; // NULL: as the package has it
} purls[] = {
        {"npm @scope/x 1.0.0", "pkg:npm/%40scope/x@1.0.0", true},
        {"npm @scope/x 1.0.0", "pkg:npm/@scope/x", true},
        {"npm @scope/x 1.0.0", "pkg:npm/%40scope/x@1.0.1", false},
        {"npm @scope/x 1.0.0", "pkg:npm/x@1.0.0", false},
        {"pypi My.Package 1.0", "pkg:pypi/my-package@1.0", true},
        {"maven org.example:thing 1", "pkg:maven/org.example/thing@1?type=jar", true},
        {"maven org.example:thing 1", "pkg:maven/org.example/other@1", false},
        {"golang example.org/x/y v1.2.3", "pkg:golang/example.org/x/y@v1.2.3", true},
        {"golang example.org/x/y v1.2.3", "pkg:golang/example.org/x/y@1.2.3#sub", true},
        {"cargo c 1.0.0+b", "pkg:cargo/c@1.0.0%2Bb", true},
        {"deb libssl3 1:3.0-1 source=openssl sv=3.0-1",
                "pkg:deb/debian/libssl3@1%3A3.0-1?arch=amd64", true},
        {"deb libssl3 1:3.0-1 source=openssl sv=3.0-1", "pkg:deb/debian/libssl3@3.0-1?epoch=1",
                true},
        {"deb libssl3 1:3.0-1 source=openssl sv=3.0-1", "pkg:deb/debian/openssl", false},
        {"deb libssl3 1:3.0-1 source=openssl sv=3.0-1", "pkg:deb/debian/openssl@3.0-1?arch=source",
                true},
        {"deb libssl3 1:3.0-1 source=openssl sv=3.0-1", "pkg:deb/ubuntu/libssl3", false},
        {"deb libssl3 1:3.0-1 source=openssl sv=3.0-1", "pkg:apk/debian/libssl3", false},
        {"deb libssl3 1:3.0-1 source=openssl sv=3.0-1", "libssl3", false},
        {"deb libssl3 1:3.0-1 source=openssl sv=3.0-1", "pkg:deb", false},
        {"rpm bash 5-1", "pkg:rpm/rhel/bash", true, "Red Hat"},
        {"rpm bash 5-1", "pkg:rpm/redhat/bash@5-1?distro=redhat-9.4", true, "Red Hat"},
        {"rpm bash 5-1", "pkg:rpm/centos/bash", true, "Red Hat"},
        {"rpm bash 5-1", "pkg:rpm/alma/bash", true, "AlmaLinux"},
        {"rpm bash 5-1", "pkg:rpm/rocky/bash", false, "AlmaLinux"},
        {"rpm bash 5-1", "pkg:rpm/opensuse-tumbleweed/bash", true, "openSUSE"},
        {"rpm bash 5-1", "pkg:rpm/opensuse/bash", true, "openSUSE"},
        {"rpm bash 5-1", "pkg:rpm/cbl-mariner/bash", true, "Azure Linux"},
        {"rpm bash 5-1", "pkg:rpm/mariner/bash", true, "Azure Linux"},
};

static void test_purls(void **state)
{
	struct installed in = {0};
	struct advisory_flaw flaw = {.names = (const char *const[]){"CVE-1"}, .n_names = 1};
	for (size_t i = 0; i < ARRAY_LEN(purls); i++) {
		struct err e = ERR_INIT;
		auto_ignores struct ignores list = {0};
		installed_of(&in, "debian 12", purls[i].package);
		bool pypi = in.packages[0].type == PACKAGE_PYPI;
		struct finding f = {.package = &in.found[0],
		        .flaw = &flaw,
		        .record = "CVE-1",
		        .ecosystem = purls[i].ecosystem                   ? purls[i].ecosystem
		                     : pypi                               ? "PyPI"
		                     : in.packages[0].type == PACKAGE_DEB ? "Debian"
		                                                          : "x"};
		struct scan s = {.v = &f, .n = 1};
		auto_free char *text = xasprintf(
		        "vulnerabilities:\n- id: CVE-1\n  purls: ['%s']\n", purls[i].purl);
		assert_int_equal(ignores_add(&list, "x.yaml", text, strlen(text), &e), 0);
		scan_filter(&s, &(struct scan_filter){.ignores = &list});
		if ((f.hidden != NULL) != purls[i].same)
			fail_msg("%s, %s", purls[i].package, purls[i].purl);
	}
	arena_release(&in.arena);
}

static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_unimportant),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_ignored),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_purls),
};

int main(void)
{
	return cmocka_run_group_tests(tests, open_database, close_database);
}
