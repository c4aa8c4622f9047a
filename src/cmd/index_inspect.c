// SPDX-License-Identifier: Apache-2.0
#include "cmd/index.h"

#include "base/err.h"
#include "base/json.h"
#include "base/json_template.h"
#include "base/mem.h"
#include "output/copy.h"
#include "ui/ui.h"
#include <stdio.h>
#include <string.h>

// ---- text. The widths are those of buildx, whose columns are as wide as what stands in them.

// What a registry sends is not obeyed by the terminal.
static void put(struct buf *out, const char *before, const char *text, const char *after)
{
	buf_puts(out, before);
	ui_escape(text, strlen(text), out);
	buf_puts(out, after);
}

static void put_annotations(const struct descriptor *d, struct buf *out)
{
	if (d->annotations.n == 0)
		return;
	buf_puts(out, "  Annotations: \n");
	for (size_t i = 0; i < d->annotations.n; i++) {
		const char *kv = d->annotations.v[i], *eq = strchr(kv, '=');
		buf_puts(out, "    ");
		ui_escape(kv, (size_t)(eq - kv), out);
		put(out, ": ", eq + 1, "\n");
	}
}

static void put_entries(const char *name, const struct image_index *ix, struct buf *out)
{
	buf_puts(out, "           \nManifests: \n");
	for (size_t i = 0; i < ix->manifests.n; i++) {
		const struct descriptor *d = &ix->manifests.v[i];
		char digest[DIGEST_TEXT], platform[80];
		digest_text(&d->digest, digest);
		platform_text(&d->platform, platform);
		if (i)
			buf_puts(out, "             \n");
		put(out, "  Name:      ", name, "@");
		buf_printf(out, "%s\n", digest);
		put(out, "  MediaType: ", d->media_type, "\n");
		if (!d->has_platform)
			continue;
		put(out, "  Platform:  ", platform, "\n");
		if (*d->platform.os_version)
			put(out, "  OSVersion: ", d->platform.os_version, "\n");
		put_annotations(d, out);
	}
}

static void print_text(const struct index_view *v, const struct image_index *ix)
{
	char digest[DIGEST_TEXT];
	auto_buf struct buf out = {0};
	bool named = v->place->has_ref;
	auto_free char *name = named ? reference_text(&v->place->ref) : xstrdup(v->place->text);
	digest_text(&v->root->digest, digest);
	put(&out, "Name:      ", name, "\n");
	put(&out, "MediaType: ", v->root->media_type, "\n");
	put(&out, "Digest:    ", digest, "\n");
	char *at = strchr(name, '@');
	if (at)
		*at = '\0';
	if (media_type_is_index(v->root->media_type))
		put_entries(name, ix, &out);
	fwrite(buf_cstr(&out), 1, out.n, stdout);
}

// ---- as a document

// The config of an image as it is.
static int put_config(
        const struct index_view *v, const struct digest *manifest, struct jw *w, struct err *e)
{
	auto_buf struct buf text = {0}, config = {0};
	auto_manifest struct manifest m = {0};
	if (store_blob_read(v->q->store, manifest, MANIFEST_MAX, &text, e) ||
	        manifest_parse(text.p, text.n, NULL, &m, e) ||
	        copy_config(v->q, manifest, &m.config, &config, e))
		return -1;
	auto_jdoc struct jdoc *doc = jdoc_parse(buf_cstr(&config), config.n, e);
	if (!doc)
		return err_wrap(e, "image config");
	jw_raw(w, jdoc_root(doc));
	return 0;
}

static int put_configs(
        const struct index_view *v, const struct image_index *ix, struct jw *w, struct err *e)
{
	char platform[80];
	jw_object(w);
	for (size_t i = 0; i < ix->manifests.n; i++) {
		const struct descriptor *d = &ix->manifests.v[i];
		if (!d->has_platform || !strcmp(d->platform.os, "unknown") ||
		        !media_type_is_manifest(d->media_type))
			continue;
		platform_text(&d->platform, platform);
		jw_key(w, platform);
		if (copy_need(v->q, &v->root->digest, d, e) || put_config(v, &d->digest, w, e))
			return -1;
		if (w->out->n > JSON_MAX / 2)
			return err_set(e, ERR_UNSUPPORTED, "the images' configs are too long");
	}
	jw_object_end(w);
	return 0;
}

static void put_manifest(const struct index_view *v, const struct jn *document, struct jw *w)
{
	char digest[DIGEST_TEXT];
	bool is_index = media_type_is_index(v->root->media_type);
	digest_text(&v->root->digest, digest);
	jw_object(w);
	if (is_index)
		jw_kv_int(w, "schemaVersion", 2);
	jw_kv(w, "mediaType", v->root->media_type);
	jw_kv(w, "digest", digest);
	jw_kv_int(w, "size", (int64_t)v->root->size);
	if (is_index) {
		jw_key(w, "manifests");
		jw_raw(w, jn_get(document, "manifests"));
		if (jn_get(document, "annotations")) {
			jw_key(w, "annotations");
			jw_raw(w, jn_get(document, "annotations"));
		}
	}
	jw_object_end(w);
}

static int print_template(const struct index_view *v, const struct image_index *ix,
        const struct buf *text, struct err *e)
{
	auto_buf struct buf all = {0}, out = {0};
	auto_jdoc struct jdoc *document = jdoc_parse(text->p, text->n, e);
	struct jw w;
	if (!document)
		return -1;
	jw_begin(&w, &all, 0);
	jw_object(&w);
	jw_kv(&w, "name", v->place->text);
	jw_key(&w, "manifest");
	put_manifest(v, jdoc_root(document), &w);
	jw_key(&w, "image");
	if (media_type_is_index(v->root->media_type) ? put_configs(v, ix, &w, e)
	                                             : put_config(v, &v->root->digest, &w, e))
		return -1;
	jw_object_end(&w);
	auto_jdoc struct jdoc *doc = jdoc_parse(all.p, all.n, e);
	if (!doc || template_print(v->format, jdoc_root(doc), TEMPLATE_INDENTED, &out, e))
		return -1;
	fwrite(buf_cstr(&out), 1, out.n, stdout);
	return 0;
}

int index_inspect(const struct index_view *v, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_index struct image_index ix = {0};
	if (store_blob_read(v->q->store, &v->root->digest, MANIFEST_MAX, &text, e))
		return -1;
	if (v->raw) {
		fwrite(text.p, 1, text.n, stdout);
		return 0;
	}
	if (media_type_is_index(v->root->media_type) &&
	        image_index_parse(text.p, text.n, v->root->media_type, &ix, e))
		return -1;
	if (v->format && strcmp(v->format, "{{.Manifest}}") != 0)
		return print_template(v, &ix, &text, e);
	print_text(v, &ix);
	return 0;
}
