// SPDX-License-Identifier: Apache-2.0
// Reports made by hand: an image of two layers and four packages, five findings; with texts of
// those who mean no good.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "report/report.h"
#include <string.h>

#define EVIL "x\"\\\n\r\t\033[31m|<b>`a`[l](http://e)\x7f\xc2\x9b{0}&\xff\xfe$'"

struct fixture {
	struct package packages[8];
	struct found_package found[8];
	struct package_list list;
	struct report_layer layers[2];
	struct advisory_flaw flaws[3];
	struct advisory_rating ratings[4];
	const char *names[3][2];
	struct finding findings[8];
	struct scan scan;
	struct digest id, manifest;
	struct report report;
};

static inline void add_package(struct fixture *f, struct package p, const char *path, size_t layer)
{
	size_t n = f->list.n++;
	f->packages[n] = p;
	f->found[n] = (struct found_package){&f->packages[n], path, layer};
}

static inline void fill_packages(struct fixture *f)
{
	f->list = (struct package_list){.v = f->found,
	        .release = {"debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)"}};
	add_package(f,
	        (struct package){
	                PACKAGE_DEB, 0, "libssl3", "1:3.0.9-1+b1", "amd64", "openssl", "1:3.0.9-1"},
	        "var/lib/dpkg/status", 0);
	add_package(f, (struct package){PACKAGE_DEB, PACKAGE_HEADERS, "zlib1g", "1.2", "amd64"},
	        "var/lib/dpkg/status", 1);
	add_package(f, (struct package){PACKAGE_NPM, 0, "@scope/name", "1.0.0"},
	        "app/node_modules/@scope/name/package.json", 1);
	add_package(f, (struct package){PACKAGE_NPM, 0, "@scope/name", "1.0.0"},
	        "b/node_modules/@scope/name/package.json", 1);
	add_package(f, (struct package){PACKAGE_NPM, PACKAGE_LOCKED, "left", "2"},
	        "app/package-lock.json", 1);
	add_package(f, (struct package){PACKAGE_PYPI, PACKAGE_OWNED, "Foo.Bar", "1.0"},
	        "usr/lib/python3/dist-packages/Foo.Bar-1.0.dist-info/METADATA", 1);
	add_package(f, (struct package){PACKAGE_GOLANG, PACKAGE_MAIN, "example.com/x", "v1.2.3"},
	        "usr/bin/x", 1);
	add_package(f, (struct package){PACKAGE_MAVEN, 0, "org.a:b", "3"}, "app/b.jar", 1);
}

static inline void fill_flaws(struct fixture *f)
{
	f->ratings[0] =
	        (struct advisory_rating){"nvd", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
	                {31, 98, SEVERITY_CRITICAL}, SEVERITY_CRITICAL};
	f->ratings[1] = (struct advisory_rating){
	        "nvd", "AV:N/AC:L/Au:N/C:P/I:P/A:P", {20, 75, SEVERITY_HIGH}, SEVERITY_HIGH};
	f->ratings[2] = (struct advisory_rating){"debian", NULL, {0}, SEVERITY_LOW};
	f->names[0][0] = "CVE-2024-0001";
	f->names[0][1] = "GHSA-aaaa-bbbb-cccc";
	f->names[1][0] = "GHSA-dddd-eeee-ffff";
	f->names[2][0] = "GO-2024-1";
	f->flaws[0] = (struct advisory_flaw){.names = f->names[0],
	        .n_names = 2,
	        .title = "a hole",
	        .published = "2024-01-02",
	        .modified = "2024-02-03",
	        .ratings = f->ratings,
	        .n_ratings = 3};
	f->flaws[1] = (struct advisory_flaw){.names = f->names[1], .n_names = 1};
	f->flaws[2] = (struct advisory_flaw){.names = f->names[2], .n_names = 1};
}

static inline void add_finding(struct fixture *f, size_t package, size_t flaw, enum severity s,
        const char *fixed, const char *hidden)
{
	const struct package *p = &f->packages[package];
	f->findings[f->scan.n++] = (struct finding){.package = &f->found[package],
	        .flaw = &f->flaws[flaw],
	        .severity = s,
	        .severity_source = "debian",
	        .status = fixed ? ADVISORY_FIXED : ADVISORY_AFFECTED,
	        .fixed = fixed,
	        .record = "DSA-1-1",
	        .ecosystem = "Debian",
	        .release = "12",
	        .name = p->source ? p->source : p->name,
	        .version = p->source_version ? p->source_version : p->version,
	        .hidden = hidden};
}

