// SPDX-License-Identifier: Apache-2.0
// The patterns of moby/patternmatcher. It turns most of them into a regular expression of Go, but
// compares `text`, `text**` and `**text` as strings; the last differs: `**x` matches "ax", `**x*`
// does not. Here the expressions are a nondeterministic automaton over the runes of a path, in all
// its states at once: time is at most length times length.
//
// What is special to a regular expression and not to a pattern shows through: `\d` is a digit,
// `\t` a tabulator, `\b` the edge of a word, and `^` outside of a class the start of the path (an
// expression only, so not in `^text`). An escaped letter or digit that means nothing is an error;
// so are the rare `\x41`, `\101`, `\pL` and `\Q..\E`, which have a meaning there.
#include "base/glob-int.h"
#include "base/glob.h"
#include "base/mem.h"
#include <string.h>

enum token_kind {
	RUNE,   // exactly this rune
	SET,    // one rune of glob_escaped_set
	EDGE,   // no rune: a place, by the letter of its escape, or '^'
	ANY,    // ?  one rune but '/'
	CLASS,  // [...]
	STAR,   // *  any number of runes but '/'
	ALL,    // ** at the end: anything
	OPTION, // **/ : skip the next token, or enter it
	DIRS,   // inside **/ : anything up to and with a '/'
};

struct glob_token {
	enum token_kind kind;
	uint32_t rune;
	const char *class_text; // after the '['
};

static struct glob_token *add(struct glob_program *p, enum token_kind kind)
{
	struct glob_token *t = &p->v[p->n++];
	*t = (struct glob_token){.kind = kind};
	return t;
}

static const char *compile_star(struct glob_program *p, const char *s)
{
	if (s[1] != '*') {
		add(p, STAR);
		return s + 1;
	}
	s += 2;
	if (*s == '/')
		s++;
	if (!*s) {
		add(p, ALL);
		return s;
	}
	if (p->n && p->v[p->n - 1].kind == DIRS) // one after another they are one
		return s;
	add(p, OPTION);
	add(p, DIRS);
	return s;
}

// The plain text at the end, without the '/' after a last `**`: it may match nothing.
static void find_tail(struct glob_program *p, const char *pattern)
{
	size_t len = strlen(pattern), start = len;
	if (strpbrk(pattern, "[]\\^"))
		return;
	while (start && !strchr("*?", pattern[start - 1]))
		start--;
	if (start >= 2 && pattern[start] == '/' && pattern[start - 1] == '*' &&
	        pattern[start - 2] == '*')
		start++;
	p->tail = pattern + start;
	p->tail_len = len - start;
}

// s: behind the backslash. NULL: bad pattern.
static const char *compile_escape(struct glob_program *p, const char *s)
{
	struct glob_token *t = add(p, RUNE);
	s += glob_rune(s, &t->rune);
	if (t->rune < 0x80 && strchr("AbBz", (int)t->rune))
		t->kind = EDGE;
	else if (glob_escaped_set(t->rune, 0) >= 0)
		t->kind = SET;
	else
		t->rune = glob_escaped(t->rune);
	return t->rune ? s : NULL;
}

static int compile_states(struct glob_program *p, const char *s)
{
	const char *end = s + strlen(s);
	find_tail(p, s);
	p->v = xcalloc(2 * strlen(s) + 1, sizeof(struct glob_token));
	while (s && *s) {
		bool in;
		if (*s == '*') {
			s = compile_star(p, s);
		} else if (*s == '?') {
			add(p, ANY);
			s++;
		} else if (*s == '[') {
			add(p, CLASS)->class_text = s + 1;
			s = glob_class(s + 1, end, 0, GLOB_EXPRESSION, &in);
		} else if (*s == '\\') {
			s = compile_escape(p, s + 1);
		} else {
			struct glob_token *t = add(p, *s == '^' ? EDGE : RUNE);
			s += glob_rune(s, &t->rune);
		}
	}
	return s ? 0 : -1;
}

int glob_compile(const char *pattern, struct glob_program *ret)
{
	static const char special[] = "*?[]\\";
	size_t len = strlen(pattern), plain = strcspn(pattern, special);
	if (len > GLOB_PATTERN_MAX || !glob_valid(pattern))
		return -1;
	struct glob_program p = {.shape = GLOB_STATES, .text = pattern, .text_len = plain};
	bool deep = plain + 2 <= len && pattern[plain] == '*' && pattern[plain + 1] == '*';
	if (plain == len) {
		p.shape = GLOB_EXACT;
	} else if (deep && plain + 2 == len) {
		p.shape = GLOB_PREFIX;
	} else if (deep && !plain && !strpbrk(pattern + 2, special) &&
	           strcmp(pattern, "**/") != 0) {
		p.shape = GLOB_SUFFIX;
		p.text = pattern + 2;
		p.text_len = len - 2;
	} else if (compile_states(&p, pattern)) {
		free(p.v);
		return -1;
	}
	*ret = p;
	return 0;
}

