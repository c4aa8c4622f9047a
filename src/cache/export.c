// SPDX-License-Identifier: Apache-2.0
// A build's records out: their layers compressed as they would be pushed, a manifest over them, and
// that manifest to a registry or into a folder.
#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cache/cache.h"
#include "cache/config.h"
#include "image/reference.h"
#include "output/output.h"
#include "registry/registry.h"

static struct output_request output_request_of(const struct cache_request *q)
{
	return (struct output_request){.store = q->store,
	        .sink = q->sink,
	        .step = q->step,
	        .registry = q->registry,
	        .registry_arg = q->registry_arg};
}

static int add_layer(const struct cache_request *q, const struct cache_spec *spec,
        const struct step_record *r, struct cache_config *c, struct err *e)
{
	struct layer_info info;
	struct output_request out = output_request_of(q);
	struct output_spec o = {.has_recipe = spec->has_recipe, .recipe = spec->recipe};
	if (cache_config_find(c, &r->diff_id))
		return 0;
	if (!store_layer_get(q->store, &r->diff_id, &info))
		return err_set(e, ERR_NOT_FOUND, "a layer of the build is not in the store");
	struct cache_layer *l = cache_config_add(c, &r->diff_id);
	l->content_id = info.content_id;
	return output_layer(&out, &o, &r->diff_id, &l->blob, e);
}

static void annotate(struct descriptor *d, const struct digest *diff_id)
{
	char text[DIGEST_TEXT];
	digest_text(diff_id, text);
	strv_addf(&d->annotations, "containerd.io/uncompressed=%s", text);
}

static int collect(const struct cache_request *q, const struct cache_spec *spec,
        const struct step_list *steps, struct cache_config *c, struct err *e)
{
	for (size_t i = 0; i < steps->n; i++) {
		const struct step_row *s = &steps->v[i];
		if (!spec->max && !s->in_result)
			continue;
		if (s->record.has_layer && add_layer(q, spec, &s->record, c, e))
			return -1;
		step_list_add(&c->steps, &s->key, &s->record);
	}
	return 0;
}

static int write_manifest(const struct cache_request *q, const struct cache_config *c,
        struct digest *ret, struct err *e)
{
	auto_manifest struct manifest m = {.media_type = xstrdup(MT_OCI_MANIFEST)};
	auto_buf struct buf text = {0}, config = {0};
	cache_config_write(c, &config);
	if (config.n > CACHE_CONFIG_MAX)
		return err_set(e, ERR_FAIL, "the cache has too many records for one manifest");
	m.config.media_type = xstrdup(MT_CACHE_CONFIG);
	m.config.size = config.n;
	if (store_blob_put(q->store, config.p, config.n, &m.config.digest, e))
		return -1;
	for (size_t i = 0; i < c->n_layers; i++) {
		struct descriptor *d = descriptor_list_add(&m.layers);
		descriptor_copy(d, &c->layers[i].blob);
		annotate(d, &c->layers[i].diff_id);
	}
	manifest_write(&m, &text);
	return store_blob_put(q->store, text.p, text.n, ret, e);
}

static int send(const struct cache_request *q, const struct cache_spec *spec,
        const struct digest *manifest, struct err *e)
{
	if (spec->type == CACHE_LOCAL) {
		struct output_request out = output_request_of(q);
		struct output_result result = {0};
		struct output_spec o = {.type = OUTPUT_OCI, .dest = spec->path};
		auto_free char *name = xasprintf("cache:%s", spec->tag);
		strv_add(&o.names, name);
		out.manifest = *manifest;
		int rc = output_run(&out, &o, &result, e);
		output_result_release(&result);
		strv_release(&o.names);
		return rc;
	}
	auto_reference struct reference ref = {0};
	struct registry *r = q->registry(q->registry_arg, e);
	return r && !reference_parse(spec->ref, &ref, e)
	               ? registry_push(r, &ref, manifest, q->step, e)
	               : -1;
}

int cache_export(const struct cache_request *q, const struct cache_spec *spec,
        const struct step_list *steps, struct err *e)
{
	auto_cache_config struct cache_config c = {0};
	struct digest manifest;
	auto_free char *title =
	        xasprintf("exporting cache to %s", spec->ref ? spec->ref : spec->path);
	int64_t began = event_step_begin(q->sink, q->step, title);
	int rc = collect(q, spec, steps, &c, e);
	if (!rc && c.n_layers)
		rc = write_manifest(q, &c, &manifest, e) || send(q, spec, &manifest, e) ? -1 : 0;
	event_step_end(q->sink, q->step, began, rc ? e : NULL);
	return rc;
}
