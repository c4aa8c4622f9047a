// SPDX-License-Identifier: Apache-2.0
// JSON is YAML but for this: what lies beyond U+FFFF is two escapes there, which YAML does not
// know.
#include "structure/yaml-int.h"

#include <string.h>

// The code unit of "\uXXXX"; 0: that is not there.
static unsigned unit_at(const char *p, const char *end)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	unsigned unit = 0;
	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return 0;
	for (int i = 2; i < 6; i++) {
		const char *digit = p[i] ? strchr(digits, p[i]) : NULL;
		if (!digit)
			return 0;
		unsigned v = (unsigned)(digit - digits);
		unit = unit << 4 | (v > 15 ? v - 6 : v);
	}
	return unit;
}

static bool is_json(const char *text, size_t n)
{
	while (n && *text && strchr(" \t\r\n", *text)) {
		text++;
		n--;
	}
	return n && *text == '{';
}

void yaml_join_surrogates(const char *text, size_t n, struct buf *ret)
{
	if (!is_json(text, n)) {
		buf_add(ret, text, n);
		return;
	}
	for (const char *p = text, *end = text + n; p < end;) {
		unsigned high = unit_at(p, end), low = high ? unit_at(p + 6, end) : 0;
		size_t taken = *p == '\\' && p + 1 < end ? 2 : 1;
		if (high >> 10 == 0xd800 >> 10 && low >> 10 == 0xdc00 >> 10) {
			buf_printf(
			        ret, "\\U%08x", 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff));
			taken = 12;
		} else {
			buf_add(ret, p, taken);
		}
		p += taken;
	}
}
