// SPDX-License-Identifier: Apache-2.0
// What the schemes share. A version has no byte but printable ASCII when it gets here, and is not
// empty; numbers may have any number of digits, so they are compared as text.
#pragma once

#include "base/buf.h"
#include "version/version.h"
#include <string.h>

// flaw: why the text is none that this scheme can order, or NULL. compare: of two without a flaw.
#define VERSION_SCHEME(name)                    \
	const char *name##_flaw(const char *v); \
	int name##_compare(const char *a, const char *b)
VERSION_SCHEME(dpkg);
VERSION_SCHEME(apk);
VERSION_SCHEME(rpm);
VERSION_SCHEME(semver);
VERSION_SCHEME(pep440);
int pep440_compare_legacy(const char *a, const char *b);
VERSION_SCHEME(go);
VERSION_SCHEME(maven);
VERSION_SCHEME(gem);

// ctype.h follows the locale.
static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static inline int order_of(long a, long b)
{
	return (a > b) - (a < b);
}

// The digits, or the letters, at the beginning of *s, which is moved behind them.
struct str take_digits(const char **s);
struct str take_letters(const char **s);
bool all_digits(struct str s);                   // and not empty
int compare_numbers(struct str a, struct str b); // decimal; no digits are 0
int compare_text(struct str a, struct str b);    // by bytes, a prefix first
int compare_words(struct str a, struct str b);   // the same in any case
// If *s begins with word, in any case, moves it behind and says true.
bool take_keyword(const char **s, const char *word);
