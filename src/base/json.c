// SPDX-License-Identifier: Apache-2.0
// Reading JSON: thin, null-tolerant access to jansson's tree. A struct jn is a json_t, and a struct
// jdoc is the one that owns all others. jansson bounds the depth (2048) and refuses what is not
// UTF-8.
#include "base/json.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static unsigned long generation; // grows when a document goes: addresses are used again

static json_t *of(const struct jn *n)
{
	return (json_t *)(uintptr_t)n;
}

struct jdoc *jdoc_parse(const char *p, size_t n, struct err *e)
{
	json_error_t je;
	if (n > JSON_MAX) {
		err_set(e, ERR_CORRUPT, "JSON document of %zu bytes (at most %u are read)", n,
		        JSON_MAX);
		return NULL;
	}
	json_t *root = json_loadb(p, n, JSON_DECODE_ANY, &je);
	if (!root) {
		err_set(e, ERR_CORRUPT, "not valid JSON: %s (line %d, column %d)", je.text, je.line,
		        je.column);
		return NULL;
	}
	return (struct jdoc *)root;
}

void jdoc_free(struct jdoc *d)
{
	if (!d)
		return;
	__atomic_add_fetch(&generation, 1, __ATOMIC_RELAXED);
	json_decref((json_t *)d);
}

void jdoc_free_ptr(struct jdoc **d)
{
	jdoc_free(*d);
}

const struct jn *jdoc_root(const struct jdoc *d)
{
	return (const struct jn *)d;
}

const struct jn *jn_get(const struct jn *o, const char *key)
{
	return (const struct jn *)json_object_get(of(o), key);
}

const struct jn *jn_at(const struct jn *a, size_t i)
{
	return (const struct jn *)json_array_get(of(a), i);
}

size_t jn_len(const struct jn *a)
{
	return jn_is_array(a) ? json_array_size(of(a)) : json_object_size(of(a));
}

const char *jn_str(const struct jn *s)
{
	return json_string_value(of(s));
}

const char *jn_get_str(const struct jn *o, const char *key)
{
	return jn_str(jn_get(o, key));
}

int64_t jn_int(const struct jn *n, int64_t otherwise)
{
	return n && json_is_integer(of(n)) ? json_integer_value(of(n)) : otherwise;
}

bool jn_bool(const struct jn *n, bool otherwise)
{
	return n && json_is_boolean(of(n)) ? json_is_true(of(n)) : otherwise;
}

bool jn_is_null(const struct jn *n)
{
	return !n || json_is_null(of(n));
}

bool jn_is_object(const struct jn *n)
{
	return n && json_is_object(of(n));
}

bool jn_is_array(const struct jn *n)
{
	return n && json_is_array(of(n));
}

bool jn_is_string(const struct jn *n)
{
	return n && json_is_string(of(n));
}

// jansson has no access by position, only iterators. Each thread remembers where its last walks
// were, so that a loop inside a loop does not start over: members come from outside, and quadratic
// is too slow.
struct walk {
	const struct jn *o;
	size_t at;
	void *iter;
};
static _Thread_local struct {
	struct walk v[8];
	unsigned next;
	unsigned long generation;
} walks;

static struct walk *walk_of(const struct jn *o)
{
	unsigned long now = __atomic_load_n(&generation, __ATOMIC_RELAXED);
	if (walks.generation != now)
		memset(&walks, 0, sizeof(walks));
	walks.generation = now;
	for (size_t i = 0; i < ARRAY_LEN(walks.v); i++)
		if (walks.v[i].o == o)
			return &walks.v[i];
	struct walk *w = &walks.v[walks.next++ % ARRAY_LEN(walks.v)];
	*w = (struct walk){.o = o, .iter = json_object_iter(of(o))};
	return w;
}

bool jn_member(const struct jn *o, size_t i, const char **key, const struct jn **value)
{
	if (!jn_is_object(o) || i >= json_object_size(of(o)))
		return false;
	struct walk *w = walk_of(o);
	if (i < w->at)
		*w = (struct walk){.o = o, .iter = json_object_iter(of(o))};
	for (; w->at < i; w->at++)
		w->iter = json_object_iter_next(of(o), w->iter);
	*key = json_object_iter_key(w->iter);
	*value = (const struct jn *)json_object_iter_value(w->iter);
	return true;
}

void jn_str_list(const struct jn *a, struct strv *ret)
{
	for (size_t i = 0; jn_is_array(a) && i < jn_len(a); i++)
		if (jn_is_string(jn_at(a, i)))
			strv_add(ret, jn_str(jn_at(a, i)));
}

// The shortest decimal that reads back as the same number, so that a number survives being copied.
static void dump_real(double v, struct buf *out)
{
	char text[32];
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	buf_puts(out, text);
	if (!strpbrk(text, ".e"))
		buf_puts(out, ".0"); // it was no integer and stays none
}

static void dump(json_t *n, struct buf *out);

static void dump_object(json_t *o, struct buf *out)
{
	const char *key;
	json_t *value;
	bool first = true;
	buf_putc(out, '{');
	json_object_foreach(o, key, value)
	{
		if (!first)
			buf_putc(out, ',');
		first = false;
		jw_quote(out, key, true);
		buf_putc(out, ':');
		dump(value, out);
	}
	buf_putc(out, '}');
}

static void dump_array(json_t *a, struct buf *out)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < json_array_size(a); i++) {
		if (i)
			buf_putc(out, ',');
		dump(json_array_get(a, i), out);
	}
	buf_putc(out, ']');
}

// Quoted as the writer quotes, so that copied members look like written ones. As deep as was
// parsed.
static void dump(json_t *n, struct buf *out)
{
	switch (json_typeof(n)) {
	case JSON_OBJECT:
		dump_object(n, out);
		break;
	case JSON_ARRAY:
		dump_array(n, out);
		break;
	case JSON_STRING:
		jw_quote(out, json_string_value(n), true);
		break;
	case JSON_INTEGER:
		buf_printf(out, "%lld", (long long)json_integer_value(n));
		break;
	case JSON_REAL:
		dump_real(json_real_value(n), out);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		buf_puts(out, json_is_true(n) ? "true" : "false");
		break;
	case JSON_NULL:
		buf_puts(out, "null");
		break;
	}
}

void jn_dump(const struct jn *n, struct buf *out)
{
	if (n)
		dump(of(n), out);
	else
		buf_puts(out, "null");
}
