// SPDX-License-Identifier: Apache-2.0
// OCI image layouts, in an archive or a folder: index.json leads to manifests by digest, through
// further indexes to that of this machine's platform. Manifests are kept byte for byte.
#include "output/load.h"

#include "base/cancel.h"
#include "image/reference.h"
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 4
#define IMAGES_MAX 1000

static void blob_path(const struct digest *d, char out[static 80])
{
	char hex[HASH_HEX];
	digest_hex(d, hex);
	snprintf(out, 80, "blobs/sha256/%s", hex);
}

// 1 read, 0 absent, -1 error.
static int read_blob(
        struct load *l, const struct digest *d, size_t max, struct buf *ret, struct err *e)
{
	char path[80];
	blob_path(d, path);
	int found = source_read(l->source, path, max, ret, e);
	if (found <= 0)
		return found;
	struct digest got = digest_of(ret->p, ret->n);
	if (!digest_eq(&got, d)) {
		char text[DIGEST_TEXT];
		digest_text(&got, text);
		return err_set(e, ERR_CORRUPT, "'%s' has the digest %s", path, text);
	}
	return 1;
}

static int need_blob(
        struct load *l, const struct digest *d, size_t max, struct buf *ret, struct err *e)
{
	char text[DIGEST_TEXT];
	int found = read_blob(l, d, max, ret, e);
	if (found)
		return found < 0 ? -1 : 0;
	digest_text(d, text);
	return err_set(e, ERR_CORRUPT, "blob %s is missing", text);
}

// ---- manifests

static int read_layers(
        struct load *l, const struct manifest *m, const struct image_config *c, struct err *e)
{
	auto_strv struct strv paths = {0};
	char path[80];
	if (c->n_diff_ids != m->layers.n)
		return err_set(e, ERR_CORRUPT, "the config names %zu layers, the manifest %zu",
		        c->n_diff_ids, m->layers.n);
	for (size_t i = 0; i < m->layers.n; i++) {
		struct descriptor *d = &m->layers.v[i];
		if (media_type_compression(d->media_type) < 0)
			return err_set(e, ERR_UNSUPPORTED,
			        "the layer has media type '%s', which hew cannot unpack",
			        d->media_type);
		blob_path(&d->digest, path);
		strv_add(&paths, path);
	}
	return load_layers(l, &paths, c->diff_ids, m->layers.v, e);
}

static int load_manifest(
        struct load *l, const struct buf *text, const struct strv *names, struct err *e)
{
	auto_manifest struct manifest m = {0};
	auto_config struct image_config c = {0};
	auto_buf struct buf config = {0};
	struct descriptor entered = {0};
	if (manifest_parse(text->p, text->n, NULL, &m, e) ||
	        need_blob(l, &m.config.digest, CONFIG_MAX, &config, e) ||
	        load_config_text(l, &config, &entered, &c, e) || read_layers(l, &m, &c, e))
		return -1;
	return load_image(l, text, &m, &c, names, e);
}

// ---- indexes

static bool has_blob(struct load *l, const struct digest *d)
{
	char path[80];
	struct content c = CONTENT_NONE;
	struct err ignored = ERR_INIT;
	blob_path(d, path);
	int found = source_file(l->source, path, &c, &ignored);
	if (found == 1)
		content_close(&c);
	return found == 1;
}

// What is kept beside images as a manifest: charts, signatures, statements. What cannot be read is
// told where it is loaded.
static bool is_artifact(struct load *l, const struct descriptor *d)
{
	auto_buf struct buf text = {0};
	auto_manifest struct manifest m = {0};
	struct err ignored = ERR_INIT;
	if (!media_type_is_manifest(d->media_type) ||
	        read_blob(l, &d->digest, MANIFEST_MAX, &text, &ignored) <= 0 ||
	        manifest_parse(text.p, text.n, NULL, &m, &ignored))
		return false;
	bool layers = m.layers.n == 0; // of a kind that an image's may have
	for (size_t i = 0; i < m.layers.n; i++)
		layers |= media_type_compression(m.layers.v[i].media_type) >= 0;
	return !layers || (strcmp(m.config.media_type, MT_OCI_CONFIG) != 0 &&
	                          strcmp(m.config.media_type, MT_DOCKER_CONFIG) != 0);
}

