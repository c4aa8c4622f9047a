// SPDX-License-Identifier: Apache-2.0
#include "cache/config.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cache/cache.h"
#include "image/config.h"
#include <string.h>

#define VERSION 1 // of hew's member

void cache_config_release(struct cache_config *c)
{
	for (size_t i = 0; i < c->n_layers; i++)
		descriptor_release(&c->layers[i].blob);
	free(c->layers);
	step_list_release(&c->steps);
	*c = (struct cache_config){0};
}

struct cache_layer *cache_config_find(const struct cache_config *c, const struct digest *diff_id)
{
	for (size_t i = 0; i < c->n_layers; i++)
		if (digest_eq(&c->layers[i].diff_id, diff_id))
			return &c->layers[i];
	return NULL;
}

struct cache_layer *cache_config_add(struct cache_config *c, const struct digest *diff_id)
{
	c->layers = xreallocarray(c->layers, c->n_layers + 1, sizeof(*c->layers));
	struct cache_layer *l = &c->layers[c->n_layers++];
	*l = (struct cache_layer){.diff_id = *diff_id};
	return l;
}

// ---- cache mounts

#define MOUNT_NAME "cache mount "
#define MOUNT_ID_MAX 4096

void cache_add_mount(struct step_list *l, const char *id, const struct step_record *r)
{
	auto_free char *name = xasprintf(MOUNT_NAME "%s", id);
	struct step_record named = *r;
	struct hash key = store_cache_key(id);
	named.name = name;
	named.components = NULL;
	step_list_add(l, &key, &named)->in_result = true;
}

const char *cache_mount_of(const struct step_row *row)
{
	const char *name = row->record.name;
	if (!row->record.has_layer || !name || !str_has_prefix(name, MOUNT_NAME))
		return NULL;
	const char *id = name + strlen(MOUNT_NAME);
	if (strlen(id) > MOUNT_ID_MAX || strchr(id, '\n'))
		return NULL; // no Dockerfile has such a one
	struct hash key = store_cache_key(id);
	return hash_eq(&key, &row->key) ? id : NULL;
}

// ---- writing

static void put_hash(struct jw *w, const char *key, const struct hash *h)
{
	char hex[HASH_HEX];
	hash_hex(h, hex);
	jw_kv(w, key, hex);
}

static void put_digest(struct jw *w, const char *key, const struct digest *d)
{
	char text[DIGEST_TEXT];
	digest_text(d, text);
	jw_kv(w, key, text);
}

static void put_time(struct jw *w, const struct step_record *r)
{
	char text[TIME_TEXT];
	time_format((struct timestamp){r->created_sec, r->created_nsec}, text);
	jw_kv(w, "createdAt", text);
}

// The members of a record that BuildKit knows.
static void put_record(const struct cache_config *c, const struct step_row *s, struct jw *w)
{
	char hex[HASH_HEX];
	hash_hex(&s->key, hex);
	auto_free char *digest = xasprintf("sha256:%s", hex);
	const struct cache_layer *l =
	        s->record.has_layer ? cache_config_find(c, &s->record.diff_id) : NULL;
	if (l) {
		jw_key(w, "layers");
		jw_array(w);
		jw_object(w);
		jw_kv_int(w, "layer", l - c->layers);
		put_time(w, &s->record);
		jw_object_end(w);
		jw_array_end(w);
	}
	jw_kv(w, "digest", digest);
}

static void put_records(const struct cache_config *c, struct jw *w)
{
	jw_key(w, "records");
	jw_array(w);
	for (size_t i = 0; i < c->steps.n; i++) {
		const struct step_row *s = &c->steps.v[i];
		if (!s->record.has_layer || !cache_config_find(c, &s->record.diff_id))
			continue;
		jw_object(w);
		put_record(c, s, w);
		jw_object_end(w);
	}
	jw_array_end(w);
}

// What hew knows of a step. How long it took is left out of an image: its digest would be another
// one each time.
static void put_step(
        const struct cache_config *c, const struct step_row *s, bool timed, struct jw *w)
{
	const struct step_record *r = &s->record;
	put_hash(w, "key", &s->key);
	if (r->has_layer) {
		jw_kv_int(w, "layer", cache_config_find(c, &r->diff_id) - c->layers);
		jw_kv_int(w, "seconds", r->created_sec);
		jw_kv_int(w, "nanoseconds", r->created_nsec);
		if (timed)
			jw_kv_int(w, "duration", r->duration_ns);
		jw_kv(w, "name", r->name);
	} else {
		jw_kv(w, "components", r->components);
	}
}

