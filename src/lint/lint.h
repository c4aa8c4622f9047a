// SPDX-License-Identifier: Apache-2.0
// What makes an image fat, slow or unsafe, found in a Dockerfile: BuildKit's checks and rules of
// our own. Pure: a parsed file and its text in, findings and edits out; what only the build context
// knows is asked for through callbacks.
#pragma once

#include "base/mem.h"
#include "dockerfile/dockerfile.h"
#include <stdbool.h>

struct buf;
struct ignore;

enum lint_level { LINT_INFO, LINT_WARNING, LINT_ERROR };
const char *lint_level_name(enum lint_level l); // "warning"
// ERR_USAGE.
int lint_level_parse(const char *s, enum lint_level *ret, struct err *e);

struct lint_rule {
	const char *name;
	enum lint_level level;
	const char *summary; // one line
	const char *why;     // a paragraph
	const char *fix;     // what --fix does; NULL: nothing
	const char *url;     // NULL: none
};
// Ours, then BuildKit's. NULL beyond the last.
const struct lint_rule *lint_rule_at(size_t i);
const struct lint_rule *lint_rule_find(const char *name);

// The bytes from `at` to `end` of the file become `text`.
struct lint_edit {
	size_t at, end;
	const char *text;
};

// What a finding costs, if a build of that instruction is on record: COST_PATHS the bytes of its
// layer at `paths`, COST_LAYER all of them, COST_TIME how long it took.
enum lint_cost { COST_NONE, COST_PATHS, COST_LAYER, COST_TIME };

struct lint_finding {
	const struct lint_rule *rule;
	const char *detail;
	struct pos pos;
	enum lint_cost cost;
	int cost_line;            // of the instruction on whose record it is
	const char *const *paths; // COST_PATHS: NULL-terminated, relative
	struct lint_edit edits[2];
	size_t n_edits; // 0: not to be fixed by us
	// Filled in by whoever has the records.
	bool has_bytes, has_ns;
	uint64_t bytes;
	int64_t ns;
};

struct lint_report {
	struct arena arena;
	struct lint_finding *v; // by line
	size_t n, cap;
};
#define auto_lint_report __attribute__((cleanup(lint_report_release)))
void lint_report_release(struct lint_report *r);

struct lint_options {
	// The build context; all NULL if it is not known. Paths are relative to it.
	// A file or folder there is neither an archive nor a link to something else: ADD copies it.
	bool (*is_plain)(void *arg, const char *path);
	// The first file at or below path that holds a secret and would be copied; NULL: none. The
	// caller's until the next call. excludes: of the instruction, what is below path, or NULL.
	const char *(*secret_below)(void *arg, const char *path, const struct ignore *excludes);
	bool (*is_copied)(void *arg, const char *path); // it exists, and no ignore file hides it
	bool has_ignore_file;
	const char *base_user; // USER of the final stage's base image; NULL: not known
	void *arg;
	bool partial; // the file ends where it does not parse: only the parser's warnings
};

// text: what d was read from. d's warnings become findings too.
void lint_run(const struct dockerfile *d, const char *text, size_t n, const struct lint_options *o,
        struct lint_report *ret);
// A finding that is no rule's business: the file does not parse, or would not build.
void lint_add_failure(struct lint_report *r, const struct err *e);
// The text with all edits of the findings made; those that touch an earlier one wait for the next
// round. Returns how many findings were dealt with; 0: *ret is not written.
size_t lint_apply(const struct lint_report *r, const char *text, size_t n, struct buf *ret);
// Whether two files say the same but for what edits change: as many stages and instructions, of the
// same kinds.
bool lint_same_shape(const struct dockerfile *a, const struct dockerfile *b);
// The name of a file that holds secrets: ".env", "id_rsa", ...
bool lint_is_secret_name(const char *name);

// ---- reports of several files
struct lint_file {
	const char *path; // as it was named
	const struct lint_report *report;
};
void lint_print_text(const struct lint_file *v, size_t n, struct buf *out);
void lint_print_json(const struct lint_file *v, size_t n, struct buf *out);
void lint_print_sarif(const struct lint_file *v, size_t n, const char *version, struct buf *out);
