// SPDX-License-Identifier: Apache-2.0
// Reading JSON: thin, null-tolerant access to jansson's tree. A struct jn is a json_t.
#include "base/json.h"

#include "base/buf.h"
#include "base/err.h"
#include <jansson.h>
#include <string.h>

struct jdoc {
	json_t *root;
};

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

bool jn_member(const struct jn *o, size_t i, const char **key, const struct jn **value)
{
	// jansson has no access by position: continue from where the last call on this object
	// stopped
	static _Thread_local const struct jn *last;
	static _Thread_local size_t at;
	static _Thread_local void *iter;
	if (!jn_is_object(o))
		return false;
	if (i == 0 || o != last || i != at + 1) {
		iter = json_object_iter(of(o));
		for (size_t k = 0; k < i && iter; k++)
			iter = json_object_iter_next(of(o), iter);
	} else {
		iter = json_object_iter_next(of(o), iter);
	}
	last = iter ? o : NULL;
	at = i;
	if (!iter)
		return false;
	*key = json_object_iter_key(iter);
	*value = (const struct jn *)json_object_iter_value(iter);
	return true;
}

void jn_str_list(const struct jn *a, struct strv *ret)
{
	for (size_t i = 0; jn_is_array(a) && i < jn_len(a); i++)
		if (jn_is_string(jn_at(a, i)))
			strv_add(ret, jn_str(jn_at(a, i)));
}

static int dump_to(const char *p, size_t n, void *out)
{
	buf_add(out, p, n);
	return 0;
}

void jn_dump(const struct jn *n, struct buf *out)
{
	if (!n || json_dump_callback(of(n), dump_to, out, JSON_COMPACT | JSON_ENCODE_ANY))
		buf_puts(out, "null");
}
