// SPDX-License-Identifier: Apache-2.0
// Directories that a layer only implies: some builders write "tmp/x" with no entry for "tmp". Its
// metadata is the lower layers', but an overlay shows the topmost directory's, so a tree has to be
// given what lies below.
#include "layer/index.h"

#include "base/err.h"
#include "base/mem.h"
#include "layer/view.h"
#include <string.h>

struct implied {
	const struct layer_index *ix;
	struct view *below;
	struct index_builder *found;
	size_t n;
};

static bool is_plain(const struct entry *en)
{
	return en->mode == 0755 && en->uid == 0 && en->gid == 0 && en->n_xattrs == 0;
}

static int look_below(struct implied *im, const char *dir, struct err *e)
{
	struct entry en;
	int rc = im->below->ops->lookup(im->below, dir, &en, e);
	if (rc <= 0 || en.type != ENTRY_DIR || is_plain(&en))
		return rc < 0 ? -1 : 0;
	en.path = dir;
	en.opaque = false;
	im->n++;
	return index_builder_add(im->found, &en, e);
}

static bool lies_below(const char *path, const char *dir, size_t n)
{
	return strncmp(path, dir, n) == 0 && path[n] == '/';
}

// The directories on the way to `path` that were not on the way to `prev`, its neighbour.
static int look_up_parents(struct implied *im, const char *prev, const char *path, struct err *e)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t n = (size_t)(slash - path);
		auto_free char *dir = xstrndup(path, n);
		struct entry en;
		if (layer_index_find(im->ix, dir, &en)) {
			if (en.opaque)
				return 0; // what lies below is not seen
			continue;
		}
		if (!lies_below(prev, dir, n) && look_below(im, dir, e) != 0)
			return -1;
	}
	return 0;
}

int layer_index_lacking(
        const struct layer_index *ix, struct view *below, struct layer_index **ret, struct err *e)
{
	*ret = NULL;
	if (layer_index_implied(ix) == 0)
		return 0;
	auto_index_builder struct index_builder *b = index_builder_new();
	struct implied im = {.ix = ix, .below = below, .found = b};
	const char *prev = "";
	for (size_t i = 0; i < layer_index_count(ix); i++) {
		struct entry en;
		layer_index_at(ix, i, &en);
		if (look_up_parents(&im, prev, en.path, e) != 0)
			return -1;
		prev = en.path;
	}
	if (im.n == 0)
		return 0;
	*ret = index_builder_finish(b, e);
	return *ret ? 0 : -1;
}