void glob_program_release(struct glob_program *p)
{
	free(p->v);
	*p = (struct glob_program){0};
}

// ---- the automaton

struct states {
	uint16_t *list;
	bool *in;
	size_t n;
};

// Adds a state and all it leads to without input.
static void enter(const struct glob_program *p, struct states *s, size_t i)
{
	for (; !s->in[i]; i++) {
		s->in[i] = true;
		s->list[s->n++] = (uint16_t)i;
		if (i == p->n)
			return;
		if (p->v[i].kind == OPTION)
			enter(p, s, i + 2);
		else if (p->v[i].kind != STAR && p->v[i].kind != ALL)
			return;
	}
}

static bool takes(const struct glob_token *t, const struct glob_program *p, uint32_t rune)
{
	bool in = false;
	if (t->kind == CLASS)
		glob_class(t->class_text, p->text + strlen(p->text), rune, GLOB_EXPRESSION, &in);
	if (t->kind == SET)
		in = glob_escaped_set(t->rune, rune);
	return t->kind == RUNE ? rune == t->rune : t->kind == ANY ? rune != '/' : in;
}

#define NO_RUNE UINT32_MAX // before the first, behind the last

// Is the place between two runes the one that is asked for?
static bool is_edge(uint32_t which, uint32_t before, uint32_t after)
{
	bool of_word = glob_is_word(before) != glob_is_word(after);
	switch (which) {
	case 'b':
		return of_word;
	case 'B':
		return !of_word;
	case 'z':
		return after == NO_RUNE;
	default:
		return before == NO_RUNE;
	}
}

// Goes on from states that want a certain place; the list grows meanwhile.
static void pass_edges(
        const struct glob_program *p, struct states *s, uint32_t before, uint32_t after)
{
	for (size_t i = 0; i < s->n; i++) {
		size_t at = s->list[i];
		if (at < p->n && p->v[at].kind == EDGE && is_edge(p->v[at].rune, before, after))
			enter(p, s, at + 1);
	}
}

static void step(const struct glob_program *p, size_t i, uint32_t rune, struct states *next)
{
	const struct glob_token *t = &p->v[i];
	switch (t->kind) {
	case RUNE:
	case ANY:
	case SET:
	case CLASS:
		if (takes(t, p, rune))
			enter(p, next, i + 1);
		break;
	case STAR:
		if (rune != '/')
			enter(p, next, i);
		break;
	case ALL:
		enter(p, next, i);
		break;
	case DIRS:
		enter(p, next, i);
		if (rune == '/')
			enter(p, next, i + 1);
		break;
	case OPTION:
	case EDGE:
		break;
	}
}

static void advance(const struct glob_program *p, struct states *now, struct states *next,
        uint32_t before, uint32_t rune)
{
	pass_edges(p, now, before, rune);
	for (size_t i = 0; i < now->n; i++)
		if (now->list[i] < p->n)
			step(p, now->list[i], rune, next);
	for (size_t i = 0; i < now->n; i++)
		now->in[now->list[i]] = false;
	now->n = 0;
	struct states swap = *now;
	*now = *next;
	*next = swap;
}

enum { SMALL = 64 };

// An automaton on its way over a path.
struct run {
	const struct glob_program *p;
	struct states now, next;
	uint32_t before;
	uint16_t small_lists[2 * SMALL], *large_lists;
	bool small_in[2 * SMALL], *large_in;
};

static void run_begin(struct run *r, const struct glob_program *p)
{
	size_t n = p->n + 1;
	bool large = n > SMALL;
	r->p = p;
	r->before = NO_RUNE;
	memset(r->small_in, 0, sizeof(r->small_in));
	r->large_lists = large ? xcalloc(2 * n, sizeof(uint16_t)) : NULL;
	r->large_in = large ? xcalloc(2 * n, sizeof(bool)) : NULL;
	uint16_t *lists = large ? r->large_lists : r->small_lists;
	bool *in = large ? r->large_in : r->small_in;
	r->now = (struct states){lists, in, 0};
	r->next = (struct states){lists + n, in + n, 0};
	enter(p, &r->now, 0);
}

