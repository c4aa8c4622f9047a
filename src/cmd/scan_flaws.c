// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "cmd/scan_run.h"
#include <string.h>

void flaw_set_release(struct flaw_set *s)
{
	free(s->v);
	*s = (struct flaw_set){0};
}

static int flaw_cmp(const void *va, const void *vb)
{
	const struct finding *a = ((const struct flaw *)va)->finding,
	                     *b = ((const struct flaw *)vb)->finding;
	int c = strcmp(a->ecosystem, b->ecosystem);
	c = c ? c : strcmp(a->name, b->name);
	return c ? c : strcmp(finding_name(a), finding_name(b));
}

void flaw_set_make(struct flaw_set *ret, const struct scan *s, size_t from, size_t to)
{
	size_t n = 0;
	*ret = (struct flaw_set){.v = xcalloc(s->n + 1, sizeof(*ret->v))};
	for (size_t i = 0; i < s->n; i++) {
		size_t layer = s->v[i].package->layer;
		if (!s->v[i].hidden && layer >= from && layer < to)
			ret->v[n++] = (struct flaw){&s->v[i], 1};
	}
	if (n)
		qsort(ret->v, n, sizeof(*ret->v), flaw_cmp);
	for (size_t i = 0; i < n; i++) {
		if (ret->n && !flaw_cmp(&ret->v[ret->n - 1], &ret->v[i]))
			ret->v[ret->n - 1].n++;
		else
			ret->v[ret->n++] = ret->v[i];
	}
}

bool flaw_set_has(const struct flaw_set *s, const struct flaw *f)
{
	return s->n && bsearch(f, s->v, s->n, sizeof(*s->v), flaw_cmp);
}

size_t flaw_set_lacks(const struct flaw_set *s, const struct flaw_set *of)
{
	size_t n = 0;
	for (size_t i = 0; i < of->n; i++)
		n += !flaw_set_has(s, &of->v[i]);
	return n;
}
