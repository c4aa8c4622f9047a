// SPDX-License-Identifier: Apache-2.0
// What is written for others: that it is what they read, whatever names are in it, and the same
// bytes each time. With HEW_TEST_DOCUMENTS it puts all forms into that folder instead, for those
// who have the schemas (test/e2e/report.bats).
#include "report_fixture.h"

#include "packages/sbom.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static const char *const form_names[FORMS] = {"trivy.json", "sarif.json", "cyclonedx-15.json",
        "cyclonedx-16.json", "spdx.json", "gitlab.json", "codequality.json", "junit.xml",
        "summary.md", "grype.json"};

static bool is_json(enum form form)
{
	return form != FORM_MARKDOWN && form != FORM_JUNIT;
}

static struct jdoc *parsed(const struct buf *text)
{
	struct err e = ERR_INIT;
	struct jdoc *doc = jdoc_parse(text->p, text->n, &e);
	if (!doc)
		fail_msg("%s\n%s", e.msg, text->p);
	return doc;
}

static struct jdoc *document(const struct fixture *f, enum form form)
{
	auto_buf struct buf out = {0};
	write_form(form, &f->report, &out);
	return parsed(&out);
}

// A way into a document: members by name, elements by number.
static const struct jn *at(const struct jn *n, const char *way)
{
	auto_strv struct strv parts = {0};
	strv_split(&parts, way, '/');
	for (size_t i = 0; i < parts.n; i++) {
		uint64_t k;
		n = str_to_u64(parts.v[i], &k) ? jn_at(n, k) : jn_get(n, parts.v[i]);
	}
	return n;
}

static void is(const struct jdoc *doc, const char *way, const char *want)
{
	const char *got = jn_str(at(jdoc_root(doc), way));
	if (!got || strcmp(got, want) != 0)
		fail_msg("%s is '%s', not '%s'", way, got ? got : "(nothing)", want);
}

static void dumps(const struct jdoc *doc, const char *way, const char *want)
{
	auto_buf struct buf got = {0};
	const struct jn *n = at(jdoc_root(doc), way);
	if (n)
		jn_dump(n, &got);
	assert_string_equal(buf_cstr(&got), want);
}

static void has_no_control(const char *name, const struct buf *text)
{
	for (size_t i = 0, len; i < text->n; i += len) {
		unsigned char c = (unsigned char)text->p[i];
		len = str_utf8_len(text->p + i, text->n - i);
		if (!len || (c < ' ' && c != '\n') || c == 0x7f ||
		        (c == 0xc2 && (unsigned char)text->p[i + 1] < 0xa0))
			fail_msg("%s: byte %02x at %zu", name, c, i);
	}
}

static void same_bytes_each_time(void **state)
{
	struct fixture f, g;
	fixture_fill(&f);
	fixture_fill(&g);
	for (enum form form = 0; form < FORMS; form++) {
		auto_buf struct buf one = {0}, two = {0};
		buf_puts(&two, "what was there");
		write_form(form, &f.report, &one);
		write_form(form, &g.report, &two);
		assert_string_equal(one.p, two.p + strlen("what was there"));
		assert_true(one.n && one.p[one.n - 1] == '\n');
	}
}

static void hostile_texts_stay_texts(void **state)
{
	struct fixture f;
	fixture_fill(&f);
	fixture_spoil(&f);
	for (enum form form = 0; form < FORMS; form++) {
		auto_buf struct buf out = {0};
		write_form(form, &f.report, &out);
		has_no_control(form_names[form], &out);
		auto_jdoc struct jdoc *doc = is_json(form) ? parsed(&out) : NULL;
		assert_true(!is_json(form) || doc);
		if (form == FORM_MARKDOWN) {
			assert_null(strstr(out.p, "<b>"));
			assert_null(strstr(out.p, "[l](http"));
			assert_null(strstr(out.p, "31m|"));
		}
	}
	strv_release(&f.scan.warnings);
}

static void nothing_found(void **state)
{
	struct fixture f;
	struct package_list none = {0};
	fixture_fill(&f);
	f.report.packages = &none;
	f.scan.n = 0;
	for (int pass = 0; pass < 2; pass++) {
		for (enum form form = 0; form < FORMS; form++) {
			auto_buf struct buf out = {0};
			write_form(form, &f.report, &out);
			auto_jdoc struct jdoc *doc = is_json(form) ? parsed(&out) : NULL;
			assert_true(!is_json(form) || doc);
			assert_true(out.n > (form == FORM_CODEQUALITY ? 2 : 10));
		}
		f.report.scan = NULL;
	}
}