static void put_own(const struct cache_config *c, struct jw *w)
{
	jw_key(w, "hew");
	jw_object(w);
	jw_kv_int(w, "version", VERSION);
	jw_key(w, "layers");
	jw_array(w);
	for (size_t i = 0; i < c->n_layers; i++) {
		jw_object(w);
		put_digest(w, "diffID", &c->layers[i].diff_id);
		put_hash(w, "contentID", &c->layers[i].content_id);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_key(w, "steps");
	jw_array(w);
	for (size_t i = 0; i < c->steps.n; i++) {
		jw_object(w);
		put_step(c, &c->steps.v[i], true, w);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_object_end(w);
}

// What a manifest would say of the layer's blob.
static void put_annotations(const struct cache_layer *l, struct jw *w)
{
	jw_key(w, "annotations");
	jw_object(w);
	jw_kv(w, "mediaType", l->blob.media_type);
	put_digest(w, "diffID", &l->diff_id);
	jw_kv_int(w, "size", (int64_t)l->blob.size);
	jw_object_end(w);
}

static void write(const struct cache_config *c, bool alone, struct buf *out)
{
	struct jw w;
	jw_begin(&w, out, 0);
	jw_object(&w);
	jw_key(&w, "layers");
	jw_array(&w);
	for (size_t i = 0; i < c->n_layers; i++) {
		jw_object(&w);
		put_digest(&w, "blob", &c->layers[i].blob.digest);
		jw_kv_int(&w, "parent", -1);
		if (alone)
			put_annotations(&c->layers[i], &w);
		jw_object_end(&w);
	}
	jw_array_end(&w);
	put_records(c, &w);
	put_own(c, &w);
	jw_object_end(&w);
}

void cache_config_write(const struct cache_config *c, struct buf *out)
{
	write(c, false, out);
}

void cache_config_write_alone(const struct cache_config *c, struct buf *out)
{
	write(c, true, out);
}

void cache_inline_write(const struct cache_config *c, struct buf *out)
{
	struct jw w;
	jw_begin(&w, out, 0);
	jw_array(&w);
	for (size_t i = 0; i < c->steps.n; i++) {
		const struct step_row *s = &c->steps.v[i];
		jw_object(&w);
		put_record(c, s, &w);
		jw_key(&w, "hew");
		jw_object(&w);
		jw_kv_int(&w, "version", VERSION);
		put_step(c, s, false, &w);
		if (s->record.has_layer)
			put_hash(&w, "contentID",
			        &cache_config_find(c, &s->record.diff_id)->content_id);
		jw_object_end(&w);
		jw_object_end(&w);
	}
	jw_array_end(&w);
}

// ---- reading

static int bad(const char *what, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "the cache's config is damaged: %s", what);
}

static int read_layers(
        const struct jn *own, const struct manifest *m, struct cache_config *c, struct err *e)
{
	const struct jn *layers = jn_get(own, "layers");
	if (jn_len(layers) != m->layers.n)
		return bad("it names another number of layers than the manifest", e);
	for (size_t i = 0; i < m->layers.n; i++) {
		const struct jn *n = jn_at(layers, i);
		const char *diff_id = jn_get_str(n, "diffID"),
		           *content = jn_get_str(n, "contentID");
		struct digest d;
		struct hash h;
		if (!diff_id || digest_parse(diff_id, &d, e) || !content ||
		        !hash_parse(content, &h))
			return bad("a layer", e);
		if (media_type_compression(m->layers.v[i].media_type) < 0)
			return bad("a layer's media type", e);
		struct cache_layer *l = cache_config_add(c, &d);
		l->content_id = h;
		descriptor_copy(&l->blob, &m->layers.v[i]);
	}
	return 0;
}

static int read_step(const struct jn *n, struct cache_config *c, struct err *e)
{
	const char *key = jn_get_str(n, "key"), *components = jn_get_str(n, "components");
	int64_t layer = jn_int(jn_get(n, "layer"), -1);
	struct step_row row = {0};
	if (!key || !hash_parse(key, &row.key) || layer >= (int64_t)c->n_layers ||
	        (layer < 0 && !components))
		return bad("a step", e);
	if (layer >= 0) {
		row.record.has_layer = true;
		row.record.diff_id = c->layers[layer].diff_id;
		row.record.created_sec = jn_int(jn_get(n, "seconds"), 0);
		row.record.created_nsec =
		        (int32_t)(jn_int(jn_get(n, "nanoseconds"), 0) % 1000000000);
		row.record.duration_ns = jn_int(jn_get(n, "duration"), 0);
	}
	step_list_add(&c->steps, &row.key, &row.record);
	struct step_record *r = &c->steps.v[c->steps.n - 1].record;
	r->name = jn_get_str(n, "name") ? xstrdup(jn_get_str(n, "name")) : NULL;
	r->components = layer < 0 ? xstrdup(components) : NULL;
	return 0;
}

int cache_config_parse(
        const char *p, size_t n, const struct manifest *m, struct cache_config *ret, struct err *e)
{
	auto_cache_config struct cache_config c = {0};
	auto_jdoc struct jdoc *doc = jdoc_parse(p, n, e);
	const struct jn *own = doc ? jn_get(jdoc_root(doc), "hew") : NULL;
	const struct jn *steps = jn_get(own, "steps");
	if (!doc)
		return -1;
	if (!own || jn_int(jn_get(own, "version"), 0) != VERSION)
		return 0;
	if (jn_len(steps) > CACHE_RECORDS_MAX)
		return bad("too many records", e);
	if (read_layers(own, m, &c, e))
		return -1;
	for (size_t i = 0; i < jn_len(steps); i++)
		if (read_step(jn_at(steps, i), &c, e))
			return -1;
	*ret = c;
	c = (struct cache_config){0};
	return 0;
}

static int read_blobs(const struct jn *layers, struct manifest *m, struct err *e)
{
	if (jn_len(layers) > CACHE_RECORDS_MAX)
		return bad("too many layers", e);
	for (size_t i = 0; i < jn_len(layers); i++) {
		const struct jn *n = jn_at(layers, i), *said = jn_get(n, "annotations");
		const char *blob = jn_get_str(n, "blob"), *type = jn_get_str(said, "mediaType");
		int64_t size = jn_int(jn_get(said, "size"), -1);
		struct digest d;
		if (!blob || digest_parse(blob, &d, e) || !type || size < 0)
			return bad("a blob", e);
		struct descriptor *to = descriptor_list_add(&m->layers);
		to->media_type = xstrdup(type);
		to->digest = d;
		to->size = (uint64_t)size;
	}
	return 0;
}

int cache_config_parse_alone(const char *p, size_t n, struct cache_config *ret, struct err *e)
{
	auto_manifest struct manifest m = {0};
	auto_jdoc struct jdoc *doc = jdoc_parse(p, n, e);
	if (!doc || read_blobs(jn_get(jdoc_root(doc), "layers"), &m, e))
		return -1;
	return cache_config_parse(p, n, &m, ret, e);
}

// ---- in an image

static int take_layers(const struct image_config *image, const struct manifest *m,
        struct cache_config *c, struct err *e)
{
	if (image->n_diff_ids != m->layers.n)
		return bad("the image has another number of layers than its manifest", e);
	for (size_t i = 0; i < m->layers.n; i++)
		descriptor_copy(&cache_config_add(c, &image->diff_ids[i])->blob, &m->layers.v[i]);
	return 0;
}

static int read_inline_step(const struct jn *own, struct cache_config *c, struct err *e)
{
	int64_t layer = jn_int(jn_get(own, "layer"), -1);
	const char *content = jn_get_str(own, "contentID");
	if (read_step(own, c, e))
		return -1;
	if (layer < 0)
		return 0;
	struct cache_layer *l = &c->layers[layer];
	if (!content || !hash_parse(content, &l->content_id) ||
	        media_type_compression(l->blob.media_type) < 0)
		return bad("a layer", e);
	return 0;
}

int cache_inline_parse(const struct image_config *image, const struct manifest *m,
        struct cache_config *ret, struct err *e)
{
	auto_cache_config struct cache_config c = {0};
	auto_buf struct buf text = {0};
	if (!base64_decode(&text, image->inline_cache))
		return bad("it is not base64", e);
	auto_jdoc struct jdoc *doc = jdoc_parse(buf_cstr(&text), text.n, e);
	const struct jn *records = doc ? jdoc_root(doc) : NULL;
	if (!doc || take_layers(image, m, &c, e))
		return -1;
	if (jn_len(records) > CACHE_RECORDS_MAX)
		return bad("too many records", e);
	for (size_t i = 0; i < jn_len(records); i++) {
		const struct jn *own = jn_get(jn_at(records, i), "hew");
		if (jn_int(jn_get(own, "version"), 0) == VERSION && read_inline_step(own, &c, e))
			return -1;
	}
	*ret = c;
	c = (struct cache_config){0};
	return 0;
}
