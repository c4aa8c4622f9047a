// SPDX-License-Identifier: Apache-2.0
// Writing JSON with bytes that depend on the calls alone, quoted as Go's encoding/json quotes.
#include "base/json.h"

#include "base/buf.h"
#include <string.h>

static void quote_ascii(struct buf *out, unsigned char c, bool html)
{
	static const char escaped[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
	const char *found = c ? strchr(escaped, c) : NULL;
	if (found)
		buf_printf(out, "\\%c", letters[found - escaped]);
	else if (c < 0x20 || (html && (c == '<' || c == '>' || c == '&')))
		buf_printf(out, "\\u%04x", c);
	else
		buf_putc(out, (char)c);
}

void jw_quote(struct buf *out, const char *s, bool html)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n = strlen(s);
	buf_putc(out, '"');
	while (n) {
		size_t len = 1;
		if (*p < 0x80) {
			quote_ascii(out, *p, html);
		} else if ((len = str_utf8_len((const char *)p, n)) == 0) {
			buf_puts(out, "\\ufffd");
			len = 1;
		} else if (len == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] | 1) == 0xa9) {
			buf_printf(out, "\\u%04x", 0x2000 | (p[2] & 0x3f));
		} else {
			buf_add(out, p, len);
		}
		p += len;
		n -= len;
	}
	buf_putc(out, '"');
}

static void newline(struct jw *w)
{
	if (!w->indent)
		return;
	buf_putc(w->out, '\n');
	for (int i = 0; i < w->indent * w->depth; i++)
		buf_putc(w->out, ' ');
}

// Comma and line break before a value or key.
static void before(struct jw *w)
{
	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (w->depth && !w->first)
		buf_putc(w->out, ',');
	if (w->depth)
		newline(w);
	w->first = false;
}

void jw_begin(struct jw *w, struct buf *out, int indent)
{
	*w = (struct jw){.out = out, .indent = indent, .first = true};
}

static void open_bracket(struct jw *w, char c)
{
	before(w);
	buf_putc(w->out, c);
	w->depth++;
	w->first = true;
}

static void close_bracket(struct jw *w, char c)
{
	bool empty = w->first;
	w->depth--;
	if (!empty)
		newline(w);
	buf_putc(w->out, c);
	w->first = false;
}

void jw_object(struct jw *w)
{
	open_bracket(w, '{');
}

void jw_object_end(struct jw *w)
{
	close_bracket(w, '}');
}

void jw_array(struct jw *w)
{
	open_bracket(w, '[');
}

void jw_array_end(struct jw *w)
{
	close_bracket(w, ']');
}

void jw_key(struct jw *w, const char *key)
{
	before(w);
	jw_quote(w->out, key, true);
	buf_puts(w->out, w->indent ? ": " : ":");
	w->after_key = true;
}

void jw_str(struct jw *w, const char *s)
{
	before(w);
	if (s)
		jw_quote(w->out, s, true);
	else
		buf_puts(w->out, "null");
}

void jw_int(struct jw *w, int64_t v)
{
	before(w);
	buf_printf(w->out, "%lld", (long long)v);
}

void jw_bool(struct jw *w, bool v)
{
	before(w);
	buf_puts(w->out, v ? "true" : "false");
}

void jw_null(struct jw *w)
{
	before(w);
	buf_puts(w->out, "null");
}

void jw_raw(struct jw *w, const struct jn *n)
{
	before(w);
	jn_dump(n, w->out);
}

void jw_text(struct jw *w, const char *json, size_t n)
{
	before(w);
	buf_add(w->out, json, n);
}

void jw_kv(struct jw *w, const char *key, const char *s)
{
	jw_key(w, key);
	jw_str(w, s);
}

void jw_kv_int(struct jw *w, const char *key, int64_t v)
{
	jw_key(w, key);
	jw_int(w, v);
}

void jw_kv_bool(struct jw *w, const char *key, bool v)
{
	jw_key(w, key);
	jw_bool(w, v);
}

static void put_node(struct jw *w, const struct jn *n)
{
	const struct jn *value;
	const char *key;
	if (jn_is_object(n)) {
		jw_object(w);
		for (size_t i = 0; jn_member(n, i, &key, &value); i++) {
			jw_key(w, key);
			put_node(w, value);
		}
		jw_object_end(w);
	} else if (jn_is_array(n)) {
		jw_array(w);
		for (size_t i = 0; i < jn_len(n); i++)
			put_node(w, jn_at(n, i));
		jw_array_end(w);
	} else {
		jw_raw(w, n);
	}
}

void jn_dump_indented(const struct jn *n, struct buf *out)
{
	struct jw w;
	jw_begin(&w, out, 2);
	put_node(&w, n);
}
