// SPDX-License-Identifier: Apache-2.0
// One pass over the entries of a layer: headers and bytes go into a buffer, which is hashed and
// written when it is full; the bytes of a file are hashed on their way through the same buffer.
// Read once, copied once. There is no thread unless asked for: a holder process writes layers too.
#include "layer/writer.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "layer/tar-int.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define WRITE_CHUNK ((size_t)512 << 10)

struct layer_writer {
	struct layer_writer_options o;
	struct index_builder *index;
	struct tar_sink *sink;
	struct hasher *file_hash;
	struct buf out;    // not yet handed to the sink; does not grow
	uint64_t put;      // handed to it
	struct hash empty; // sha256 of nothing
};

struct layer_writer *layer_writer_new(int tar_fd, const struct layer_writer_options *o)
{
	struct layer_writer *w = xcalloc(1, sizeof(*w));
	if (o)
		w->o = *o;
	w->index = index_builder_new();
	w->sink = tar_sink_new(tar_fd, w->o.threaded);
	w->file_hash = hasher_new();
	w->empty = hash_bytes("", 0);
	buf_reserve(&w->out, WRITE_CHUNK + TAR_BLOCK);
	return w;
}

void layer_writer_free(struct layer_writer *w)
{
	if (!w)
		return;
	index_builder_free(w->index);
	tar_sink_free(w->sink);
	hasher_free(w->file_hash);
	buf_release(&w->out);
	free(w);
}

void layer_writer_free_ptr(struct layer_writer **w)
{
	layer_writer_free(*w);
}

void layer_result_release(struct layer_result *r)
{
	layer_index_close(r->index);
	r->index = NULL;
}

static int flush(struct layer_writer *w, struct err *e)
{
	w->put += w->out.n;
	if (tar_sink_put(w->sink, &w->out, e) != 0)
		return -1;
	buf_reserve(&w->out, WRITE_CHUNK + TAR_BLOCK);
	return 0;
}

static uint64_t position(const struct layer_writer *w)
{
	return w->put + w->out.n;
}

static int changed(const struct entry *en, struct err *e)
{
	int r = err_set(e, ERR_CONTEXT, "'%s' changed while it was copied; build again", en->path);
	e->sys = ESTALE;
	return r;
}