static void run_end(struct run *r)
{
	free(r->large_lists);
	free(r->large_in);
}

// False: it has died before the end.
static bool run_over(struct run *r, const char *path, const char *end)
{
	uint32_t rune;
	while (path < end && r->now.n) {
		path += glob_rune(path, &rune);
		advance(r->p, &r->now, &r->next, r->before, rune);
		r->before = rune;
	}
	return path == end;
}

// Would it accept if the path ended here?
static bool run_accepts(struct run *r)
{
	struct states *s = &r->now;
	size_t n = s->n;
	pass_edges(r->p, s, r->before, NO_RUNE);
	bool accepts = s->in[r->p->n];
	while (s->n > n)
		s->in[s->list[--s->n]] = false;
	return accepts;
}

static bool has_tail(const struct glob_program *p, const char *path, size_t n)
{
	return n >= p->tail_len &&
	       (!p->tail_len || !memcmp(path + n - p->tail_len, p->tail, p->tail_len));
}

static bool run_states(const struct glob_program *p, const char *path, size_t n)
{
	if (!has_tail(p, path, n))
		return false;
	struct run r;
	run_begin(&r, p);
	bool hit = run_over(&r, path, path + n) && run_accepts(&r);
	run_end(&r);
	return hit;
}

static bool run_text(const struct glob_program *p, const char *path, size_t n)
{
	switch (p->shape) {
	case GLOB_EXACT:
		return n == p->text_len && !memcmp(path, p->text, n);
	case GLOB_PREFIX:
		return n >= p->text_len && !memcmp(path, p->text, p->text_len);
	default: // GLOB_SUFFIX; after a '/' the whole path, too
		if (n >= p->text_len && !memcmp(path + n - p->text_len, p->text, p->text_len))
			return true;
		return p->text[0] == '/' && n == p->text_len - 1 && !memcmp(path, p->text + 1, n);
	}
}

bool glob_run(const struct glob_program *p, const char *path)
{
	size_t n = strlen(path);
	return p->shape == GLOB_STATES ? run_states(p, path, n) : run_text(p, path, n);
}

static void run_states_levels(
        const struct glob_program *p, const char *path, const size_t *ends, size_t n, bool *ret)
{
	struct run r;
	size_t at = 0;
	bool alive = true;
	run_begin(&r, p);
	for (size_t i = 0; i < n; at = ends[i++]) {
		alive = alive && run_over(&r, path + at, path + ends[i]);
		ret[i] = alive && has_tail(p, path, ends[i]) && run_accepts(&r);
	}
	run_end(&r);
}

void glob_run_levels(
        const struct glob_program *p, const char *path, const size_t *ends, size_t n, bool *ret)
{
	memset(ret, 0, n);
	if (p->shape == GLOB_STATES) {
		while (n && !has_tail(p, path, ends[n - 1]))
			n--;
		if (n)
			run_states_levels(p, path, ends, n, ret);
		return;
	}
	for (size_t i = 0; i < n; i++)
		ret[i] = run_text(p, path, ends[i]);
}

// Is it still alive after dir and a '/'?
static bool lives_below(const struct glob_program *p, const char *dir, size_t n)
{
	struct run r;
	run_begin(&r, p);
	bool alive = run_over(&r, dir, dir + n) && run_over(&r, "/", &"/"[1]);
	alive = alive && (r.now.n > 1 || (r.now.n == 1 && !r.now.in[p->n]));
	run_end(&r);
	return alive;
}

bool glob_may_match_below(const struct glob_program *p, const char *dir)
{
	size_t n = strlen(dir);
	if (!n || p->shape == GLOB_SUFFIX)
		return true;
	if (p->shape == GLOB_STATES)
		return lives_below(p, dir, n);
	size_t common = n < p->text_len ? n : p->text_len;
	if (memcmp(dir, p->text, common) != 0)
		return false;
	if (p->text_len > n)
		return p->text[n] == '/';
	return p->shape == GLOB_PREFIX;
}

int glob_match_deep(const char *pattern, const char *path)
{
	struct glob_program p;
	if (glob_compile(pattern, &p))
		return -1;
	bool hit = glob_run(&p, path);
	glob_program_release(&p);
	return hit;
}

bool glob_may_lead_to(const char *pattern, const char *dir)
{
	struct glob_program p;
	if (glob_compile(pattern, &p))
		return false;
	bool may = glob_may_match_below(&p, dir);
	glob_program_release(&p);
	return may;
}
