// SPDX-License-Identifier: Apache-2.0
// The formats behind the inflater: gzip (RFC 1952, all members, zero padding at the end allowed),
// zstd (RFC 8878, all frames, windows up to 128 MiB), bzip2 and xz (all streams). Memory is bounded
// whatever the stream asks for.
//
// gzip has two ways. A member that fits the buffers, as ours do, is inflated whole by libdeflate,
// three to four times as fast as zlib; the first that does not fit sends the rest of the stream
// through zlib. The buffer of the input is filled up only when the next member may not be whole in
// it: an archive may have a member for each of its files.
#include "layer/inflate-int.h"

#include "base/err.h"
#include "base/mem.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMBER_MAX LAYER_PIECE
#define XZ_MEMORY (256u << 20)
#define ZSTD_WINDOW_LOG 27

// --- gzip --------------------------------------------------------------------------------------

// The last bytes say how much the last member holds: in most streams, of others, it is all of them.
static bool ends_large(const struct inflater *z)
{
	uint8_t n[4];
	struct stat st;
	return z->seekable && fstat(z->fd, &st) == 0 && st.st_size >= 18 &&
	       pread(z->fd, n, sizeof(n), st.st_size - 4) == sizeof(n) &&
	       ((size_t)n[0] | (size_t)n[1] << 8 | (size_t)n[2] << 16 | (size_t)n[3] << 24) >
	               MEMBER_MAX;
}

static int gz_start(struct inflater *z, struct err *e)
{
	z->u.gz.large = ends_large(z);
	if (z->u.gz.large)
		return 0;
	z->u.gz.used = INFLATE_INPUT; // of the first nothing is known
	z->u.gz.whole = libdeflate_alloc_decompressor();
	z->u.gz.out = xmalloc(MEMBER_MAX);
	return z->u.gz.whole ? 0 : err_set(e, ERR_FAIL, "out of memory for a decompressor");
}

static void gz_end(struct inflater *z)
{
	if (z->u.gz.ready)
		inflateEnd(&z->u.gz.s);
	libdeflate_free_decompressor(z->u.gz.whole);
	free(z->u.gz.out);
}

// At the start of a member: 1 if there is one, 0 at the end of the input.
static int gz_member(struct inflater *z, struct err *e)
{
	if (!inflater_more(z, 1, e))
		return -1;
	if (z->in_n > 0 && z->in[z->in_at] != 0)
		return 1;
	while (z->in_n > 0) {
		if (z->in[z->in_at] != 0)
			return inflater_bad(z, "something other than padding at its end", e);
		inflater_take(z, 1);
		if (!inflater_more(z, 1, e))
			return -1;
	}
	return 0;
}

static enum libdeflate_result gz_try(struct inflater *z)
{
	size_t used, made;
	enum libdeflate_result r = libdeflate_gzip_decompress_ex(
	        z->u.gz.whole, z->in + z->in_at, z->in_n, z->u.gz.out, MEMBER_MAX, &used, &made);
	if (r != LIBDEFLATE_SUCCESS)
		return r;
	inflater_take(z, used);
	z->u.gz.used = used;
	z->u.gz.out_at = 0;
	z->u.gz.out_n = made;
	return r;
}

// 1: a whole member lies in out; 0: it does not fit, nothing was consumed.
static int gz_whole(struct inflater *z, struct err *e)
{
	if (z->in_n < 2 * z->u.gz.used && !inflater_more(z, INFLATE_INPUT, e))
		return -1;
	enum libdeflate_result r = gz_try(z);
	if (r == LIBDEFLATE_BAD_DATA && z->in_n < INFLATE_INPUT && !z->eof) {
		if (!inflater_more(z, INFLATE_INPUT, e))
			return -1;
		r = gz_try(z);
	}
	return r == LIBDEFLATE_SUCCESS; // too large, cut off or damaged: zlib will tell
}

static int gz_open(struct inflater *z, struct err *e)
{
	int rc = z->u.gz.ready ? inflateReset(&z->u.gz.s) : inflateInit2(&z->u.gz.s, 15 + 16);
	if (rc != Z_OK)
		return err_set(e, ERR_FAIL, "out of memory for a decompressor");
	z->u.gz.ready = z->open = true;
	return 0;
}

// Some bytes of the open member; 0 if it ended just here.
static ssize_t gz_stream(struct inflater *z, uint8_t *p, size_t n, struct err *e)
{
	z_stream *s = &z->u.gz.s;
	s->next_out = p;
	s->avail_out = n > UINT32_MAX ? UINT32_MAX : (unsigned)n;
	unsigned room = s->avail_out;
	while (s->avail_out == room) {
		if (!inflater_more(z, 1, e))
			return -1;
		if (z->in_n == 0)
			return inflater_bad(z, "ends early", e);
		s->next_in = z->in + z->in_at;
		s->avail_in = (unsigned)z->in_n;
		int rc = inflate(s, Z_NO_FLUSH);
		inflater_take(z, z->in_n - s->avail_in);
		if (rc == Z_STREAM_END) {
			z->open = false;
			break;
		}
		if (rc != Z_OK && rc != Z_BUF_ERROR)
			return inflater_bad(z, s->msg ? s->msg : "damaged", e);
	}
	return (ssize_t)(room - s->avail_out);
}

