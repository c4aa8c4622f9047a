// SPDX-License-Identifier: Apache-2.0
// A build's records out: their layers compressed as they would be pushed, a manifest over them, and
// that manifest to a registry or into a folder; or an index in a service that has no manifests.
#include "base/base64.h"
#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cache/cache-int.h"
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
	if (cache_config_find(c, &r->diff_id))
		return 0;
	if (!store_layer_get(q->store, &r->diff_id, &info))
		return err_set(e, ERR_NOT_FOUND, "a layer of the build is not in the store");
	struct cache_layer *l = cache_config_add(c, &r->diff_id);
	l->content_id = info.content_id;
	return output_layer(&out, &spec->out, &r->diff_id, &l->blob, e);
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

static int write_manifest(const struct cache_request *q, const struct cache_spec *spec,
        const struct cache_config *c, struct digest *ret, struct err *e)
{
	auto_manifest struct manifest m = {0};
	auto_buf struct buf text = {0}, config = {0};
	cache_config_write(c, &config);
	if (config.n > CACHE_CONFIG_MAX)
		return err_set(e, ERR_FAIL, "the cache has too many records for one manifest");
	m.media_type = xstrdup(spec->out.docker_types ? MT_DOCKER_MANIFEST : MT_OCI_MANIFEST);
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
		struct output_spec o = {
		        .type = OUTPUT_OCI, .dest = spec->path, .tar = spec->archive};
		auto_free char *name = xasprintf("cache:%s", spec->tag);
		strv_add(&o.names, name);
		out.manifest = *manifest;
		int rc = output_run(&out, &o, &result, e);
		output_result_release(&result);
		strv_release(&o.names);
		return !rc && spec->reset ? cache_folder_reset(spec->path, manifest, e) : rc;
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
	auto_free char *title = xasprintf("exporting cache to %s", cache_spec_name(spec));
	int64_t began = event_step_begin(q->sink, q->step, title);
	int rc = collect(q, spec, steps, &c, e);
	if (!rc && c.n_layers && spec->type == CACHE_GHA)
		rc = cache_gha_export(q, spec, &c, e);
	else if (!rc && c.n_layers)
		rc = write_manifest(q, spec, &c, &manifest, e) || send(q, spec, &manifest, e) ? -1
		                                                                              : 0;
	event_step_end(q->sink, q->step, began, rc ? e : NULL);
	return rc;
}

static bool is_one_of(const struct digest *d, const struct digest *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (digest_eq(d, &v[i]))
			return true;
	return false;
}

// The steps of the result; of the others the image does not have the layers.
static void take_inline(struct cache_config *c, const struct step_list *steps,
        const struct digest *layers, size_t n_layers)
{
	for (size_t i = 0; i < steps->n; i++) {
		const struct step_row *s = &steps->v[i];
		if (s->in_result &&
		        (!s->record.has_layer || is_one_of(&s->record.diff_id, layers, n_layers)))
			step_list_add(&c->steps, &s->key, &s->record);
	}
}

char *cache_inline(struct store *s, const struct step_list *steps, const struct digest *layers,
        size_t n_layers)
{
	auto_cache_config struct cache_config c = {0};
	auto_buf struct buf text = {0};
	struct buf encoded = {0};
	for (size_t i = 0; i < n_layers; i++) {
		struct layer_info info;
		if (!store_layer_get(s, &layers[i], &info))
			return NULL;
		cache_config_add(&c, &layers[i])->content_id = info.content_id;
	}
	take_inline(&c, steps, layers, n_layers);
	if (!c.steps.n)
		return NULL;
	cache_inline_write(&c, &text);
	base64_encode(&encoded, text.p, text.n);
	return buf_steal(&encoded);
}