static bool is_no_image(struct load *l, const struct descriptor *d)
{
	return descriptor_is_attestation(d) || is_artifact(l, d);
}

// What refers to an image may be an index of nothing else.
static bool has_no_image(struct load *l, const struct descriptor *d)
{
	auto_buf struct buf text = {0};
	auto_index struct image_index ix = {0};
	struct err ignored = ERR_INIT;
	if (!media_type_is_index(d->media_type))
		return is_no_image(l, d);
	if (read_blob(l, &d->digest, MANIFEST_MAX, &text, &ignored) <= 0 ||
	        image_index_parse(text.p, text.n, d->media_type, &ix, &ignored))
		return false;
	for (size_t i = 0; i < ix.manifests.n; i++)
		if (!is_no_image(l, &ix.manifests.v[i]))
			return false;
	return ix.manifests.n > 0;
}

// An archive may have fewer platforms than its index.
static const struct descriptor *choose(struct load *l, const struct image_index *ix)
{
	const struct descriptor *d = image_index_select(ix, &l->platform);
	if (d && has_blob(l, &d->digest) && !is_artifact(l, d))
		return d;
	if (l->exact)
		return NULL;
	for (size_t i = 0; i < ix->manifests.n; i++) {
		d = &ix->manifests.v[i];
		if (has_blob(l, &d->digest) && !is_no_image(l, d))
			return d;
	}
	return NULL;
}

static int load_document(
        struct load *l, const struct digest *d, const struct strv *names, int depth, struct err *e);

static bool is_whole(struct load *l, const struct descriptor *d)
{
	return media_type_is_manifest(d->media_type) && has_blob(l, &d->digest) &&
	       !is_no_image(l, d);
}

// Several images of an index are kept as that. 1, 0: the archive has not more than one of them.
static int load_several(struct load *l, const struct image_index *ix, const struct buf *text,
        const struct strv *names, struct err *e)
{
	struct image_row row = {.is_index = true, .manifest_size = text->n};
	auto_map struct map seen = {0};
	size_t n = 0;
	for (size_t i = 0; i < ix->manifests.n; i++)
		n += is_whole(l, &ix->manifests.v[i]);
	if (n < 2 || l->manifest)
		return 0;
	int rc = 0;
	for (size_t i = 0; i < ix->manifests.n && !rc; i++) {
		if (!is_whole(l, &ix->manifests.v[i]) ||
		        !digest_is_new(&seen, &ix->manifests.v[i].digest))
			continue;
		l->manifest = &row.manifest; // of the image; it gets no row of its own
		rc = load_document(l, &ix->manifests.v[i].digest, names, DEPTH_MAX, e);
		l->manifest = NULL;
	}
	if (rc || store_blob_put(l->store, text->p, text->n, &row.manifest, e))
		return -1;
	snprintf(row.media_type, sizeof(row.media_type), "%s", ix->media_type);
	return load_row(l, &row, names, e) ? -1 : 1;
}

static int load_document(
        struct load *l, const struct digest *d, const struct strv *names, int depth, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_index struct image_index ix = {0};
	if (depth > DEPTH_MAX)
		return err_set(e, ERR_CORRUPT, "indexes are nested too deep");
	if (cancel_check(e) || need_blob(l, d, MANIFEST_MAX, &text, e))
		return -1;
	const char *type = manifest_sniff(text.p, text.n, NULL, e);
	if (!type)
		return -1;
	if (!media_type_is_index(type))
		return load_manifest(l, &text, names, e);
	if (image_index_parse(text.p, text.n, type, &ix, e))
		return -1;
	int several = load_several(l, &ix, &text, names, e);
	if (several)
		return several < 0 ? -1 : 0;
	const struct descriptor *child = choose(l, &ix);
	if (!child && l->exact)
		return image_index_lacks(&ix, &l->platform, e);
	if (!child)
		return err_set(e, ERR_NOT_FOUND, "none of the images of its index is there");
	return load_document(l, &child->digest, names, depth + 1, e);
}

