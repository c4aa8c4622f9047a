// SPDX-License-Identifier: Apache-2.0
// Base images for the graph: from the store if the tag was resolved before (unless --pull), else
// from a registry; only manifest and configuration, never layers. Named contexts that stand for
// images, too.
#include "base/fs.h"
#include "exec/exec-int.h"
#include "image/reference.h"
#include "registry/registry.h"

#define LAYOUT "oci-layout://"

struct resolver {
	struct graph_resolver face;
	struct exec *x;
};

static int read_manifest(
        struct exec *x, const struct digest *d, struct manifest *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	if (store_blob_read(x->store, d, MANIFEST_MAX, &text, e))
		return -1;
	return manifest_parse(text.p, text.n, NULL, ret, e);
}

static int read_config(
        struct exec *x, const struct digest *d, struct image_config *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	if (store_blob_read(x->store, d, CONFIG_MAX, &text, e))
		return -1;
	return image_config_parse(text.p, text.n, ret, e);
}

// Makes the layers of an image known by their diffIDs, with the blobs that hold them.
static int declare_layers(
        struct exec *x, const struct manifest *m, const struct image_config *c, struct err *e)
{
	if (m->layers.n != c->n_diff_ids)
		return err_set(e, ERR_CORRUPT,
		        "image has %zu layers but its configuration names %zu", m->layers.n,
		        c->n_diff_ids);
	for (size_t i = 0; i < m->layers.n; i++) {
		const struct descriptor *d = &m->layers.v[i];
		struct layer_blob b = {.digest = d->digest, .size = d->size};
		if (store_layer_declare(x->store, &c->diff_ids[i], e))
			return -1;
		if (digest_eq(&d->digest, &c->diff_ids[i]))
			continue; // an uncompressed tar of our own
		snprintf(b.media_type, sizeof(b.media_type), "%s", d->media_type);
		if (store_layer_add_blob(x->store, &c->diff_ids[i], &b, e))
			return -1;
	}
	return 0;
}

int resolver_load(
        struct exec *x, const struct digest *manifest, struct graph_image *ret, struct err *e)
{
	auto_manifest struct manifest m = {0};
	if (read_manifest(x, manifest, &m, e) || read_config(x, &m.config.digest, &ret->config, e))
		return -1;
	ret->manifest = *manifest;
	return declare_layers(x, &m, &ret->config, e);
}

// A manifest for the platform out of what an image row points to.
static int local_manifest(struct exec *x, const struct image_row *row, const struct platform *p,
        struct digest *ret, struct err *e)
{
	*ret = row->manifest;
	if (!row->is_index)
		return 1;
	auto_buf struct buf text = {0};
	auto_index struct image_index ix = {0};
	if (store_blob_read(x->store, &row->manifest, MANIFEST_MAX, &text, e) ||
	        image_index_parse(text.p, text.n, NULL, &ix, e))
		return -1;
	const struct descriptor *d = image_index_select(&ix, p);
	if (!d || !store_blob_has(x->store, &d->digest))
		return 0;
	*ret = d->digest;
	return 1;
}

// An image of that name in the store: built or pulled here. 1, 0, -1.
static int from_store(struct exec *x, const char *name, const struct platform *p,
        struct digest *ret, struct err *e)
{
	struct image_row row = {0};
	struct err absent = ERR_INIT;
	if (store_image_find(x->store, name, &row, &absent)) {
		if (absent.kind == ERR_NOT_FOUND)
			return 0;
		*e = absent;
		return -1;
	}
	int found = local_manifest(x, &row, p, ret, e);
	image_row_release(&row);
	return found;
}

static int from_memory(struct exec *x, const char *name, const struct platform *p,
        struct digest *ret, struct err *e)
{
	char text[80];
	platform_text(p, text);
	int found = store_resolution_get(x->store, name, text, ret, e);
	return found == 1 ? store_blob_has(x->store, ret) : found;
}

static int from_registry(struct exec *x, const struct reference *ref, const struct platform *p,
        struct digest *ret, struct err *e)
{
	struct registry *r = exec_registry(x, e);
	struct resolved_image found = {0};
	if (!r || registry_resolve(r, ref, p, &found, e))
		return -1;
	*ret = found.manifest.digest;
	resolved_image_release(&found);
	return 0;
}

