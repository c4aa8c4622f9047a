// SPDX-License-Identifier: Apache-2.0
// The ways in which instructions split their text: at blanks, at blanks outside quotes, and leading
// --flags. After BuildKit's line_parsers.go and split_command.go; text that is not UTF-8 is kept.
#include "base/unicode.h"
#include "dockerfile/parse-int.h"

void list_add(struct arena *a, struct list *l, const char *s)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 4;
		const char **v = arena_alloc(a, cap * sizeof(*v));
		if (l->n > 0)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = s;
}

const char *const *list_end(struct arena *a, struct list *l)
{
	if (l->n == 0)
		return NULL;
	list_add(a, l, NULL);
	l->n--;
	return l->v;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

struct str take_word(struct str *rest)
{
	struct str word = {rest->p, 0};
	while (word.n < rest->n && !is_blank(rest->p[word.n]))
		word.n++;
	size_t skip = word.n;
	while (skip < rest->n && is_blank(rest->p[skip]))
		skip++;
	*rest = (struct str){rest->p + skip, rest->n - skip};
	return word;
}

void split_blanks(struct arena *a, struct str s, struct list *ret)
{
	while (s.n > 0) {
		struct str w = take_word(&s);
		list_add(a, ret, arena_strndup(a, w.p, w.n));
	}
}

// Scans one word from *at on. keep: quotes and escapes stay, and an escape means nothing in single
// quotes; otherwise both are taken away. Leaves *at behind the word.
struct scan {
	struct str s;
	size_t at;
	char escape;
	bool keep;
	struct buf word;
	bool quoted; // the word counts even if it is empty
};

static void scan_add(struct scan *c, size_t len)
{
	buf_add(&c->word, c->s.p + c->at, len);
	c->at += len;
}

static void scan_word(struct scan *c)
{
	char quote = 0;
	buf_reset(&c->word);
	c->quoted = false;
	while (c->at < c->s.n) {
		size_t len;
		uint32_t r = utf8_next(c->s.p + c->at, c->s.n - c->at, &len);
		if (!quote && rune_is_space(r))
			return;
		bool opens = !quote && (r == '\'' || r == '"'),
		     closes = quote && r == (uint32_t)quote;
		if (opens || closes) {
			quote = opens ? (char)r : 0;
			c->quoted = true;
			if (!c->keep) {
				c->at++;
				continue;
			}
		}
		if (r == (unsigned char)c->escape && !(c->keep && quote == '\'')) {
			if (c->at + 1 == c->s.n) { // an escape at the very end goes away
				c->at++;
				return;
			}
			if (c->keep)
				scan_add(c, 1);
			else
				c->at++;
			utf8_next(c->s.p + c->at, c->s.n - c->at, &len);
		}
		scan_add(c, len);
	}
}

void split_quoted(struct arena *a, struct str s, char escape, struct list *ret)
{
	struct scan c = {.s = s, .escape = escape, .keep = true};
	for (;;) {
		struct str rest = rune_trim_left((struct str){s.p + c.at, s.n - c.at});
		if (rest.n == 0)
			break;
		c.at = s.n - rest.n;
		scan_word(&c);
		if (c.quoted || c.word.n > 0)
			list_add(a, ret, arena_strndup(a, buf_cstr(&c.word), c.word.n));
	}
	buf_release(&c.word);
}

struct str take_flags(struct arena *a, struct str s, char escape, struct list *ret)
{
	struct scan c = {.s = s, .escape = escape};
	for (;;) {
		struct str rest = rune_trim_left((struct str){s.p + c.at, s.n - c.at});
		c.at = s.n - rest.n;
		if (rest.n < 2 || rest.p[0] != '-' || rest.p[1] != '-')
			break;
		scan_word(&c);
		if (c.word.n == 2 && memcmp(c.word.p, "--", 2) == 0)
			break;
		list_add(a, ret, arena_strndup(a, buf_cstr(&c.word), c.word.n));
	}
	buf_release(&c.word);
	return (struct str){s.p + c.at, s.n - c.at};
}