// ref.name alone is a tag where docker and BuildKit wrote it, and a whole name where others did.
static void add_name(const struct descriptor *d, struct strv *names)
{
	auto_reference struct reference ref = {0};
	struct err ignored = ERR_INIT;
	const char *name = strv_env_get(&d->annotations, "io.containerd.image.name");
	if (!name) {
		name = strv_env_get(&d->annotations, "org.opencontainers.image.ref.name");
		if (!name || !strpbrk(name, ":/"))
			return;
	}
	if (reference_parse(name, &ref, &ignored) || !ref.tag)
		return;
	char *full = reference_text(&ref);
	if (strv_has(names, full))
		free(full);
	else
		strv_take(names, full);
}

static bool is_image(const struct descriptor *d)
{
	return (media_type_is_manifest(d->media_type) || media_type_is_index(d->media_type)) &&
	       !descriptor_is_attestation(d);
}

// Entries of the same image are its names.
static int load_entry(struct load *l, const struct image_index *ix, size_t i, struct err *e)
{
	auto_strv struct strv names = {0};
	const struct descriptor *d = &ix->manifests.v[i];
	for (size_t k = 0; k < i; k++)
		if (digest_eq(&ix->manifests.v[k].digest, &d->digest))
			return 0;
	for (size_t k = i; k < ix->manifests.n; k++)
		if (digest_eq(&ix->manifests.v[k].digest, &d->digest))
			add_name(&ix->manifests.v[k], &names);
	char text[DIGEST_TEXT];
	digest_text(&d->digest, text);
	return load_document(l, &d->digest, &names, 0, e) ? err_wrap(e, "image %s", text) : 0;
}

int load_oci(struct load *l, const struct buf *index, struct err *e)
{
	auto_index struct image_index ix = {0};
	if (image_index_parse(index->p, index->n, MT_OCI_INDEX, &ix, e))
		return err_wrap(e, "index.json");
	if (ix.manifests.n > IMAGES_MAX)
		return err_set(e, ERR_CORRUPT, "index.json names more than %d images", IMAGES_MAX);
	for (size_t i = 0; i < ix.manifests.n; i++) {
		const struct descriptor *d = &ix.manifests.v[i];
		if (is_image(d) && !has_no_image(l, d) && load_entry(l, &ix, i, e))
			return -1;
	}
	return 0;
}

// ---- one of them

// As BuildKit names them: by a tag alone, or by the tag of a whole name.
static bool has_tag(const struct descriptor *d, const char *tag)
{
	const char *name = strv_env_get(&d->annotations, "org.opencontainers.image.ref.name");
	const char *full = strv_env_get(&d->annotations, "io.containerd.image.name");
	if (name && !strcmp(name, tag))
		return true;
	const char *colon = full ? strrchr(full, ':') : name ? strrchr(name, ':') : NULL;
	return colon && !strcmp(colon + 1, tag);
}

static const struct descriptor *find_tag(const struct image_index *ix, const char *tag)
{
	const struct descriptor *only = NULL;
	size_t images = 0;
	for (size_t i = 0; i < ix->manifests.n; i++) {
		const struct descriptor *d = &ix->manifests.v[i];
		if (is_image(d) && has_tag(d, tag ? tag : "latest"))
			return d;
		if (is_image(d) && (!only || !digest_eq(&only->digest, &d->digest))) {
			only = d;
			images++;
		}
	}
	return !tag && images == 1 ? only : NULL;
}

