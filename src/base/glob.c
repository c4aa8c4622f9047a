// SPDX-License-Identifier: Apache-2.0
// Patterns as Go's path/filepath.Match, with `**` on request.
#include "base/glob.h"

#include "base/glob-int.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

size_t glob_rune(const char *s, uint32_t *ret)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 1;
	uint32_t v = n == 4 ? p[0] & 7u : n == 3 ? p[0] & 15u : n == 2 ? p[0] & 31u : p[0];
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			*ret = p[0];
			return 1;
		}
		v = v << 6 | (p[i] & 63u);
	}
	*ret = v;
	return n;
}

static struct glob_token *add(struct glob_program *p, enum glob_kind kind)
{
	struct glob_token *t = &p->v[p->n++];
	*t = (struct glob_token){.kind = kind};
	return t;
}

// One rune of a class, with its escape. 0 on a bad class.
static size_t class_rune(const char *s, const char *end, uint32_t *ret)
{
	size_t skip = 0;
	if (s >= end || *s == '-' || *s == ']')
		return 0;
	if (*s == '\\') {
		skip = 1;
		if (s + 1 >= end)
			return 0;
	}
	return skip + glob_rune(s + skip, ret);
}

// Checks a class and returns the length up to and with ']', 0 if bad.
static size_t class_length(const char *s)
{
	const char *end = s + strlen(s), *p = s;
	uint32_t r;
	bool any = false;
	if (*p == '^')
		p++;
	while (!(*p == ']' && any)) {
		size_t n = class_rune(p, end, &r);
		if (!n)
			return 0;
		p += n;
		if (*p == '-') {
			n = class_rune(p + 1, end, &r);
			if (!n)
				return 0;
			p += 1 + n;
		}
		any = true;
	}
	return (size_t)(p - s) + 1;
}

static const char *compile_star(struct glob_program *p, const char *s, bool deep)
{
	if (!deep || s[1] != '*') {
		add(p, GLOB_STAR);
		return s + 1;
	}
	s += 2;
	if (*s == '/')
		s++;
	if (!*s) {
		add(p, GLOB_ALL);
		return s;
	}
	add(p, GLOB_OPTION);
	add(p, GLOB_DIRS);
	return s;
}

int glob_compile(const char *pattern, bool deep, struct glob_program *ret)
{
	size_t len = strlen(pattern);
	if (len > GLOB_TOKENS_MAX)
		return -1;
	struct glob_program p = {.v = xcalloc(2 * len + 1, sizeof(struct glob_token))};
	for (const char *s = pattern; *s;) {
		size_t n = 0;
		if (*s == '*') {
			s = compile_star(&p, s, deep);
			continue;
		}
		if (*s == '?') {
			add(&p, GLOB_ANY);
			s++;
			continue;
		}
		if (*s == '[') {
			n = class_length(s + 1);
			if (!n) {
				free(p.v);
				return -1;
			}
			struct glob_token *t = add(&p, GLOB_CLASS);
			t->negated = s[1] == '^';
			t->class_text = s + 1 + t->negated;
			t->class_len = n - 1 - t->negated;
			s += 1 + n;
			continue;
		}
		if (*s == '\\' && !*++s) {
			free(p.v);
			return -1;
		}
		s += glob_rune(s, &add(&p, GLOB_RUNE)->rune);
	}
	*ret = p;
	return 0;
}

void glob_program_release(struct glob_program *p)
{
	free(p->v);
	*p = (struct glob_program){0};
}

static bool in_class(const struct glob_token *t, uint32_t rune)
{
	const char *s = t->class_text, *end = s + t->class_len;
	bool found = false;
	while (s < end) {
		uint32_t lo = 0, hi;
		s += class_rune(s, end, &lo);
		hi = lo;
		if (s < end && *s == '-')
			s += 1 + class_rune(s + 1, end, &hi);
		found = found || (lo <= rune && rune <= hi);
	}
	return found != t->negated;
}

struct states {
	uint16_t *list;
	bool *in;
	size_t n;
};

// Adds a state and all it leads to without input.
static void enter(const struct glob_program *p, struct states *s, size_t i)
{
	for (;;) {
		if (s->in[i])
			return;
		s->in[i] = true;
		s->list[s->n++] = (uint16_t)i;
		if (i == p->n)
			return;
		if (p->v[i].kind == GLOB_OPTION)
			enter(p, s, i + 2);
		else if (p->v[i].kind != GLOB_STAR && p->v[i].kind != GLOB_ALL)
			return;
		i++;
	}
}

static void step(const struct glob_program *p, size_t i, uint32_t rune, struct states *next)
{
	const struct glob_token *t = &p->v[i];
	switch (t->kind) {
	case GLOB_RUNE:
		if (rune == t->rune)
			enter(p, next, i + 1);
		break;
	case GLOB_ANY:
		if (rune != '/')
			enter(p, next, i + 1);
		break;
	case GLOB_CLASS:
		if (in_class(t, rune))
			enter(p, next, i + 1);
		break;
	case GLOB_STAR:
		if (rune != '/')
			enter(p, next, i);
		break;
	case GLOB_ALL:
		enter(p, next, i);
		break;
	case GLOB_DIRS:
		enter(p, next, i);
		if (rune == '/')
			enter(p, next, i + 1);
		break;
	case GLOB_OPTION:
		break;
	}
}

static void clear(struct states *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->in[s->list[i]] = false;
	s->n = 0;
}

bool glob_run(const struct glob_program *p, const char *name, bool parents)
{
	size_t n = p->n + 1;
	char small[4 * 64 * 2];
	size_t need = 2 * n * (sizeof(uint16_t) + sizeof(bool));
	auto_free char *large = need > sizeof(small) ? xmalloc(need) : NULL;
	uint16_t *lists = (void *)(large ? large : small);
	bool *in = (bool *)(lists + 2 * n);
	memset(in, 0, 2 * n * sizeof(bool));
	struct states now = {lists, in, 0}, next = {lists + n, in + n, 0};
	bool hit = false;
	enter(p, &now, 0);
	while (*name && now.n && !hit) {
		uint32_t rune;
		if (parents && *name == '/' && now.in[p->n]) {
			hit = true;
			break;
		}
		name += glob_rune(name, &rune);
		for (size_t i = 0; i < now.n; i++)
			if (now.list[i] < p->n)
				step(p, now.list[i], rune, &next);
		clear(&now);
		struct states swap = now;
		now = next;
		next = swap;
	}
	return hit || (!*name && now.in[p->n]);
}

static int match(const char *pattern, const char *name, bool deep)
{
	struct glob_program p;
	if (glob_compile(pattern, deep, &p))
		return -1;
	bool hit = glob_run(&p, name, false);
	glob_program_release(&p);
	return hit;
}

int glob_match(const char *pattern, const char *name)
{
	return match(pattern, name, false);
}

int glob_match_deep(const char *pattern, const char *path)
{
	return match(pattern, path, true);
}

bool glob_has_meta(const char *s)
{
	for (; *s; s++) {
		if (*s == '*' || *s == '?' || *s == '[')
			return true;
		if (*s == '\\' && s[1])
			return true;
	}
	return false;
}
