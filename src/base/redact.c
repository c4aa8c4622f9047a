// SPDX-License-Identifier: Apache-2.0
#include "base/redact.h"

#include "base/mem.h"
#include <ctype.h>
#include <string.h>

static void add_line(struct redactor *r, const char *p, size_t n)
{
	if (n && p[n - 1] == '\r')
		n--;
	if (n >= REDACT_LEAST && r->n < REDACT_LINES)
		r->lines[r->n++] = (struct str){p, n};
}

void redactor_add(struct redactor *r, const char *value, size_t n)
{
	const char *end = value + n;
	for (const char *nl; value < end; value = nl + 1) {
		nl = memchr(value, '\n', (size_t)(end - value));
		if (!nl)
			nl = end;
		add_line(r, value, (size_t)(nl - value));
	}
}

// The longest line that stands at p; *ret_open if one may yet, when more comes.
static size_t match(const struct redactor *r, const char *p, size_t n, bool *ret_open)
{
	size_t longest = 0;
	*ret_open = false;
	for (size_t i = 0; i < r->n; i++) {
		struct str s = r->lines[i];
		if (s.p[0] != p[0] || memcmp(s.p, p, s.n < n ? s.n : n) != 0)
			continue;
		if (s.n > n)
			*ret_open = true;
		else if (s.n > longest)
			longest = s.n;
	}
	return longest;
}

size_t redactor_match(const struct redactor *r, const char *p, size_t n)
{
	bool open;
	return n ? match(r, p, n, &open) : 0;
}

void redact(const struct redactor *r, struct buf *held, const char *p, size_t n, struct buf *out)
{
	bool last = n == 0, open;
	size_t at = 0;
	buf_add(held, p, n);
	while (at < held->n) {
		size_t found = match(r, held->p + at, held->n - at, &open);
		if (open && !last)
			break;
		if (found)
			buf_puts(out, REDACT_MARK);
		else
			buf_putc(out, held->p[at]);
		at += found ? found : 1;
	}
	if (held->n) {
		memmove(held->p, held->p + at, held->n - at);
		held->n -= at;
		held->p[held->n] = '\0';
	}
}

// ---- URLs

size_t userinfo_length(const char *p, const char *end)
{
	size_t found = 0;
	for (const char *at = p;
	        at < end && !isspace((unsigned char)*at) && !strchr("/?#\"'<>", *at); at++)
		if (*at == '@')
			found = (size_t)(at + 1 - p);
	return found;
}

static bool ends_with_http(const char *text, const char *end)
{
	size_t n = (size_t)(end - text);
	return (n >= 4 && !strncasecmp(end - 4, "http", 4)) ||
	       (n >= 5 && !strncasecmp(end - 5, "https", 5));
}

void redact_urls(const char *text, size_t n, struct buf *out)
{
	const char *end = text + n, *rest = text;
	for (const char *p = text; (p = memmem(p, (size_t)(end - p), "://", 3)) != NULL;) {
		const char *scheme_end = p;
		p += 3;
		size_t info = userinfo_length(p, end);
		const char *colon = info ? memchr(p, ':', info) : NULL;
		if (!colon && !(info && ends_with_http(text, scheme_end)))
			continue;
		const char *hidden = colon ? colon + 1 : p;
		buf_add(out, rest, (size_t)(hidden - rest));
		buf_puts(out, "xxxxx");
		rest = p = p + info - 1;
	}
	buf_add(out, rest, (size_t)(end - rest));
}
