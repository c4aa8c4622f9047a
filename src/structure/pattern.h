// SPDX-License-Identifier: Apache-2.0
// Regular expressions of structure tests. container-structure-test has Go's (RE2); here they are
// PCRE2's, set so that what both know means the same: "$" is the end of the text alone, "." and
// line ends know only "\n", text is UTF-8, classes like \d are ASCII, and there are no references
// back. Some of what Go refuses (looking around, atomic groups) works here, and \s and \v take more
// characters. Go's searches take linear time; here one that takes too long is an error.
#pragma once

#include <stddef.h>

struct err;

struct pattern {
	char *text; // as written
	void *code; // compiled; any number of threads may use it at once
};
void pattern_release(struct pattern *p);
// ERR_USAGE: what is wrong with it, and where in it. *ret is the caller's to release.
int pattern_compile(const char *text, struct pattern *ret, struct err *e);
// 1: it is found somewhere in n bytes, 0: it is not, -1: the search was given up.
int pattern_find(const struct pattern *p, const char *text, size_t n, struct err *e);
