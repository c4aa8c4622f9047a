// SPDX-License-Identifier: Apache-2.0
// What the writers share: what there is to say of a finding, and findings put together by flaw.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/map.h"
#include "report/report.h"
#include <string.h>

#define LAYER_NONE SIZE_MAX

bool is_distribution(const struct package *p); // deb, apk, rpm: not of a language
// The layer that brought it; NULL: there are none.
const struct report_layer *layer_of(const struct report *r, const struct found_package *p);
const char *flaw_name(const struct finding *f); // the first of its names
// Where a flaw is described, appended.
void put_flaw_url(struct buf *out, const char *name);
// As other tools spell them: what is negligible is LOW.
const char *severity_word(enum severity s);
// The rating that a number may be taken from: the first with a vector. NULL: there is none.
const struct advisory_rating *rating_of(const struct advisory_flaw *f);
const char *cvss_method(const struct cvss *c); // "CVSSv31", as CycloneDX has it
// Of an image's name, what is left without tag and digest, which change with every build.
size_t repository_length(const char *name);
// Its package URL (pkg:oci), appended; nothing if there is no manifest, or it was not found by a
// registry's name.
void put_image_url(const struct report *r, struct buf *out);
// "zlib1g 1.2 has CVE-2024-0001 (HIGH), fixed in 1.3", appended as it is.
void put_claim(struct buf *out, const char *package, const char *version, const struct finding *f);
// The file that says the package is there and the instruction that brought it, a line each.
void put_file_and_layer(struct buf *out, const struct report *r, const struct finding *f);
// Where a project's sources have it: the Dockerfile's line; else the file in a folder, or the
// image. Relative to the root of the repository, never empty, not terminated.
struct source_place {
	const char *path;
	size_t n;
	int line; // 0: it is no Dockerfile's
};
struct source_place source_place_of(const struct report *r, const struct finding *f);
// What makes it the same finding in the next build: neither line nor version.
void hash_finding(struct hasher *h, const struct finding *f);
// "1 package", "2 packages".
void put_count(struct buf *out, size_t n, const char *what);
// No more than n bytes of it, in whole characters, and an ellipsis where there was more. Caller
// frees.
char *cut_text(const char *text, size_t n);
bool is_shown(const struct report *r, const struct finding *f); // by show_hidden, too

// Findings by flaw, in the order of the first of each.
struct flaw_group {
	size_t first, last; // findings
};
struct flaw_groups {
	struct flaw_group *v;
	size_t n;
	size_t *of;   // the group of each finding; SIZE_MAX: it is not shown
	size_t *next; // the next finding of the same group; SIZE_MAX: none
};
#define auto_flaw_groups __attribute__((cleanup(flaw_groups_release)))
void flaw_groups_release(struct flaw_groups *g);
// apart: those that are hidden for another reason, or not, are another group.
void flaw_groups_of(const struct report *r, bool apart, struct flaw_groups *ret);

// ---- JSON
void kv_some(struct jw *w, const char *key, const char *value);        // left out if NULL or ""
void kv_tenths(struct jw *w, const char *key, int tenths);             // 7.8
void kv_digest(struct jw *w, const char *key, const struct digest *d); // left out if zero
// Ends a document that began at `start`: a line break, and control characters, which JSON allows
// but terminals obey, are escaped.
void end_document(struct buf *out, size_t start);

// An identity that is known only when all is written: zeros meanwhile.
#define UUID_ZEROS "00000000-0000-0000-0000-000000000000"
// Replaces the zeros at `at` by what the document's bytes say.
void settle_uuid(struct buf *out, size_t start, size_t at);
void uuid_text(struct hash h, char out[static sizeof(UUID_ZEROS)]); // of a digest