// ---- Trivy

static void trivy_results(void **state)
{
	static const struct {
		const char *target, *class, *type;
		size_t packages, flaws;
	} want[] = {
	        {"registry.example.com:5000/team/app:1.0 (debian 12)", "os-pkgs", "debian", 2, 1},
	        {"Java", "lang-pkgs", "jar", 1, 0},
	        {"Node.js", "lang-pkgs", "node-pkg", 2, 2},
	        {"Python", "lang-pkgs", "python-pkg", 1, 0},
	        {"usr/bin/x", "lang-pkgs", "gobinary", 1, 1},
	        {"app/package-lock.json", "lang-pkgs", "npm", 1, 0},
	};
	struct fixture f;
	fixture_fill(&f);
	auto_jdoc struct jdoc *doc = document(&f, FORM_TRIVY);
	const struct jn *results = jn_get(jdoc_root(doc), "Results");
	assert_int_equal(jn_len(results), ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		const struct jn *r = jn_at(results, i);
		assert_string_equal(jn_get_str(r, "Target"), want[i].target);
		assert_string_equal(jn_get_str(r, "Class"), want[i].class);
		assert_string_equal(jn_get_str(r, "Type"), want[i].type);
		assert_int_equal(jn_len(jn_get(r, "Packages")), want[i].packages);
		assert_int_equal(jn_len(jn_get(r, "Vulnerabilities")), want[i].flaws);
		assert_int_equal(jn_get(r, "Vulnerabilities") != NULL, want[i].flaws > 0);
	}
}

static void trivy_fields(void **state)
{
	struct fixture f;
	fixture_fill(&f);
	auto_jdoc struct jdoc *doc = document(&f, FORM_TRIVY);
	dumps(doc, "SchemaVersion", "2");
	is(doc, "ArtifactType", "container_image");
	dumps(doc, "Metadata/OS", "{\"Family\":\"debian\",\"Name\":\"12\",\"EOSL\":true}");
	is(doc, "Metadata/ImageConfig/architecture", "amd64");
	is(doc, "Results/0/Packages/0/ID", "libssl3@1:3.0.9-1+b1");
	is(doc, "Results/0/Packages/0/Version", "3.0.9");
	is(doc, "Results/0/Packages/0/Release", "1+b1");
	dumps(doc, "Results/0/Packages/0/Epoch", "1");
	is(doc, "Results/0/Packages/0/SrcName", "openssl");
	is(doc, "Results/0/Packages/0/SrcRelease", "1");
	is(doc, "Results/2/Packages/1/FilePath", "b/node_modules/@scope/name/package.json");
	const char *first = "Results/0/Vulnerabilities/0";
	const struct jn *v = at(jdoc_root(doc), first);
	assert_string_equal(jn_get_str(v, "VulnerabilityID"), "CVE-2024-0001");
	assert_string_equal(jn_get_str(v, "FixedVersion"), "1:3.0.11-1");
	assert_string_equal(jn_get_str(v, "Status"), "fixed");
	assert_string_equal(jn_get_str(v, "Severity"), "CRITICAL");
	assert_string_equal(jn_get_str(v, "PublishedDate"), "2024-01-02T00:00:00Z");
	dumps(doc, "Results/0/Vulnerabilities/0/VendorIDs",
	        "[\"GHSA-aaaa-bbbb-cccc\",\"DSA-1-1\"]");
	dumps(doc, "Results/0/Vulnerabilities/0/VendorSeverity", "{\"nvd\":4,\"debian\":1}");
	dumps(doc, "Results/0/Vulnerabilities/0/CVSS",
	        "{\"nvd\":{\"V3Vector\":\"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/"
	        "A:H\",\"V3Score\":"
	        "9.8,\"V2Vector\":\"AV:N/AC:L/Au:N/C:P/I:P/A:P\",\"V2Score\":7.5}}");
	is(doc, "Results/4/Vulnerabilities/0/Severity", "LOW");
	is(doc, "Results/4/Vulnerabilities/0/PrimaryURL",
	        "https://osv.dev/vulnerability/GO-2024-1");
	assert_null(strstr(jn_get_str(v, "PrimaryURL"), "osv.dev"));
}