// "oci-layout://folder[:tag][@digest]": what is in it is entered into the store.
static int from_layout(struct exec *x, const char *text, const struct platform *p,
        struct graph_image *ret, struct err *e)
{
	auto_free char *folder = xstrdup(text + strlen(LAYOUT));
	struct image_layout layout = {.folder = folder, .platform = *p};
	struct digest manifest;
	char *at = strchr(folder, '@');
	if (at) {
		*at = '\0';
		layout.has_digest = true;
		if (digest_parse(at + 1, &layout.digest, e))
			return err_wrap(e, "%s", text);
	}
	char *colon = strrchr(folder, ':');
	if (colon && !strchr(colon, '/')) {
		*colon = '\0';
		layout.tag = colon + 1;
	}
	if (x->req->load_layout(x->store, &layout, &manifest, e) ||
	        resolver_load(x, &manifest, ret, e))
		return err_wrap(e, "%s", text);
	ret->name = xstrdup(text);
	return 0;
}

static int unknown_image(const struct platform *p, struct graph_image *ret)
{
	ret->unknown = true;
	ret->config.platform = *p;
	return 0;
}

static int resolve(struct graph_resolver *self, const char *text, const struct platform *p,
        struct graph_image *ret, struct err *e)
{
	struct exec *x = ((struct resolver *)self)->x;
	auto_reference struct reference ref = {0};
	struct digest manifest;
	if (str_has_prefix(text, LAYOUT))
		return x->store && x->req->load_layout ? from_layout(x, text, p, ret, e)
		                                       : unknown_image(p, ret);
	if (reference_parse(text, &ref, e)) {
		e->kind = ERR_DOCKERFILE;
		return -1;
	}
	ret->name = reference_text(&ref);
	if (!x->store)
		return unknown_image(p, ret);
	int found = x->req->pull ? 0 : from_store(x, ret->name, p, &manifest, e);
	if (!found && !x->req->pull) {
		found = from_memory(x, ret->name, p, &manifest, e);
		// Its config may be gone, or not there yet, beside a collection and another build.
		if (found == 1 && resolver_load(x, &manifest, ret, e) == 0)
			return 0;
		if (found == 1)
			found = e->kind == ERR_NOT_FOUND ? 0 : -1;
	}
	if (!found && x->req->offline)
		return unknown_image(p, ret);
	if (found < 0 || (!found && from_registry(x, &ref, p, &manifest, e)))
		return err_wrap(e, "%s", text);
	return resolver_load(x, &manifest, ret, e) ? err_wrap(e, "%s", text) : 0;
}

static int named_context(struct graph_resolver *self, const char *name, const struct platform *p,
        struct graph_context *ret, struct err *e)
{
	static const char image[] = "docker-image://";
	struct exec *x = ((struct resolver *)self)->x;
	struct named_context *c = context_match(x, name, p);
	if (!c)
		return 0;
	if (context_need(x, c, e))
		return -1;
	*ret = (struct graph_context){.name = c->name};
	if (!c->view)
		ret->image = str_has_prefix(c->value, image) ? c->value + strlen(image) : c->value;
	return 1;
}

// As BuildKit: an ignore file with exceptions is never certain, nor is an absolute source.
static bool ignores(struct graph_resolver *self, const char *source)
{
	const struct named_context *c = context_find(((struct resolver *)self)->x, NULL);
	if (!c || !c->ignore || ignore_has_exceptions(c->ignore))
		return false;
	auto_free char *clean = fs_clean_rel(source);
	if (!*clean)
		return ignore_hides_root(c->ignore);
	return *source != '/' && ignore_excludes(c->ignore, clean, NULL);
}

struct graph_resolver *resolver_new(struct exec *x)
{
	struct resolver *r = xcalloc(1, sizeof(*r));
	r->face.resolve = resolve;
	r->face.named_context = named_context;
	r->face.ignores = ignores;
	r->x = x;
	return &r->face;
}

void resolver_free(struct graph_resolver *r)
{
	free(r);
}
