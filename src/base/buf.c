// SPDX-License-Identifier: Apache-2.0
// Growing buffers and lists of owned strings.
#include "base/buf.h"

#include "base/map.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>

void buf_release(struct buf *b)
{
	free(b->p);
	*b = (struct buf){0};
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	if (b->p)
		b->p[0] = '\0';
}

void buf_reserve(struct buf *b, size_t more)
{
	if (more < b->cap - b->n) // also false for the empty buffer
		return;
	if (more > SIZE_MAX / 2 - b->n - 1)
		abort(); // a length from outside that nobody bounded
	size_t need = b->n + more + 1, cap = b->cap ? b->cap : 64;
	while (cap < need)
		cap *= 2;
	b->p = xrealloc(b->p, cap);
	b->cap = cap;
	b->p[b->n] = '\0';
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	buf_reserve(b, n);
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	if (n > 0) {
		buf_reserve(b, (size_t)n);
		vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
}

void buf_escape(struct buf *b, const char *s, size_t n)
{
	size_t from = 0; // of what can be taken as it is
	bool control;
	for (size_t i = 0, len; i < n; i += len) {
		len = str_character(s + i, n - i, &control);
		if (!control)
			continue;
		buf_add(b, s + from, i - from);
		for (size_t k = i; k < i + len; k++)
			buf_printf(b, "\\x%02x", (unsigned char)s[k]);
		from = i + len;
	}
	buf_add(b, s + from, n - from);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

const char *buf_cstr(struct buf *b)
{
	return b->p ? b->p : "";
}

char *buf_steal(struct buf *b)
{
	char *p = b->p ? b->p : xstrdup("");
	*b = (struct buf){0};
	return p;
}

void strv_release(struct strv *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	if (s->keys)
		map_release(s->keys);
	free(s->keys);
	*s = (struct strv){0};
}

void strv_take(struct strv *s, char *v)
{
	if (s->n + 2 > s->cap) {
		s->cap = s->cap ? 2 * s->cap : 8;
		s->v = xreallocarray(s->v, s->cap, sizeof(*s->v));
	}
	s->v[s->n++] = v;
	s->v[s->n] = NULL;
}

void strv_add(struct strv *s, const char *v)
{
	strv_take(s, xstrdup(v));
}

void strv_addf(struct strv *s, const char *fmt, ...)
{
	struct buf b = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	strv_take(s, buf_steal(&b));
}

bool strv_has(const struct strv *s, const char *v)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i], v))
			return true;
	return false;
}

void strv_copy(struct strv *dst, const struct strv *src)
{
	if (dst == src)
		return;
	strv_release(dst);
	for (size_t i = 0; i < src->n; i++)
		strv_add(dst, src->v[i]);
}

void strv_split(struct strv *dst, const char *s, char sep)
{
	for (;;) {
		const char *end = strchr(s, sep);
		if (!end)
			break;
		strv_take(dst, xstrndup(s, (size_t)(end - s)));
		s = end + 1;
	}
	strv_add(dst, s);
}

// The rest of a field that began with a quote; a doubled quote is one. NULL: it does not end.
static const char *quoted_field(const char *s, struct buf *field)
{
	for (; *s; s++) {
		if (*s != '"')
			buf_putc(field, *s);
		else if (s[1] == '"')
			buf_putc(field, *s++);
		else
			return s + 1;
	}
	return NULL;
}

bool strv_split_csv(struct strv *dst, const char *s)
{
	for (;;) {
		auto_buf struct buf field = {0};
		if (*s == '"') {
			s = quoted_field(s + 1, &field);
		} else {
			size_t n = strcspn(s, ",\"");
			buf_add(&field, s, n);
			s += n;
		}
		if (!s || (*s && *s != ','))
			return false;
		strv_take(dst, buf_steal(&field));
		if (!*s++)
			return true;
	}
}

static bool env_is_at(const struct strv *env, size_t i, const char *key, size_t n)
{
	return !strncmp(env->v[i], key, n) && env->v[i][n] == '=';
}

// Next to nothing of a list that has grown by strv_env_set() is looked through. Whoever changes
// entries by hand leaves their names as they are.
static size_t env_find(const struct strv *env, const char *key)
{
	size_t n = strlen(key);
	uintptr_t at = env->keys ? (uintptr_t)map_get(env->keys, key) : 0;
	if (at > 0 && at <= env->n && env_is_at(env, at - 1, key, n))
		return at - 1;
	for (size_t i = env->n_keys; i < env->n; i++)
		if (env_is_at(env, i, key, n))
			return i;
	return env->n;
}

// The first of equal names counts.
static void env_index(struct strv *env)
{
	if (env->n < 32)
		return;
	if (!env->keys)
		env->keys = xcalloc(1, sizeof(*env->keys));
	for (; env->n_keys < env->n; env->n_keys++) {
		const char *kv = env->v[env->n_keys];
		auto_free char *key = xstrndup(kv, strcspn(kv, "="));
		if (!map_get(env->keys, key))
			map_set(env->keys, key, (void *)(uintptr_t)(env->n_keys + 1));
	}
}

void strv_env_set(struct strv *env, const char *key, const char *value)
{
	env_index(env); // also a copy of a long list
	size_t i = env_find(env, key);
	char *kv = xasprintf("%s=%s", key, value);
	if (i == env->n) {
		strv_take(env, kv);
		return;
	}
	free(env->v[i]);
	env->v[i] = kv;
}

const char *strv_env_get(const struct strv *env, const char *key)
{
	size_t i = env_find(env, key);
	return i == env->n ? NULL : env->v[i] + strlen(key) + 1;
}