static void trivy_hidden(void **state)
{
	static const char way[] = "Results/0/ExperimentalModifiedFindings";
	struct fixture f;
	fixture_fill(&f);
	f.report.list_packages = false;
	auto_jdoc struct jdoc *without = document(&f, FORM_TRIVY);
	f.report.show_hidden = true;
	auto_jdoc struct jdoc *with = document(&f, FORM_TRIVY);
	assert_null(at(jdoc_root(without), way));
	assert_null(at(jdoc_root(with), "Results/0/Packages"));
	assert_int_equal(jn_len(at(jdoc_root(with), way)), 1);
	assert_int_equal(jn_len(at(jdoc_root(with), "Results/0/Vulnerabilities")), 1);
	is(with, "Results/0/ExperimentalModifiedFindings/0/Statement",
	        "kernel headers: no kernel runs here");
	is(with, "Results/0/ExperimentalModifiedFindings/0/Finding/PkgName", "zlib1g");
}

// ---- SARIF

static void sarif_rules_and_places(void **state)
{
	struct fixture f;
	fixture_fill(&f);
	auto_jdoc struct jdoc *doc = document(&f, FORM_SARIF);
	const struct jn *run = at(jdoc_root(doc), "runs/0");
	assert_int_equal(jn_len(at(run, "tool/driver/rules")), 3);
	assert_int_equal(jn_len(jn_get(run, "results")), 4);
	is(doc, "runs/0/tool/driver/rules/0/properties/security-severity", "9.8");
	is(doc, "runs/0/tool/driver/rules/1/properties/security-severity", "8.0");
	is(doc, "runs/0/tool/driver/rules/0/shortDescription/text", "CVE-2024-0001: a hole");
	is(doc, "runs/0/tool/driver/rules/2/shortDescription/text", "GO-2024-1 in example.com/x");
	is(doc, "runs/0/results/0/level", "error");
	is(doc, "runs/0/results/3/level", "note");
	dumps(doc, "runs/0/results/2/ruleIndex", "1");
	is(doc, "runs/0/results/2/ruleId", "GHSA-dddd-eeee-ffff");
	dumps(doc, "runs/0/results/0/locations/0/physicalLocation",
	        "{\"artifactLocation\":{\"uri\":\"registry.example.com%3A5000/team/app\"},"
	        "\"region\":{\"startLine\":1}}");
	dumps(doc, "runs/0/results/1/locations/0/physicalLocation",
	        "{\"artifactLocation\":{\"uri\":\"build/"
	        "Dockerfile\"},\"region\":{\"startLine\":7}}");
	is(doc, "runs/0/results/1/message/text",
	        "@scope/name 1.0.0 has GHSA-dddd-eeee-ffff (HIGH), fixed in 1.0.1.\n"
	        "File: app/node_modules/@scope/name/package.json\nBrought by: RUN npm ci");
}

