// SPDX-License-Identifier: Apache-2.0
// The layer of a COPY. Opening, reading and hashing many small files takes longer than writing the
// tar: they are read ahead in batches, several at once, and written in order.
#include "base/fs.h"
#include "base/pool.h"
#include "exec/copy-int.h"
#include <unistd.h>

enum {
	SMALL = 128 << 10,       // what is larger is read when it is written
	BATCH_BYTES = 256 << 10, // with WINDOW of them memory stays bounded
	BATCH_FILES = 64,
	READERS = 4,
	WINDOW = 2 * READERS,
};

struct batch {
	size_t first, end; // of the list
	char *bytes;       // of its small files, one after the other
	struct hash *hashes;
	bool *ready; // the file was read
};

struct copy_layer {
	struct out_entry **list;
	struct layer_writer *writer;
	struct batch *batches;
	size_t n_batches;
};

static int path_order(const void *a, const void *b)
{
	return fs_path_cmp(
	        (*(struct out_entry *const *)a)->path, (*(struct out_entry *const *)b)->path);
}

static bool has_bytes(const struct out_entry *o)
{
	return o->en.type == ENTRY_FILE && !o->en.link;
}

static bool is_small(const struct out_entry *o)
{
	return has_bytes(o) && !o->data && o->en.size > 0 && o->en.size <= SMALL;
}

// ---- reading ahead

static size_t cut_batches(struct copy_layer *l, size_t n)
{
	size_t cap = 0;
	for (size_t first = 0; first < n;) {
		size_t end = first, bytes = 0;
		while (end < n && end - first < BATCH_FILES && bytes < BATCH_BYTES) {
			bytes += is_small(l->list[end]) ? l->list[end]->en.size : 0;
			end++;
		}
		if (l->n_batches == cap) {
			cap = cap ? 2 * cap : 16;
			l->batches = xreallocarray(l->batches, cap, sizeof(*l->batches));
		}
		l->batches[l->n_batches++] = (struct batch){.first = first, .end = end};
		first = end;
	}
	return l->n_batches;
}

// False, for whatever reason: then it is read once more when it is written, which says what is
// wrong.
static bool read_small(const struct out_entry *o, char *bytes, struct hash *ret)
{
	struct err ignored = ERR_INIT;
	auto_content struct content c = CONTENT_NONE;
	if (o->view->ops->open(o->view, o->source, &c, &ignored))
		return false;
	size_t n = (size_t)o->en.size;
	if (pread(c.fd, bytes, n, (off_t)c.offset) != (ssize_t)n)
		return false;
	*ret = hash_bytes(bytes, n);
	return true;
}

static int read_batch(void *arg, size_t i, struct err *e)
{
	struct copy_layer *l = arg;
	struct batch *b = &l->batches[i];
	size_t bytes = 0;
	(void)e;
	for (size_t k = b->first; k < b->end; k++)
		bytes += is_small(l->list[k]) ? l->list[k]->en.size : 0;
	b->bytes = xmalloc(bytes + 1);
	b->hashes = xcalloc(b->end - b->first, sizeof(*b->hashes));
	b->ready = xcalloc(b->end - b->first, sizeof(*b->ready));
	bytes = 0;
	for (size_t k = b->first; k < b->end; k++) {
		if (!is_small(l->list[k]))
			continue;
		b->ready[k - b->first] =
		        read_small(l->list[k], b->bytes + bytes, &b->hashes[k - b->first]);
		bytes += l->list[k]->en.size;
	}
	return 0;
}

static void batch_release(struct batch *b)
{
	free(b->bytes);
	free(b->hashes);
	free(b->ready);
	*b = (struct batch){.first = b->first, .end = b->end};
}

// ---- writing

static int write_one(struct layer_writer *lw, struct out_entry *o, struct err *e)
{
	auto_content struct content c = CONTENT_NONE;
	if (!has_bytes(o))
		return layer_writer_add(lw, &o->en, NULL, e);
	if (o->data)
		c.data = o->data;
	else if (o->view->ops->open(o->view, o->source, &c, e))
		return -1;
	return layer_writer_add(lw, &o->en, &c, e);
}

static int write_batch(void *arg, size_t i, struct err *e)
{
	struct copy_layer *l = arg;
	struct batch *b = &l->batches[i];
	const char *bytes = b->bytes;
	int r = 0;
	for (size_t k = b->first; k < b->end && !r; k++) {
		struct out_entry *o = l->list[k];
		const struct content c = {
		        .fd = -1, .data = bytes, .hash = &b->hashes[k - b->first]};
		r = b->ready[k - b->first] ? layer_writer_add(l->writer, &o->en, &c, e)
		                           : write_one(l->writer, o, e);
		bytes += is_small(o) ? o->en.size : 0;
	}
	batch_release(b);
	return r;
}

static int write_ahead(struct copy_layer *l, struct err *e)
{
	size_t readers = cpu_count() < READERS ? cpu_count() : READERS;
	struct pool *pool = pool_new(readers);
	struct pool_ordered o = {.n = l->n_batches,
	        .window = WINDOW,
	        .arg = l,
	        .fn = read_batch,
	        .done = write_batch};
	int r = pool_run_ordered(pool, &o, e);
	pool_free(pool);
	for (size_t i = 0; i < l->n_batches; i++)
		batch_release(&l->batches[i]);
	return r;
}

static int write_entries(struct copy_layer *l, size_t n, struct err *e)
{
	int r = 0;
	if (cut_batches(l, n) > 1)
		r = write_ahead(l, e);
	else // no threads for a few files
		for (size_t i = 0; i < n && !r; i++)
			r = write_one(l->writer, l->list[i], e);
	free(l->batches);
	return r;
}

struct layer_writer_options exec_writer_options(const struct exec *x)
{
	return (struct layer_writer_options){
	        .clamp_mtime = x->graph->has_epoch, .max_mtime = x->graph->epoch};
}

int copy_layer_write(
        struct exec *x, struct out_entry **list, size_t n, struct digest *ret, struct err *e)
{
	auto_fd int tar = store_temp_file(x->store, e);
	if (tar < 0)
		return -1;
	if (n)
		qsort(list, n, sizeof(*list), path_order);
	struct layer_writer_options o = exec_writer_options(x);
	o.threaded = true;
	auto_layer_writer struct layer_writer *lw = layer_writer_new(tar, &o);
	struct copy_layer l = {.list = list, .writer = lw};
	struct layer_result result = {0};
	if (write_entries(&l, n, e) || layer_writer_finish(lw, &result, e))
		return -1;
	int r = store_layer_commit(x->store, tar, &result, e);
	*ret = result.diff_id;
	layer_result_release(&result);
	return r;
}
