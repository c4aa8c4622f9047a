// SPDX-License-Identifier: Apache-2.0
// Findings of packages, by the records in test/data/scan/records.
#include "scan_fixture.h"

#define MUST(call, e)                                       \
	do {                                                \
		if ((call) != 0)                            \
			fail_msg("%s: %s", #call, (e).msg); \
	} while (0)

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

// "HIGH branches 1.0.0 CVE-2024-1 fixed 1.2.3, 2.1.4 [ghsa]", a line each.
static void put_findings(struct buf *b, const struct scan *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct finding *f = &s->v[i];
		buf_printf(b, "%s %s %s %s %s", severity_name(f->severity),
		        f->package->package->name, f->version, f->flaw->names[0],
		        advisory_status_name(f->status));
		if (f->fixed)
			buf_printf(b, " %s", f->fixed);
		if (f->severity_source)
			buf_printf(b, " [%s]", f->severity_source);
		buf_putc(b, '\n');
	}
}

static const struct {
	const char *name, *release, *packages, *want;
} rows[] = {
        {"before all fixes", "", "npm branches 1.0.0",
                "HIGH branches 1.0.0 CVE-2024-1 fixed 1.2.3, 2.1.4, 3.0.1 [ghsa]\n"},
        {"in the second branch", "", "npm branches 2.1.3",
                "HIGH branches 2.1.3 CVE-2024-1 fixed 2.1.4, 3.0.1 [ghsa]\n"},
        {"the fixed version itself", "", "npm branches 2.1.4", ""},
        {"between branches", "", "npm branches 1.9.9", ""},
        {"where a branch begins", "", "npm branches 3.0.0",
                "HIGH branches 3.0.0 CVE-2024-1 fixed 3.0.1 [ghsa]\n"},
        {"two records, one flaw, the later fix", "", "npm twice 1.3.0",
                "CRITICAL twice 1.3.0 CVE-2024-2 fixed 1.5.0 [ghsa]\n"},
        {"mended in one record only", "", "npm twice 1.4.5",
                "CRITICAL twice 1.4.5 CVE-2024-2 fixed 1.5.0 [ghsa]\n"},
        {"the last affected", "", "npm open 1.9.0", "UNKNOWN open 1.9.0 CVE-2024-3 affected\n"},
        {"after the last affected", "", "npm open 1.9.1", ""},
        {"before it was introduced", "", "npm open 0.9.0", ""},
        {"all versions", "", "npm evil 6.6.6", "CRITICAL evil 6.6.6 MAL-2024-1 affected [mal]\n"},
        {"a record that knows of no fix", "", "npm unknown-fix 1.0.0",
                "UNKNOWN unknown-fix 1.0.0 CVE-2024-4 fixed 2.0.0\n"},
        {"it came back", "", "npm again 1.0.0", "UNKNOWN again 1.0.0 CVE-2024-5 affected\n"},
        {"withdrawn", "", "npm gone 1.0.0", ""},
        {"another ecosystem's name", "", "cargo branches 1.0.0", ""},
        {"PyPI's spellings", "", "pypi My_Package 1.9",
                "UNKNOWN My_Package 1.9 CVE-2024-6 fixed 2.0rc1\n"},
        {"PEP 440: a prerelease that is fixed", "", "pypi my.package 2.0rc1", ""},
        {"PEP 440: a prerelease that is not", "", "pypi my.package 2.0b3",
                "UNKNOWN my.package 2.0b3 CVE-2024-6 fixed 2.0rc1\n"},
        {"Go: a leading v", "", "golang example.org/app v1.3.9",
                "UNKNOWN example.org/app v1.3.9 CVE-2024-7 fixed 1.4.0\n"},
        {"Go: a dependency at a commit", "",
                "golang example.org/app v0.0.0-20240101000000-abcdefabcdef",
                "UNKNOWN example.org/app v0.0.0-20240101000000-abcdefabcdef CVE-2024-7 fixed "
                "1.4.0\n"},
        {"Go: a program at a commit", "",
                "golang example.org/app v0.0.0-20240101000000-abcdefabcdef main", ""},
        {"Go: a program at a commit with changes", "",
                "golang example.org/app v0.0.0-20240101000000-abcdefabcdef+dirty main", ""},
        {"Go: a program without a version", "", "golang example.org/app (devel) main", ""},
        {"Go: a program with a version", "", "golang example.org/app v1.3.9 main",
                "UNKNOWN example.org/app v1.3.9 CVE-2024-7 fixed 1.4.0\n"},
        {"Go: commits are compared with commits", "",
                "golang example.org/lib v0.0.0-20240101000000-abcdefabcdef main",
                "UNKNOWN example.org/lib v0.0.0-20240101000000-abcdefabcdef CVE-2024-9 fixed "
                "0.0.0-20240202000000-abcdefabcdef\n"},
        {"Go: program and dependency of one name and version", "",
                "golang example.org/app v0.0.0-20240101000000-abcdefabcdef main path=a;"
                "golang example.org/app v0.0.0-20240101000000-abcdefabcdef path=b",
                "UNKNOWN example.org/app v0.0.0-20240101000000-abcdefabcdef CVE-2024-7 fixed "
                "1.4.0\n"},
        {"Go: the standard library's prereleases", "", "golang stdlib 1.21rc2",
                "UNKNOWN stdlib 1.21rc2 CVE-2024-8 fixed 1.21.5\n"},
        {"Go: the standard library before", "", "golang stdlib 1.20.9", ""},
        {"crates", "", "cargo crate 0.4.0", "UNKNOWN crate 0.4.0 RUSTSEC-2024-1 fixed 0.4.1\n"},
        {"Maven", "", "maven org.example:thing 1.0-beta-2",
                "UNKNOWN org.example:thing 1.0-beta-2 GHSA-0006 fixed 1.0-rc1\n"},
        {"AlmaLinux, and the advisory's word", "almalinux 9.4", "rpm bash 5.1.8-6.el9",
                "HIGH bash 5.1.8-6.el9 CVE-2024-10 fixed 0:5.1.8-9.el9 [alma]\n"},
        {"AlmaLinux: advisories name what is installed", "almalinux 9.4",
                "rpm bash-doc 5.1.8-6.el9 source=bash", ""},
        {"Red Hat: products of Enterprise Linux, once", "rhel 9.4", "rpm bash 5.1.8-6.el9",
                "UNKNOWN bash 5.1.8-6.el9 CVE-2024-41 fixed 0:5.1.8-9.el9\n"},
        {"Red Hat: another product", "rhel 9.4", "rpm bash 5.1.8-9.el9", ""},
        {"CentOS has Red Hat's", "centos 9", "rpm bash 5.1.8-6.el9",
                "UNKNOWN bash 5.1.8-6.el9 CVE-2024-41 fixed 0:5.1.8-9.el9\n"},
        {"a module's stream", "rhel 9.4", "rpm nodejs 1:18.19.0-1.module+el9 module=nodejs:18",
                "UNKNOWN nodejs 1:18.19.0-1.module+el9 CVE-2024-40 fixed "
                "1:18.20.2-2.module+el9.4.0+21742+692df1ea\n"},
        {"a module's other stream", "rhel 9.4", "rpm nodejs 1:16.1.0-1.module+el9 module=nodejs:16",
                ""},
        {"of no module", "rhel 9.4", "rpm nodejs 1:16.1.0-1.el9",
                "UNKNOWN nodejs 1:16.1.0-1.el9 CVE-2024-42 fixed 1:16.20.2-9.el9\n"},
        {"two modules in one title", "almalinux 9.4",
                "rpm python39-debug 3.9.1-1.module_el9 module=python39-devel:3.9",
                "UNKNOWN python39-debug 3.9.1-1.module_el9 CVE-2024-43 fixed "
                "3.9.18-3.module_el9.9.0+1+aaaaaaaa\n"},
        {"Rocky: they name the source", "rocky 9.4", "rpm bash-doc 5.1.8-6.el9 source=bash",
                "UNKNOWN bash-doc 5.1.8-6.el9 CVE-2024-11 fixed 0:5.1.8-9.el9\n"},
        {"rpm: the epoch counts", "rocky 9.4", "rpm perl 4:5.32.1-481.el9", ""},
        {"rpm: a source without its epoch", "rocky 9.4",
                "rpm perl-Digest 1.17-3.el9 source=perl sv=5.32.1-480.el9;"
                "rpm perl-Encode 4:3.08-462.el9 source=perl sv=5.32.1-481.el9",
                "UNKNOWN perl-Digest 5.32.1-480.el9 CVE-2024-14 fixed 4:5.32.1-481.el9\n"},
        {"Rocky", "rocky 9.4", "rpm bash 5.1.8-6.el9",
                "UNKNOWN bash 5.1.8-6.el9 CVE-2024-11 fixed 0:5.1.8-9.el9\n"},
        {"Ubuntu", "ubuntu 22.04", "deb bash 5.1-6ubuntu1",
                "UNKNOWN bash 5.1-6ubuntu1 CVE-2024-12 fixed 5.1-6ubuntu1.1\n"},
        {"Ubuntu: its word comes before a score", "ubuntu 22.04", "deb rated 1.0-1",
                "LOW rated 1.0-1 CVE-2024-50 fixed 2.0-1 [ubuntu]\n"},
        {"Debian without a word: the score is another's", "debian 12", "deb rated 1.0-1",
                "CRITICAL rated 1.0-1 CVE-2024-51 fixed 2.0-1 [nvd]\n"},
        {"Debian: it came back", "debian 12", "deb back 2.5-1",
                "UNKNOWN back 2.5-1 CVE-2024-53 affected\n"},
        {"Debian: before it came back", "debian 12", "deb back 1.5-1", ""},
        {"SUSE: a service pack, in any product", "sles 15.5",
                "rpm libopenssl3 3.0.8-1 source=openssl-3",
                "UNKNOWN libopenssl3 3.0.8-1 CVE-2024-60 fixed 3.0.8-150500.5.20.1\n"},
        {"SUSE: another service pack", "sles 15.6", "rpm openssl-3 3.0.8-1", ""},
        {"SUSE: before the first", "sles 15.0", "rpm bash 5.1-1",
                "UNKNOWN bash 5.1-1 CVE-2024-61 fixed 5.1-2\n"},
        {"openEuler: what its pretty name says", "openEuler 22.03 - openEuler 22.03 (LTS-SP3)",
                "rpm bash 5.1-1.oe2203sp3",
                "UNKNOWN bash 5.1-1.oe2203sp3 CVE-2024-62 fixed 5.1-2.oe2203sp3\n"},
        {"openEuler without it", "openEuler 22.03", "rpm bash 5.1-1.oe2203sp3", ""},
        {"Wolfi", "wolfi 20230201", "apk busybox 1.37.0-r0",
                "UNKNOWN busybox 1.37.0-r0 CVE-2024-13 fixed 1.37.0-r1\n"},
        {"Alpine", "alpine 3.19.1", "apk busybox-binsh 1.36.1-r15 source=busybox",
                "UNKNOWN busybox-binsh 1.36.1-r15 CVE-2024-30 fixed 1.36.1-r16\n"},
        {"Alpine, fixed", "alpine 3.19.1", "apk busybox 1.36.1-r16", ""},
        {"the source package's version", "debian 12", "deb libssl3 9:9 source=openssl sv=3.0.14-1",
                "LOW libssl3 3.0.14-1 CVE-2024-23 postponed [debian]\n"
                "NEGLIGIBLE libssl3 3.0.14-1 CVE-2024-22 affected [debian]\n"
                "UNKNOWN libssl3 3.0.14-1 CVE-2024-20 fixed 3.0.15-1\n"
                "UNKNOWN libssl3 3.0.14-1 CVE-2024-24 ignored\n"
                "UNKNOWN libssl3 3.0.14-1 CVE-2024-25 end-of-life\n"
                "UNKNOWN libssl3 3.0.14-1 CVE-2024-26 no-dsa\n"},
        {"not affected in that release", "debian 13", "deb openssl 1.0-1", ""},
        {"of no release", "debian 11", "deb openssl 1.0-1", ""},
        {"a code name", "debian - forky", "deb openssl 1.0-1",
                "HIGH openssl 1.0-1 CVE-2024-20 affected [debian]\n"},
        {"no source package of that name", "debian 12", "deb openssl 1.0-1 source=openssl-3", ""},
        {"another distribution's packages", "debian 12", "rpm openssl 1.0-1", ""},
};

