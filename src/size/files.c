// SPDX-License-Identifier: Apache-2.0
// The heaviest files that can be seen: a heap of those found so far, the lightest on top.
#include "base/fs.h"
#include "base/mem.h"
#include "size/size-int.h"
#include <string.h>

#define HEAVIEST_MAX 100000

static int heavier(const void *pa, const void *pb)
{
	const struct heavy_file *a = pa, *b = pb;
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return fs_path_cmp(a->path, b->path);
}

static void sink(struct heavy_file *v, size_t n, size_t i)
{
	struct heavy_file f = v[i];
	for (size_t kid; (kid = 2 * i + 1) < n; i = kid) {
		if (kid + 1 < n && heavier(&v[kid], &v[kid + 1]) < 0)
			kid++;
		if (heavier(&f, &v[kid]) >= 0)
			break;
		v[i] = v[kid];
	}
	v[i] = f;
}

static void rise(struct heavy_file *v, size_t i)
{
	for (size_t up; i > 0 && heavier(&v[i], &v[up = (i - 1) / 2]) > 0; i = up) {
		struct heavy_file f = v[i];
		v[i] = v[up];
		v[up] = f;
	}
}

static void offer(struct heavy_file *v, size_t *n, size_t max, const struct heavy_file *f)
{
	if (*n < max) {
		v[(*n)++] = *f;
		rise(v, *n - 1);
	} else if (heavier(f, &v[0]) < 0) {
		v[0] = *f;
		sink(v, *n, 0);
	}
}

size_t weight_heaviest(const struct weight *w, size_t max, struct heavy_file **ret)
{
	size_t n = 0;
	struct entry en;
	max = max < w->files ? max : w->files;
	max = max < HEAVIEST_MAX ? max : HEAVIEST_MAX;
	*ret = xcalloc(max + 1, sizeof(**ret));
	for (size_t l = 0; max && l < w->n; l++) {
		const struct layer_index *ix = w->layers[l].from.index;
		for (size_t i = 0; i < layer_index_count(ix); i++) {
			if (weight_seen(w, l, i, &en))
				offer(*ret, &n, max, &(struct heavy_file){en.path, en.size, l});
		}
	}
	if (n)
		qsort(*ret, n, sizeof(**ret), heavier);
	return n;
}
