// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "cmd/diff.h"
#include "cmd/report.h"
#include <string.h>

#define FOLDER_DEPTH 2
#define FOLDERS_SHOWN 40

struct folder {
	uint64_t bytes[2];
};

struct reported_comparison {
	struct package_diffs packages;
	struct config_diffs config;
	struct arena arena;
	struct map folders; // of struct folder
	int side;           // whose folders are being added: 0: before
	struct page_folder_change *changed;
	struct page_comparison page;
};

void reported_comparison_free(struct reported_comparison *c)
{
	if (!c)
		return;
	package_diffs_release(&c->packages);
	config_diffs_release(&c->config);
	map_release(&c->folders);
	arena_release(&c->arena);
	free(c->changed);
	free(c);
}

void reported_comparison_free_ptr(struct reported_comparison **c)
{
	reported_comparison_free(*c);
}

const struct page_comparison *reported_comparison_page(const struct reported_comparison *c)
{
	return &c->page;
}

// ---- folders

static void add_folder(void *arg, const char *path, uint64_t bytes)
{
	struct reported_comparison *c = arg;
	struct folder *f = map_get(&c->folders, path);
	if (!f) {
		f = arena_alloc(&c->arena, sizeof(*f));
		map_set(&c->folders, path, f);
	}
	f->bytes[c->side] += bytes;
}

static uint64_t change_of(const struct page_folder_change *f)
{
	return f->before > f->after ? f->before - f->after : f->after - f->before;
}

static int most_changed_first(const void *va, const void *vb)
{
	const struct page_folder_change *a = va, *b = vb;
	if (change_of(a) != change_of(b))
		return change_of(a) < change_of(b) ? 1 : -1;
	return strcmp(a->path, b->path);
}

static void put_folders(struct reported_comparison *c)
{
	const char *path;
	void *value;
	size_t n = 0;
	c->changed = xcalloc(c->folders.n + 1, sizeof(*c->changed));
	for (size_t i = 0; map_next(&c->folders, &i, &path, &value);) {
		const struct folder *f = value;
		if (f->bytes[0] != f->bytes[1])
			c->changed[n++] = (struct page_folder_change){
			        arena_printf(&c->arena, "/%s", path), f->bytes[0], f->bytes[1]};
	}
	if (n)
		qsort(c->changed, n, sizeof(*c->changed), most_changed_first);
	c->page.folders = c->changed;
	c->page.n_folders = n < FOLDERS_SHOWN ? n : FOLDERS_SHOWN;
}

// ---- packages and flaws

static void put_packages(struct reported_comparison *c)
{
	const struct package_diffs *d = &c->packages;
	struct page_change *v = arena_alloc(&c->arena, (d->n + 1) * sizeof(*v));
	for (size_t i = 0; i < d->n; i++)
		v[i] = (struct page_change){.change = package_change_words[d->v[i].change],
		        .what = d->v[i].name,
		        .kind = package_type_name(d->v[i].type),
		        .before = d->v[i].before,
		        .after = d->v[i].after};
	c->page.packages = v;
	c->page.n_packages = d->n;
}

static void put_config(struct reported_comparison *c)
{
	const struct config_diffs *d = &c->config;
	struct page_change *v = arena_alloc(&c->arena, (d->n + 1) * sizeof(*v));
	for (size_t i = 0; i < d->n; i++)
		v[i] = (struct page_change){.change = !d->v[i].before  ? "gained"
		                                      : !d->v[i].after ? "lost"
		                                                       : "changed",
		        .what = d->v[i].key ? d->v[i].key : d->v[i].field,
		        .kind = d->v[i].field,
		        .before = d->v[i].before,
		        .after = d->v[i].after};
	c->page.config = v;
	c->page.n_config = d->n;
}

static void put_flaws(struct reported_comparison *c, const struct flaw_set *of,
        const struct flaw_set *than, bool gained, struct page_change *v)
{
	for (size_t i = 0; i < of->n; i++) {
		const struct finding *f = of->v[i].finding;
		if (flaw_set_has(than, &of->v[i]))
			continue;
		const char *where = arena_printf(&c->arena, "%s %s", f->name, f->version);
		v[c->page.n_flaws++] = (struct page_change){.change = gained ? "gained" : "lost",
		        .what = finding_name(f),
		        .kind = severity_name(f->severity),
		        .before = gained ? NULL : where,
		        .after = gained ? where : NULL};
	}
}

// ---- totals

static void put_totals(struct reported_comparison *c, struct reported_image *before,
        const struct reported_flaws *flaws_before, struct reported_image *now,
        const struct reported_flaws *flaws_now)
{
	const struct page_image *a = reported_image_page(before), *b = reported_image_page(now);
	const bool scanned = flaws_before->done && flaws_now->done;
	const struct page_total all[] = {{"Unpacked", a->bytes, b->bytes, true},
	        {"To pull", a->packed, b->packed, true},
	        {"Hidden by later layers", a->hidden, b->hidden, true},
	        {"Layers", a->n_layers, b->n_layers, false}, {"Files", a->files, b->files, false},
	        {"Packages", a->n_packages, b->n_packages, false},
	        {"Known flaws", scanned ? flaws_before->set.n : PAGE_UNKNOWN,
	                scanned ? flaws_now->set.n : PAGE_UNKNOWN, false}};
	struct page_total *v = arena_alloc(&c->arena, sizeof(all));
	memcpy(v, all, sizeof(all));
	c->page.totals = v;
	c->page.n_totals = ARRAY_LEN(all);
}

struct reported_comparison *reported_comparison_new(struct reported_image *before,
        const struct reported_flaws *flaws_before, struct reported_image *now,
        const struct reported_flaws *flaws_now)
{
	struct reported_comparison *c = xcalloc(1, sizeof(*c));
	c->page.name = reported_image_target(before)->name;
	put_totals(c, before, flaws_before, now, flaws_now);
	package_diffs_make(reported_image_target(before)->packages,
	        reported_image_target(now)->packages, &c->packages);
	put_packages(c);
	config_diffs_make(&reported_image_target(before)->config,
	        &reported_image_target(now)->config, &c->config);
	put_config(c);
	if (flaws_before->done && flaws_now->done) {
		struct page_change *v = arena_alloc(
		        &c->arena, (flaws_before->set.n + flaws_now->set.n + 1) * sizeof(*v));
		put_flaws(c, &flaws_now->set, &flaws_before->set, true, v);
		put_flaws(c, &flaws_before->set, &flaws_now->set, false, v);
		c->page.flaws = v;
	}
	reported_image_folders(before, FOLDER_DEPTH, add_folder, c);
	c->side = 1;
	reported_image_folders(now, FOLDER_DEPTH, add_folder, c);
	put_folders(c);
	return c;
}
