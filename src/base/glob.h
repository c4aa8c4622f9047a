// SPDX-License-Identifier: Apache-2.0
// Patterns as Go's path/filepath.Match (`*` and `?` never match '/', `[a-z]`, `[^a]`, `\`), and
// ignore files as moby/patternmatcher: `**`, `!`, last match wins, parent match excludes children.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;
struct str;

// 1 match, 0 no match, -1 bad pattern. Time is at most length times length, whatever the input.
int glob_match(const char *pattern, const char *name);
bool glob_has_wildcard(const char *s); // any of * ? [ that no \ stands before
// One pattern of moby/patternmatcher: as glob_match, and `**` crosses slashes.
int glob_match_deep(const char *pattern, const char *path);
// Could a path below dir match that pattern? Never false if one could.
bool glob_may_lead_to(const char *pattern, const char *dir);

struct ignore; // a compiled ignore file
// text: the file as read (BOM, comments, blank lines allowed). Fails (ERR_CONTEXT, with the line)
// on a lone "!" or a bad pattern.
struct ignore *ignore_parse(const char *text, size_t n, struct err *e);
struct ignore *ignore_from_patterns(const char *const *patterns, size_t n, struct err *e);
void ignore_free(struct ignore *ig);
// path: relative and clean. Parents are taken into account as BuildKit's walk does. *ret_line (may
// be NULL) gets the line of the deciding pattern, 0 if none. Any thread may ask; asking in the
// order of a walk is fastest, because what holds for the parents is remembered.
bool ignore_excludes(const struct ignore *ig, const char *path, int *ret_line);
// True if nothing below the excluded directory `dir` can be re-included: no need to enter it.
bool ignore_prunes(const struct ignore *ig, const char *dir);
bool ignore_has_exceptions(const struct ignore *ig); // a pattern with "!"
bool ignore_hides_root(const struct ignore *ig);     // everything, by "*", "**" or "**/*"
// The pattern's text, NULL if there is none on that line.
const char *ignore_pattern_at(const struct ignore *ig, int line);
