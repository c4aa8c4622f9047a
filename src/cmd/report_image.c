// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"
#include "base/mem.h"
#include "cmd/report.h"
#include "layer/chain.h"
#include "rootfs/rootfs.h"
#include "session/session.h"
#include "size/owners.h"
#include "size/waste.h"
#include "size/weigh.h"
#include "subject/size_image.h"
#include <stdio.h>
#include <string.h>

#define INSTRUCTION_BYTES 1000
#define NODES_MAX 2400 // of each tree

struct reported_image {
	struct scanned target;
	struct engine engine;
	bool has_engine;
	struct view *view;  // of which files can be read
	struct view *chain; // of the same layers: says which one a file is of
	struct weigh_layer *layers;
	struct weight weight;
	struct owners owners;
	struct waste_list waste;
	struct arena arena; // of all else that the page points to
	struct page_image page;
	struct page_tree *by_layer, *by_folder, *by_package;
};

void reported_image_free(struct reported_image *r)
{
	if (!r)
		return;
	page_tree_free(r->by_layer);
	page_tree_free(r->by_folder);
	page_tree_free(r->by_package);
	waste_list_release(&r->waste);
	owners_release(&r->owners);
	weight_release(&r->weight);
	free(r->layers);
	view_free(r->chain);
	view_free(r->view);
	if (r->has_engine)
		engine_release(&r->engine);
	scanned_release(&r->target);
	arena_release(&r->arena);
	free(r);
}

void reported_image_free_ptr(struct reported_image **r)
{
	reported_image_free(*r);
}

struct page_image *reported_image_page(struct reported_image *r)
{
	return &r->page;
}

const struct scanned *reported_image_target(const struct reported_image *r)
{
	return &r->target;
}

// ---- layers

static const char *shown(struct reported_image *r, const char *created_by)
{
	auto_free char *text = instruction_short(created_by, INSTRUCTION_BYTES);
	return *text ? arena_strdup(&r->arena, text) : NULL;
}

// As it lies in a registry: as the manifest has it, or as it would be sent.
static void find_packed(struct session *s, struct reported_image *r, size_t i)
{
	const struct scanned *t = &r->target;
	const struct descriptor *d = i < t->manifest.layers.n ? &t->manifest.layers.v[i] : NULL;
	struct size_layer l = {.diff_id = t->config.diff_ids[i], .packed = WEIGH_UNKNOWN};
	if (d && !digest_eq(&d->digest, &l.diff_id))
		l.packed = d->size;
	else
		size_packed_measure(s->store, &l);
	r->layers[i].packed = l.packed;
	r->page.packed_is_estimated |= l.estimated;
}

static int open_layers(struct session *s, struct reported_image *r, struct err *e)
{
	const struct scanned *t = &r->target;
	struct rootfs root = {0};
	if (rootfs_of_image(&r->engine, &t->config, &root, e))
		return -1;
	auto_free struct layer_index **indexes = xcalloc(root.n + 1, sizeof(*indexes));
	r->layers = xcalloc(root.n + 1, sizeof(*r->layers));
	int rc = 0;
	for (size_t i = 0; i < root.n && !rc; i++) {
		rc = layer_need_index(&r->engine, &root.layers[i], -1, &indexes[i], e);
		r->layers[i] = (struct weigh_layer){
		        .index = indexes[i], .instruction = shown(r, t->layers[i].created_by)};
		find_packed(s, r, i);
	}
	if (!rc && !(r->view = rootfs_view(&r->engine, &root, -1, e)))
		rc = -1;
	if (!rc)
		r->chain = chain_new(indexes, root.n, NULL);
	rootfs_release(&root);
	return rc;
}

static const char *place_of(struct reported_image *r, size_t layer)
{
	const struct report_layer *l = &r->target.layers[layer];
	return l->line ? arena_printf(&r->arena, "%s:%d", l->dockerfile, l->line) : NULL;
}

static void put_layers(struct reported_image *r)
{
	const struct weight *w = &r->weight;
	struct page_layer *v = arena_alloc(&r->arena, (w->n + 1) * sizeof(*v));
	for (size_t i = 0; i < w->n; i++) {
		const struct layer_weight *l = &w->layers[i];
		char digest[DIGEST_TEXT];
		digest_text(&r->target.config.diff_ids[i], digest);
		v[i] = (struct page_layer){.instruction = l->from.instruction,
		        .place = place_of(r, i),
		        .digest = arena_strdup(&r->arena, digest),
		        .bytes = l->bytes,
		        .packed = l->from.packed,
		        .hidden = l->hidden_bytes,
		        .files = l->files,
		        .base = r->target.layers[i].base};
	}
	r->page.layers = v;
	r->page.n_layers = w->n;
}

// ---- trees

// A second name of a file is no bytes.
static bool has_bytes(const struct entry *en)
{
	return en->type == ENTRY_FILE && !en->link;
}