static void test_findings(void **state)
{
	struct installed in = {0};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		auto_scan struct scan s = {0};
		auto_buf struct buf got = {0};
		installed_of(&in, rows[i].release, rows[i].packages);
		if (scan_packages(db, &in.list, &s, &e))
			fail_msg("%s: %s", rows[i].name, e.msg);
		put_findings(&got, &s);
		if (strcmp(buf_cstr(&got), rows[i].want) != 0)
			fail_msg("%s:\n%s", rows[i].name, buf_cstr(&got));
	}
	arena_release(&in.arena);
}

static const struct {
	const char *release, *packages, *want;
} warned[] = {
        {"debian 12", "deb bash 1;npm a 1", ""},
        {"debian 99", "deb bash 1",
                "the database knows nothing of debian 99: no findings does not mean no flaws"},
        {"debian - forky", "deb bash 1",
                "debian forky is not released yet: its packages change faster than advisories do"},
        {"debian - nosuch", "deb bash 1",
                "the database knows nothing of debian nosuch: no findings does not mean no flaws|"
                "debian nosuch is not released yet: its packages change faster than advisories do"},
        {"fedora 42", "rpm bash 1",
                "the database knows nothing of fedora 42: no findings does not mean no flaws"},
        {"rhel 9.4", "rpm nodejs 1:18.1-1.module+el9;rpm less 1-1.el9",
                "of 1 packages of modules it is not known of which stream they are: their flaws "
                "are not found"},
        {"", "deb bash 1",
                "the database knows nothing of a distribution without a name: no findings does not "
                "mean no flaws"},
        {"alpine 3.19.1", "apk bash 1",
                "alpine 3.19.1 is at its end of life since 2025-11-01: new flaws are neither "
                "looked "
                "for nor fixed"},
        {"alpine 3.90.0", "apk bash 1",
                "the database knows nothing of alpine 3.90.0: no findings does not mean no flaws"},
        {"alpine 3.21_alpha20240807", "apk bash 1",
                "the database knows nothing of alpine 3.21_alpha20240807: no findings does not "
                "mean "
                "no flaws|alpine 3.21_alpha20240807 is not a release: its packages change faster "
                "than advisories do"},
        {"debian 12", "npm a 1", ""},
        {"debian 99", "npm a 1", ""},
        {"", "npm odd 1.0.0;npm odd 1.0.0 path=b",
                "odd 1.0.0 is not compared with GHSA-0007: \"not-a-number\" is no version that "
                "semver knows: it does not begin with a number"},
        {"", "npm branches latest",
                "branches latest is not compared with any advisory: \"latest\" is no version that "
                "semver knows: it does not begin with a number"},
};