static int no_such_tag(const struct image_index *ix, const char *tag, struct err *e)
{
	auto_buf struct buf names = {0};
	for (size_t i = 0; i < ix->manifests.n && names.n < 300; i++) {
		const struct descriptor *d = &ix->manifests.v[i];
		const char *name =
		        strv_env_get(&d->annotations, "org.opencontainers.image.ref.name");
		if (name)
			buf_printf(&names, "%s%s", names.n ? ", " : "", name);
	}
	return err_set(e, ERR_NOT_FOUND, "it has no image tagged %s%s%s", tag ? tag : "latest",
	        names.n ? "; there are: " : " (name one by @sha256:...)", buf_cstr(&names));
}

int load_oci_one(
        struct load *l, const struct buf *index, const struct output_layout *o, struct err *e)
{
	auto_index struct image_index ix = {0};
	struct strv none = {0};
	if (o->digest)
		return load_document(l, o->digest, &none, 0, e);
	if (image_index_parse(index->p, index->n, MT_OCI_INDEX, &ix, e))
		return err_wrap(e, "index.json");
	const struct descriptor *d = find_tag(&ix, o->tag);
	return d ? load_document(l, &d->digest, &none, 0, e) : no_such_tag(&ix, o->tag, e);
}

// ---- one of them, as it is

static int enter_below(
        struct load *l, struct map *seen, const struct descriptor *d, int depth, struct err *e)
{
	auto_buf struct buf text = {0};
	struct digest put;
	char path[80];
	if (depth > DEPTH_MAX)
		return err_set(e, ERR_CORRUPT, "indexes are nested too deep");
	if (!digest_is_new(seen, &d->digest))
		return 0;
	if (cancel_check(e) || need_blob(l, &d->digest, MANIFEST_MAX, &text, e))
		return -1;
	const char *type = manifest_sniff(text.p, text.n, NULL, e);
	if (!type || store_lease_add(l->store, &d->digest, e) ||
	        store_blob_put(l->store, text.p, text.n, &put, e))
		return -1;
	if (media_type_is_index(type)) {
		auto_index struct image_index ix = {0};
		if (image_index_parse(text.p, text.n, type, &ix, e))
			return -1;
		for (size_t i = 0; i < ix.manifests.n; i++)
			if (enter_below(l, seen, &ix.manifests.v[i], depth + 1, e))
				return -1;
		return 0;
	}
	auto_manifest struct manifest m = {0};
	if (manifest_parse(text.p, text.n, NULL, &m, e))
		return -1;
	blob_path(&m.config.digest, path);
	int rc = load_blob(l, path, &m.config, e);
	for (size_t i = 0; i < m.layers.n && !rc; i++) {
		blob_path(&m.layers.v[i].digest, path);
		rc = load_blob(l, path, &m.layers.v[i], e);
	}
	return rc;
}

// Down to the manifest of a platform.
static int descend(
        struct load *l, const struct platform *platform, struct digest *d, int depth, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_index struct image_index ix = {0};
	if (need_blob(l, d, MANIFEST_MAX, &text, e))
		return -1;
	const char *type = manifest_sniff(text.p, text.n, NULL, e);
	if (!type || !media_type_is_index(type))
		return type ? 0 : -1;
	if (image_index_parse(text.p, text.n, type, &ix, e))
		return -1;
	const struct descriptor *child = image_index_select(&ix, platform);
	if (!child || depth > DEPTH_MAX)
		return err_set(e, ERR_NOT_FOUND, "it has no image for that platform");
	*d = child->digest;
	return descend(l, platform, d, depth + 1, e);
}

int load_oci_whole(struct load *l, const struct buf *index, const char *name,
        const struct platform *platform, struct digest *ret, struct err *e)
{
	auto_index struct image_index ix = {0};
	if (image_index_parse(index->p, index->n, MT_OCI_INDEX, &ix, e))
		return err_wrap(e, "index.json");
	const struct descriptor *found = find_tag(&ix, name);
	if (!found)
		return no_such_tag(&ix, name, e);
	struct descriptor root = {.digest = found->digest};
	auto_map struct map seen = {0};
	if (platform && descend(l, platform, &root.digest, 0, e))
		return -1;
	if (enter_below(l, &seen, &root, 0, e))
		return -1;
	*ret = root.digest;
	return 0;
}
