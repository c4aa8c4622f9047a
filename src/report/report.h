// SPDX-License-Identifier: Apache-2.0
// What was found in an image, written for others: Trivy's and Grype's JSON, SARIF 2.1.0, CycloneDX
// 1.5 and 1.6, SPDX 2.3, Markdown, GitLab's reports, JUnit's XML. The same input is the same bytes.
#pragma once

#include "base/timefmt.h"
#include "image/digest.h"
#include "packages/packages.h"
#include "scan/scan.h"

struct buf;

struct report_layer {
	struct digest diff_id,
	        blob;           // blob: as it lies in a registry; all zero if that is not known
	const char *created_by; // the instruction; NULL: not known
	const char *dockerfile; // NULL: not known
	int line;               // of it; 0: not known
	bool base;              // the base image's
};

enum report_kind {
	REPORT_IMAGE,
	REPORT_FOLDER,
	REPORT_SBOM, // packages that a document names
};

// All of it is the caller's.
struct report {
	enum report_kind kind;
	const char *name;              // as the user calls it
	const char *reference;         // the name registries have for it; NULL: it has none
	const struct digest *id;       // of the config; NULL: no image
	const struct digest *manifest; // NULL: none yet
	const char *os, *arch;         // of the image; NULL
	const struct strv *tags, *repo_digests; // NULL: none
	const char *config;                     // the image's, JSON; NULL
	size_t config_n;
	const struct report_layer *layers;
	size_t n_layers;
	const char *base; // name of the base image; NULL: not known
	const struct package_list *packages;
	const struct scan *scan;  // NULL: nothing was looked for
	struct timestamp created; // of the report
	const char *version;      // hew's
	bool list_packages;       // Trivy's JSON: Packages, too
	bool show_hidden;         // findings that a filter hid are named, with the reason
};

void report_trivy(const struct report *r, struct buf *out);
void report_grype(
        const struct report *r, struct buf *out); // Grype's JSON, as its pipelines read it
void report_sarif(const struct report *r, struct buf *out);
void report_cyclonedx(const struct report *r, int version, struct buf *out); // 15, 16
void report_spdx(const struct report *r, struct buf *out);
void report_markdown(const struct report *r, struct buf *out);
// What a filter hid is never told in these two.
void report_gitlab(const struct report *r, struct buf *out); // its container scanning report
void report_gitlab_codequality(const struct report *r, struct buf *out);
void report_junit(const struct report *r, struct buf *out);

// A text in a line of Markdown, appended: it is shown as it is and makes nothing of its own,
// neither link nor cell nor line.
void report_markdown_text(struct buf *out, const char *s);
