// SPDX-License-Identifier: Apache-2.0
// Several layers as one: a walk over the view of all of them writes what comes from the upper ones,
// and beside each folder a whiteout for what the lower ones have in it and the view does not. So
// the rules of whiteouts, opaque folders and folders over files are the chain's alone.
#include "layer/repack.h"

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include <string.h>

struct squash {
	struct view *all, *below;
	struct layer_index *const *layers;
	int first;
	struct layer_writer *w;
	struct map folders;    // written
	struct map links;      // "layer path" of a file whose first name is hidden: the name it got
	struct strv new_names; // owns them
};

static int put_folders(struct squash *s, const char *path, struct err *e)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		auto_free char *dir = xstrndup(path, (size_t)(slash - path));
		struct entry en;
		if (map_has(&s->folders, dir))
			continue;
		int found = s->all->ops->lookup(s->all, dir, &en, e);
		if (found < 0 || (found && layer_writer_add(s->w, &en, NULL, e) != 0))
			return -1;
		map_set(&s->folders, dir, s);
	}
	return 0;
}

static int put(struct squash *s, const struct entry *en, struct content *c, struct err *e)
{
	if (en->type == ENTRY_DIR) {
		if (map_has(&s->folders, en->path))
			return 0;
		map_set(&s->folders, en->path, s);
	}
	return put_folders(s, en->path, e) != 0 ? -1 : layer_writer_add(s->w, en, c, e);
}

static int put_whiteout(struct squash *s, const struct entry *dir, const char *name, struct err *e)
{
	auto_free char *path = xasprintf("%s%s%s", dir->path, *dir->path ? "/" : "", name);
	const struct entry gone = {.path = path, .type = ENTRY_WHITEOUT, .offset = ENTRY_NO_OFFSET};
	if (*dir->path && put(s, dir, NULL, e) != 0)
		return -1;
	return layer_writer_add(s->w, &gone, NULL, e);
}

// Both lists are sorted.
static int put_whiteouts(struct squash *s, const struct entry *dir, struct err *e)
{
	auto_strv struct strv was = {0}, is = {0};
	struct entry below;
	int found = *dir->path ? s->below->ops->lookup(s->below, dir->path, &below, e) : 1;
	if (found <= 0 || (*dir->path && below.type != ENTRY_DIR))
		return found < 0 ? -1 : 0;
	if (s->below->ops->list(s->below, dir->path, &was, e) != 0 ||
	        s->all->ops->list(s->all, dir->path, &is, e) != 0)
		return -1;
	for (size_t i = 0, k = 0; i < was.n; i++) {
		while (k < is.n && strcmp(is.v[k], was.v[i]) < 0)
			k++;
		if (k < is.n && !strcmp(is.v[k], was.v[i]))
			continue;
		if (put_whiteout(s, dir, was.v[i], e) != 0)
			return -1;
	}
	return 0;
}

// The view makes a file of its own of a link whose other name is hidden; two of them are still one
// file.
static int put_file(struct squash *s, const struct entry *en, int layer, struct err *e)
{
	struct entry raw, link = *en;
	auto_free char *key = NULL;
	if (!en->link && layer_index_find(s->layers[layer], en->path, &raw) && raw.link) {
		key = xasprintf("%d %s", layer, raw.link);
		link.link = map_get(&s->links, key);
	}
	if (link.link)
		return put(s, &link, NULL, e);
	auto_content struct content c = CONTENT_NONE;
	if (s->all->ops->open(s->all, en, &c, e) != 0 || put(s, en, &c, e) != 0)
		return -1;
	if (key) {
		strv_add(&s->new_names, en->path);
		map_set(&s->links, key, s->new_names.v[s->new_names.n - 1]);
	}
	return 0;
}

// A folder that layers only imply has no layer; it may be there below, or not.
static int is_upper(struct squash *s, const struct entry *en, int layer, struct err *e)
{
	struct entry below;
	if (layer >= 0 || !*en->path)
		return layer >= s->first;
	int found = s->below->ops->lookup(s->below, en->path, &below, e);
	return found < 0 ? -1 : !found || below.type != ENTRY_DIR;
}

static int put_entry(void *arg, const struct entry *en, struct err *e)
{
	struct squash *s = arg;
	int layer = chain_layer_of(s->all, en->path);
	int upper = cancel_check(e) != 0 ? -1 : is_upper(s, en, layer, e);
	if (upper < 0)
		return -1;
	if (en->type == ENTRY_FILE)
		return upper ? put_file(s, en, layer, e) : 0;
	if (upper && put(s, en, NULL, e) != 0)
		return -1;
	return en->type == ENTRY_DIR && s->first > 0 ? put_whiteouts(s, en, e) : 0;
}

int layer_squash(struct layer_index *const *layers, size_t n, size_t first, struct tar_source *src,
        struct layer_writer *w, struct err *e)
{
	auto_view struct view *all = chain_new(layers, n, src);
	auto_view struct view *below = chain_new(layers, first, src);
	struct squash s = {
	        .all = all, .below = below, .layers = layers, .first = (int)first, .w = w};
	struct entry root;
	int rc = all->ops->lookup(all, "", &root, e) < 0 || put_entry(&s, &root, e) != 0 ||
	                         all->ops->walk(all, "", put_entry, &s, e) != 0
	                 ? -1
	                 : 0;
	map_release(&s.folders);
	map_release(&s.links);
	strv_release(&s.new_names);
	return rc;
}
