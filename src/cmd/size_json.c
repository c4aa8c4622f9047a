// SPDX-License-Identifier: Apache-2.0
// What hew size prints for programs: an array, an object an image. What is not known is null; sizes
// are bytes.
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/size.h"
#include <math.h>
#include <stdio.h>

static void put_bytes(struct jw *w, const char *key, uint64_t bytes)
{
	jw_key(w, key);
	if (bytes == WEIGH_UNKNOWN)
		jw_null(w);
	else
		jw_int(w, (int64_t)bytes);
}

static void put_ratio(struct jw *w, const char *key, double v)
{
	char text[32];
	jw_key(w, key);
	if (!isfinite(v) || v < 0) {
		jw_null(w);
		return;
	}
	int n = snprintf(text, sizeof(text), "%.6f", v);
	jw_text(w, text, (size_t)n);
}

static void put_digest(struct jw *w, const char *key, const struct digest *d)
{
	char text[DIGEST_TEXT];
	digest_text(d, text);
	jw_kv(w, key, digest_is_zero(d) ? NULL : text);
}

static void put_path(struct jw *w, const char *key, const char *path)
{
	auto_free char *absolute = xasprintf("/%s", path);
	jw_kv(w, key, absolute);
}

static void put_layer(struct jw *w, const struct size_image *m, size_t i)
{
	const struct size_layer *l = &m->layers[i];
	jw_object(w);
	jw_kv_int(w, "layer", (int64_t)i + 1);
	put_digest(w, "digest", &l->blob);
	put_digest(w, "diff_id", &l->diff_id);
	put_bytes(w, "size", l->bytes);
	put_bytes(w, "pull_size", l->packed);
	if (l->estimated)
		jw_kv_bool(w, "pull_size_estimated", true);
	if (m->is_weighed) {
		const struct layer_weight *lw = &m->weight.layers[i];
		jw_kv_int(w, "files", (int64_t)lw->files);
		put_bytes(w, "hidden_bytes", lw->hidden_bytes);
		jw_kv_int(w, "hidden_files", (int64_t)lw->hidden_files);
	}
	jw_kv_int(w, "shared_with", (int64_t)l->shared);
	jw_kv_bool(w, "base", i < m->base_layers);
	jw_kv(w, "created_by", l->instruction);
	jw_object_end(w);
}

static void put_layers(struct jw *w, const struct size_image *m)
{
	jw_key(w, "layers");
	jw_array(w);
	for (size_t i = 0; i < m->n; i++)
		put_layer(w, m, i);
	jw_array_end(w);
}

static void put_times(struct jw *w, const struct size_image *m, const struct bandwidths *b)
{
	if (!b->n)
		return;
	jw_key(w, "pull_seconds");
	jw_object(w);
	for (size_t i = 0; i < b->n; i++)
		put_ratio(w, b->v[i].text,
		        m->packed == WEIGH_UNKNOWN ? -1 : (double)m->packed / b->v[i].bytes);
	jw_object_end(w);
}

static void put_efficiency(struct jw *w, const struct weight *v)
{
	jw_key(w, "efficiency");
	jw_object(w);
	put_bytes(w, "hidden_bytes", v->hidden_bytes);
	jw_kv_int(w, "hidden_files", (int64_t)v->hidden_files);
	put_ratio(w, "pulled_and_seen", v->packed_efficiency);
	jw_key(w, "dive");
	jw_object(w);
	put_ratio(w, "efficiency", v->dive.efficiency);
	put_bytes(w, "wasted_bytes", v->dive.wasted_bytes);
	put_bytes(w, "user_bytes", v->dive.user_bytes);
	put_ratio(w, "user_wasted_percent", v->dive.user_wasted);
	jw_object_end(w);
	jw_object_end(w);
}

