// SPDX-License-Identifier: Apache-2.0
// The tar is cut where the bytes of files begin, and every 4 MiB from there; each piece is a gzip
// member that knows nothing of the others. Pieces that lie together are compressed as one job, so
// that small files cost no more than large ones.
#include "layer/estargz-int.h"

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/pool.h"
#include "layer/compress-int.h"
#include "layer/repack.h"
#include "layer/tar-int.h"
#include <libdeflate.h>
#include <stdio.h>
#include <string.h>

#define NO_CHUNK SIZE_MAX
#define FOOTER 51

// What snapshotters look for: nothing here is to be fetched before it is asked for.
static const char landmark[] = ".no.prefetch.landmark";
static const char *const not_ours[] = {"stargz.index.json", ".prefetch.landmark", landmark, NULL};

struct piece {
	uint64_t at;
	size_t size;
	size_t chunk;  // that it begins with, or NO_CHUNK
	size_t packed; // its size as a member
};

struct batch {
	size_t first, n; // pieces
	uint64_t at;
	size_t size;
};

struct slot {
	uint8_t *in, *out;
	size_t out_n, out_cap;
	struct libdeflate_compressor *z;
	struct hasher *hash;
};

struct job {
	int tar_fd, out_fd, level;
	struct estargz_chunk *chunks;
	struct piece *pieces;
	struct batch *batches;
	size_t n_chunks, n_pieces, n_batches, cap_pieces, cap_batches, window;
	struct slot *slots;
	struct estargz_sink blob, tar;
	struct hasher *blob_hash, *tar_hash;
	uint64_t blob_size, tar_size;
};

// ---- where to cut

static int by_place(const void *a, const void *b)
{
	const struct estargz_chunk *x = a, *y = b;
	return (x->at > y->at) - (x->at < y->at);
}

static void find_chunks(struct job *j, const struct layer_index *ix)
{
	size_t cap = 0;
	for (size_t i = 0; i < layer_index_count(ix); i++) {
		struct entry en;
		layer_index_at(ix, i, &en);
		bool is_file = en.type == ENTRY_FILE && !en.link;
		for (uint64_t at = 0; is_file && at < en.size; at += ESTARGZ_CHUNK) {
			uint64_t left = en.size - at;
			if (j->n_chunks == cap) {
				cap = cap ? cap * 2 : 64;
				j->chunks = xreallocarray(j->chunks, cap, sizeof(*j->chunks));
			}
			j->chunks[j->n_chunks++] = (struct estargz_chunk){.at = en.offset + at,
			        .size = left < ESTARGZ_CHUNK ? left : ESTARGZ_CHUNK};
		}
	}
	if (j->n_chunks)
		qsort(j->chunks, j->n_chunks, sizeof(*j->chunks), by_place);
}

static void add_piece(struct job *j, uint64_t at, size_t size, size_t chunk)
{
	struct batch *b = j->n_batches ? &j->batches[j->n_batches - 1] : NULL;
	if (j->n_pieces == j->cap_pieces) {
		j->cap_pieces = j->cap_pieces ? j->cap_pieces * 2 : 64;
		j->pieces = xreallocarray(j->pieces, j->cap_pieces, sizeof(*j->pieces));
	}
	if (!b || b->size + size > ESTARGZ_CHUNK) {
		if (j->n_batches == j->cap_batches) {
			j->cap_batches = j->cap_batches ? j->cap_batches * 2 : 16;
			j->batches = xreallocarray(j->batches, j->cap_batches, sizeof(*b));
		}
		b = &j->batches[j->n_batches++];
		*b = (struct batch){.first = j->n_pieces, .at = at};
	}
	b->n++;
	b->size += size;
	j->pieces[j->n_pieces++] = (struct piece){.at = at, .size = size, .chunk = chunk};
}

// From one chunk to the next; what follows a chunk are headers.
static void cut(struct job *j, uint64_t end)
{
	uint64_t at = 0;
	size_t chunk = NO_CHUNK;
	for (size_t i = 0; i <= j->n_chunks; i++) {
		uint64_t next = i < j->n_chunks ? j->chunks[i].at : end;
		for (; at < next; chunk = NO_CHUNK) {
			uint64_t n = next - at < ESTARGZ_CHUNK ? next - at : ESTARGZ_CHUNK;
			add_piece(j, at, (size_t)n, chunk);
			at += n;
		}
		chunk = i;
	}
}

// ---- compressing

static int pack_piece(
        struct job *j, struct slot *s, struct piece *p, const uint8_t *in, struct err *e)
{
	size_t need = s->out_n + gzip_member_max(p->size);
	if (need > s->out_cap) {
		s->out_cap = need > 2 * s->out_cap ? need : 2 * s->out_cap;
		s->out = xrealloc(s->out, s->out_cap);
	}
	if (p->chunk != NO_CHUNK) {
		struct estargz_chunk *c = &j->chunks[p->chunk];
		hasher_add(s->hash, in, (size_t)c->size);
		c->content = hasher_end(s->hash);
	}
	if (gzip_member(&s->z, j->level, in, p->size, s->out + s->out_n, &p->packed, e) != 0)
		return -1;
	s->out_n += p->packed;
	return 0;
}

