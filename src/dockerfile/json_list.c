// SPDX-License-Identifier: Apache-2.0
// The JSON form of an instruction: an array of strings, read as Go's encoding/json reads it.
// Anything that is not JSON is no error: it silently means the shell form. The strings are wanted
// at once and Go's leniency matters (invalid UTF-8 and lone surrogates become U+FFFD), hence not
// base/json.h.
#include "base/err.h"
#include "base/unicode.h"
#include "dockerfile/parse-int.h"

#define JSON_DEPTH 200

struct cursor {
	const char *p, *end;
	bool nul; // a string holds a NUL byte
};

static void skip_blanks(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
		c->p++;
}

static bool take(struct cursor *c, char what)
{
	skip_blanks(c);
	if (c->p >= c->end || *c->p != what)
		return false;
	c->p++;
	return true;
}

static bool hex4(struct cursor *c, uint32_t *ret)
{
	uint32_t v = 0;
	if (c->end - c->p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char h = *c->p++, low = (char)(h | 0x20);
		if (h >= '0' && h <= '9')
			v = v << 4 | (uint32_t)(h - '0');
		else if (low >= 'a' && low <= 'f')
			v = v << 4 | (uint32_t)(low - 'a' + 10);
		else
			return false;
	}
	*ret = v;
	return true;
}

static bool escape_u(struct cursor *c, uint32_t *ret)
{
	uint32_t v, low;
	if (!hex4(c, &v))
		return false;
	if (v >= 0xd800 && v < 0xdc00 && c->end - c->p >= 6 && c->p[0] == '\\' && c->p[1] == 'u') {
		struct cursor ahead = {c->p + 2, c->end, false};
		if (!hex4(&ahead, &low))
			return false;
		if (low >= 0xdc00 && low < 0xe000) {
			c->p = ahead.p;
			v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
		}
	}
	*ret = v >= 0xd800 && v < 0xe000 ? 0xfffd : v;
	return true;
}

static bool escape(struct cursor *c, uint32_t *ret)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	if (c->p >= c->end)
		return false;
	char k = *c->p++;
	if (k == 'u')
		return escape_u(c, ret);
	const char *at = k ? strchr(from, k) : NULL;
	if (!at)
		return false;
	*ret = (unsigned char)to[at - from];
	return true;
}

static bool string(struct cursor *c, struct buf *out)
{
	if (!take(c, '"'))
		return false;
	while (c->p < c->end) {
		size_t len;
		uint32_t r = utf8_next(c->p, (size_t)(c->end - c->p), &len);
		if (r < 0x20)
			return false;
		c->p += len;
		if (r == '"')
			return true;
		if (r == '\\' && !escape(c, &r))
			return false;
		if (r >= RUNE_INVALID)
			r = 0xfffd;
		c->nul |= r == 0;
		char u[RUNE_MAX_LEN];
		if (out)
			buf_add(out, u, utf8_put(r, u));
	}
	return false;
}

static bool digits(struct cursor *c)
{
	const char *start = c->p;
	while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
		c->p++;
	return c->p > start;
}

static bool number(struct cursor *c)
{
	if (c->p < c->end && *c->p == '-')
		c->p++;
	if (c->p < c->end && *c->p == '0')
		c->p++;
	else if (!digits(c))
		return false;
	if (c->p < c->end && *c->p == '.') {
		c->p++;
		if (!digits(c))
			return false;
	}
	if (c->p < c->end && (*c->p == 'e' || *c->p == 'E')) {
		c->p++;
		if (c->p < c->end && (*c->p == '+' || *c->p == '-'))
			c->p++;
		return digits(c);
	}
	return true;
}

static bool word(struct cursor *c, const char *w)
{
	size_t n = strlen(w);
	if ((size_t)(c->end - c->p) < n || memcmp(c->p, w, n) != 0)
		return false;
	c->p += n;
	return true;
}

static bool value(struct cursor *c, int depth);

// After the opening bracket, up to and with the closing one.
static bool members(struct cursor *c, bool object, int depth)
{
	char close = object ? '}' : ']';
	if (take(c, close))
		return true;
	do {
		if (object && (!string(c, NULL) || !take(c, ':')))
			return false;
		if (!value(c, depth))
			return false;
	} while (take(c, ','));
	return take(c, close);
}

static bool value(struct cursor *c, int depth)
{
	if (depth > JSON_DEPTH)
		return false;
	skip_blanks(c);
	if (c->p >= c->end)
		return false;
	switch (*c->p) {
	case '"':
		return string(c, NULL);
	case '[':
	case '{':
		return members(c, *c->p++ == '{', depth + 1);
	case 't':
		return word(c, "true");
	case 'f':
		return word(c, "false");
	case 'n':
		return word(c, "null");
	default:
		return number(c);
	}
}

static bool elements(struct arena *a, struct cursor *c, struct list *ret, bool *ret_other)
{
	auto_buf struct buf text = {0};
	if (take(c, ']'))
		return true;
	do {
		skip_blanks(c);
		if (c->p < c->end && *c->p == '"') {
			buf_reset(&text);
			if (!string(c, &text))
				return false;
			list_add(a, ret, arena_strndup(a, buf_cstr(&text), text.n));
		} else {
			if (!value(c, 1))
				return false;
			*ret_other = true;
		}
	} while (take(c, ','));
	return take(c, ']');
}

int split_json(struct arena *a, struct str s, struct list *ret, struct err *e)
{
	struct cursor c = {s.p, s.p + s.n, false};
	struct list words = {0};
	bool other = false;
	if (!take(&c, '[') || !elements(a, &c, &words, &other))
		return 0;
	skip_blanks(&c);
	if (c.p != c.end)
		return 0;
	if (other)
		return err_set(e, ERR_DOCKERFILE,
		        "when using JSON array syntax, arrays must be comprised of strings only");
	if (c.nul)
		return err_set(e, ERR_DOCKERFILE, "a string in a JSON array holds a NUL byte");
	*ret = words;
	return 1;
}
