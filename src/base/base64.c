// SPDX-License-Identifier: Apache-2.0
// Base64 both ways. Decoding accepts the standard and the URL alphabet and missing padding, as the
// writers of credential files are not of one mind.
#include "base/base64.h"

#include "base/buf.h"
#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, const void *data, size_t n)
{
	const uint8_t *p = data;
	for (size_t i = 0; i < n; i += 3) {
		size_t have = n - i < 3 ? n - i : 3;
		uint32_t v = (uint32_t)p[i] << 16;
		v |= have > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		v |= have > 2 ? p[i + 2] : 0;
		for (size_t k = 0; k < 4; k++)
			buf_putc(out, k <= have ? alphabet[v >> (18 - 6 * k) & 63] : '=');
	}
}

static int value_of(char c)
{
	if (c == '-')
		c = '+';
	if (c == '_')
		c = '/';
	const char *at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

bool base64_decode(struct buf *out, const char *s)
{
	size_t n = strlen(s);
	while (n > 0 && (s[n - 1] == '=' || s[n - 1] == '\n' || s[n - 1] == '\r'))
		n--;
	if (n % 4 == 1)
		return false;
	uint32_t v = 0;
	int bits = 0;
	for (size_t i = 0; i < n; i++) {
		int d = value_of(s[i]);
		if (d < 0)
			return false;
		v = v << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_putc(out, (char)(v >> bits & 0xff));
		}
	}
	return true;
}