// Neither an archive nor an id is a registry's name.
static void names_and_places(void **state)
{
	static const struct {
		const char *name, *reference, *purl, *place;
	} rows[] = {
	        {"app:1.0", "app:1.0", "pkg:oci/app@", "app"},
	        {"store:app", "app", "pkg:oci/app@", "app"},
	        {"docker-archive:d10.tar", NULL, NULL, "d10.tar"},
	        {"oci:a/layout:x", NULL, NULL, "a/layout"},
	        {"./out/d10.tar", NULL, NULL, "out/d10.tar"},
	        {"sha256:6cb5a0", NULL, NULL, "image"},
	        {"6cb5a0c0ffee", NULL, NULL, "image"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;
		fixture_fill(&f);
		f.report.name = rows[i].name;
		f.report.reference = rows[i].reference;
		auto_jdoc struct jdoc *bom = document(&f, FORM_CYCLONEDX_16);
		const char *purl = jn_str(at(jdoc_root(bom), "metadata/component/purl"));
		assert_true(rows[i].purl ? purl && str_has_prefix(purl, rows[i].purl) : !purl);
		auto_jdoc struct jdoc *sarif = document(&f, FORM_SARIF);
		is(sarif, "runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri",
		        rows[i].place);
	}
}

static void grype_words(void **state)
{
	static const struct {
		enum package_type type;
		const char *word;
	} rows[] = {{PACKAGE_DEB, "deb"}, {PACKAGE_NPM, "npm"}, {PACKAGE_PYPI, "python"},
	        {PACKAGE_GOLANG, "go-module"}, {PACKAGE_CARGO, "rust-crate"},
	        {PACKAGE_MAVEN, "java-archive"}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;
		fixture_fill(&f);
		f.packages[0].type = rows[i].type;
		auto_jdoc struct jdoc *doc = document(&f, FORM_GRYPE);
		is(doc, "matches/0/artifact/type", rows[i].word);
	}
}

// An alert stays the same one when the package is upgraded, and is another one in another file.
static void sarif_fingerprints(void **state)
{
	struct fixture f;
	fixture_fill(&f);
	auto_jdoc struct jdoc *doc = document(&f, FORM_SARIF);
	f.packages[2].version = "1.0.0-rc";
	f.layers[1].line = 9;
	auto_jdoc struct jdoc *next = document(&f, FORM_SARIF);
	const struct jn *prints[3];
	for (int i = 0; i < 3; i++) {
		const struct jn *r = jn_at(at(jdoc_root(i == 2 ? next : doc), "runs/0/results"),
		        i == 2 ? 1 : (size_t)i + 1);
		prints[i] = jn_get(jn_get(r, "partialFingerprints"), "hewFlawOfPackage/v1");
		assert_non_null(jn_str(prints[i]));
	}
	assert_string_not_equal(jn_str(prints[0]), jn_str(prints[1]));
	assert_string_equal(jn_str(prints[0]), jn_str(prints[2]));
}

static void sarif_hidden(void **state)
{
	struct fixture f;
	fixture_fill(&f);
	f.report.show_hidden = true;
	auto_jdoc struct jdoc *doc = document(&f, FORM_SARIF);
	assert_int_equal(jn_len(at(jdoc_root(doc), "runs/0/results")), 5);
	is(doc, "runs/0/results/4/suppressions/0/justification",
	        "kernel headers: no kernel runs here");
	assert_null(at(jdoc_root(doc), "runs/0/results/0/suppressions"));
}

// A file of the folder is the place.
static void sarif_folder(void **state)
{
	struct fixture f;
	fixture_fill(&f);
	f.report.kind = REPORT_FOLDER;
	f.report.n_layers = 0;
	auto_jdoc struct jdoc *doc = document(&f, FORM_SARIF);
	is(doc, "runs/0/results/1/locations/0/physicalLocation/artifactLocation/uri",
	        "app/node_modules/@scope/name/package.json");
}

// ---- CycloneDX, SPDX

static void cyclonedx_flaws(void **state)
{
	struct fixture f;
	fixture_fill(&f);
	auto_jdoc struct jdoc *plain = document(&f, FORM_CYCLONEDX_16);
	assert_int_equal(jn_len(at(jdoc_root(plain), "vulnerabilities")), 3);
	f.report.show_hidden = true;
	auto_jdoc struct jdoc *doc = document(&f, FORM_CYCLONEDX_16);
	assert_int_equal(jn_len(at(jdoc_root(doc), "vulnerabilities")), 4);
	is(doc, "vulnerabilities/0/ratings/0/severity", "critical");
	is(doc, "vulnerabilities/0/ratings/1/method", "CVSSv31");
	dumps(doc, "vulnerabilities/0/ratings/1/score", "9.8");
	assert_int_equal(jn_len(at(jdoc_root(doc), "vulnerabilities/1/affects")), 2);
	assert_null(at(jdoc_root(doc), "vulnerabilities/0/analysis"));
	is(doc, "vulnerabilities/3/id", "CVE-2024-0001");
	is(doc, "vulnerabilities/3/analysis/detail", "kernel headers: no kernel runs here");
	f.report.scan = NULL;
	auto_jdoc struct jdoc *sbom = document(&f, FORM_CYCLONEDX_15);
	assert_null(at(jdoc_root(sbom), "vulnerabilities"));
	is(sbom, "specVersion", "1.5");
}

// What VEX says of a flaw is a judgement; that a filter hides it is none.
static void cyclonedx_analysis(void **state)
{
	static const struct {
		const char *reason, *state, *trivy;
	} rows[] = {
	        {"VEX: not affected (vulnerable_code_not_present)", "not_affected", "not_affected"},
	        {"VEX: fixed", "resolved", "fixed"},
	        {"ignored by .trivyignore line 1", "in_triage", "ignored"}};
	struct fixture f;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fixture_fill(&f);
		f.report.show_hidden = true;
		f.findings[0].hidden = rows[i].reason;
		auto_jdoc struct jdoc *doc = document(&f, FORM_CYCLONEDX_16);
		is(doc, "vulnerabilities/0/analysis/state", rows[i].state);
		is(doc, "vulnerabilities/0/analysis/detail", rows[i].reason);
		auto_jdoc struct jdoc *trivy = document(&f, FORM_TRIVY);
		is(trivy, "Results/0/ExperimentalModifiedFindings/0/Status", rows[i].trivy);
	}
}

