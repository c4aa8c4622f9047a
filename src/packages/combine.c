// SPDX-License-Identifier: Apache-2.0
// What an image has, of what its layers have: a file counts in the layer that shows it. The
// database of a distribution is written anew as a whole by each layer that installs something; its
// packages were brought by the first layer since when they are there.
#include "base/fs.h"
#include "base/map.h"
#include "layer/chain.h"
#include "packages/packages-int.h"

static int by_path(const void *key, const void *file)
{
	return fs_path_cmp(key, ((const struct package_file *)file)->path);
}

static const struct package_file *file_of(const struct package_set *s, const char *path)
{
	return s->n_files ? bsearch(path, s->files, s->n_files, sizeof(*s->files), by_path) : NULL;
}

static bool is_database(const struct package *p)
{
	return p->type == PACKAGE_DEB || p->type == PACKAGE_APK || p->type == PACKAGE_RPM;
}

static char *key_of(const struct package *p)
{
	return xasprintf("%s\n%s\n%s", p->name, p->version, p->arch ? p->arch : "");
}

// Which packages of a file are in that of a lower layer too; those that are not were brought by
// `layer` or one between, which the entry says already.
static void look_below(const struct package_set *top, const struct package_file *f,
        const struct package_set *below, const struct package_file *g, size_t layer,
        struct found_package *v, size_t above)
{
	auto_map struct map known = {0};
	for (size_t i = 0; i < g->n; i++) {
		auto_free char *key = key_of(&below->packages[g->first + i]);
		map_set(&known, key, (void *)&below->packages[g->first + i]);
	}
	for (size_t i = 0; i < f->n; i++) {
		auto_free char *key = key_of(&top->packages[f->first + i]);
		if (v[i].layer == above && map_has(&known, key))
			v[i].layer = layer;
	}
}

static void add(struct package_list *l, const struct package_set *s, const struct package_file *f,
        size_t layer)
{
	for (size_t i = 0; i < f->n; i++)
		l->v[l->n++] = (struct found_package){&s->packages[f->first + i], f->path, layer};
}

static void add_file(struct package_list *l, const struct package_set *sets, size_t layer,
        const struct package_file *f)
{
	struct found_package *first = &l->v[l->n];
	size_t above = layer;
	add(l, &sets[layer], f, layer);
	if (!f->n || !is_database(&sets[layer].packages[f->first]))
		return;
	for (size_t below = layer; below-- > 0;) {
		const struct package_file *g = file_of(&sets[below], f->path);
		if (!g)
			continue;
		look_below(&sets[layer], f, &sets[below], g, below, first, above);
		above = below;
	}
}

static const char *arch_of(const struct found_package *f)
{
	return f->package->arch ? f->package->arch : "";
}

static int compare(const void *a, const void *b)
{
	const struct found_package *x = a, *y = b;
	int order = (int)x->package->type - (int)y->package->type;
	if (!order)
		order = strcmp(x->package->name, y->package->name);
	if (!order)
		order = strcmp(x->package->version, y->package->version);
	if (!order)
		order = (x->package->flags & PACKAGE_LOCKED) - (y->package->flags & PACKAGE_LOCKED);
	if (!order)
		order = strcmp(x->path, y->path);
	return order ? order : strcmp(arch_of(x), arch_of(y));
}

// Of the places where a distribution says what it is, the first that is there.
static void choose_release(struct package_list *l, const struct package_set *s, const char *path)
{
	for (size_t i = 0; i < s->n_releases; i++) {
		if (!strcmp(s->releases[i].path, path))
			l->release = s->releases[i].release;
	}
}

static const char *const release_paths[] = {"usr/lib/os-release", "etc/os-release"};

static void mark_owned(struct package_set *sets, size_t n)
{
	auto_map struct map owned = {0};
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < sets[i].owned.n; k++)
			map_set(&owned, sets[i].owned.v[k], &sets[i]);
	}
	for (size_t i = 0; i < n && owned.n; i++) {
		for (size_t k = 0; k < sets[i].n_files; k++) {
			const struct package_file *f = &sets[i].files[k];
			if (!map_has(&owned, f->path))
				continue;
			for (size_t p = 0; p < f->n; p++)
				sets[i].packages[f->first + p].flags |= PACKAGE_OWNED;
		}
	}
}

// The same of the same file. What another file says too stays: that one may be left out of account.
static bool is_repeated(const struct found_package *before, const struct found_package *f)
{
	const struct package *p = before->package, *q = f->package;
	return p->type == q->type && !strcmp(p->name, q->name) && !strcmp(p->version, q->version) &&
	       !strcmp(before->path, f->path) && !strcmp(arch_of(before), arch_of(f));
}

static void finish(struct package_list *l)
{
	size_t n = 0;
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), compare);
	for (size_t i = 0; i < l->n; i++) {
		if (!n || !is_repeated(&l->v[n - 1], &l->v[i]))
			l->v[n++] = l->v[i];
	}
	l->n = n;
}

void packages_combine(
        struct package_set *sets, size_t n, struct view *chain, struct package_list *ret)
{
	size_t total = 0;
	for (size_t i = 0; i < n; i++)
		total += sets[i].n_packages;
	*ret = (struct package_list){.v = xcalloc(total + 1, sizeof(*ret->v))};
	mark_owned(sets, n);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < sets[i].n_files; k++) {
			if (chain_layer_of(chain, sets[i].files[k].path) == (int)i)
				add_file(ret, sets, i, &sets[i].files[k]);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(release_paths); i++) {
		int layer = chain_layer_of(chain, release_paths[i]);
		if (layer >= 0 && (size_t)layer < n)
			choose_release(ret, &sets[layer], release_paths[i]);
	}
	finish(ret);
}

void packages_list(struct package_set *set, struct package_list *ret)
{
	*ret = (struct package_list){.v = xcalloc(set->n_packages + 1, sizeof(*ret->v))};
	mark_owned(set, 1);
	for (size_t k = 0; k < set->n_files; k++)
		add(ret, set, &set->files[k], 0);
	for (size_t i = 0; i < ARRAY_LEN(release_paths); i++)
		choose_release(ret, set, release_paths[i]);
	finish(ret);
}

void package_list_release(struct package_list *l)
{
	free(l->v);
	*l = (struct package_list){0};
}
