// SPDX-License-Identifier: Apache-2.0
// A reader for the TOML of registries.conf and hosts.toml (toml.io 1.0, subset). Text is copied
// with a terminating NUL first, so that every look-ahead stays inside; nesting of skipped values is
// bounded.

#include "registry/toml.h"

#include "base/err.h"
#include "base/mem.h"
#include <ctype.h>

#define TOML_DEPTH_MAX 16

struct toml {
	const char *s;
	int line;
	const char *key; // of the value that is read
	int (*fn)(void *arg, const struct toml_item *it, struct err *e);
	void *arg;
	struct err *e;
};

static int fail(struct toml *t, const char *what)
{
	return err_set(t->e, ERR_FAIL, "line %d: %s", t->line, what);
}

static void skip_blanks(struct toml *t)
{
	t->s += strspn(t->s, " \t");
}

// Blanks, comments and line ends, between items and inside arrays.
static void skip_space(struct toml *t)
{
	for (;;) {
		t->s += strspn(t->s, " \t\r");
		if (*t->s == '#')
			t->s += strcspn(t->s, "\n");
		if (*t->s != '\n')
			return;
		t->line++;
		t->s++;
	}
}

static void put_utf8(struct buf *out, unsigned long c)
{
	if (c < 0x80) {
		buf_putc(out, (char)c);
	} else if (c < 0x800) {
		buf_putc(out, (char)(0xc0 | c >> 6));
		buf_putc(out, (char)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		buf_putc(out, (char)(0xe0 | c >> 12));
		buf_putc(out, (char)(0x80 | (c >> 6 & 63)));
		buf_putc(out, (char)(0x80 | (c & 63)));
	} else {
		buf_putc(out, (char)(0xf0 | c >> 18));
		buf_putc(out, (char)(0x80 | (c >> 12 & 63)));
		buf_putc(out, (char)(0x80 | (c >> 6 & 63)));
		buf_putc(out, (char)(0x80 | (c & 63)));
	}
}

// After the backslash of \uXXXX (4) or \UXXXXXXXX (8).
static int read_unicode(struct toml *t, size_t digits, struct buf *out)
{
	unsigned long c = 0;
	for (size_t i = 1; i <= digits; i++) {
		if (!isxdigit((unsigned char)t->s[i]))
			return fail(t, "bad \\u escape");
		char hex[2] = {t->s[i], '\0'};
		c = c << 4 | strtoul(hex, NULL, 16);
	}
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return fail(t, "bad \\u escape");
	put_utf8(out, c);
	t->s += digits + 1;
	return 0;
}

static int read_escape(struct toml *t, struct buf *out)
{
	static const char from[] = "btnfr\"\\e", to[] = "\b\t\n\f\r\"\\\033";
	char c = *t->s;
	if (c == 'u' || c == 'U')
		return read_unicode(t, c == 'u' ? 4 : 8, out);
	const char *at = c ? strchr(from, c) : NULL;
	if (!at)
		return fail(t, "bad escape in a string");
	buf_putc(out, to[at - from]);
	t->s++;
	return 0;
}

static int read_string(struct toml *t, struct buf *out)
{
	char quote = *t->s;
	bool multi = t->s[1] == quote && t->s[2] == quote;
	t->s += multi ? 3 : 1;
	for (;;) {
		if (*t->s == '\0' || (*t->s == '\n' && !multi))
			return fail(t, "a string is not closed");
		if (*t->s == quote && (!multi || (t->s[1] == quote && t->s[2] == quote))) {
			t->s += multi ? 3 : 1;
			return 0;
		}
		if (*t->s == '\n')
			t->line++;
		if (*t->s == '\\' && quote == '"') {
			t->s++;
			if (read_escape(t, out) < 0)
				return -1;
			continue;
		}
		buf_putc(out, *t->s++);
	}
}

// A key: bare, quoted, or dotted. Parts are joined by dots.
static int read_key(struct toml *t, struct buf *out)
{
	for (;;) {
		skip_blanks(t);
		size_t before = out->n;
		if (*t->s == '"' || *t->s == '\'') {
			if (read_string(t, out) < 0)
				return -1;
		} else {
			while (isalnum((unsigned char)*t->s) || *t->s == '_' || *t->s == '-')
				buf_putc(out, *t->s++);
			if (out->n == before)
				return fail(t, "expected a key");
		}
		skip_blanks(t);
		if (*t->s != '.')
			return 0;
		buf_putc(out, *t->s++);
	}
}

static int skip_value(struct toml *t, int depth);

static int tell_member(struct toml *t, int depth, struct buf *text)
{
	const struct toml_item it = {.event = TOML_MEMBER,
	        .name = t->key,
	        .text = buf_cstr(text),
	        .depth = depth,
	        .line = t->line};
	return t->key ? t->fn(t->arg, &it, t->e) : 0;
}

static int skip_list(struct toml *t, int depth, char close)
{
	const char *key_before = t->key;
	t->s++;
	for (;;) {
		auto_buf struct buf key = {0};
		skip_space(t);
		if (*t->s == close) {
			t->s++;
			t->key = key_before;
			return 0;
		}
		if (close == '}') {
			t->key = NULL; // what is in an inline table is nobody's
			if (read_key(t, &key) < 0)
				return -1;
			if (*t->s++ != '=')
				return fail(t, "expected '=' in an inline table");
		}
		if (skip_value(t, depth + 1) < 0)
			return -1;
		skip_space(t);
		if (*t->s == ',')
			t->s++;
		else if (*t->s != close)
			return fail(t, "expected ',' in a list");
	}
}

static int skip_value(struct toml *t, int depth)
{
	auto_buf struct buf text = {0};
	skip_blanks(t);
	if (depth > TOML_DEPTH_MAX)
		return fail(t, "values are nested too deep");
	if (*t->s == '"' || *t->s == '\'')
		return read_string(t, &text) < 0 ? -1 : tell_member(t, depth, &text);
	if (*t->s == '[')
		return skip_list(t, depth, ']');
	if (*t->s == '{')
		return skip_list(t, depth, '}');
	size_t n = strcspn(t->s, ",]}#\r\n");
	if (n == 0)
		return fail(t, "expected a value");
	t->s += n;
	return 0;
}

static bool take_word(struct toml *t, const char *word)
{
	size_t n = strlen(word);
	if (strncmp(t->s, word, n) != 0 || isalnum((unsigned char)t->s[n]))
		return false;
	t->s += n;
	return true;
}

static int read_value(struct toml *t, struct toml_item *it, struct buf *text)
{
	skip_blanks(t);
	it->event = TOML_OTHER;
	if (*t->s == '"' || *t->s == '\'') {
		it->event = TOML_STRING;
		if (read_string(t, text) < 0)
			return -1;
		it->text = buf_cstr(text);
		return 0;
	}
	it->value = take_word(t, "true");
	if (it->value || take_word(t, "false")) {
		it->event = TOML_BOOL;
		return 0;
	}
	return skip_value(t, 0);
}

static int read_item(struct toml *t, struct toml_item *it, struct buf *name, struct buf *text)
{
	it->line = t->line;
	if (*t->s == '[') {
		bool array = t->s[1] == '[';
		t->s += array ? 2 : 1;
		it->event = array ? TOML_ARRAY : TOML_TABLE;
		if (read_key(t, name) < 0)
			return -1;
		if (!str_has_prefix(t->s, array ? "]]" : "]"))
			return fail(t, "a table header is not closed");
		t->s += array ? 2 : 1;
	} else {
		if (read_key(t, name) < 0)
			return -1;
		if (*t->s++ != '=')
			return fail(t, "expected '=' after the key");
		t->key = buf_cstr(name);
		if (read_value(t, it, text) < 0)
			return -1;
	}
	it->name = buf_cstr(name);
	skip_blanks(t);
	if (*t->s && !strchr("#\r\n", *t->s))
		return fail(t, "unexpected text at the end of the line");
	return 0;
}

int toml_read(const char *p, size_t n,
        int (*fn)(void *arg, const struct toml_item *it, struct err *e), void *arg, struct err *e)
{
	auto_free char *copy = xstrndup(p, n);
	struct toml t = {.s = copy, .line = 1, .fn = fn, .arg = arg, .e = e};
	for (skip_space(&t); *t.s; skip_space(&t)) {
		auto_buf struct buf name = {0}, text = {0};
		struct toml_item it = {0};
		if (read_item(&t, &it, &name, &text) < 0 || fn(arg, &it, e) < 0)
			return -1;
	}
	return 0;
}
