// SPDX-License-Identifier: Apache-2.0
// Docker archives: manifest.json lists configs, layers and tags of images. There is no OCI manifest
// in the old ones; one is made over the layers as they came.
#include "output/load.h"

#include "base/fs.h"
#include "base/json.h"
#include "image/reference.h"
#include <string.h>

#define IMAGES_MAX 1000
#define TAGS_MAX 1000

static int read_tags(const struct jn *tags, struct strv *ret, struct err *e)
{
	auto_strv struct strv list = {0};
	if (jn_len(tags) > TAGS_MAX)
		return err_set(e, ERR_CORRUPT, "more than %d tags", TAGS_MAX);
	jn_str_list(tags, &list);
	for (size_t i = 0; i < list.n; i++) {
		auto_reference struct reference ref = {0};
		if (reference_parse(list.v[i], &ref, e))
			return err_wrap(e, "tag '%s'", list.v[i]);
		strv_take(ret, reference_text(&ref));
	}
	return 0;
}

// Writers name the config by its digest: "<hex>.json" or "blobs/sha256/<hex>".
static int check_name(const char *path, const struct digest *d, struct err *e)
{
	char hex[HASH_HEX];
	struct hash said;
	auto_free char *base = xstrdup(fs_base_name(path));
	if (str_has_suffix(base, ".json"))
		base[strlen(base) - strlen(".json")] = '\0';
	digest_hex(d, hex);
	if (!hash_parse(base, &said) || hash_eq(&said, &d->h))
		return 0;
	return err_set(e, ERR_CORRUPT, "config '%s' has the digest sha256:%s", path, hex);
}

static int read_config(struct load *l, const struct jn *image, struct manifest *m,
        struct image_config *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	const char *path = jn_get_str(image, "Config");
	if (!path)
		return err_set(e, ERR_CORRUPT, "manifest.json: an image has no Config");
	int found = source_read(l->source, path, CONFIG_MAX, &text, e);
	if (found <= 0)
		return found ? -1 : err_set(e, ERR_CORRUPT, "the archive has no '%s'", path);
	m->config.media_type = xstrdup(MT_OCI_CONFIG);
	if (load_config_text(l, &text, &m->config, ret, e))
		return err_wrap(e, "'%s'", path);
	return check_name(path, &m->config.digest, e);
}

static int read_layers(struct load *l, const struct jn *image, const struct image_config *c,
        struct manifest *m, struct err *e)
{
	auto_strv struct strv paths = {0};
	const struct jn *layers = jn_get(image, "Layers");
	if (jn_len(layers) != c->n_diff_ids)
		return err_set(e, ERR_CORRUPT, "the config names %zu layers, manifest.json %zu",
		        c->n_diff_ids, jn_len(layers));
	for (size_t i = 0; i < c->n_diff_ids; i++) {
		const char *path = jn_str(jn_at(layers, i));
		if (!path)
			return err_set(
			        e, ERR_CORRUPT, "manifest.json: layer %zu is no string", i + 1);
		strv_add(&paths, path);
		descriptor_list_add(&m->layers);
	}
	return load_layers(l, &paths, c->diff_ids, m->layers.v, e);
}

static int load_one(struct load *l, const struct jn *image, struct err *e)
{
	auto_strv struct strv names = {0};
	auto_manifest struct manifest m = {0};
	auto_config struct image_config c = {0};
	auto_buf struct buf text = {0};
	m.media_type = xstrdup(MT_OCI_MANIFEST);
	if (read_tags(jn_get(image, "RepoTags"), &names, e) || read_config(l, image, &m, &c, e) ||
	        read_layers(l, image, &c, &m, e))
		return -1;
	manifest_write(&m, &text);
	return load_image(l, &text, &m, &c, &names, e);
}

static struct jdoc *parse_list(const struct buf *list, struct err *e)
{
	struct jdoc *doc = jdoc_parse(list->p, list->n, e);
	int rc = 0;
	if (!doc) {
		err_wrap(e, "manifest.json");
		return NULL;
	}
	if (!jn_is_array(jdoc_root(doc)))
		rc = err_set(e, ERR_CORRUPT, "manifest.json is not a list of images");
	else if (jn_len(jdoc_root(doc)) > IMAGES_MAX)
		rc = err_set(e, ERR_CORRUPT, "manifest.json names more than %d images", IMAGES_MAX);
	if (!rc)
		return doc;
	jdoc_free(doc);
	return NULL;
}

int load_docker(struct load *l, const struct buf *list, struct err *e)
{
	auto_jdoc struct jdoc *doc = parse_list(list, e);
	if (!doc)
		return -1;
	const struct jn *images = jdoc_root(doc);
	for (size_t i = 0; i < jn_len(images); i++)
		if (load_one(l, jn_at(images, i), e))
			return -1;
	return 0;
}

// ---- one of them

static int is_called(const struct jn *image, const char *name, struct strv *seen, struct err *e)
{
	auto_strv struct strv names = {0};
	if (read_tags(jn_get(image, "RepoTags"), &names, e))
		return -1;
	for (size_t i = 0; i < names.n; i++)
		strv_add(seen, names.v[i]);
	return name && strv_has(&names, name);
}

int load_docker_one(struct load *l, const struct buf *list, const char *name, struct err *e)
{
	auto_jdoc struct jdoc *doc = parse_list(list, e);
	auto_strv struct strv seen = {0};
	auto_buf struct buf said = {0};
	if (!doc)
		return -1;
	const struct jn *images = jdoc_root(doc);
	if (!name && jn_len(images) == 1)
		return load_one(l, jn_at(images, 0), e);
	for (size_t i = 0; i < jn_len(images); i++) {
		int rc = is_called(jn_at(images, i), name, &seen, e);
		if (rc)
			return rc < 0 ? -1 : load_one(l, jn_at(images, i), e);
	}
	for (size_t i = 0; i < seen.n && said.n < 300; i++)
		buf_printf(&said, "%s%s", said.n ? ", " : "", seen.v[i]);
	return err_set(e, ERR_NOT_FOUND, "%s%s%s; there are: %s",
	        name ? "it has no image called '" : "it holds more than one image: name one",
	        name ? name : "", name ? "'" : "", said.n ? said.p : "none with a name");
}