static void put_files(struct jw *w, const struct size_image *m, size_t top)
{
	struct heavy_file *v;
	size_t n = weight_heaviest(&m->weight, top, &v);
	jw_key(w, "files");
	jw_array(w);
	for (size_t i = 0; i < n; i++) {
		jw_object(w);
		put_path(w, "path", v[i].path);
		put_bytes(w, "size", v[i].bytes);
		jw_kv_int(w, "layer", (int64_t)v[i].layer + 1);
		jw_object_end(w);
	}
	jw_array_end(w);
	free(v);
}

static void put_packages(struct jw *w, const struct owners *o)
{
	jw_key(w, "packages");
	jw_array(w);
	for (size_t i = 0; i < o->n; i++) {
		const struct owner *own = &o->v[i];
		if (!own->files)
			continue;
		jw_object(w);
		jw_kv(w, "type", package_type_name(own->package->type));
		jw_kv(w, "name", own->package->name);
		jw_kv(w, "version", own->package->version);
		put_bytes(w, "size", own->bytes);
		jw_kv_int(w, "files", (int64_t)own->files);
		jw_kv_int(w, "layer", (int64_t)own->layer + 1);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_key(w, "no_package");
	jw_object(w);
	put_bytes(w, "size", o->other_bytes);
	jw_kv_int(w, "files", (int64_t)o->other_files);
	jw_object_end(w);
}

static void put_stages(struct jw *w, const struct size_stages *s)
{
	jw_kv(w, "build", s->build);
	jw_key(w, "stages");
	jw_array(w);
	for (size_t i = 0; i < s->n; i++) {
		jw_object(w);
		jw_kv(w, "name", s->v[i].name);
		jw_kv(w, "base", s->v[i].base);
		jw_kv_int(w, "steps", (int64_t)s->v[i].steps);
		put_bytes(w, "size", s->v[i].bytes);
		put_bytes(w, "kept", s->v[i].kept);
		jw_kv_bool(w, "final", s->v[i].final);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void put_waste(struct jw *w, const struct waste_list *l, size_t top)
{
	jw_key(w, "waste");
	jw_array(w);
	for (size_t i = 0; i < l->n && i < top; i++) {
		const struct waste_finding *f = &l->v[i];
		jw_object(w);
		jw_kv(w, "kind", waste_kind_name(f->kind));
		put_path(w, "path", f->path);
		if (f->package)
			jw_kv(w, "package", f->package);
		if (f->original)
			put_path(w, "original", f->original);
		jw_kv_bool(w, "folder", f->folder);
		put_bytes(w, "size", f->bytes);
		jw_kv_int(w, "files", (int64_t)f->files);
		jw_kv_int(w, "layer", (int64_t)f->layer + 1);
		if (f->by != f->layer)
			jw_kv_int(w, "hidden_by", (int64_t)f->by + 1);
		jw_kv(w, "instead", f->advice);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void put_image(struct jw *w, const struct size_result *r, const struct size_show *show)
{
	const struct size_image *m = &r->image;
	char platform[80];
	platform_text(&m->config.platform, platform);
	jw_object(w);
	jw_kv(w, "name", m->name);
	put_digest(w, "digest", &m->digest);
	put_digest(w, "id", &m->manifest.config.digest);
	jw_kv(w, "platform", platform);
	put_bytes(w, "size", m->bytes);
	put_bytes(w, "pull_size", m->packed);
	if (m->estimated)
		jw_kv_bool(w, "pull_size_estimated", true);
	put_times(w, m, &show->bandwidths);
	jw_kv(w, "base", m->base);
	put_layers(w, m);
	if (m->is_weighed)
		put_efficiency(w, &m->weight);
	if (show->stages)
		put_stages(w, &r->stages);
	if (show->files)
		put_files(w, m, show->top);
	if (show->packages)
		put_packages(w, &m->owners);
	if (show->waste)
		put_waste(w, &m->waste, show->top);
	jw_object_end(w);
}

void size_print_json(const struct size_result *v, size_t n, const struct size_show *show)
{
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 2);
	jw_array(&w);
	for (size_t i = 0; i < n; i++)
		put_image(&w, &v[i], show);
	jw_array_end(&w);
	puts(buf_cstr(&out));
}
