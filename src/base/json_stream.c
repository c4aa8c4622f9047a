// SPDX-License-Identifier: Apache-2.0
// Owns the way down: it knows brackets, strings and commas, and leaves the rest to jansson, which
// reads the elements. Nothing recurses; of what lies below the asked for depth only brackets are
// counted.
#include "base/json_stream.h"

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include <assert.h>
#include <string.h>

#define CHUNK ((size_t)64 << 10)
#define KEY_MAX 4096

struct level {
	bool array, any;
	struct buf key;
};

struct json_stream {
	struct json_stream_source source;
	size_t depth, max;
	char *chunk;
	size_t at, n, line;
	bool eof, done;
	size_t level; // of open brackets that were gone into
	struct level levels[JSON_STREAM_DEPTH];
	struct buf value;
	bool too_long;
};

struct json_stream *json_stream_new(
        const struct json_stream_source *source, size_t depth, size_t max)
{
	assert(depth <= JSON_STREAM_DEPTH);
	struct json_stream *s = xcalloc(1, sizeof(*s));
	s->source = *source;
	s->depth = depth;
	s->max = max < KEY_MAX ? KEY_MAX : max; // names are kept too
	s->chunk = xmalloc(CHUNK);
	s->line = 1;
	return s;
}

void json_stream_free(struct json_stream *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < JSON_STREAM_DEPTH; i++)
		buf_release(&s->levels[i].key);
	buf_release(&s->value);
	free(s->chunk);
	free(s);
}

void json_stream_free_ptr(struct json_stream **s)
{
	json_stream_free(*s);
}

static int damaged(const struct json_stream *s, const char *what, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "line %zu: not valid JSON: %s", s->line, what);
}
#define damaged(...) ERR_VALUE(damaged(__VA_ARGS__))

// The next byte, not taken: -1 at the end, -2 with *e set.
static int peek(struct json_stream *s, struct err *e)
{
	if (s->at == s->n) {
		if (s->eof)
			return -1;
		ssize_t got = s->source.read(s->source.arg, s->chunk, CHUNK, e);
		if (got < 0)
			return -2;
		s->at = 0;
		s->n = (size_t)got;
		s->eof = got == 0;
		if (s->eof)
			return -1;
	}
	return (unsigned char)s->chunk[s->at];
}

// The next byte that is no blank, not taken.
static int skip_blanks(struct json_stream *s, struct err *e)
{
	int c;
	while ((c = peek(s, e)) == ' ' || c == '\t' || c == '\r' || c == '\n') {
		s->line += c == '\n';
		s->at++;
	}
	return c;
}

static void keep(struct json_stream *s, const char *p, size_t n)
{
	if (n > s->max - s->value.n)
		s->too_long = true;
	if (!s->too_long)
		buf_add(&s->value, p, n);
}

// A string with its quotes, the first of which is next.
static int take_string(struct json_stream *s, struct err *e)
{
	bool escaped = false;
	keep(s, "\"", 1);
	s->at++;
	while (peek(s, e) >= 0) {
		size_t from = s->at;
		for (; s->at < s->n; s->at++) {
			char c = s->chunk[s->at];
			if (escaped)
				escaped = false;
			else if (c == '\\')
				escaped = true;
			else if (c == '"')
				break;
			else if (c == '\n')
				return damaged(s, "a line ends within a string", e);
		}
		bool end = s->at < s->n;
		s->at += end;
		keep(s, s->chunk + from, s->at - from);
		if (end)
			return 0;
	}
	return s->eof ? damaged(s, "it ends within a string", e) : -1;
}

static bool ends_scalar(int c)
{
	return c < 0 || c == ',' || c == ']' || c == '}' || c == ':' || c == ' ' || c == '\t' ||
	       c == '\r' || c == '\n' || c == '"' || c == '[' || c == '{';
}

