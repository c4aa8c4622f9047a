// SPDX-License-Identifier: Apache-2.0
// The name of a downloaded file. It becomes a file in the image: only a plain last component is
// ever accepted. As with BuildKit's ADD, what the server calls it (Content-Disposition) does not
// count.

#include "registry/download_name.h"

#include "base/buf.h"
#include "base/mem.h"
#include "registry/url.h"
#include <ctype.h>

static char *file_name(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '/' || (unsigned char)p[i] < ' ' || p[i] == 0x7f)
			return NULL;
	bool dots = (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.');
	return n == 0 || n > 255 || dots ? NULL : xstrndup(p, n);
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

char *url_file_name(const struct url *u)
{
	size_t n = strcspn(u->target, "?");
	while (n > 1 && u->target[n - 1] == '/')
		n--;
	const char *slash = memrchr(u->target, '/', n);
	auto_buf struct buf name = {0};
	for (const char *p = slash ? slash + 1 : u->target; p < u->target + n; p++) {
		if (p[0] == '%' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2])) {
			buf_putc(&name, (char)(hex_digit(p[1]) << 4 | hex_digit(p[2])));
			p += 2;
		} else {
			buf_putc(&name, *p);
		}
	}
	return memchr(buf_cstr(&name), '\0', name.n) ? NULL : file_name(buf_cstr(&name), name.n);
}