static int run_batch(void *arg, size_t i, struct err *e)
{
	struct job *j = arg;
	struct slot *s = &j->slots[i % j->window];
	struct batch *b = &j->batches[i];
	if (cancel_check(e) != 0)
		return -1;
	if (!s->in) {
		s->in = xmalloc(ESTARGZ_CHUNK);
		s->hash = hasher_new();
	}
	if (fs_pread_full(j->tar_fd, s->in, b->size, (off_t)b->at, e) != 0)
		return err_wrap(e, "read layer");
	s->out_n = 0;
	for (size_t k = 0; k < b->n; k++) {
		struct piece *p = &j->pieces[b->first + k];
		if (pack_piece(j, s, p, s->in + (p->at - b->at), e) != 0)
			return -1;
	}
	return 0;
}

static int put_batch(void *arg, size_t i, struct err *e)
{
	struct job *j = arg;
	const struct slot *s = &j->slots[i % j->window];
	const struct batch *b = &j->batches[i];
	uint64_t place = j->blob_size;
	for (size_t k = 0; k < b->n; k++) {
		const struct piece *p = &j->pieces[b->first + k];
		if (p->chunk != NO_CHUNK)
			j->chunks[p->chunk].place = place;
		place += p->packed;
	}
	return j->tar.put(&j->tar, s->in, b->size, e) != 0 ||
	                       j->blob.put(&j->blob, s->out, s->out_n, e) != 0
	               ? -1
	               : 0;
}

static int to_blob(struct estargz_sink *self, const void *p, size_t n, struct err *e)
{
	struct job *j = (struct job *)(void *)((char *)self - offsetof(struct job, blob));
	hasher_add(j->blob_hash, p, n);
	j->blob_size += n;
	return fs_write_all(j->out_fd, p, n, e) != 0 ? err_wrap(e, "write blob") : 0;
}

static int to_tar(struct estargz_sink *self, const void *p, size_t n, struct err *e)
{
	struct job *j = (struct job *)(void *)((char *)self - offsetof(struct job, tar));
	hasher_add(j->tar_hash, p, n);
	j->tar_size += n;
	return 0;
}

// An empty gzip member with a field of its own.
static int put_footer(struct job *j, uint64_t toc, struct err *e)
{
	static const uint8_t head[16] = {
	        0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 26, 0, 'S', 'G', 22, 0};
	static const uint8_t tail[13] = {1, 0, 0, 0xff, 0xff};
	uint8_t footer[FOOTER];
	char field[23];
	snprintf(field, sizeof(field), "%016llxSTARGZ", (unsigned long long)toc);
	memcpy(footer, head, sizeof(head));
	memcpy(footer + sizeof(head), field, 22);
	memcpy(footer + sizeof(head) + 22, tail, sizeof(tail));
	return j->blob.put(&j->blob, footer, sizeof(footer), e);
}

static int compress(struct job *j, const struct layer_index *ix, struct pool *pool,
        struct hash *toc, struct err *e)
{
	struct pool_ordered o = {.n = j->n_batches,
	        .window = j->window,
	        .arg = j,
	        .fn = run_batch,
	        .done = put_batch};
	if (pool_run_ordered(pool, &o, e) != 0)
		return -1;
	uint64_t at = j->blob_size;
	return estargz_put_toc(ix, j->chunks, j->n_chunks, j->level, &j->blob, &j->tar, toc, e) !=
	                               0 ||
	                       put_footer(j, at, e) != 0
	               ? -1
	               : 0;
}

static void job_release(struct job *j)
{
	for (size_t i = 0; i < j->window; i++) {
		free(j->slots[i].in);
		free(j->slots[i].out);
		libdeflate_free_compressor(j->slots[i].z);
		hasher_free(j->slots[i].hash);
	}
	free(j->slots);
	free(j->chunks);
	free(j->pieces);
	free(j->batches);
	hasher_free(j->blob_hash);
	hasher_free(j->tar_hash);
}

// ---- the tar

static int put_landmark(struct layer_writer *w, struct err *e)
{
	const struct entry en = {.path = landmark,
	        .type = ENTRY_FILE,
	        .mode = 0444,
	        .size = 1,
	        .offset = ENTRY_NO_OFFSET};
	const struct content c = {.fd = -1, .size = 1, .data = "\x0f"};
	return layer_writer_add(w, &en, &c, e);
}

int layer_estargz(const struct layer_index *ix, int tar_fd, int spool_fd, int out_fd, int level,
        struct pool *pool, struct estargz *ret, struct err *e)
{
	struct layer_result plain = {0};
	struct layer_writer_options o = {.threaded = true};
	auto_layer_writer struct layer_writer *w = layer_writer_new(spool_fd, &o);
	if (put_landmark(w, e) != 0 || layer_repack(ix, tar_fd, not_ours, w, e) != 0 ||
	        layer_writer_finish(w, &plain, e) != 0)
		return -1;
	struct job j = {.tar_fd = spool_fd,
	        .out_fd = out_fd,
	        .level = level,
	        .blob.put = to_blob,
	        .tar.put = to_tar,
	        .blob_hash = hasher_new(),
	        .tar_hash = hasher_new(),
	        .window = pool_size(pool) + 1};
	j.slots = xcalloc(j.window, sizeof(*j.slots));
	find_chunks(&j, plain.index);
	cut(&j, plain.tar_size - 2 * TAR_BLOCK); // the end of the archive comes after the table
	int rc = compress(&j, plain.index, pool, &ret->toc, e);
	if (rc == 0) {
		ret->blob = hasher_end(j.blob_hash);
		ret->diff_id = hasher_end(j.tar_hash);
		ret->blob_size = j.blob_size;
		ret->tar_size = j.tar_size;
	}
	job_release(&j);
	layer_result_release(&plain);
	return rc;
}