static void tree_by_layer(struct reported_image *r)
{
	const struct weight *w = &r->weight;
	r->by_layer = page_tree_new(r->target.name, w->bytes, NODES_MAX);
	for (size_t l = 0; l < w->n; l++) {
		const struct layer_index *ix = w->layers[l].from.index;
		const char *by = w->layers[l].from.instruction;
		auto_free char *title = xasprintf("%zu %s", l + 1, by ? by : "");
		page_tree_group(r->by_layer, title);
		for (size_t i = 0; i < layer_index_count(ix); i++) {
			struct entry en, seen;
			layer_index_at(ix, i, &en);
			if (has_bytes(&en))
				page_tree_add(r->by_layer, en.path,
				        (struct page_sum){en.size,
				                weight_seen(w, l, i, &seen) ? 0 : en.size, 1});
		}
	}
	r->page.by_layer = r->by_layer;
	page_tree_end(r->by_layer);
}

// Of a file whose first name is gone the second one counts.
static bool counts(struct view *v, const struct entry *en)
{
	struct entry first;
	struct err ignored = ERR_INIT;
	if (en->type != ENTRY_FILE)
		return false;
	return !en->link || v->ops->lookup(v, en->link, &first, &ignored) != 1 ||
	       first.type != ENTRY_FILE ||
	       chain_layer_of(v, en->link) != chain_layer_of(v, en->path);
}

static int add_seen(void *arg, const struct entry *en, struct err *e)
{
	struct reported_image *r = arg;
	(void)e;
	if (counts(r->chain, en))
		page_tree_add(r->by_folder, en->path, (struct page_sum){en->size, 0, 1});
	return 0;
}

static int tree_by_folder(struct reported_image *r, struct err *e)
{
	r->by_folder = page_tree_new("/", r->weight.bytes - r->weight.hidden_bytes, NODES_MAX);
	if (r->chain->ops->walk(r->chain, "", add_seen, r, e))
		return -1;
	r->page.by_folder = r->by_folder;
	page_tree_end(r->by_folder);
	return 0;
}

static const char *package_title(struct reported_image *r, const struct package *p)
{
	return arena_printf(&r->arena, "%s %s", p->name, p->version ? p->version : "");
}

static void tree_by_package(struct reported_image *r)
{
	const struct owners *o = &r->owners;
	if (!o->n || !o->v[0].bytes)
		return;
	r->by_package =
	        page_tree_new(r->target.name, r->weight.bytes - r->weight.hidden_bytes, NODES_MAX);
	for (enum package_type type = PACKAGE_DEB; type <= PACKAGE_MAVEN; type++) {
		bool begun = false;
		for (size_t i = 0; i < o->n; i++) {
			if (o->v[i].package->type != type || !o->v[i].bytes)
				continue;
			if (!begun)
				page_tree_group(r->by_package, package_type_name(type));
			begun = true;
			page_tree_leaf(r->by_package, package_title(r, o->v[i].package),
			        (struct page_sum){o->v[i].bytes, 0, o->v[i].files});
		}
	}
	page_tree_group(r->by_package, "of no package");
	page_tree_leaf(r->by_package, "files of no package",
	        (struct page_sum){o->other_bytes, 0, o->other_files});
	r->page.by_package = r->by_package;
	page_tree_end(r->by_package);
}

// ---- packages and waste

static void put_packages(struct reported_image *r)
{
	const struct owners *o = &r->owners;
	struct page_package *v = arena_alloc(&r->arena, (o->n + 1) * sizeof(*v));
	for (size_t i = 0; i < o->n; i++)
		v[i] = (struct page_package){.type = package_type_name(o->v[i].package->type),
		        .name = o->v[i].package->name,
		        .version = o->v[i].package->version,
		        .bytes = o->v[i].bytes ? o->v[i].bytes : PAGE_UNKNOWN,
		        .layer = o->v[i].layer};
	r->page.packages = v;
	r->page.n_packages = o->n;
}

static void put_waste(struct reported_image *r)
{
	const struct waste_list *l = &r->waste;
	struct page_waste *v = arena_alloc(&r->arena, (l->n + 1) * sizeof(*v));
	for (size_t i = 0; i < l->n; i++)
		v[i] = (struct page_waste){.kind = waste_kind_name(l->v[i].kind),
		        .path = arena_printf(&r->arena, "/%s%s", l->v[i].path,
		                l->v[i].folder && *l->v[i].path ? "/" : ""),
		        .advice = l->v[i].advice,
		        .package = l->v[i].package,
		        .layer = l->v[i].layer,
		        .bytes = l->v[i].bytes,
		        .files = l->v[i].files};
	r->page.waste = v;
	r->page.n_waste = l->n;
}

// ---- the rest

static const char *joined(struct reported_image *r, const struct strv *a, const struct strv *b)
{
	const struct strv *both[] = {a, b};
	auto_buf struct buf text = {0};
	for (size_t k = 0; k < ARRAY_LEN(both); k++)
		for (size_t i = 0; i < both[k]->n && text.n < 1000; i++)
			buf_printf(&text, "%s%s", text.n ? " " : "", both[k]->v[i]);
	return text.n ? arena_strdup(&r->arena, buf_cstr(&text)) : NULL;
}

