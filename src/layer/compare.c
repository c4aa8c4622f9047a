// SPDX-License-Identifier: Apache-2.0
#include "layer/compare.h"

#include "base/fs.h"
#include <string.h>

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_xattrs(const struct entry *a, const struct entry *b)
{
	if (a->n_xattrs != b->n_xattrs)
		return false;
	for (uint32_t i = 0; i < a->n_xattrs; i++)
		if (strcmp(a->xattrs[i].name, b->xattrs[i].name) != 0 ||
		        a->xattrs[i].size != b->xattrs[i].size ||
		        memcmp(a->xattrs[i].value, b->xattrs[i].value, a->xattrs[i].size) != 0)
			return false;
	return true;
}

static bool same_content(const struct entry *a, const struct entry *b)
{
	return a->size == b->size && a->has_content == b->has_content &&
	       (!a->has_content || hash_eq(&a->content, &b->content));
}

unsigned entry_compare(const struct entry *a, const struct entry *b, bool times)
{
	if (a->type != b->type)
		return DIFFERS_TYPE;
	unsigned what = 0;
	if (a->type == ENTRY_FILE && !same_content(a, b))
		what |= DIFFERS_CONTENT;
	if (!same_text(a->link, b->link))
		what |= DIFFERS_LINK;
	if (a->mode != b->mode || a->opaque != b->opaque)
		what |= DIFFERS_MODE;
	if (a->uid != b->uid || a->gid != b->gid)
		what |= DIFFERS_OWNER;
	if (!same_xattrs(a, b))
		what |= DIFFERS_XATTRS;
	if (a->dev_major != b->dev_major || a->dev_minor != b->dev_minor)
		what |= DIFFERS_DEVICE;
	if (times && (a->mtime_sec != b->mtime_sec || a->mtime_nsec != b->mtime_nsec))
		what |= DIFFERS_MTIME;
	return what;
}

int layer_compare(const struct layer_index *a, const struct layer_index *b, bool times,
        int (*fn)(void *arg, const struct entry *a, const struct entry *b, unsigned what),
        void *arg)
{
	size_t i = 0, k = 0, n = layer_index_count(a), m = layer_index_count(b);
	while (i < n || k < m) {
		struct entry x, y;
		if (i < n)
			layer_index_at(a, i, &x);
		if (k < m)
			layer_index_at(b, k, &y);
		int order = i == n ? 1 : k == m ? -1 : fs_path_cmp(x.path, y.path);
		unsigned what = order ? DIFFERS_MISSING : entry_compare(&x, &y, times);
		int rc = what ? fn(arg, order <= 0 ? &x : NULL, order >= 0 ? &y : NULL, what) : 0;
		if (rc)
			return rc;
		i += order <= 0;
		k += order >= 0;
	}
	return 0;
}
