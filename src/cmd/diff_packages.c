// SPDX-License-Identifier: Apache-2.0
// Two lists of packages, compared name by name. Of a name that occurs in several versions, those
// that both have count for nothing; of the rest each pair is a change.
#include "base/err.h"
#include "base/mem.h"
#include "cmd/diff.h"
#include "version/version.h"
#include <string.h>

void package_diffs_release(struct package_diffs *d)
{
	free(d->v);
	*d = (struct package_diffs){0};
}

static const struct package *at(const struct package_list *l, size_t i)
{
	return l->v[i].package;
}

static int name_cmp(const struct package *a, const struct package *b)
{
	return a->type != b->type ? (a->type > b->type) - (a->type < b->type)
	                          : strcmp(a->name, b->name);
}

// The packages from *i on that have one name.
struct versions {
	const char **v; // each once
	size_t n;
};

static void take_versions(const struct package_list *l, size_t *i, struct versions *ret)
{
	size_t first = *i;
	while (*i < l->n && !name_cmp(at(l, first), at(l, *i)))
		(*i)++;
	*ret = (struct versions){.v = xcalloc(*i - first + 1, sizeof(*ret->v))};
	for (size_t k = first; k < *i; k++)
		if (!ret->n || strcmp(ret->v[ret->n - 1], at(l, k)->version) != 0)
			ret->v[ret->n++] = at(l, k)->version;
}

static bool has(const struct versions *s, const char *version)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i], version))
			return true;
	return false;
}

static void drop_common(struct versions *a, struct versions *b)
{
	struct versions common = {.v = xcalloc(a->n + 1, sizeof(*common.v))};
	for (size_t i = 0; i < a->n; i++)
		if (has(b, a->v[i]))
			common.v[common.n++] = a->v[i];
	struct versions *both[] = {a, b};
	for (size_t k = 0; k < ARRAY_LEN(both); k++) {
		size_t n = 0;
		for (size_t i = 0; i < both[k]->n; i++)
			if (!has(&common, both[k]->v[i]))
				both[k]->v[n++] = both[k]->v[i];
		both[k]->n = n;
	}
	free(common.v);
}

// What cannot be compared has gone up: it is newer in the image that is.
static enum package_change direction(enum package_type type, const char *a, const char *b)
{
	enum version_scheme scheme;
	struct err ignored = ERR_INIT;
	int order = -1;
	return version_scheme_find(package_type_name(type), &scheme) &&
	                       !version_compare(scheme, a, b, &order, &ignored) && order > 0
	               ? PACKAGE_DOWN
	               : PACKAGE_UP;
}

static void add(struct package_diffs *d, const struct package *p, const char *a, const char *b)
{
	d->v = xreallocarray(d->v, d->n + 1, sizeof(*d->v));
	d->v[d->n++] = (struct package_diff){.change = !a   ? PACKAGE_GAINED
	                                               : !b ? PACKAGE_LOST
	                                                    : direction(p->type, a, b),
	        .type = p->type,
	        .name = p->name,
	        .before = a,
	        .after = b};
}

void package_diffs_make(
        const struct package_list *a, const struct package_list *b, struct package_diffs *ret)
{
	*ret = (struct package_diffs){0};
	for (size_t i = 0, k = 0; i < a->n || k < b->n;) {
		int c = i >= a->n ? 1 : k >= b->n ? -1 : name_cmp(at(a, i), at(b, k));
		const struct package *p = c <= 0 ? at(a, i) : at(b, k);
		struct versions before = {0}, after = {0};
		if (c <= 0)
			take_versions(a, &i, &before);
		if (c >= 0)
			take_versions(b, &k, &after);
		drop_common(&before, &after);
		for (size_t v = 0; v < before.n || v < after.n; v++)
			add(ret, p, v < before.n ? before.v[v] : NULL,
			        v < after.n ? after.v[v] : NULL);
		free(before.v);
		free(after.v);
	}
}
