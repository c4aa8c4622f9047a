// SPDX-License-Identifier: Apache-2.0
// Texts as Go reads and prints them: strconv.ParseBool, ParseUint and Quote, time.ParseDuration,
// and go-units' RAMInBytes. Messages are Go's.
#include "base/err.h"
#include "base/unicode.h"
#include "dockerfile/parse-int.h"

bool value_bool(const char *s, bool *ret)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (strcmp(s, yes[i]) == 0 || strcmp(s, no[i]) == 0) {
			*ret = strcmp(s, yes[i]) == 0;
			return true;
		}
	}
	return false;
}

bool value_uint32(const char *s, int base, int64_t *ret)
{
	int64_t v = 0;
	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s >= '0' + base)
			return false;
		v = v * base + (*s - '0');
		if (v > UINT32_MAX)
			return false;
	}
	*ret = v;
	return true;
}

static double unit_ns(const char *u, size_t n)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"ns", 1}, {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"\xce\xbcs", 1e3}, {"ms", 1e6},
	        {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strlen(units[i].name) == n && memcmp(units[i].name, u, n) == 0)
			return units[i].ns;
	return 0;
}

static int bad_duration(const char *s, struct err *e)
{
	auto_buf struct buf q = {0};
	quote_go(&q, str_of(s));
	return err_set(e, ERR_DOCKERFILE, "time: invalid duration %s", buf_cstr(&q));
}

// One "12.5ms" of a duration, added to *ns; whole parts are exact.
static int duration_part(const char **at, const char *s, int64_t *ns, struct err *e)
{
	const char *p = *at;
	int64_t whole = 0, limit = INT64_MAX / 10 - 10;
	double fraction = 0, scale = 1;
	bool any = false;
	for (; *p >= '0' && *p <= '9'; p++, any = true) {
		if (whole > limit)
			return bad_duration(s, e);
		whole = whole * 10 + (*p - '0');
	}
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++, any = true)
			fraction += (*p - '0') * (scale /= 10);
	if (!any)
		return bad_duration(s, e);
	const char *u = p;
	while (*p && *p != '.' && (*p < '0' || *p > '9'))
		p++;
	double unit = unit_ns(u, (size_t)(p - u));
	int64_t part;
	if (p == u || unit == 0) {
		auto_buf struct buf b = {0};
		if (p == u)
			buf_puts(&b, "time: missing unit in duration ");
		else {
			buf_puts(&b, "time: unknown unit ");
			quote_go(&b, (struct str){u, (size_t)(p - u)});
			buf_puts(&b, " in duration ");
		}
		quote_go(&b, str_of(s));
		return err_set(e, ERR_DOCKERFILE, "%s", buf_cstr(&b));
	}
	if (__builtin_mul_overflow(whole, (int64_t)unit, &part) ||
	        __builtin_add_overflow(part, (int64_t)(fraction * unit), &part) ||
	        __builtin_add_overflow(*ns, part, ns))
		return bad_duration(s, e);
	*at = p;
	return 0;
}

int value_duration(const char *s, int64_t *ret_ns, struct err *e)
{
	const char *p = s;
	bool minus = *p == '-';
	int64_t ns = 0;
	if (*p == '-' || *p == '+')
		p++;
	if (strcmp(p, "0") == 0) {
		*ret_ns = 0;
		return 0;
	}
	if (!*p)
		return bad_duration(s, e);
	while (*p)
		if (duration_part(&p, s, &ns, e) < 0)
			return -1;
	*ret_ns = minus ? -ns : ns;
	return 0;
}

bool value_size(const char *s, int64_t *ret)
{
	double v = 0, scale = 1;
	bool any = false;
	for (; *s >= '0' && *s <= '9'; s++, any = true)
		v = v * 10 + (*s - '0');
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9'; s++, any = true)
			v += (*s - '0') * (scale /= 10);
	if (!any)
		return false;
	if (*s == ' ')
		s++;
	static const char prefixes[] = "kmgtp";
	const char *prefix = *s ? strchr(prefixes, *s | 0x20) : NULL;
	if (prefix) {
		for (const char *i = prefixes; i <= prefix; i++)
			v *= 1024;
		s++;
		if ((*s | 0x20) == 'i' && (s[1] | 0x20) == 'b')
			s++;
	}
	if ((*s | 0x20) == 'b')
		s++;
	if (*s || v >= 9e18)
		return false;
	*ret = (int64_t)v;
	return true;
}

static void quote_rune(struct buf *b, uint32_t c)
{
	static const char plain[] = "\a\b\f\n\r\t\v\"\\", named[] = "abfnrtv\"\\";
	char u[RUNE_MAX_LEN];
	const char *at = c && c < 0x80 ? strchr(plain, (int)c) : NULL;
	if (at)
		buf_printf(b, "\\%c", named[at - plain]);
	else if (c < 0x20 || c == 0x7f)
		buf_printf(b, "\\x%02x", c);
	else if (c >= RUNE_INVALID)
		buf_printf(b, "\\x%02x", c - RUNE_INVALID);
	else if ((c >= 0x80 && c < 0xa0) || (c >= 0x80 && rune_is_space(c)) || c == 0xfeff)
		buf_printf(b, "\\u%04x", c);
	else
		buf_add(b, u, utf8_put(c, u));
}

void quote_go(struct buf *b, struct str s)
{
	buf_putc(b, '"');
	while (s.n > 0) {
		size_t len;
		quote_rune(b, utf8_next(s.p, s.n, &len));
		s = (struct str){s.p + len, s.n - len};
	}
	buf_putc(b, '"');
}