// By its name in the store, else by the record of the build.
static const char *base_of(struct session *s, struct reported_image *r)
{
	const struct scanned *t = &r->target;
	struct size_image m = {
	        .manifest = t->manifest, .config = t->config, .n = t->config.n_diff_ids};
	if (t->found.base)
		return t->found.base;
	size_base_find(s->store, &m);
	const char *name = m.kin.base ? arena_strdup(&r->arena, m.kin.base) : NULL;
	free(m.kin.base);
	return name;
}

static void put_head(struct session *s, struct reported_image *r)
{
	const struct scanned *t = &r->target;
	const struct weight *w = &r->weight;
	struct page_image *p = &r->page;
	char digest[DIGEST_TEXT], id[DIGEST_TEXT], platform[80], created[TIME_TEXT];
	digest_text(&t->digest, digest);
	digest_text(&t->manifest.config.digest, id);
	platform_text(&t->config.platform, platform);
	p->name = t->name;
	p->digest = arena_strdup(&r->arena, digest);
	p->id = arena_strdup(&r->arena, id);
	p->platform = arena_strdup(&r->arena, platform);
	if (t->config.has_created) {
		time_format((struct timestamp){t->config.created.sec, 0}, created);
		p->created = arena_strdup(&r->arena, created);
	}
	p->base = base_of(s, r);
	p->entry = joined(r, &t->config.entrypoint, &t->config.cmd);
	p->user = t->config.user ? t->config.user : "";
	p->bytes = w->bytes;
	p->packed = w->packed;
	p->hidden = w->hidden_bytes;
	p->files = w->files;
	p->efficiency = w->dive.efficiency;
	p->packed_efficiency = w->packed_efficiency;
}

static int gather(struct session *s, struct reported_image *r, struct err *e)
{
	if (open_layers(s, r, e) || weigh(r->layers, r->target.config.n_diff_ids, &r->weight, e) ||
	        owners_find(&r->weight, r->view, r->target.packages, &r->owners, e))
		return -1;
	waste_find(&r->weight, r->view, &r->owners, &r->waste);
	put_head(s, r);
	put_layers(r);
	put_packages(r);
	put_waste(r);
	tree_by_layer(r);
	tree_by_package(r);
	return tree_by_folder(r, e);
}

static int look(struct session *s, struct reported_image *r, bool quiet, struct err *e)
{
	if (r->target.kind != REPORT_IMAGE)
		return err_set(e, ERR_USAGE,
		        "'%s' is no image: a page is made of an image or a build", r->target.name);
	if (!quiet)
		scanned_warn(&r->target);
	r->engine = (struct engine){.store = s->store,
	        .sink = session_sink(s),
	        .open_registry = session_registry,
	        .open_registry_arg = s,
	        .stop_fd = -1};
	engine_init(&r->engine);
	r->has_engine = true;
	return gather(s, r, e);
}

struct reported_image *reported_image_open(
        struct session *s, const struct subject_ask *ask, struct err *e)
{
	struct reported_image *r = xcalloc(1, sizeof(*r));
	if (!scanned_open(s, ask, &r->target, e) && !look(s, r, ask->silent, e))
		return r;
	reported_image_free(r);
	return NULL;
}

struct reported_image *reported_image_stored(struct session *s, const char *name,
        const struct digest *manifest, bool quiet, struct err *e)
{
	struct reported_image *r = xcalloc(1, sizeof(*r));
	if (!scanned_of_image(s, name, manifest, &r->target, e) && !look(s, r, quiet, e))
		return r;
	reported_image_free(r);
	return NULL;
}

// ---- folders

struct folder_walk {
	struct reported_image *r;
	size_t depth;
	char *path; // of the folder that is being added up
	uint64_t bytes;
	void (*fn)(void *arg, const char *path, uint64_t bytes);
	void *arg;
};

static size_t folder_length(const char *path, size_t depth)
{
	size_t n = 0;
	for (const char *slash; depth-- && (slash = strchr(path + n, '/'));)
		n = (size_t)(slash - path) + 1;
	return n ? n - 1 : 0;
}

static void end_folder(struct folder_walk *w)
{
	if (w->path)
		w->fn(w->arg, w->path, w->bytes);
	free(w->path);
	w->path = NULL;
	w->bytes = 0;
}

static int add_to_folder(void *arg, const struct entry *en, struct err *e)
{
	struct folder_walk *w = arg;
	(void)e;
	if (!counts(w->r->chain, en))
		return 0;
	size_t n = folder_length(en->path, w->depth);
	if (!w->path || strlen(w->path) != n || memcmp(w->path, en->path, n) != 0) {
		end_folder(w);
		w->path = xstrndup(en->path, n);
	}
	w->bytes += en->size;
	return 0;
}

void reported_image_folders(struct reported_image *r, size_t depth,
        void (*fn)(void *arg, const char *path, uint64_t bytes), void *arg)
{
	struct folder_walk w = {.r = r, .depth = depth, .fn = fn, .arg = arg};
	struct err ignored = ERR_INIT;
	r->chain->ops->walk(r->chain, "", add_to_folder, &w, &ignored);
	end_folder(&w);
}
