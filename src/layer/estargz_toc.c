// SPDX-License-Identifier: Apache-2.0
// The table of contents of an eStargz: JSON with an entry for each header of the tar and for each
// further chunk of a large file. It may be long, so it is never in memory as a whole: it is written
// twice, first to learn its length, which stands in the tar before it, then through zlib, for it
// has to be one gzip member.
#include "layer/estargz-int.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "image/digest.h"
#include "layer/tar-int.h"
#include <string.h>
#include <zlib.h>

#define TEXT_STEP ((size_t)64 << 10)

struct toc {
	const struct estargz_chunk *chunks;
	size_t n_chunks;
	struct estargz_sink *out;
	struct buf text; // not yet handed on
	struct jw w;
};

// ---- entries

static const struct estargz_chunk *chunk_at(const struct toc *t, uint64_t at)
{
	size_t low = 0, high = t->n_chunks;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (t->chunks[mid].at < at)
			low = mid + 1;
		else
			high = mid;
	}
	return &t->chunks[low];
}

static void put_digest(struct jw *w, const char *key, const struct hash *h)
{
	char text[DIGEST_TEXT];
	digest_text(&(struct digest){.h = *h}, text);
	jw_kv(w, key, text);
}

static void put_time(struct jw *w, const struct entry *en)
{
	char text[TIME_TEXT];
	int64_t sec = en->mtime_sec + (en->mtime_nsec >= 500000000);
	if (sec == 0)
		return;
	time_format((struct timestamp){.sec = sec}, text);
	jw_kv(w, "modtime", text);
}

static void put_xattrs(struct jw *w, const struct entry *en)
{
	if (en->n_xattrs == 0)
		return;
	jw_key(w, "xattrs");
	jw_object(w);
	for (uint32_t i = 0; i < en->n_xattrs; i++) {
		auto_buf struct buf value = {0};
		base64_encode(&value, en->xattrs[i].value, en->xattrs[i].size);
		jw_kv(w, en->xattrs[i].name, buf_cstr(&value));
	}
	jw_object_end(w);
}

static void put_chunk(
        struct jw *w, const struct entry *en, const struct estargz_chunk *c, uint64_t at)
{
	jw_kv_int(w, "offset", (int64_t)c->place);
	if (at > 0)
		jw_kv_int(w, "chunkOffset", (int64_t)at);
	if (at + c->size < en->size)
		jw_kv_int(w, "chunkSize", (int64_t)c->size);
	put_digest(w, "chunkDigest", &c->content);
}

// The rest of a large file.
static void put_chunks(struct toc *t, const char *name, const struct entry *en)
{
	for (uint64_t at = ESTARGZ_CHUNK; at < en->size; at += ESTARGZ_CHUNK) {
		jw_object(&t->w);
		jw_kv(&t->w, "name", name);
		jw_kv(&t->w, "type", "chunk");
		put_chunk(&t->w, en, chunk_at(t, en->offset + at), at);
		jw_object_end(&t->w);
	}
}

static const char *type_name(const struct entry *en)
{
	static const char *const names[] = {
	        [ENTRY_DIR] = "dir",
	        [ENTRY_FILE] = "reg",
	        [ENTRY_SYMLINK] = "symlink",
	        [ENTRY_CHAR] = "char",
	        [ENTRY_BLOCK] = "block",
	        [ENTRY_FIFO] = "fifo",
	        [ENTRY_WHITEOUT] = "reg",
	};
	return en->type == ENTRY_FILE && en->link ? "hardlink" : names[en->type];
}

static void put_object(struct toc *t, const char *name, const struct entry *en)
{
	struct jw *w = &t->w;
	jw_object(w);
	jw_kv(w, "name", name);
	jw_kv(w, "type", type_name(en));
	bool is_file = en->type == ENTRY_FILE && !en->link;
	if (is_file && en->size > 0)
		jw_kv_int(w, "size", (int64_t)en->size);
	put_time(w, en);
	if (en->link)
		jw_kv(w, "linkName", en->link);
	jw_kv_int(w, "mode", en->mode & 07777);
	jw_kv_int(w, "uid", en->uid);
	jw_kv_int(w, "gid", en->gid);
	if (en->type == ENTRY_CHAR || en->type == ENTRY_BLOCK) {
		jw_kv_int(w, "devMajor", en->dev_major);
		jw_kv_int(w, "devMinor", en->dev_minor);
	}
	put_xattrs(w, en);
	if (is_file)
		put_digest(w, "digest", &en->content);
	if (is_file && en->size > 0)
		put_chunk(w, en, chunk_at(t, en->offset), 0);
	jw_object_end(w);
	if (is_file)
		put_chunks(t, name, en);
}

