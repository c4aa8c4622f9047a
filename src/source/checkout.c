// SPDX-License-Identifier: Apache-2.0
// A folder that git has filled becomes a layer: root's, seen through the same view as a local build
// context, which follows no link. The folder that is asked for may be behind links; they end
// inside.
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "context/local.h"
#include "layer/writer.h"
#include "source/git-int.h"
#include "store/store.h"
#include <string.h>

struct writing {
	const struct checkout *c;
	struct view *view;
	struct layer_writer *writer;
	size_t skip; // of each path: what leads to the folder
};

static bool is_git_dir(const char *path)
{
	return !strcmp(fs_base_name(path), ".git");
}

static void set_time(const struct checkout *c, struct entry *en)
{
	if (c->has_mtime) {
		en->mtime_sec = c->mtime;
		en->mtime_nsec = 0;
	}
}

// The folder is the layer's root, and as everybody may see it: git works in one of the user's
// alone.
static int write_root(struct writing *w, const char *folder, struct err *e)
{
	struct entry en;
	int found = w->view->ops->lookup(w->view, folder, &en, e);
	if (found <= 0)
		return found;
	en.path = "";
	en.mode = 0755;
	set_time(w->c, &en);
	return layer_writer_add(w->writer, &en, NULL, e);
}

static int write_entry(void *arg, const struct entry *en, struct err *e)
{
	struct writing *w = arg;
	auto_content struct content bytes = CONTENT_NONE;
	struct entry out = *en;
	if (strlen(en->path) <= w->skip) // the folder itself
		return 0;
	if (!w->c->keep_git_dir && is_git_dir(en->path))
		return 1;
	out.path = en->path + w->skip;
	if (out.type == ENTRY_FILE) {
		out.link = NULL;
		if (w->view->ops->open(w->view, en, &bytes, e))
			return -1;
	}
	set_time(w->c, &out);
	return layer_writer_add(w->writer, &out, out.type == ENTRY_FILE ? &bytes : NULL, e);
}

static int find_folder(struct view *v, const struct checkout *c, char **ret, struct err *e)
{
	struct entry en;
	if (!c->subdir) {
		*ret = xstrdup("");
		return 0;
	}
	int found = view_resolve(v, c->subdir, 0, ret, &en, e);
	if (found == 1 && en.type == ENTRY_DIR)
		return 0;
	return found < 0
	               ? -1
	               : err_set(e, ERR_NOT_FOUND, "the repository has no folder '%s'", c->subdir);
}

int checkout_layer(
        struct repository *r, const struct checkout *c, struct digest *ret, struct err *e)
{
	auto_view struct view *v = context_open(r->path, NULL, -1, NULL, e);
	auto_fd int tar = v ? store_temp_file(r->q->store, e) : -1;
	auto_free char *folder = NULL;
	if (tar < 0 || find_folder(v, c, &folder, e))
		return -1;
	struct layer_writer_options o = {.threaded = true};
	auto_layer_writer struct layer_writer *writer = layer_writer_new(tar, &o);
	struct writing w = {c, v, writer, *folder ? strlen(folder) + 1 : 0};
	if (write_root(&w, folder, e) || v->ops->walk(v, folder, write_entry, &w, e))
		return -1;
	struct layer_result result = {0};
	int rc = layer_writer_finish(writer, &result, e);
	if (!rc)
		rc = store_layer_commit(r->q->store, tar, &result, e);
	*ret = result.diff_id;
	layer_result_release(&result);
	return rc;
}
