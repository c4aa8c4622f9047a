// SPDX-License-Identifier: Apache-2.0
// Go's path/filepath.Match, bug for bug: a pattern is a row of chunks between stars, each chunk is
// tried where the last one ended and then, after a star, byte by byte up to the next '/'. The first
// place that fits is kept, so there is nothing to backtrack.
#include "base/glob.h"

#include "base/buf.h"
#include "base/glob-int.h"
#include "base/mem.h"
#include <ctype.h>
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

// ---- escapes of expressions

static bool is_between(uint32_t rune, char first, char last)
{
	return rune >= (uint32_t)first && rune <= (uint32_t)last;
}

bool glob_is_word(uint32_t rune)
{
	return is_between(rune, 'a', 'z') || is_between(rune, 'A', 'Z') ||
	       is_between(rune, '0', '9') || rune == '_';
}

uint32_t glob_escaped(uint32_t rune)
{
	static const char letters[] = "afnrtv", runes[] = "\a\f\n\r\t\v";
	for (size_t i = 0; letters[i]; i++)
		if (rune == (uint32_t)letters[i])
			return (uint32_t)runes[i];
	return rune < 0x80 && (rune == '_' || !glob_is_word(rune)) ? rune : 0;
}

int glob_escaped_set(uint32_t letter, uint32_t rune)
{
	bool blank = rune == ' ' || (is_between(rune, '\t', '\r') && rune != '\v');
	switch (letter) {
	case 'd':
	case 'D':
		return is_between(rune, '0', '9') != (letter == 'D');
	case 's':
	case 'S':
		return blank != (letter == 'S');
	case 'w':
	case 'W':
		return glob_is_word(rune) != (letter == 'W');
	default:
		return -1;
	}
}

// ---- classes

// A rune of a class, escaped or not. False if none may stand here or nothing follows it.
static bool class_rune(const char **p, const char *end, enum glob_dialect dialect, uint32_t *ret)
{
	if (*p >= end || **p == '-' || **p == ']')
		return false;
	bool escaped = **p == '\\';
	if (escaped && ++*p >= end)
		return false;
	*p += glob_rune(*p, ret);
	if (*ret >= GLOB_INVALID || *p >= end)
		return false;
	if (escaped && dialect == GLOB_EXPRESSION)
		*ret = glob_escaped(*ret);
	return *ret != 0;
}

static int is_ascii(int c)
{
	return c < 0x80;
}

static int is_word(int c)
{
	return glob_is_word((uint32_t)c);
}

static const struct {
	const char *name;
	int (*has)(int);
} named_sets[] = {{"alnum", isalnum}, {"alpha", isalpha}, {"ascii", is_ascii}, {"blank", isblank},
        {"cntrl", iscntrl}, {"digit", isdigit}, {"graph", isgraph}, {"lower", islower},
        {"print", isprint}, {"punct", ispunct}, {"space", isspace}, {"upper", isupper},
        {"word", is_word}, {"xdigit", isxdigit}};

// p: at `[:name:]` or `[:^name:]`. Its length, 0 if it is none.
static size_t named_set(const char *p, uint32_t rune, bool *ret_in)
{
	bool negated = p[2] == '^';
	const char *name = p + 2 + negated;
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz");
	if (strncmp(name + n, ":]", 2) != 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(named_sets); i++) {
		if (strlen(named_sets[i].name) != n || strncmp(name, named_sets[i].name, n) != 0)
			continue;
		*ret_in = (rune < 0x80 && named_sets[i].has((int)rune)) != negated;
		return (size_t)(name - p) + n + 2;
	}
	return 0;
}

// `\d`, `[:digit:]` and their like in the class of an expression.
static bool class_set(const char **p, uint32_t rune, bool *found)
{
	bool in = false;
	size_t n = 0;
	if (!strncmp(*p, "[:", 2)) {
		n = named_set(*p, rune, &in);
	} else if (**p == '\\' && glob_escaped_set((unsigned char)(*p)[1], 0) >= 0) {
		n = 2;
		in = glob_escaped_set((unsigned char)(*p)[1], rune);
	}
	*p += n;
	*found = *found || in;
	return n > 0;
}

const char *glob_class(
        const char *p, const char *end, uint32_t rune, enum glob_dialect dialect, bool *ret_in)
{
	bool negated = p < end && *p == '^', found = false;
	p += negated;
	for (bool any = false; !any || *p != ']'; any = true) {
		uint32_t lo, hi;
		if (dialect == GLOB_EXPRESSION && class_set(&p, rune, &found))
			continue;
		if (!class_rune(&p, end, dialect, &lo))
			return NULL;
		hi = lo;
		if (*p == '-') {
			p++;
			if (!class_rune(&p, end, dialect, &hi))
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
		*p = glob_class(*p + 1, end, rune, GLOB_GO, &in);
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
