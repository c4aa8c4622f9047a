// SPDX-License-Identifier: Apache-2.0
// One thing that a team does not want to hear of again, as each kind of file says it.
#pragma once

#include "scan/ignore.h"
#include "scan/scan.h"

#define IGNORE_RULES_MAX 100000

// NULL, 0: whatever it is. Texts are the arena's.
struct ignore_rule {
	const char *const *ids; // any of these names of a flaw
	size_t n_ids;
	const char *const *paths; // globs
	size_t n_paths;
	const char *const *purls; // with or without version and qualifiers
	size_t n_purls;
	const char *name, *version, *type; // a glob for the name; grype's words for types
	const char *fix_state;             // "fixed", "not-fixed", "wont-fix", "unknown"
	char until[11];                    // "2026-11-26": from this day on it counts no more
	bool applies;                      // a later VEX statement: it is affected after all
	bool is_vex;
	const char *reason; // for finding.hidden
};

// A copy of it in the list; texts belong to the arena by then.
int ignore_add(struct ignores *i, const struct ignore_rule *r, const char *name, struct err *e);
int ignore_read_lines(
        struct ignores *i, const char *name, const char *text, size_t n, struct err *e);
int ignore_read_yaml(
        struct ignores *i, const char *name, const char *text, size_t n, struct err *e);
int ignore_read_vex(struct ignores *i, const char *name, const char *text, size_t n, struct err *e);

// "2026-11-26", also with a time behind it. False: it is none.
bool ignore_date(const char *text, char ret[static 11]);
// Is it the package's URL, in any spelling, or that of all its versions?
bool purl_names(const char *purl, const struct finding *f);
// Of an image, not of a package.
bool purl_is_image(const char *purl);

// Why it is ignored on that day; NULL: it is not.
const char *ignores_reason(const struct ignores *i, const struct finding *f, const char *today);
