// SPDX-License-Identifier: Apache-2.0
// String views, strict numbers and the nearest word for "did you mean".
#include "base/buf.h"

#include "base/mem.h"
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

struct str str_of(const char *s)
{
	return (struct str){s, strlen(s)};
}

bool str_eq(struct str a, const char *b)
{
	return strlen(b) == a.n && (!a.n || !memcmp(a.p, b, a.n));
}

bool str_has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool str_has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n >= m && !memcmp(s + n - m, suffix, m);
}

bool str_ieq(const char *a, const char *b)
{
	return !strcasecmp(a, b);
}

size_t str_utf8_len(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned char lo = 0x80, hi = 0xbf; // of the second byte: no overlong forms, no surrogates
	if (!n)
		return 0;
	if (p[0] < 0x80)
		return 1;
	size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n < len)
		return 0;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

size_t str_character(const char *text, size_t n, bool *ret_control)
{
	unsigned char c = (unsigned char)text[0];
	size_t len = str_utf8_len(text, n);
	if (len == 2)
		*ret_control = c == 0xc2 && (unsigned char)text[1] < 0xa0;
	else
		*ret_control = c < 0x20 || c == 0x7f || (!len && c < 0xa0);
	return len ? len : 1;
}

static bool to_number(const char *s, uint64_t base, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || (uint64_t)(*s - '0') >= base)
			return false;
		uint64_t digit = (uint64_t)(*s - '0');
		if (v > (max - digit) / base)
			return false;
		v = v * base + digit;
	}
	*ret = v;
	return true;
}

bool str_to_u64(const char *s, uint64_t *ret)
{
	return to_number(s, 10, UINT64_MAX, ret);
}

bool str_to_i64(const char *s, int64_t *ret)
{
	bool negative = *s == '-';
	uint64_t v;
	if (!to_number(s + negative, 10, negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX, &v))
		return false;
	*ret = negative ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

bool str_to_octal(const char *s, uint32_t *ret)
{
	uint64_t v;
	if (!to_number(s, 8, UINT32_MAX, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

#define WORD_MAX 64 // longer words are no misspellings of ours

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;
	return m < c ? m : c;
}

// Optimal string alignment distance: insert, delete, replace, swap of neighbours.
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	size_t d[3][WORD_MAX + 1];
	if (n > WORD_MAX || m > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *row = d[i % 3], *last = d[(i + 2) % 3], *before = d[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			int x = tolower((unsigned char)a[i - 1]),
			    y = tolower((unsigned char)b[j - 1]);
			row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y));
			bool swap = i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
			            y == tolower((unsigned char)a[i - 2]);
			if (swap && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
	}
	return d[n % 3][m];
}

const char *str_nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t best = SIZE_MAX, length = strlen(word);
	size_t limit = length <= 4 ? 1 : length <= 8 ? 2 : 3;
	const char *found = NULL;
	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, candidates[i]);
		if (!strcmp(word, candidates[i])) // it is spelled right; only "Builder" for
		                                  // "builder" is not
			return NULL;
		if (d < best && d <= limit) {
			best = d;
			found = candidates[i];
		}
	}
	return found;
}
