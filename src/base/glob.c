// SPDX-License-Identifier: Apache-2.0
// Go's path/filepath.Match, bug for bug: a pattern is a row of chunks between stars, each chunk is
// tried where the last one ended and then, after a star, byte by byte up to the next '/'. The first
// place that fits is kept, so there is nothing to backtrack.
#include "base/glob.h"

#include "base/buf.h"
#include "base/glob-int.h"
#include <string.h>

size_t glob_rune(const char *s, uint32_t *ret)
{
	static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	const unsigned char *p = (const unsigned char *)s;
	size_t n = str_utf8_len(s, strnlen(s, 4));
	if (!n) {
		*ret = GLOB_INVALID + p[0];
		return 1;
	}
	*ret = p[0] & mask[n];
	for (size_t i = 1; i < n; i++)
		*ret = *ret << 6 | (p[i] & 0x3fu);
	return n;
}

// A rune of a class, escaped or not. False if none may stand here or nothing follows it.
static bool class_rune(const char **p, const char *end, uint32_t *ret)
{
	if (*p >= end || **p == '-' || **p == ']')
		return false;
	if (**p == '\\' && ++*p >= end)
		return false;
	*p += glob_rune(*p, ret);
	return *ret < GLOB_INVALID && *p < end;
}

const char *glob_class(const char *p, const char *end, uint32_t rune, bool *ret_in)
{
	bool negated = p < end && *p == '^', found = false;
	p += negated;
	for (bool any = false; !any || *p != ']'; any = true) {
		uint32_t lo, hi;
		if (!class_rune(&p, end, &lo))
			return NULL;
		hi = lo;
		if (*p == '-') {
			p++;
			if (!class_rune(&p, end, &hi))
				return NULL;
		}
		found = found || (lo <= rune && rune <= hi);
	}
	*ret_in = found != negated;
	return p + 1;
}

// One element of a chunk at *p against the text at *s; both advance. s may be NULL: then only the
// syntax counts. 1, 0 or -1 for a bad pattern.
static int match_one(const char **p, const char *end, const char **s)
{
	uint32_t rune = 0;
	size_t width = s ? glob_rune(*s, &rune) : 0;
	if (**p == '[') {
		bool in;
		*p = glob_class(*p + 1, end, rune, &in);
		if (!*p)
			return -1;
		if (s)
			*s += width;
		return s && in;
	}
	if (**p == '?') {
		++*p;
		if (s)
			*s += width;
		return s && rune != '/';
	}
	if (**p == '\\' && ++*p >= end)
		return -1;
	char c = *(*p)++;
	return s && *(*s)++ == c;
}

bool glob_valid(const char *pattern)
{
	const char *end = pattern + strlen(pattern);
	while (*pattern) {
		if (*pattern == '*')
			pattern++;
		else if (match_one(&pattern, end, NULL) < 0)
			return false;
	}
	return true;
}

// Where the chunk that starts at p ends: at a star outside of a class, or at the end.
static const char *chunk_end(const char *p)
{
	bool in_class = false;
	for (; *p && (*p != '*' || in_class); p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '[')
			in_class = true;
		else if (*p == ']')
			in_class = false;
	}
	return p;
}

static bool match_chunk(const char *p, const char *end, const char **name)
{
	const char *s = *name;
	while (p < end)
		if (!*s || match_one(&p, end, &s) != 1)
			return false;
	*name = s;
	return true;
}

// Finds the first place for a chunk; the last chunk must end with the name.
static bool place_chunk(const char *p, const char *end, bool after_star, const char **name)
{
	for (const char *at = *name;; at++) {
		const char *s = at;
		if (match_chunk(p, end, &s) && (*end || !*s)) {
			*name = s;
			return true;
		}
		if (!after_star || !*at || *at == '/')
			return false;
	}
}

int glob_match(const char *pattern, const char *name)
{
	if (!glob_valid(pattern))
		return -1;
	while (*pattern) {
		bool star = *pattern == '*';
		pattern += strspn(pattern, "*");
		if (star && !*pattern)
			return !strchr(name, '/');
		const char *end = chunk_end(pattern);
		if (!place_chunk(pattern, end, star, &name))
			return 0;
		pattern = end;
	}
	return !*name;
}

bool glob_has_wildcard(const char *s)
{
	for (; (s = strpbrk(s, "*?[\\")) && *s == '\\'; s += s[1] ? 2 : 1)
		;
	return s != NULL;
}