static inline void fill_findings(struct fixture *f)
{
	f->scan.v = f->findings;
	f->scan.has_release = true;
	f->scan.data_time = 1700000000;
	memcpy(f->scan.release.end_of_life, "2026-06-10", sizeof("2026-06-10"));
	f->scan.is_over = true;
	add_finding(f, 0, 0, SEVERITY_CRITICAL, "1:3.0.11-1", NULL);
	add_finding(f, 2, 1, SEVERITY_HIGH, "1.0.1", NULL);
	add_finding(f, 3, 1, SEVERITY_HIGH, "1.0.1", NULL);
	add_finding(f, 6, 2, SEVERITY_NEGLIGIBLE, NULL, NULL);
	add_finding(f, 1, 0, SEVERITY_LOW, NULL, "kernel headers: no kernel runs here");
}

static inline void fixture_fill(struct fixture *f)
{
	static const char config[] = "{\"architecture\":\"amd64\",\"os\":\"linux\"}";
	*f = (struct fixture){0};
	fill_packages(f);
	fill_flaws(f);
	fill_findings(f);
	f->id = digest_of("id", 2);
	f->manifest = digest_of("manifest", 8);
	f->layers[0] = (struct report_layer){.diff_id = digest_of("0", 1),
	        .blob = digest_of("b", 1),
	        .created_by = "ADD rootfs.tar /",
	        .base = true};
	f->layers[1] = (struct report_layer){.diff_id = digest_of("1", 1),
	        .created_by = "RUN npm ci",
	        .dockerfile = "build/Dockerfile",
	        .line = 7};
	f->report = (struct report){.kind = REPORT_IMAGE,
	        .name = "registry.example.com:5000/team/app:1.0",
	        .reference = "registry.example.com:5000/team/app:1.0",
	        .id = &f->id,
	        .manifest = &f->manifest,
	        .os = "linux",
	        .arch = "amd64",
	        .config = config,
	        .config_n = strlen(config),
	        .layers = f->layers,
	        .n_layers = 2,
	        .base = "debian:12",
	        .packages = &f->list,
	        .scan = &f->scan,
	        .created = {1790000000, 5000000},
	        .version = "0.1.0",
	        .list_packages = true};
}

// Every text that others write.
static inline void fixture_spoil(struct fixture *f)
{
	for (size_t i = 0; i < f->list.n; i++) {
		f->packages[i].name = f->packages[i].version = EVIL;
		f->packages[i].arch = f->packages[i].source = f->packages[i].source_version = EVIL;
		f->found[i].path = &EVIL[i]; // no two are the same package
	}
	for (size_t i = 0; i < ARRAY_LEN(f->flaws); i++)
		f->names[i][0] = f->flaws[i].title = EVIL;
	for (size_t i = 0; i < f->scan.n; i++) {
		struct finding *v = &f->findings[i];
		v->severity_source = v->fixed = v->record = v->note = v->ecosystem = EVIL;
		v->hidden = v->hidden ? EVIL : NULL;
	}
	f->ratings[0].source = EVIL;
	f->list.release = (struct release){EVIL, EVIL, EVIL, EVIL};
	f->layers[0].created_by = f->layers[1].created_by = f->layers[1].dockerfile = EVIL;
	f->report.name = f->report.reference = f->report.base = f->report.os = f->report.arch =
	        EVIL;
	f->report.show_hidden = true;
	strv_add(&f->scan.warnings, EVIL);
}

enum form {
	FORM_TRIVY,
	FORM_SARIF,
	FORM_CYCLONEDX_15,
	FORM_CYCLONEDX_16,
	FORM_SPDX,
	FORM_GITLAB,
	FORM_CODEQUALITY,
	FORM_JUNIT,
	FORM_MARKDOWN,
	FORM_GRYPE,
	FORMS
};
static inline void write_form(enum form form, const struct report *r, struct buf *out)
{
	switch (form) {
	case FORM_TRIVY:
		report_trivy(r, out);
		return;
	case FORM_SARIF:
		report_sarif(r, out);
		return;
	case FORM_CYCLONEDX_15:
		report_cyclonedx(r, 15, out);
		return;
	case FORM_CYCLONEDX_16:
		report_cyclonedx(r, 16, out);
		return;
	case FORM_SPDX:
		report_spdx(r, out);
		return;
	case FORM_GITLAB:
		report_gitlab(r, out);
		return;
	case FORM_CODEQUALITY:
		report_gitlab_codequality(r, out);
		return;
	case FORM_JUNIT:
		report_junit(r, out);
		return;
	case FORM_GRYPE:
		report_grype(r, out);
		return;
	case FORM_MARKDOWN:
	case FORMS:
		report_markdown(r, out);
		return;
	}
}