static void test_warnings(void **state)
{
	struct installed in = {0};
	for (size_t i = 0; i < ARRAY_LEN(warned); i++) {
		struct err e = ERR_INIT;
		auto_scan struct scan s = {0};
		auto_buf struct buf got = {0};
		installed_of(&in, warned[i].release, warned[i].packages);
		if (scan_packages(db, &in.list, &s, &e))
			fail_msg("%s: %s", warned[i].packages, e.msg);
		assert_int_equal(s.n, 0);
		for (size_t k = 0; k < s.warnings.n; k++)
			buf_printf(&got, "%s%s", k ? "|" : "", s.warnings.v[k]);
		if (strcmp(buf_cstr(&got), warned[i].want) != 0)
			fail_msg("%s, %s:\n%s", warned[i].release, warned[i].packages,
			        buf_cstr(&got));
	}
	arena_release(&in.arena);
}

// By severity, then package, version, path, flaw; whatever the list's order.
static void test_order(void **state)
{
	struct installed in = {0};
	struct err e = ERR_INIT;
	auto_scan struct scan s = {0};
	auto_buf struct buf got = {0};
	installed_of(&in, "",
	        "npm open 1.1.0;npm twice 1.0.0;npm branches 1.0.0 path=b;"
	        "npm branches 1.0.0 path=a;npm evil 1.0.0");
	MUST(scan_packages(db, &in.list, &s, &e), e);
	for (size_t i = 0; i < s.n; i++)
		buf_printf(&got, "%s %s;", s.v[i].package->package->name, s.v[i].package->path);
	assert_string_equal(
	        buf_cstr(&got), "evil path;twice path;branches a;branches b;open path;");
	assert_int_equal(s.n_flaws, 4);
	assert_false(s.has_release);
	arena_release(&in.arena);
}