// Under the names that the tar has.
static void put_entry(struct toc *t, const struct entry *en)
{
	static const struct entry marker = {.type = ENTRY_WHITEOUT};
	const char *base = fs_base_name(en->path);
	auto_free char *name =
	        en->type == ENTRY_DIR ? xasprintf("%s/", *en->path ? en->path : ".")
	        : en->type == ENTRY_WHITEOUT
	                ? xasprintf("%.*s.wh.%s", (int)(base - en->path), en->path, base)
	                : xstrdup(en->path);
	put_object(t, name, en->type == ENTRY_WHITEOUT ? &marker : en);
	if (en->type != ENTRY_DIR || !en->opaque)
		return;
	auto_free char *opaque = xasprintf("%s%s.wh..wh..opq", en->path, *en->path ? "/" : "");
	put_object(t, opaque, &marker);
}

static int hand_on(struct toc *t, size_t least, struct err *e)
{
	if (t->text.n < least || t->text.n == 0)
		return 0;
	int rc = t->out->put(t->out, t->text.p, t->text.n, e);
	buf_reset(&t->text);
	return rc;
}

static int write_toc(const struct layer_index *ix, struct toc *t, struct err *e)
{
	jw_begin(&t->w, &t->text, 0);
	jw_object(&t->w);
	jw_kv_int(&t->w, "version", 1);
	jw_key(&t->w, "entries");
	jw_array(&t->w);
	for (size_t i = 0; i < layer_index_count(ix); i++) {
		struct entry en;
		layer_index_at(ix, i, &en);
		put_entry(t, &en);
		if (hand_on(t, TEXT_STEP, e) != 0)
			return -1;
	}
	jw_array_end(&t->w);
	jw_object_end(&t->w);
	return hand_on(t, 0, e);
}

// ---- the member

struct counter {
	struct estargz_sink sink;
	uint64_t n;
};

static int count(struct estargz_sink *self, const void *p, size_t n, struct err *e)
{
	((struct counter *)self)->n += n;
	return 0;
}

struct member {
	struct estargz_sink sink; // takes the text of the table
	struct estargz_sink *blob, *tar;
	struct hasher *hash; // of the text
	z_stream z;
};

static int deflate_some(struct member *m, const void *p, size_t n, int flush, struct err *e)
{
	uint8_t out[16384];
	m->z.next_in = (Bytef *)(uintptr_t)p; // zlib does not write there
	m->z.avail_in = (unsigned)n;
	do {
		m->z.next_out = out;
		m->z.avail_out = sizeof(out);
		if (deflate(&m->z, flush) == Z_STREAM_ERROR)
			return err_set(e, ERR_FAIL, "gzip: stream error");
		if (m->blob->put(m->blob, out, sizeof(out) - m->z.avail_out, e) != 0)
			return -1;
	} while (m->z.avail_out == 0);
	return 0;
}

static int put_tar(struct member *m, const void *p, size_t n, struct err *e)
{
	return m->tar->put(m->tar, p, n, e) != 0 ? -1 : deflate_some(m, p, n, Z_NO_FLUSH, e);
}

static int put_text(struct estargz_sink *self, const void *p, size_t n, struct err *e)
{
	struct member *m = (struct member *)self;
	hasher_add(m->hash, p, n);
	return put_tar(m, p, n, e);
}

static int put_member(
        const struct layer_index *ix, struct toc *t, struct member *m, uint64_t size, struct err *e)
{
	static const char zero[3 * TAR_BLOCK];
	auto_buf struct buf header = {0};
	const struct entry en = {
	        .path = "stargz.index.json", .type = ENTRY_FILE, .mode = 0444, .size = size};
	size_t padding = (size_t)(-size & (TAR_BLOCK - 1));
	return tar_put_header(&header, &en, e) != 0 || put_tar(m, header.p, header.n, e) != 0 ||
	                       write_toc(ix, t, e) != 0 ||
	                       put_tar(m, zero, padding + 2 * TAR_BLOCK, e) != 0 ||
	                       deflate_some(m, NULL, 0, Z_FINISH, e) != 0
	               ? -1
	               : 0;
}

int estargz_put_toc(const struct layer_index *ix, const struct estargz_chunk *chunks, size_t n,
        int level, struct estargz_sink *blob, struct estargz_sink *tar, struct hash *ret,
        struct err *e)
{
	struct counter length = {.sink.put = count};
	struct member m = {.sink.put = put_text, .blob = blob, .tar = tar};
	struct toc t = {.chunks = chunks, .n_chunks = n, .out = &length.sink};
	int rc = write_toc(ix, &t, e);
	if (rc == 0 &&
	        deflateInit2(&m.z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		rc = err_set(e, ERR_FAIL, "gzip: no compressor for level %d", level);
	if (rc == 0) {
		m.hash = hasher_new();
		t.out = &m.sink;
		rc = put_member(ix, &t, &m, length.n, e);
		*ret = hasher_end(m.hash);
		hasher_free(m.hash);
		deflateEnd(&m.z);
	}
	buf_release(&t.text);
	return rc;
}
