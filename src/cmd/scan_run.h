// SPDX-License-Identifier: Apache-2.0
// One scan from request to report and exit status: for hew scan, the names of other scanners, and
// hew build --scan.
#pragma once

#include "scan/filter.h"
#include "scan/ignore.h"
#include "subject/scanned.h"

enum scan_format {
	SCAN_TABLE,
	SCAN_JSON, // Trivy's
	SCAN_SARIF,
	SCAN_CYCLONEDX,
	SCAN_CYCLONEDX_15,
	SCAN_SPDX,
	SCAN_MARKDOWN,
	SCAN_GITLAB,
	SCAN_GITLAB_CODEQUALITY,
	SCAN_JUNIT,
	SCAN_GRYPE, // its JSON; of grype's name alone
};
// By the names of hew's formats; NULL: a table. ERR_USAGE.
int scan_format_parse(const char *text, enum scan_format *ret, struct err *e);

struct scan_ask {
	struct subject_ask target;
	enum scan_format format;
	const char *severity;      // "HIGH,CRITICAL"; NULL: all
	const char *ignore_status; // "will_not_fix,..."; NULL: none
	const char *pkg_types;     // "os,library"; NULL: both
	const char *ignore_file;   // NULL: .trivyignore and .trivyignore.yaml, if they are here
	const struct strv *vex;    // files; NULL: none
	const char *output;        // a file; NULL: standard output
	const char *explain;       // a flaw: why it is one here or not, instead of a report
	const char *db, *max_age;
	bool ignore_unfixed, all, quiet, list_packages, base;
	const struct strv *instead; // of base: other images to be a base; NULL: none
	int64_t exit_code, exit_on_eol;
	const char *gate;      // how the exit status was asked for; NULL: no word about it
	enum severity fail_on; // it counts from this one on
	// Findings of files there are hidden; globs.
	const struct strv *skip_dirs, *skip_files; // NULL: none
};
// The exit status, or -1.
int scan_run(struct session *s, const struct scan_ask *a, struct err *e);

// The parts of it, for whoever has a target already.
struct scan_work {
	struct advisories *db;
	struct ignores ignores;
	struct scan scan;
};
#define auto_scan_work __attribute__((cleanup(scan_work_release)))
void scan_work_release(struct scan_work *w);
// Checks what is asked, opens the database, with a message that says how one is had, and reads the
// ignore files.
int scan_begin(const struct scan_ask *a, struct scan_work *ret, struct err *e);
// Looks, filters, warns.
int scan_look(
        const struct scan_ask *a, const struct scanned *t, struct scan_work *w, struct err *e);
// The same of some packages, without a word.
int scan_silently(const struct scan_ask *a, const struct scan_work *w,
        const struct package_list *packages, struct scan *ret, struct err *e);
// How many findings are left of a severity or a higher one.
size_t scan_count(const struct scan *s, enum severity least);
// Opens the database alone. path: NULL: the default one.
int scan_open_db(const char *path, struct advisories **ret, struct err *e);
// Standard output, or a file that is there wholly or not at all.
int scan_write(const char *path, const struct buf *out, struct err *e);

// ---- scan_table.c
struct scan_table {
	bool colour;
	bool all; // what is hidden, too
};
// For people: a row a source package and flaw, and what they come to.
void scan_table(const struct report *r, const struct scan_table *how, struct buf *out);
const char *finding_name(const struct finding *f); // of the flaw

// ---- scan_flaws.c: flaws as a set: what a source package has of them, each once
struct flaw {
	const struct finding *finding; // of the first package that has it
	size_t n;                      // packages
};
struct flaw_set {
	struct flaw *v; // by source package, then name
	size_t n;
};
#define auto_flaws __attribute__((cleanup(flaw_set_release)))
void flaw_set_release(struct flaw_set *s);
// Those that are not hidden, of packages of layers from..to-1.
void flaw_set_make(struct flaw_set *ret, const struct scan *s, size_t from, size_t to);
bool flaw_set_has(const struct flaw_set *s, const struct flaw *f);
size_t flaw_set_lacks(const struct flaw_set *s, const struct flaw_set *of); // how many of `of`

// ---- scan_base.c: what the base image alone costs, and what another tag of it would
int scan_base(struct session *s, const struct scan_ask *a, const struct scanned *t,
        struct scan_work *w, struct buf *out, struct err *e);
