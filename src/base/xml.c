// SPDX-License-Identifier: Apache-2.0
#include "base/xml.h"

#include "base/mem.h"

// What XML 1.0 cannot say, not even escaped: most control characters, U+FFFE and U+FFFF.
static bool is_character(const unsigned char *p, size_t len)
{
	if (len == 1)
		return *p >= 0x20 || *p == '\t' || *p == '\n' || *p == '\r';
	return len != 3 || p[0] != 0xef || p[1] != 0xbf || p[2] < 0xbe;
}

static const char *entity_of(char c)
{
	static const struct {
		char c;
		const char *entity;
	} escapes[] = {{'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'"', "&#34;"},
	        {'\n', "&#xA;"}, {'\t', "&#x9;"}, {'\r', "&#xD;"}, {0x7f, "&#x7F;"}};
	for (size_t i = 0; i < ARRAY_LEN(escapes); i++)
		if (escapes[i].c == c)
			return escapes[i].entity;
	return NULL;
}

void xml_text(struct buf *out, const char *text, size_t n)
{
	for (size_t at = 0; at < n;) {
		const unsigned char *p = (const unsigned char *)text + at;
		size_t len = str_utf8_len(text + at, n - at);
		const char *entity = entity_of(text[at]);
		if (entity)
			buf_puts(out, entity);
		else if (!len || !is_character(p, len))
			buf_puts(out, "\xef\xbf\xbd");
		else if (len == 2 && p[0] == 0xc2 && p[1] < 0xa0) // U+0080 to U+009F
			buf_printf(out, "&#x%X;", p[1]);
		else
			buf_add(out, p, len);
		at += len ? len : 1;
	}
}
