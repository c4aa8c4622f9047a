// SPDX-License-Identifier: Apache-2.0
// The man pages inside the program, as tools/embed-pages puts them there: one gzip stream; ahead of
// each page a line with its name and its bytes.
#include "cmd/man_pages.h"
#include "base/err.h"
#include "base/mem.h"
#include <libdeflate.h>
#include <limits.h>
#include <string.h>

#define PAGES_MAX (16u << 20)
#define HEAD_MAX (NAME_MAX + 32)

extern const unsigned char man_pages[];
extern const size_t man_pages_packed, man_pages_bytes;

int man_pages_unpack(struct buf *ret, struct err *e)
{
	if (!man_pages_bytes)
		return err_set(e, ERR_UNSUPPORTED,
		        "this hew has no man pages inside: scdoc was not there when it was built");
	struct libdeflate_decompressor *z = libdeflate_alloc_decompressor();
	auto_buf struct buf text = {0};
	enum libdeflate_result rc = LIBDEFLATE_BAD_DATA;
	if (z && man_pages_bytes <= PAGES_MAX) {
		buf_reserve(&text, man_pages_bytes);
		// without a place for the number of bytes it has to be this one
		rc = libdeflate_gzip_decompress(
		        z, man_pages, man_pages_packed, text.p, man_pages_bytes, NULL);
	}
	libdeflate_free_decompressor(z);
	if (rc != LIBDEFLATE_SUCCESS)
		return err_set(e, ERR_CORRUPT, "the man pages inside this program are damaged");
	text.n = man_pages_bytes;
	text.p[text.n] = '\0';
	*ret = text;
	text = (struct buf){0};
	return 0;
}

int man_pages_next(struct str *rest, struct man_page *ret, struct err *e)
{
	if (!rest->n)
		return 0;
	const char *end = memchr(rest->p, '\n', rest->n < HEAD_MAX ? rest->n : HEAD_MAX);
	const char *blank = end ? memchr(rest->p, ' ', (size_t)(end - rest->p)) : NULL;
	if (!blank || blank == rest->p || memchr(rest->p, '/', (size_t)(blank - rest->p)))
		return err_set(e, ERR_CORRUPT, "man pages: no name where one has to be");
	auto_free char *number = xstrndup(blank + 1, (size_t)(end - blank - 1));
	size_t left = rest->n - (size_t)(end + 1 - rest->p);
	uint64_t n;
	if (!str_to_u64(number, &n) || n > left)
		return err_set(e, ERR_CORRUPT, "man pages: the end is missing");
	*ret = (struct man_page){
	        .name = {rest->p, (size_t)(blank - rest->p)}, .text = {end + 1, (size_t)n}};
	*rest = (struct str){end + 1 + n, left - (size_t)n};
	return 1;
}
