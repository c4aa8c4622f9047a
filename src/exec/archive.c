// SPDX-License-Identifier: Apache-2.0
// What ADD takes besides files: local archives, seen as a view of their own, and URLs.
#include "base/fs.h"
#include "exec/exec-int.h"
#include "layer/import.h"
#include "registry/download_name.h"
#include "registry/registry.h"
#include "registry/url.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

// A view over an archive owns its index and its uncompressed tar.
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

int archive_is(struct view *from, const struct entry *en, struct err *e)
{
	auto_content struct content c = CONTENT_NONE;
	if (en->size < 20)
		return 0;
	if (from->ops->open(from, en, &c, e))
		return -1;
	return layer_sniff_archive(c.fd);
}

static int check_bytes(int fd, const struct entry *en, struct err *e)
{
	struct hash got;
	uint64_t size;
	if (hash_fd(fd, &got, &size))
		return err_sys(e, "read '%s' in the build context", en->path);
	if (hash_eq(&got, &en->content))
		return 0;
	int r = err_set(
	        e, ERR_CONTEXT, "'%s' changed while it was unpacked; build again", en->path);
	e->sys = ESTALE;
	return r;
}

struct view *archive_view(struct exec *x, struct view *from, const struct entry *en, struct err *e)
{
	auto_content struct content c = CONTENT_NONE;
	auto_fd int tar = store_temp_file(x->store, e);
	if (tar < 0 || from->ops->open(from, en, &c, e))
		return NULL;
	struct layer_result imported = {0};
	struct err stale = ERR_INIT;
	int r = layer_import(c.fd, tar, IMPORT_PLAIN, 0, &imported, e);
	if (check_bytes(c.fd, en, &stale)) { // whatever else is wrong with it then
		*e = stale;
		r = -1;
	}
	if (r) {
		layer_result_release(&imported);
		return NULL;
	}
	struct archive *a = xcalloc(1, sizeof(*a));
	a->view.ops = &archive_ops;
	a->source.tar_fd = archive_tar;
	a->imported = imported;
	a->tar = steal_fd(&tar);
	a->chain = chain_new(&a->imported.index, 1, &a->source);
	return &a->view;
}

// ---- URLs

// One downloaded file as a view.
struct download {
	struct view view;
	struct http_file file;
	char *name;
};

static struct entry dl_entry(const struct download *d)
{
	return (struct entry){.path = d->name,
	        .type = ENTRY_FILE,
	        .mode = 0600,
	        .size = d->file.size,
	        .mtime_sec = d->file.last_modified,
	        .has_content = true,
	        .content = d->file.digest.h,
	        .offset = ENTRY_NO_OFFSET};
}

static int dl_lookup(struct view *v, const char *path, struct entry *ret, struct err *e)
{
	struct download *d = (struct download *)v;
	(void)e;
	if (strcmp(path, d->name) != 0)
		return 0;
	*ret = dl_entry(d);
	return 1;
}

static int dl_open(struct view *v, const struct entry *en, struct content *ret, struct err *e)
{
	struct download *d = (struct download *)v;
	(void)en, (void)e;
	*ret = (struct content){.fd = d->file.fd, .size = d->file.size};
	return 0;
}

static int dl_digest(struct view *v, struct entry *en, struct err *e)
{
	(void)v, (void)en, (void)e;
	return 0;
}

static void dl_free(struct view *v)
{
	struct download *d = (struct download *)v;
	http_file_release(&d->file);
	free(d->name);
	free(d);
}

static const struct view_ops download_ops = {
        .lookup = dl_lookup,
        .open = dl_open,
        .digest = dl_digest,
        .free = dl_free,
};

static char *url_name(const char *url)
{
	auto_url struct url u = {0};
	struct err later = ERR_INIT; // a URL that is none is refused when it is fetched
	char *name = url_parse(url, &u, &later) ? NULL : url_file_name(&u);
	return name ? name : xstrdup("__unnamed__");
}

static int check_digest(
        const struct step *s, const char *url, const struct http_file *f, struct err *e)
{
	struct digest want;
	if (!s->copy.checksum)
		return 0;
	if (digest_parse(s->copy.checksum, &want, e))
		return err_wrap(e, "--checksum");
	if (digest_eq(&want, &f->digest))
		return 0;
	char got[DIGEST_TEXT];
	digest_text(&f->digest, got);
	return err_set(e, ERR_CORRUPT, "%s: digest mismatch: it is %s, --checksum says %s", url,
	        got, s->copy.checksum);
}

int url_source(
        struct exec *x, const struct step *s, const char *url, struct copy_plan *p, struct err *e)
{
	if (str_has_suffix(url, ".git"))
		return err_set(
		        e, ERR_UNSUPPORTED, "ADD of a git repository (%s) is not supported", url);
	struct registry *r = exec_registry(x, e);
	if (!r)
		return -1;
	struct download *d = xcalloc(1, sizeof(*d));
	d->view.ops = &download_ops;
	d->file.fd = -1;
	d->name = url_name(url);
	if (registry_get_url(r, url, s->id, &d->file, e) || check_digest(s, url, &d->file, e)) {
		dl_free(&d->view);
		return -1;
	}
	struct copy_source *src = copy_plan_add(p, d->name);
	src->kind = COPY_FILE;
	src->owned = &d->view;
	struct entry en = dl_entry(d);
	struct copy_item *it = copy_source_add(src, "", &en, &d->view);
	if (s->copy.chmod)
		it->en.mode = chmod_apply(s->copy.chmod, en.mode, false);
	return 0;
}
