// SPDX-License-Identifier: Apache-2.0
// An archive is imported as a layer is (uncompressed tar and index), into temporary files.
#include "source/archive.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "layer/chain.h"
#include "layer/import.h"
#include "store/store.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// Enough of a file to see what it is: bzip2 gives nothing before a block of 900 kB is whole.
#define SNIFF_BYTES (2u << 20)

struct archive {
	struct view view;
	struct tar_source source;
	struct layer_result imported;
	struct view *chain;
	int tar;
};

static struct archive *archive_of(struct view *v)
{
	return (struct archive *)v;
}

static int archive_tar(struct tar_source *source, size_t layer, struct err *e)
{
	(void)layer, (void)e;
	return ((struct archive *)((char *)source - offsetof(struct archive, source)))->tar;
}

static int ar_lookup(struct view *v, const char *path, struct entry *ret, struct err *e)
{
	return archive_of(v)->chain->ops->lookup(archive_of(v)->chain, path, ret, e);
}

static int ar_list(struct view *v, const char *dir, struct strv *ret, struct err *e)
{
	return archive_of(v)->chain->ops->list(archive_of(v)->chain, dir, ret, e);
}

// Over what the archive says, not over the folders that its paths only imply: of those, the root
// filesystem's own stay as they are.
static int ar_walk(struct view *v, const char *dir,
        int (*fn)(void *, const struct entry *, struct err *), void *arg, struct err *e)
{
	const struct layer_index *ix = archive_of(v)->imported.index;
	size_t i, end, ignored;
	layer_index_range(ix, dir, &i, &end);
	while (i < end) {
		struct entry en;
		layer_index_at(ix, i, &en);
		int r = *en.path ? fn(arg, &en, e) : 0;
		if (r < 0)
			return -1;
		if (r == 1)
			layer_index_range(ix, en.path, &ignored, &i);
		else
			i++;
	}
	return 0;
}

static int ar_open(struct view *v, const struct entry *en, struct content *ret, struct err *e)
{
	return archive_of(v)->chain->ops->open(archive_of(v)->chain, en, ret, e);
}

static int ar_digest(struct view *v, struct entry *en, struct err *e)
{
	return archive_of(v)->chain->ops->digest(archive_of(v)->chain, en, e);
}

static void ar_free(struct view *v)
{
	struct archive *a = archive_of(v);
	view_free(a->chain);
	layer_result_release(&a->imported);
	close_fd(&a->tar);
	free(a);
}

static const struct view_ops archive_ops = {
        .lookup = ar_lookup,
        .list = ar_list,
        .walk = ar_walk,
        .open = ar_open,
        .digest = ar_digest,
        .free = ar_free,
};

struct view *archive_open(struct store *s, int fd, struct err *e)
{
	auto_fd int tar = store_temp_file(s, e);
	struct layer_result imported = {0};
	if (tar < 0 || layer_import(fd, tar, IMPORT_PLAIN, 0, &imported, e))
		return NULL;
	struct archive *a = xcalloc(1, sizeof(*a));
	a->view.ops = &archive_ops;
	a->source.tar_fd = archive_tar;
	a->imported = imported;
	a->tar = steal_fd(&tar);
	a->chain = chain_new(&a->imported.index, 1, &a->source);
	return &a->view;
}

// ---- content

static bool is_whole_file(const struct content *c)
{
	struct stat st;
	return c->offset == 0 && fstat(c->fd, &st) == 0 && (uint64_t)st.st_size == c->size;
}

static int copy_of(const struct content *c, int to, uint64_t n, struct err *e)
{
	if (to < 0)
		return -1;
	return fs_copy_range(c->fd, (off_t)c->offset, to, n, e);
}

int content_as_file(struct store *s, const struct content *c, struct err *e)
{
	if (is_whole_file(c)) {
		int fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? err_sys(e, "duplicate a descriptor") : fd;
	}
	auto_fd int fd = store_temp_file(s, e);
	return copy_of(c, fd, c->size, e) ? -1 : steal_fd(&fd);
}

int archive_sniff(const struct content *c, struct err *e)
{
	if (c->size < 20)
		return 0;
	if (is_whole_file(c))
		return layer_sniff_archive(c->fd);
	auto_fd int fd = memfd_create("hew-sniff", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "make a memory file");
	if (copy_of(c, fd, c->size < SNIFF_BYTES ? c->size : SNIFF_BYTES, e))
		return -1;
	return layer_sniff_archive(fd);
}