static void identities_come_from_the_content(void **state)
{
	struct fixture f;
	fixture_fill(&f);
	auto_jdoc struct jdoc *one = document(&f, FORM_CYCLONEDX_16);
	auto_jdoc struct jdoc *first = document(&f, FORM_SPDX);
	f.packages[0].version = "2";
	auto_jdoc struct jdoc *two = document(&f, FORM_CYCLONEDX_16);
	auto_jdoc struct jdoc *second = document(&f, FORM_SPDX);
	const char *a = jn_get_str(jdoc_root(one), "serialNumber");
	const char *b = jn_get_str(jdoc_root(first), "documentNamespace");
	assert_int_equal(strspn(a + 9, "0123456789abcdef-"), 36);
	assert_int_equal(strlen(a), 9 + 36);
	assert_string_not_equal(a, jn_get_str(jdoc_root(two), "serialNumber"));
	assert_string_not_equal(b, jn_get_str(jdoc_root(second), "documentNamespace"));
	is(first, "creationInfo/created", "2026-09-21T14:13:20Z");
}

static void same_text(const char *what, const char *a, const char *b)
{
	if ((!a) != (!b) || (a && strcmp(a, b) != 0))
		fail_msg("%s: '%s' came back as '%s'", what, a ? a : "(null)", b ? b : "(null)");
}

static void same_packages(const struct package_list *want, const struct package_list *got)
{
	assert_int_equal(got->n, want->n);
	for (size_t i = 0; i < want->n; i++) {
		const struct package *p = NULL, *q = got->v[i].package;
		for (size_t k = 0; k < want->n; k++) {
			if (!strcmp(want->v[k].path, got->v[i].path) &&
			        !strcmp(want->v[k].package->name, q->name))
				p = want->v[k].package;
		}
		if (!p)
			fail_msg("%s in %s", q->name, got->v[i].path);
		assert_int_equal(q->type, p->type);
		assert_int_equal(q->flags, p->flags);
		same_text("version", p->version, q->version);
		same_text("arch", p->arch, q->arch);
		same_text("source", p->source, q->source);
		same_text("source's version", p->source_version, q->source_version);
	}
	same_text("id", want->release.id, got->release.id);
	same_text("version", want->release.version, got->release.version);
}

static void there_and_back(void **state)
{
	struct fixture f;
	fixture_fill(&f);
	for (enum form form = FORM_CYCLONEDX_15; form <= FORM_SPDX; form++) {
		struct err e = ERR_INIT;
		auto_buf struct buf out = {0};
		auto_package_set struct package_set set = {0};
		auto_package_list struct package_list list = {0};
		write_form(form, &f.report, &out);
		if (packages_of_sbom(out.p, out.n, &set, &e))
			fail_msg("%s: %s", form_names[form], e.msg);
		assert_int_equal(set.warnings.n, 0);
		packages_list(&set, &list);
		same_packages(&f.list, &list);
	}
}

// ---- GitLab

