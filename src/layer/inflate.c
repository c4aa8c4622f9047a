// SPDX-License-Identifier: Apache-2.0
// Streaming decompression, chosen by content: the front, which owns the input buffer and tells a
// complete stream from one that was cut off. The formats are in inflate_codecs.c. A seekable input
// is read from its start and its position is left alone; a pipe is read as it comes.
#include "layer/inflate-int.h"

#include "base/cancel.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

bool inflater_more(struct inflater *z, size_t want, struct err *e)
{
	if (z->in_n >= want || z->eof)
		return true;
	if (cancel_check(e) != 0)
		return false;
	size_t full = want > INFLATE_READ ? want : INFLATE_READ;
	memmove(z->in, z->in + z->in_at, z->in_n);
	z->in_at = 0;
	while (z->in_n < want && !z->eof) {
		char *p = (char *)z->in + z->in_n;
		size_t room = full - z->in_n;
		ssize_t n = z->seekable ? TEMP_FAILURE_RETRY(pread(z->fd, p, room, z->offset))
		                        : fs_read(z->fd, p, room, e);
		if (n < 0 && z->seekable)
			err_sys(e, "read compressed data");
		if (n < 0)
			return false;
		z->eof = n == 0;
		z->in_n += (size_t)n;
		z->offset += n;
	}
	return true;
}

int inflater_bad(struct inflater *z, const char *what, struct err *e)
{
	z->failed = true;
	return err_set(e, ERR_CORRUPT, "%s stream: %s", z->codec->name, what);
}

static ssize_t none_read(struct inflater *z, uint8_t *p, size_t n, struct err *e)
{
	if (!inflater_more(z, 1, e))
		return -1;
	size_t part = z->in_n < n ? z->in_n : n;
	memcpy(p, z->in + z->in_at, part);
	inflater_take(z, part);
	return (ssize_t)part;
}

static const struct codec codec_none = {.name = "plain", .read = none_read};

static const struct codec *detect(const uint8_t *p, size_t n)
{
	static const struct {
		const char *magic;
		size_t n;
		const struct codec *codec;
	} known[] = {
	        {"\x1f\x8b\x08", 3, &codec_gzip},
	        {"\x28\xb5\x2f\xfd", 4, &codec_zstd},
	        {"BZh", 3, &codec_bzip2},
	        {"\xfd"
	         "7zXZ",
	                6, &codec_xz},
	};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (n >= known[i].n && memcmp(p, known[i].magic, known[i].n) == 0)
			return known[i].codec;
	// A zstd stream may begin with a skippable frame.
	if (n >= 4 && (p[0] & 0xf0) == 0x50 && memcmp(p + 1, "\x2a\x4d\x18", 3) == 0)
		return &codec_zstd;
	return &codec_none;
}

struct inflater *inflater_new(int fd, struct err *e)
{
	struct inflater *z = xcalloc(1, sizeof(*z));
	z->fd = fd;
	z->seekable = lseek(fd, 0, SEEK_CUR) >= 0;
	z->in = xmalloc(INFLATE_INPUT);
	z->codec = &codec_none;
	if (!inflater_more(z, 6, e)) {
		inflater_free(z);
		return NULL;
	}
	z->codec = detect(z->in + z->in_at, z->in_n);
	if (z->codec->start && z->codec->start(z, e) != 0) {
		inflater_free(z);
		return NULL;
	}
	return z;
}

void inflater_free(struct inflater *z)
{
	if (!z)
		return;
	if (z->codec->end)
		z->codec->end(z);
	free(z->in);
	free(z);
}

ssize_t inflater_read(struct inflater *z, void *p, size_t n, struct err *e)
{
	if (z->failed)
		return inflater_bad(z, "failed before", e);
	return n > 0 ? z->codec->read(z, p, n, e) : 0;
}