static ssize_t gz_read(struct inflater *z, uint8_t *p, size_t n, struct err *e)
{
	while (true) {
		if (z->u.gz.out_n > 0) {
			size_t part = z->u.gz.out_n < n ? z->u.gz.out_n : n;
			memcpy(p, z->u.gz.out + z->u.gz.out_at, part);
			z->u.gz.out_at += part;
			z->u.gz.out_n -= part;
			return (ssize_t)part;
		}
		if (!z->open) {
			int rc = gz_member(z, e);
			if (rc <= 0)
				return rc;
			if (!z->u.gz.large && (rc = gz_whole(z, e)) != 0) {
				if (rc < 0)
					return -1;
				continue; // also past an empty member
			}
			z->u.gz.large = true;
			if (gz_open(z, e) != 0)
				return -1;
		}
		ssize_t got = gz_stream(z, p, n, e);
		if (got != 0)
			return got;
	}
}

const struct codec codec_gzip = {"gzip", gz_start, gz_read, gz_end};

// --- zstd --------------------------------------------------------------------------------------

static int zstd_start(struct inflater *z, struct err *e)
{
	z->u.zstd = ZSTD_createDStream();
	if (!z->u.zstd || ZSTD_isError(ZSTD_DCtx_setParameter(
	                          z->u.zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG)))
		return err_set(e, ERR_FAIL, "out of memory for a decompressor");
	return 0;
}

static void zstd_end(struct inflater *z)
{
	ZSTD_freeDStream(z->u.zstd);
}

static ssize_t zstd_read(struct inflater *z, uint8_t *p, size_t n, struct err *e)
{
	ZSTD_outBuffer out = {p, n, 0};
	while (out.pos == 0) {
		if (!inflater_more(z, 1, e))
			return -1;
		if (z->in_n == 0 && !z->open)
			return 0;
		ZSTD_inBuffer in = {z->in + z->in_at, z->in_n, 0};
		size_t rc = ZSTD_decompressStream(z->u.zstd, &out, &in);
		if (ZSTD_isError(rc))
			return inflater_bad(z, ZSTD_getErrorName(rc), e);
		// Without input there may still be output that did not fit before.
		if (z->in_n == 0 && out.pos == 0)
			return inflater_bad(z, "ends early", e);
		inflater_take(z, in.pos);
		z->open = rc != 0;
	}
	return (ssize_t)out.pos;
}

const struct codec codec_zstd = {"zstd", zstd_start, zstd_read, zstd_end};

// --- bzip2 -------------------------------------------------------------------------------------

static void bz_end(struct inflater *z)
{
	if (z->u.bz.ready)
		BZ2_bzDecompressEnd(&z->u.bz.s);
	z->u.bz.ready = false;
}

static int bz_open(struct inflater *z, struct err *e)
{
	bz_end(z);
	memset(&z->u.bz.s, 0, sizeof(z->u.bz.s));
	if (BZ2_bzDecompressInit(&z->u.bz.s, 0, 0) != BZ_OK)
		return err_set(e, ERR_FAIL, "out of memory for a decompressor");
	z->u.bz.ready = z->open = true;
	return 0;
}

static ssize_t bz_read(struct inflater *z, uint8_t *p, size_t n, struct err *e)
{
	bz_stream *s = &z->u.bz.s;
	unsigned room = n > UINT32_MAX ? UINT32_MAX : (unsigned)n;
	while (true) {
		if (!inflater_more(z, 1, e))
			return -1;
		if (z->in_n == 0)
			return z->open ? inflater_bad(z, "ends early", e) : 0;
		if (!z->open && bz_open(z, e) != 0)
			return -1;
		s->next_out = (char *)p;
		s->avail_out = room;
		s->next_in = (char *)z->in + z->in_at;
		s->avail_in = (unsigned)z->in_n;
		int rc = BZ2_bzDecompress(s);
		inflater_take(z, z->in_n - s->avail_in);
		if (rc != BZ_OK && rc != BZ_STREAM_END)
			return inflater_bad(z, "damaged", e);
		if (rc == BZ_STREAM_END)
			z->open = false;
		if (s->avail_out < room)
			return (ssize_t)(room - s->avail_out);
	}
}

const struct codec codec_bzip2 = {"bzip2", NULL, bz_read, bz_end};

// --- xz ----------------------------------------------------------------------------------------

static int xz_start(struct inflater *z, struct err *e)
{
	z->u.xz = (lzma_stream)LZMA_STREAM_INIT;
	if (lzma_stream_decoder(&z->u.xz, XZ_MEMORY, LZMA_CONCATENATED) != LZMA_OK)
		return err_set(e, ERR_FAIL, "out of memory for a decompressor");
	z->open = true;
	return 0;
}

static void xz_end(struct inflater *z)
{
	lzma_end(&z->u.xz);
}

static ssize_t xz_read(struct inflater *z, uint8_t *p, size_t n, struct err *e)
{
	lzma_stream *s = &z->u.xz;
	s->next_out = p;
	s->avail_out = n;
	while (z->open && s->avail_out == n) {
		if (!inflater_more(z, 1, e))
			return -1;
		s->next_in = z->in + z->in_at;
		s->avail_in = z->in_n;
		lzma_ret rc = lzma_code(s, z->eof ? LZMA_FINISH : LZMA_RUN);
		inflater_take(z, z->in_n - s->avail_in);
		if (rc == LZMA_STREAM_END)
			z->open = false;
		else if (rc == LZMA_MEMLIMIT_ERROR)
			return inflater_bad(z, "needs more than 256 MiB of memory", e);
		else if (rc == LZMA_BUF_ERROR)
			return inflater_bad(z, "ends early", e);
		else if (rc != LZMA_OK)
			return inflater_bad(z, "damaged", e);
	}
	return (ssize_t)(n - s->avail_out);
}

const struct codec codec_xz = {"xz", xz_start, xz_read, xz_end};