static void gitlab_findings(void **state)
{
	struct fixture f;
	fixture_fill(&f);
	f.report.show_hidden = true;
	strv_add(&f.scan.warnings, "the end is near");
	auto_jdoc struct jdoc *doc = document(&f, FORM_GITLAB);
	is(doc, "version", "15.0.7");
	is(doc, "scan/type", "container_scanning");
	is(doc, "scan/start_time", "2026-09-21T14:13:20");
	is(doc, "scan/analyzer/vendor/name", "hew");
	dumps(doc, "scan/messages", "[{\"level\":\"warn\",\"value\":\"the end is near\"}]");
	assert_int_equal(jn_len(at(jdoc_root(doc), "vulnerabilities")), 4);
	is(doc, "vulnerabilities/0/name", "CVE-2024-0001: a hole");
	is(doc, "vulnerabilities/0/severity", "Critical");
	is(doc, "vulnerabilities/0/solution", "Upgrade libssl3 to 1:3.0.11-1");
	dumps(doc, "vulnerabilities/0/identifiers",
	        "[{\"type\":\"cve\",\"name\":\"CVE-2024-0001\",\"value\":\"CVE-2024-0001\","
	        "\"url\":\"https://nvd.nist.gov/vuln/detail/CVE-2024-0001\"},"
	        "{\"type\":\"ghsa\",\"name\":\"GHSA-aaaa-bbbb-cccc\","
	        "\"value\":\"GHSA-aaaa-bbbb-cccc\","
	        "\"url\":\"https://github.com/advisories/GHSA-aaaa-bbbb-cccc\"}]");
	dumps(doc, "vulnerabilities/0/location",
	        "{\"dependency\":{\"package\":{\"name\":\"libssl3\"},\"version\":\"1:3.0.9-1+b1\"},"
	        "\"operating_system\":\"debian 12\","
	        "\"image\":\"registry.example.com:5000/team/app:1.0\"}");
	is(doc, "vulnerabilities/0/details/layer/name", "From the base image");
	assert_null(at(jdoc_root(doc), "vulnerabilities/0/details/dockerfile"));
	dumps(doc, "vulnerabilities/1/details/dockerfile",
	        "{\"name\":\"Dockerfile\",\"type\":\"file-location\","
	        "\"file_name\":\"build/Dockerfile\",\"line_start\":7}");
	is(doc, "vulnerabilities/3/severity", "Low");
	is(doc, "vulnerabilities/3/identifiers/0/type", "go");
	assert_null(at(jdoc_root(doc), "vulnerabilities/3/solution"));
	strv_release(&f.scan.warnings);
}

// What GitLab's schema bounds, whatever the texts are.
static void gitlab_bounds(void **state)
{
	static char text[20000];
	struct fixture f;
	fixture_fill(&f);
	memset(text, '<', sizeof(text) - 1);
	f.packages[0].name = f.findings[0].fixed = f.flaws[0].title = text;
	f.names[0][1] = "-";
	f.list.release = (struct release){0};
	auto_jdoc struct jdoc *doc = document(&f, FORM_GITLAB);
	const struct jn *v = at(jdoc_root(doc), "vulnerabilities/0");
	assert_in_range(strlen(jn_get_str(v, "name")), 1, 255);
	assert_in_range(strlen(jn_get_str(v, "solution")), 1, 7000);
	assert_in_range(strlen(jn_get_str(v, "description")), 1, 1048576);
	is(doc, "vulnerabilities/0/identifiers/1/type", "other");
	is(doc, "vulnerabilities/0/location/operating_system", "Unknown");
}

// Two versions in one lock file are two findings.
static void gitlab_identities_differ(void **state)
{
	static const struct {
		enum form form;
		const char *one, *two;
	} rows[] = {{FORM_GITLAB, "vulnerabilities/1/id", "vulnerabilities/2/id"},
	        {FORM_CODEQUALITY, "1/fingerprint", "2/fingerprint"}};
	struct fixture f;
	fixture_fill(&f);
	f.found[3].path = f.found[2].path;
	f.packages[3].version = f.findings[2].version = "1.0.0-2";
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_jdoc struct jdoc *doc = document(&f, rows[i].form);
		assert_string_not_equal(jn_str(at(jdoc_root(doc), rows[i].one)),
		        jn_str(at(jdoc_root(doc), rows[i].two)));
	}
}

static void codequality_issues(void **state)
{
	struct fixture f;
	fixture_fill(&f);
	f.report.show_hidden = true;
	auto_jdoc struct jdoc *doc = document(&f, FORM_CODEQUALITY);
	assert_int_equal(jn_len(jdoc_root(doc)), 3);
	is(doc, "0/description",
	        "libssl3 (openssl) 1:3.0.9-1 has CVE-2024-0001 (CRITICAL), fixed in 1:3.0.11-1: "
	        "a hole");
	is(doc, "0/check_name", "CVE-2024-0001");
	is(doc, "0/severity", "critical");
	dumps(doc, "0/location",
	        "{\"path\":\"registry.example.com:5000/team/app\",\"lines\":{\"begin\":1}}");
	is(doc, "1/description",
	        "@scope/name (2) 1.0.0 has GHSA-dddd-eeee-ffff (HIGH), fixed in 1.0.1");
	is(doc, "1/severity", "major");
	dumps(doc, "1/location", "{\"path\":\"build/Dockerfile\",\"lines\":{\"begin\":7}}");
	is(doc, "2/severity", "info");
	f.report.kind = REPORT_FOLDER;
	f.report.n_layers = 0;
	auto_jdoc struct jdoc *folder = document(&f, FORM_CODEQUALITY);
	is(folder, "1/location/path", "app/node_modules/@scope/name/package.json");
}