static int read_some(const struct content *c, uint64_t at, char *p, size_t n,
        const struct entry *en, struct err *e)
{
	while (n > 0) {
		ssize_t got = pread(c->fd, p, n, (off_t)(c->offset + at));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, "read '%s'", en->path);
		if (got == 0)
			return changed(en, e);
		p += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

// Room in the buffer for a piece of a file, at most left; 0 with *e set.
static size_t make_room(struct layer_writer *w, uint64_t left, struct err *e)
{
	if (w->out.n >= WRITE_CHUNK && flush(w, e) != 0)
		return 0;
	size_t n = WRITE_CHUNK - w->out.n;
	if (n > left)
		n = (size_t)left;
	buf_reserve(&w->out, n);
	return n;
}

static void pad(struct layer_writer *w)
{
	static const char zero[TAR_BLOCK];
	buf_add(&w->out, zero, -w->out.n & (TAR_BLOCK - 1)); // flushes are whole blocks
}

// The bytes go straight into the output buffer and are hashed there.
static int copy_content(
        struct layer_writer *w, struct entry *en, const struct content *c, struct err *e)
{
	struct hash want = en->content;
	for (uint64_t at = 0; at < en->size;) {
		size_t n = make_room(w, en->size - at, e);
		char *to = w->out.p + w->out.n;
		if (n == 0 || (!c->data && read_some(c, at, to, n, en, e) != 0))
			return -1;
		if (c->data)
			memcpy(to, c->data + at, n);
		if (!c->hash)
			hasher_add(w->file_hash, to, n);
		w->out.n += n;
		at += n;
	}
	pad(w);
	en->content = en->size == 0 ? w->empty : c->hash ? *c->hash : hasher_end(w->file_hash);
	if (en->has_content && !hash_eq(&want, &en->content))
		return changed(en, e);
	en->has_content = true;
	return 0;
}

static bool reserved_name(const char *path)
{
	return strncmp(path, ".wh.", 4) == 0 || strstr(path, "/.wh.") != NULL;
}

static int check_entry(const struct entry *en, const struct content *content, struct err *e)
{
	if (reserved_name(en->path))
		return err_set(e, ERR_CONTEXT,
		        "'%s': names that begin with '.wh.' mean deletion in an image; rename it",
		        en->path);
	if (entry_is_whiteout_node(en))
		return err_set(e, ERR_CONTEXT,
		        "'%s': a character device 0:0 means deletion in an image; leave it out",
		        en->path);
	if (en->type == ENTRY_FILE && !en->link && en->size > 0 &&
	        (!content || (content->fd < 0 && !content->data)))
		return err_set(e, ERR_FAIL, "'%s': no content to write", en->path);
	return 0;
}

// A capability that a user namespace wrote carries the host's id of its root (version 3). In a
// layer it must count wherever it is unpacked: version 2, the same without that id.
static struct xattr portable_capability(const struct xattr *x, uint8_t out[static 20])
{
	const uint8_t *p = x->value;
	if (x->size != 24 || p[3] != 0x03)
		return *x;
	memcpy(out, p, 20);
	out[3] = 0x02;
	return (struct xattr){x->name, out, 20};
}

// Xattrs as a layer has them. Both arrays are the caller's.
static uint32_t portable_xattrs(const struct entry *en, struct xattr *out, uint8_t cap[static 20])
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < en->n_xattrs && n < XATTR_MAX; i++) {
		const struct xattr *x = &en->xattrs[i];
		if (strncmp(x->name, "trusted.overlay.", 16) == 0 ||
		        strncmp(x->name, "user.overlay.", 13) == 0)
			continue;
		bool is_cap = strcmp(x->name, "security.capability") == 0;
		out[n++] = is_cap ? portable_capability(x, cap) : *x;
	}
	return n;
}

static int writer_put(
        struct layer_writer *w, struct entry *en, const struct content *content, struct err *e)
{
	if (w->out.n >= WRITE_CHUNK && flush(w, e) != 0)
		return -1;
	if (tar_put_header(&w->out, en, e) != 0)
		return -1;
	if (en->type == ENTRY_DIR && en->opaque && tar_put_opaque(&w->out, en->path, e) != 0)
		return -1;
	en->offset = ENTRY_NO_OFFSET;
	if (en->type == ENTRY_FILE && !en->link) {
		en->offset = position(w);
		if (copy_content(w, en, content, e) != 0)
			return -1;
	}
	return index_builder_add(w->index, en, e);
}

int layer_writer_add(struct layer_writer *w, const struct entry *en, const struct content *content,
        struct err *e)
{
	if (en->type == ENTRY_SOCKET)
		return 0;
	if (check_entry(en, content, e) != 0)
		return -1;
	struct entry copy = *en;
	struct xattr xattrs[XATTR_MAX];
	uint8_t capability[20];
	copy.n_xattrs = portable_xattrs(en, xattrs, capability);
	copy.xattrs = xattrs;
	bool clamped = w->o.clamp_mtime && en->mtime_sec >= w->o.max_mtime;
	if (clamped)
		copy.mtime_sec = w->o.max_mtime;
	if (clamped || !w->o.nanoseconds)
		copy.mtime_nsec = 0;
	return writer_put(w, &copy, content, e);
}

int layer_writer_finish(struct layer_writer *w, struct layer_result *ret, struct err *e)
{
	static const char end[2 * TAR_BLOCK];
	struct layer_result r = {0};
	buf_add(&w->out, end, sizeof(end));
	if (tar_sink_end(w->sink, &w->out, &r.diff_id.h, &r.tar_size, e) != 0)
		return -1;
	r.index = index_builder_finish(w->index, e);
	if (!r.index)
		return -1;
	r.content_id = layer_index_content_id(r.index);
	*ret = r;
	return 0;
}