static void test_details(void **state)
{
	struct installed in = {0};
	struct err e = ERR_INIT;
	auto_scan struct scan s = {0};
	installed_of(&in, "almalinux 9.4",
	        "npm branches 2.0.5;npm open 1.2.0;"
	        "rpm bash 5.1.8-6.el9");
	MUST(scan_packages(db, &in.list, &s, &e), e);
	assert_int_equal(s.n, 3);
	assert_true(s.has_release);
	assert_int_equal(s.release.coverage, ADVISORY_KNOWN);
	const struct finding *bash = &s.v[0], *branches = &s.v[1], *open = &s.v[2];
	assert_string_equal(bash->record, "ALSA-2024:10");
	assert_string_equal(bash->ecosystem, "AlmaLinux");
	assert_string_equal(bash->release, "9");
	assert_string_equal(bash->name, "bash");
	assert_null(bash->introduced);
	assert_string_equal(branches->introduced, "2.0.0");
	assert_string_equal(branches->flaw->names[1], "GHSA-0001");
	assert_string_equal(branches->release, "");
	assert_null(branches->last_affected);
	assert_string_equal(open->last_affected, "1.9.0");
	assert_null(open->severity_source);
	assert_null(open->fixed);
	assert_null(open->hidden);
	arena_release(&in.arena);
}