// ---- JUnit

static void junit_suites(void **state)
{
	struct fixture f;
	auto_buf struct buf out = {0};
	fixture_fill(&f);
	f.report.show_hidden = true;
	report_junit(&f.report, &out);
	assert_string_equal(out.p,
	        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	        "<testsuites name=\"registry.example.com:5000/team/app:1.0\">\n"
	        "  <testsuite name=\"deb\" tests=\"2\" failures=\"1\" skipped=\"1\">\n"
	        "    <testcase classname=\"openssl-1:3.0.9-1\" "
	        "name=\"CVE-2024-0001\"><failure type=\"CRITICAL\" "
	        "message=\"libssl3 (openssl) 1:3.0.9-1 has CVE-2024-0001 (CRITICAL), fixed in "
	        "1:3.0.11-1\">a hole&#xA;libssl3 (openssl) 1:3.0.9-1 has CVE-2024-0001 "
	        "(CRITICAL), fixed in 1:3.0.11-1&#xA;File: var/lib/dpkg/status&#xA;From the base "
	        "image: ADD rootfs.tar /&#xA;https://nvd.nist.gov/vuln/detail/CVE-2024-0001"
	        "</failure></testcase>\n"
	        "    <testcase classname=\"zlib1g-1.2\" name=\"CVE-2024-0001\" "
	        "file=\"build/Dockerfile\" line=\"7\"><skipped message=\"kernel headers: no kernel "
	        "runs here\"/></testcase>\n"
	        "  </testsuite>\n"
	        "  <testsuite name=\"npm\" tests=\"1\" failures=\"1\" skipped=\"0\">\n"
	        "    <testcase classname=\"@scope/name-1.0.0\" name=\"GHSA-dddd-eeee-ffff\" "
	        "file=\"build/Dockerfile\" line=\"7\"><failure type=\"HIGH\" "
	        "message=\"@scope/name (2) 1.0.0 has GHSA-dddd-eeee-ffff (HIGH), fixed in 1.0.1\">"
	        "@scope/name (2) 1.0.0 has GHSA-dddd-eeee-ffff (HIGH), fixed in 1.0.1&#xA;"
	        "File: app/node_modules/@scope/name/package.json&#xA;Brought by: RUN npm ci&#xA;"
	        "https://github.com/advisories/GHSA-dddd-eeee-ffff</failure></testcase>\n"
	        "  </testsuite>\n"
	        "  <testsuite name=\"pypi\" tests=\"1\" failures=\"0\" skipped=\"0\">\n"
	        "    <testcase classname=\"pypi\" name=\"no findings left\"/>\n"
	        "  </testsuite>\n"
	        "  <testsuite name=\"golang\" tests=\"1\" failures=\"1\" skipped=\"0\">\n"
	        "    <testcase classname=\"example.com/x-v1.2.3\" name=\"GO-2024-1\" "
	        "file=\"build/Dockerfile\" line=\"7\"><failure type=\"LOW\" "
	        "message=\"example.com/x v1.2.3 has GO-2024-1 (LOW)\">example.com/x v1.2.3 has "
	        "GO-2024-1 (LOW)&#xA;File: usr/bin/x&#xA;Brought by: RUN npm ci&#xA;"
	        "https://osv.dev/vulnerability/GO-2024-1</failure></testcase>\n"
	        "  </testsuite>\n"
	        "  <testsuite name=\"maven\" tests=\"1\" failures=\"0\" skipped=\"0\">\n"
	        "    <testcase classname=\"maven\" name=\"no findings left\"/>\n"
	        "  </testsuite>\n"
	        "</testsuites>\n");
}

// ---- Markdown

