// SPDX-License-Identifier: Apache-2.0
// Texts of others and numbers, as they stand in the page.
#include "base/json.h"
#include "base/unicode.h"
#include "page/page-int.h"
#include <stdio.h>
#include <string.h>

// Characters that cannot be seen, or that change where others are seen.
static bool is_unseen(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
	       (c >= 0x180b && c <= 0x180f) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xfff0 && c <= 0xfffb) ||
	       (c >= 0xe0000 && c <= 0xe0fff) || (c & 0xfffe) == 0xfffe;
}

// How it is shown if not as it is.
static bool put_number(struct buf *out, uint32_t c)
{
	if (c >= RUNE_INVALID)
		buf_printf(out, "\\x%02x", c - RUNE_INVALID);
	else if (is_unseen(c))
		buf_printf(out, c < 0x80 ? "\\x%02x" : "\\u%04x", c);
	else
		return false;
	return true;
}

static void put_safe(struct buf *out, const char *s, size_t most,
        void (*put)(struct buf *, const char *, size_t))
{
	size_t n = strlen(s), end = n > most ? most : n;
	for (size_t i = 0, len; i < n; i += len) {
		(void)utf8_next(s + i, n - i, &len);
		if (i + len > end) {
			buf_puts(out, "\xe2\x80\xa6");
			return;
		}
		put(out, s + i, len);
	}
}

static void put_character(struct buf *out, const char *p, size_t len)
{
	size_t same;
	uint32_t c = utf8_next(p, len, &same);
	switch (c) {
	case '<':
		buf_puts(out, "&lt;");
		return;
	case '>':
		buf_puts(out, "&gt;");
		return;
	case '&':
		buf_puts(out, "&amp;");
		return;
	case '"':
		buf_puts(out, "&quot;");
		return;
	case '\'':
		buf_puts(out, "&#39;");
		return;
	default:
		if (!put_number(out, c))
			buf_add(out, p, len);
	}
}

static void put_line_character(struct buf *out, const char *p, size_t len)
{
	if (*p == '\n' || *p == '\t')
		buf_putc(out, *p);
	else
		put_character(out, p, len);
}

static void put_plain_character(struct buf *out, const char *p, size_t len)
{
	size_t same;
	if (!put_number(out, utf8_next(p, len, &same)))
		buf_add(out, p, len);
}

void html_text(struct buf *out, const char *s, size_t most)
{
	put_safe(out, s, most, put_character);
}

void html_lines(struct buf *out, const char *s, size_t most)
{
	put_safe(out, s, most, put_line_character);
}

void html_json(struct buf *out, const char *s, size_t most)
{
	auto_buf struct buf plain = {0};
	put_safe(&plain, s, most, put_plain_character);
	jw_quote(out, buf_cstr(&plain), true);
}

// ---- numbers

void html_bytes(struct buf *out, uint64_t bytes)
{
	static const char units[] = "kMGTPE";
	uint64_t unit = 1000;
	size_t u = 0;
	if (bytes == PAGE_UNKNOWN) {
		buf_puts(out, "unknown");
		return;
	}
	if (bytes < 1000) {
		buf_printf(out, "%u B", (unsigned)bytes);
		return;
	}
	while (u + 1 < sizeof(units) - 1 && bytes / unit >= 1000) {
		unit *= 1000;
		u++;
	}
	double n = (double)bytes / (double)unit;
	buf_printf(out, n < 99.95 ? "%.1f %cB" : "%.0f %cB", n, units[u]);
}

void html_count(struct buf *out, uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf_puts(out, "\xe2\x80\xaf"); // a narrow blank that does not break
		buf_putc(out, digits[i]);
	}
}

void html_plural(struct buf *out, uint64_t n, const char *what)
{
	html_count(out, n);
	buf_printf(out, " %s%s", what, n == 1 ? "" : "s");
}

void html_seconds(struct buf *out, int64_t ns)
{
	int64_t tenths = (ns + 50000000) / 100000000;
	if (ns < 0)
		ns = tenths = 0;
	if (ns % 1000000000 == 0 && tenths < 600)
		buf_printf(out, "%d s", (int)(tenths / 10));
	else if (ns < 95000000)
		buf_printf(out, "%.2f s", (double)ns / 1e9);
	else if (tenths < 600)
		buf_printf(out, "%d.%d s", (int)(tenths / 10), (int)(tenths % 10));
	else if (tenths < 36000)
		buf_printf(out, "%d min %d s", (int)(tenths / 600), (int)(tenths / 10 % 60));
	else
		buf_printf(out, "%lld h %d min", (long long)(tenths / 36000),
		        (int)(tenths / 600 % 60));
}

void html_share(struct buf *out, uint64_t part, uint64_t of)
{
	double percent = of ? 100.0 * (double)part / (double)of : 0;
	if (part && percent < 0.95)
		buf_puts(out, "&lt;1 %");
	else
		buf_printf(out, "%.0f %%", percent);
}