static int take_scalar(struct json_stream *s, struct err *e)
{
	int c;
	size_t before = s->value.n;
	while (!ends_scalar(c = peek(s, e))) {
		char byte = (char)c;
		keep(s, &byte, 1);
		s->at++;
	}
	if (c == -2)
		return -1;
	return s->value.n == before && !s->too_long ? damaged(s, "a value is missing", e) : 0;
}

// Any value, with all that is in it.
static int take_value(struct json_stream *s, struct err *e)
{
	size_t open = 0;
	s->value.n = 0;
	s->too_long = false;
	do {
		int c = skip_blanks(s, e);
		if (c < 0)
			return c == -1 ? damaged(s, "it ends within a value", e) : -1;
		char byte = (char)c;
		if (c == '"') {
			if (take_string(s, e))
				return -1;
			continue;
		}
		bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
		if (closes && open == 0)
			return damaged(s, "a bracket that nothing opened", e);
		if (opens || closes || ((c == ',' || c == ':') && open)) {
			keep(s, &byte, 1);
			s->at++;
			open = open + opens - closes;
		} else if (take_scalar(s, e)) {
			return -1;
		}
	} while (open);
	return 0;
}

// A member's name and the colon, into the key of the level.
static int take_key(struct json_stream *s, struct level *l, struct err *e)
{
	s->value.n = 0;
	s->too_long = false;
	if (take_string(s, e))
		return -1;
	if (s->too_long || s->value.n > KEY_MAX)
		return damaged(s, "a name that is too long", e);
	auto_jdoc struct jdoc *d = jdoc_parse(s->value.p, s->value.n, e);
	if (!d)
		return damaged(s, "a name that is no string", e);
	buf_reset(&l->key);
	buf_puts(&l->key, jn_str(jdoc_root(d)));
	if (skip_blanks(s, e) != ':')
		return damaged(s, "a name without a value", e);
	s->at++;
	return 0;
}

void json_stream_where(const struct json_stream *s, struct json_element *ret)
{
	*ret = (struct json_element){.depth = s->level, .line = s->line};
	for (size_t i = 0; i < s->level; i++)
		ret->keys[i] =
		        s->levels[i].array || !s->levels[i].key.p ? NULL : s->levels[i].key.p;
}

// What comes before a value in the innermost bracket: 1 there is one, 0 the bracket was closed.
static int before_value(struct json_stream *s, struct err *e)
{
	struct level *l = &s->levels[s->level - 1];
	int c = skip_blanks(s, e);
	bool comma = c == ',' && l->any;
	if (comma) {
		s->at++;
		c = skip_blanks(s, e);
	}
	if (c < 0)
		return c == -1 ? damaged(s, "it ends early", e) : -1;
	if (c == (l->array ? ']' : '}') && !comma) {
		s->at++;
		s->done = --s->level == 0;
		return 0;
	}
	if (l->any && !comma)
		return damaged(s, "a comma is missing", e);
	l->any = true;
	if (l->array)
		return 1;
	if (c != '"')
		return damaged(s, "a name is missing", e);
	return take_key(s, l, e) ? -1 : 1;
}

static int at_end(struct json_stream *s, struct err *e)
{
	int c = skip_blanks(s, e);
	return c == -1 ? 0 : c == -2 ? -1 : damaged(s, "something behind its end", e);
}

int json_stream_next(struct json_stream *s, struct json_element *ret, struct err *e)
{
	while (!s->done) {
		int more = s->level ? before_value(s, e) : 1;
		if (more < 0)
			return -1;
		if (!more)
			continue;
		int c = skip_blanks(s, e);
		if ((c == '{' || c == '[') && s->level < s->depth) {
			struct level *l = &s->levels[s->level++];
			l->array = c == '[';
			l->any = false;
			buf_reset(&l->key);
			s->at++;
			continue;
		}
		struct json_element el;
		json_stream_where(s, &el);
		if (take_value(s, e))
			return -1;
		s->done = s->level == 0;
		el.too_long = s->too_long;
		if (!s->too_long)
			el.raw = (struct str){buf_cstr(&s->value), s->value.n};
		*ret = el;
		return 1;
	}
	return at_end(s, e);
}