static void markdown_table(void **state)
{
	struct fixture f;
	auto_buf struct buf out = {0};
	fixture_fill(&f);
	report_markdown(&f.report, &out);
	assert_string_equal(out.p,
	        "## registry.example.com:5000/team/app:1.0: 3 flaws, 2 can be fixed\n\n"
	        "| Critical | High | Medium | Low | Unknown |\n"
	        "| ---: | ---: | ---: | ---: | ---: |\n"
	        "| 1 | 1 | 0 | 1 | 0 |\n\n"
	        "| Package | Installed | Fixed in | Severity | Flaw | From | Where |\n"
	        "| --- | --- | --- | --- | --- | --- | --- |\n"
	        "| libssl3 (openssl) | 1:3.0.9-1 | 1:3.0.11-1 | CRITICAL | "
	        "[CVE-2024-0001](https://nvd.nist.gov/vuln/detail/CVE-2024-0001) | base | "
	        "ADD rootfs.tar / |\n"
	        "| @scope/name (2) | 1.0.0 | 1.0.1 | HIGH | "
	        "[GHSA-dddd-eeee-ffff](https://github.com/advisories/GHSA-dddd-eeee-ffff) | own | "
	        "build/Dockerfile:7 RUN npm ci |\n"
	        "| example.com/x | v1.2.3 | - | LOW | "
	        "[GO-2024-1](https://osv.dev/vulnerability/GO-2024-1) | own | "
	        "build/Dockerfile:7 RUN npm ci |\n\n"
	        "Not counted:\n\n- 1: kernel headers: no kernel runs here\n\n"
	        "8 packages, base debian:12; data of 2023-11-14; hew 0.1.0\n");
}

static void markdown_rows_are_bounded(void **state)
{
	static struct finding many[250];
	static char versions[250][8];
	struct fixture f;
	auto_buf struct buf out = {0};
	size_t rows = 0;
	fixture_fill(&f);
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		snprintf(versions[i], sizeof(versions[i]), "%zu", i);
		many[i] = f.findings[1];
		many[i].version = versions[i];
	}
	f.scan.v = many;
	f.scan.n = ARRAY_LEN(many);
	report_markdown(&f.report, &out);
	for (const char *p = out.p; (p = strstr(p, "\n| @scope")); p++)
		rows++;
	assert_int_equal(rows, 100);
	assert_non_null(strstr(out.p, "150 flaws more"));
}

// ---- schemas

static void put_file(
        const char *folder, const char *prefix, enum form form, const struct fixture *f)
{
	auto_buf struct buf out = {0};
	auto_free char *path = xasprintf("%s/%s-%s", folder, prefix, form_names[form]);
	write_form(form, &f->report, &out);
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, out.p, out.n), (ssize_t)out.n);
}

static void put_files(const char *folder)
{
	struct fixture f, g;
	fixture_fill(&f);
	fixture_fill(&g);
	fixture_spoil(&g);
	for (enum form form = 0; form < FORMS; form++) {
		put_file(folder, "plain", form, &f);
		put_file(folder, "hostile", form, &g);
	}
	strv_release(&g.scan.warnings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(same_bytes_each_time),
	        cmocka_unit_test(hostile_texts_stay_texts),
	        cmocka_unit_test(nothing_found),
	        cmocka_unit_test(trivy_results),
	        cmocka_unit_test(trivy_fields),
	        cmocka_unit_test(trivy_hidden),
	        cmocka_unit_test(sarif_rules_and_places),
	        cmocka_unit_test(names_and_places),
	        cmocka_unit_test(grype_words),
	        cmocka_unit_test(sarif_fingerprints),
	        cmocka_unit_test(sarif_hidden),
	        cmocka_unit_test(sarif_folder),
	        cmocka_unit_test(cyclonedx_flaws),
	        cmocka_unit_test(cyclonedx_analysis),
	        cmocka_unit_test(identities_come_from_the_content),
	        cmocka_unit_test(there_and_back),
	        cmocka_unit_test(gitlab_findings),
	        cmocka_unit_test(gitlab_bounds),
	        cmocka_unit_test(gitlab_identities_differ),
	        cmocka_unit_test(codequality_issues),
	        cmocka_unit_test(junit_suites),
	        cmocka_unit_test(markdown_table),
	        cmocka_unit_test(markdown_rows_are_bounded),
	};
	if (getenv("HEW_TEST_DOCUMENTS")) {
		put_files(getenv("HEW_TEST_DOCUMENTS"));
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
