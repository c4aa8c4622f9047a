// SPDX-License-Identifier: Apache-2.0
// Compressing a layer on all cores. The input is cut by offset into pieces that know nothing of
// each other; each becomes a gzip member (RFC 1952) or a zstd frame, and they are written and
// hashed in order. So the bytes depend on the recipe alone, never on the number of workers.
#include "layer/compress.h"

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/pool.h"
#include "layer/compress-int.h"
#include <libdeflate.h>
#include <stdio.h>
#include <string.h>
#include <zstd.h>

#define GZIP_FRAME 18 // header and trailer

// What one piece needs; reused by the piece `window` further on.
struct slot {
	uint8_t *in, *out;
	size_t out_n;
	struct libdeflate_compressor *deflate;
	ZSTD_CCtx *zstd;
};

struct job {
	const struct recipe *r;
	int in_fd, out_fd;
	uint64_t size, written;
	size_t piece, window, out_cap;
	struct slot *slots;
	struct hasher *hash;
};

void recipe_text(const struct recipe *r, char out[static RECIPE_TEXT])
{
	if (r->type == COMPRESSION_GZIP)
		snprintf(out, RECIPE_TEXT, "gzip-libdeflate%d-4m", r->level);
	else if (r->type == COMPRESSION_ZSTD)
		snprintf(out, RECIPE_TEXT, "zstd-%d-4m", r->level);
	else
		snprintf(out, RECIPE_TEXT, "none");
}

static void put_le32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

size_t gzip_member_max(size_t n)
{
	return libdeflate_deflate_compress_bound(NULL, n) + GZIP_FRAME;
}

int gzip_member(struct libdeflate_compressor **z, int level, const void *p, size_t n, uint8_t *out,
        size_t *ret_n, struct err *e)
{
	// No name, no time, no operating system: nothing but the data decides.
	static const uint8_t head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};
	if (!*z && !(*z = libdeflate_alloc_compressor(level)))
		return err_set(e, ERR_FAIL, "gzip: no compressor for level %d", level);
	memcpy(out, head, sizeof(head));
	size_t body = libdeflate_deflate_compress(
	        *z, p, n, out + sizeof(head), gzip_member_max(n) - GZIP_FRAME);
	if (body == 0)
		return err_set(e, ERR_FAIL, "gzip: output buffer too small");
	put_le32(out + sizeof(head) + body, libdeflate_crc32(0, p, n));
	put_le32(out + sizeof(head) + body + 4, (uint32_t)n);
	*ret_n = body + GZIP_FRAME;
	return 0;
}

static int zstd_piece(struct job *j, struct slot *s, size_t n, struct err *e)
{
	if (!s->zstd && !(s->zstd = ZSTD_createCCtx()))
		return err_set(e, ERR_FAIL, "zstd: out of memory");
	ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_compressionLevel, j->r->level);
	ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_checksumFlag, 1);
	size_t made = ZSTD_compress2(s->zstd, s->out, j->out_cap, s->in, n);
	if (ZSTD_isError(made))
		return err_set(e, ERR_FAIL, "zstd: %s", ZSTD_getErrorName(made));
	s->out_n = made;
	return 0;
}

static int run_piece(void *arg, size_t i, struct err *e)
{
	struct job *j = arg;
	struct slot *s = &j->slots[i % j->window];
	uint64_t at = (uint64_t)i * j->piece;
	size_t n = j->size - at < j->piece ? (size_t)(j->size - at) : j->piece;
	if (cancel_check(e) != 0)
		return -1;
	if (!s->in) {
		s->in = xmalloc(j->piece);
		s->out = xmalloc(j->out_cap);
	}
	if (n > 0 && fs_pread_full(j->in_fd, s->in, n, (off_t)at, e) != 0)
		return err_wrap(e, "read layer");
	if (j->r->type == COMPRESSION_GZIP)
		return gzip_member(&s->deflate, j->r->level, s->in, n, s->out, &s->out_n, e);
	if (j->r->type == COMPRESSION_ZSTD)
		return zstd_piece(j, s, n, e);
	memcpy(s->out, s->in, n);
	s->out_n = n;
	return 0;
}

static int put_piece(void *arg, size_t i, struct err *e)
{
	struct job *j = arg;
	const struct slot *s = &j->slots[i % j->window];
	hasher_add(j->hash, s->out, s->out_n);
	j->written += s->out_n;
	return fs_write_all(j->out_fd, s->out, s->out_n, e) != 0 ? err_wrap(e, "write blob") : 0;
}

static void job_release(struct job *j)
{
	for (size_t i = 0; i < j->window; i++) {
		free(j->slots[i].in);
		free(j->slots[i].out);
		libdeflate_free_compressor(j->slots[i].deflate);
		ZSTD_freeCCtx(j->slots[i].zstd);
	}
	free(j->slots);
}

static int check_recipe(const struct recipe *r, struct err *e)
{
	bool ok = r->type == COMPRESSION_NONE ||
	          (r->type == COMPRESSION_GZIP && r->level >= 0 && r->level <= 12) ||
	          (r->type == COMPRESSION_ZSTD && r->level >= 1 && r->level <= 22);
	return ok ? 0 : err_set(e, ERR_USAGE, "no such compression level: %d", r->level);
}

int layer_compress(int in_fd, uint64_t size, int out_fd, const struct recipe *r, struct pool *pool,
        struct digest *ret_digest, uint64_t *ret_size, struct err *e)
{
	if (check_recipe(r, e) != 0)
		return -1;
	auto_hasher struct hasher *hash = hasher_new();
	struct job j = {.r = r, .in_fd = in_fd, .out_fd = out_fd, .size = size, .hash = hash};
	j.piece = LAYER_PIECE;
	j.out_cap = r->type == COMPRESSION_ZSTD ? ZSTD_compressBound(j.piece)
	                                        : gzip_member_max(j.piece);
	// One more than workers: while the oldest piece is written, all can compress.
	j.window = pool_size(pool) + 1;
	j.slots = xcalloc(j.window, sizeof(*j.slots));
	uint64_t n = (size + j.piece - 1) / j.piece;
	if (n == 0 && r->type != COMPRESSION_NONE)
		n = 1; // nothing is still a stream
	struct pool_ordered o = {
	        .n = (size_t)n, .window = j.window, .arg = &j, .fn = run_piece, .done = put_piece};
	int rc = pool_run_ordered(pool, &o, e);
	job_release(&j);
	if (rc != 0)
		return -1;
	ret_digest->h = hasher_end(hash);
	*ret_size = j.written;
	return 0;
}