static const struct {
	const char *release, *packages, *flaw, *want;
} explained[] = {
        {"", "npm branches 2.1.0", "cve-2024-1",
                "branches 2.1.0 (path): affected: GHSA-0001 (npm) names versions before 1.2.3, "
                "versions from 2.0.0 before 2.1.4, versions from 3.0.0 before 3.0.1 of branches; "
                "it "
                "is before 2.1.4\n"},
        {"", "npm branches 2.2.0", "GHSA-0001",
                "branches 2.2.0 (path): not affected: GHSA-0001 (npm) names versions before 1.2.3, "
                "versions from 2.0.0 before 2.1.4, versions from 3.0.0 before 3.0.1 of branches; "
                "it "
                "is not before 2.1.4\n"},
        {"", "npm twice 1.4.5", "CVE-2024-2",
                "twice 1.4.5 (path): affected: GHSA-0002 (npm) names versions before 1.5.0 of "
                "twice; it is before 1.5.0\n"
                "twice 1.4.5 (path): not affected: NSWG-2 (npm) names versions before 1.4.0 of "
                "twice; it is not before 1.4.0\n"},
        {"", "npm open 0.1.0", "CVE-2024-3",
                "open 0.1.0 (path): not affected: GHSA-0003 (npm) names versions from 1.0.0 up to "
                "1.9.0 of open; it is before 1.0.0, where it was introduced\n"},
        {"", "npm open 0.1.0", "CVE-2024-1", ""},
        {"debian 12", "deb libssl3 3.1 source=openssl", "CVE-2024-21",
                "libssl3 3.1 (path, from openssl 3.1): not known: CVE-2024-21 (Debian 12) names "
                "all "
                "versions [undetermined] of openssl; the publisher has not looked into it yet\n"},
        {"debian 12", "deb openssl 3.1", "CVE-2024-23",
                "openssl 3.1 (path): affected: CVE-2024-23 (Debian 12) names all versions "
                "[postponed] (\"Minor issue\") of openssl; no version that mends it is known\n"},
        {"", "golang example.org/app (devel) main", "CVE-2024-7",
                "example.org/app (devel) (path): not known: GO-2024-7 (Go) names versions before "
                "1.4.0 of example.org/app; the version was made up from a commit and says nothing "
                "of releases\n"},
        {"", "npm odd 1.0.0", "GHSA-0007",
                "odd 1.0.0 (path): not known: GHSA-0007 (npm) names versions from not-a-number "
                "before 2.0.0 of odd; \"not-a-number\" is no version that semver knows: it does "
                "not "
                "begin with a number\n"},
};

static void test_explain(void **state)
{
	struct installed in = {0};
	for (size_t i = 0; i < ARRAY_LEN(explained); i++) {
		struct err e = ERR_INIT;
		auto_buf struct buf got = {0};
		installed_of(&in, explained[i].release, explained[i].packages);
		if (scan_explain(db, &in.list, explained[i].flaw, &got, &e))
			fail_msg("%s: %s", explained[i].packages, e.msg);
		assert_string_equal(buf_cstr(&got), explained[i].want);
	}
	arena_release(&in.arena);
}

static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_findings),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_details),
        cmocka_unit_test(test_explain),
};

int main(void)
{
	return cmocka_run_group_tests(tests, open_database, close_database);
}
