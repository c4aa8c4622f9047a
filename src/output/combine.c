// SPDX-License-Identifier: Apache-2.0
// See combine.h. Entries come in the order of the sources, those of an index in its own; what is
// there twice is there once, with what the later one says of it.
#include "output/combine.h"

#include "base/json.h"
#include "output/copy.h"
#include "output/output-int.h"
#include "registry/registry.h"
#include <string.h>

void combine_source_release(struct combine_source *s)
{
	reference_release(&s->ref);
	descriptor_release(&s->said);
	*s = (struct combine_source){0};
}

static int parse_descriptor(const char *text, struct combine_source *s, struct err *e)
{
	auto_buf struct buf index = {0};
	auto_index struct image_index ix = {0};
	auto_jdoc struct jdoc *doc = jdoc_parse(text, strlen(text), e);
	if (!doc)
		return -1;
	// As the only entry of an index: there is one reader of descriptors.
	buf_puts(&index, "{\"schemaVersion\":2,\"manifests\":[");
	jn_dump(jdoc_root(doc), &index);
	buf_puts(&index, "]}");
	if (image_index_parse(index.p, index.n, MT_OCI_INDEX, &ix, e))
		return -1;
	descriptor_copy(&s->said, &ix.manifests.v[0]);
	s->has_digest = true;
	return 0;
}

int combine_source_parse(const char *text, struct combine_source *ret, struct err *e)
{
	struct combine_source s = {0};
	int rc = 0;
	if (*text == '{') {
		rc = parse_descriptor(text, &s, e);
	} else if (str_has_prefix(text, "sha256:")) {
		rc = digest_parse(text, &s.said.digest, e);
		s.has_digest = true;
	} else {
		rc = reference_parse(text, &s.ref, e);
		s.has_ref = true;
	}
	if (rc == 0) {
		*ret = s;
		return 0;
	}
	e->kind = ERR_USAGE;
	combine_source_release(&s);
	return err_wrap(e, "source '%.200s' (a name, a digest or a descriptor is expected)", text);
}

// ---- what a source is

// The platform of an image stands in its config; what is no image has none.
static int read_platform(const struct output_request *q, const struct digest *d,
        struct descriptor *ret, struct err *e)
{
	auto_buf struct buf text = {0}, config = {0};
	auto_manifest struct manifest m = {0};
	auto_config struct image_config c = {0};
	if (store_blob_read(q->store, d, MANIFEST_MAX, &text, e) ||
	        manifest_parse(text.p, text.n, NULL, &m, e))
		return -1;
	if (strcmp(m.config.media_type, MT_OCI_CONFIG) != 0 &&
	        strcmp(m.config.media_type, MT_DOCKER_CONFIG) != 0)
		return 0;
	if (copy_config(q, d, &m.config, &config, e) ||
	        image_config_parse(config.p, config.n, &c, e))
		return -1;
	ret->platform = c.platform;
	ret->has_platform = *c.platform.os && *c.platform.arch;
	return 0;
}

static int merge_said(const struct combine_source *s, struct descriptor *d, struct err *e)
{
	const struct descriptor *said = &s->said;
	if (!said->media_type)
		return 0;
	if (said->size != d->size)
		return err_set(e, ERR_CORRUPT, "it has %llu bytes, its descriptor says %llu",
		        (unsigned long long)d->size, (unsigned long long)said->size);
	free(d->media_type);
	d->media_type = xstrdup(said->media_type);
	strv_copy(&d->annotations, &said->annotations);
	d->has_platform = said->has_platform;
	d->platform = said->platform;
	return 0;
}

// Its document into the store; text, and what an index would say of it.
static int fetch(const struct combine *c, struct combine_source *s, struct buf *text,
        struct descriptor *ret, struct err *e)
{
	struct registry *r = c->q->registry(c->q->registry_arg, e);
	auto_free char *repository = reference_name(&s->ref);
	if (!r || registry_fetch_manifest(r, &s->ref, text, e))
		return -1;
	const char *type = manifest_sniff(text->p, text->n, NULL, e);
	if (!type)
		return -1;
	*ret = (struct descriptor){.media_type = xstrdup(type),
	        .digest = digest_of(text->p, text->n),
	        .size = text->n};
	if (store_blob_add_source(c->q->store, &ret->digest, repository, e) ||
	        merge_said(s, ret, e))
		return -1;
	return media_type_is_index(type) || ret->has_platform
	               ? 0
	               : read_platform(c->q, &ret->digest, ret, e);
}

// ---- entries

static bool is_wanted(const struct combine *c, const struct descriptor *d)
{
	if (c->platforms->n == 0)
		return true;
	for (size_t i = 0; d->has_platform && i < c->platforms->n; i++) {
		struct platform p;
		struct err ignored = ERR_INIT;
		if (platform_parse(c->platforms->v[i], &p, &ignored) == 0 &&
		        platform_eq(&p, &d->platform))
			return true;
	}
	return false;
}

static void add(struct image_index *ix, const struct descriptor *d)
{
	for (size_t i = 0; i < ix->manifests.n; i++) {
		struct descriptor *old = &ix->manifests.v[i];
		if (!digest_eq(&old->digest, &d->digest))
			continue;
		if (d->has_platform)
			old->platform = d->platform;
		old->has_platform |= d->has_platform;
		for (size_t k = 0; k < d->annotations.n; k++) {
			const char *kv = d->annotations.v[k], *eq = strchr(kv, '=');
			auto_free char *key = xstrndup(kv, (size_t)(eq - kv));
			strv_env_set(&old->annotations, key, eq + 1);
		}
		return;
	}
	descriptor_copy(descriptor_list_add(&ix->manifests), d);
}

// Of an index, with what is attached to those wanted: attestations name the image they are of.
static int add_index(const struct combine *c, const struct buf *text, const struct descriptor *d,
        struct image_index *ix, struct err *e)
{
	auto_index struct image_index from = {0};
	auto_strv struct strv kept = {0};
	char digest[DIGEST_TEXT];
	if (image_index_parse(text->p, text->n, d->media_type, &from, e))
		return -1;
	for (size_t i = 0; i < from.manifests.n; i++) {
		const struct descriptor *one = &from.manifests.v[i];
		const char *of = strv_env_get(&one->annotations, "vnd.docker.reference.digest");
		if (!is_wanted(c, one) && !(of && strv_has(&kept, of)))
			continue;
		if (copy_inherit(c->q, &d->digest, &one->digest, e))
			return -1;
		digest_text(&one->digest, digest);
		strv_add(&kept, digest);
		add(ix, one);
	}
	return 0;
}

// ---- annotations

static int annotate(const struct annotation_list *list, struct image_index *ix, struct err *e)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].level == ANNOTATE_MANIFEST ||
		        list->v[i].level == ANNOTATE_INDEX_DESCRIPTOR)
			return err_set(e, ERR_USAGE,
			        "annotation '%s': index:KEY=VALUE or "
			        "manifest-descriptor[OS/ARCH]:KEY=VALUE is expected: the images "
			        "themselves stay as they are",
			        list->v[i].text);
	annotation_list_apply(list, ANNOTATE_INDEX, NULL, &ix->annotations);
	for (size_t i = 0; i < ix->manifests.n; i++) {
		struct descriptor *d = &ix->manifests.v[i];
		annotation_list_apply(list, ANNOTATE_MANIFEST_DESCRIPTOR,
		        d->has_platform ? &d->platform : NULL, &d->annotations);
	}
	return 0;
}

// ---- all of it

static int write_index(const struct combine *c, struct image_index *ix, struct buf *text,
        struct descriptor *ret, struct err *e)
{
	struct digest digest;
	size_t docker = 0;
	for (size_t i = 0; i < ix->manifests.n; i++)
		docker += str_has_prefix(ix->manifests.v[i].media_type, "application/vnd.docker.");
	if (ix->manifests.n == 0)
		return err_set(e, ERR_NOT_FOUND, "none of the sources is for that platform");
	if (ix->manifests.n > MANIFEST_CHILDREN_MAX)
		return err_set(e, ERR_UNSUPPORTED, "more than %d images in an index",
		        MANIFEST_CHILDREN_MAX);
	bool all_docker = docker == ix->manifests.n;
	if (all_docker && c->annotations->n)
		return err_set(e, ERR_UNSUPPORTED,
		        "docker's manifest lists have no annotations, and all sources are "
		        "docker's");
	ix->media_type = xstrdup(all_docker ? MT_DOCKER_INDEX : MT_OCI_INDEX);
	if (annotate(c->annotations, ix, e))
		return -1;
	image_index_write(ix, text);
	if (store_blob_put(c->q->store, text->p, text->n, &digest, e) ||
	        store_lease_add(c->q->store, &digest, e))
		return -1;
	*ret = (struct descriptor){
	        .media_type = xstrdup(ix->media_type), .digest = digest, .size = text->n};
	return 0;
}

int combine(const struct combine *c, struct buf *ret_text, struct descriptor *ret, struct err *e)
{
	auto_index struct image_index ix = {0};
	for (size_t i = 0; i < c->n; i++) {
		auto_buf struct buf text = {0};
		struct descriptor d = {0};
		int rc = fetch(c, &c->sources[i], &text, &d, e);
		bool is_index = !rc && media_type_is_index(d.media_type);
		if (!rc && c->n == 1 && c->annotations->n == 0 && c->platforms->n == 0 &&
		        (is_index || c->carbon_copy)) {
			*ret = d;
			*ret_text = text;
			text = (struct buf){0};
			return 0;
		}
		if (!rc && is_index)
			rc = add_index(c, &text, &d, &ix, e);
		else if (!rc && is_wanted(c, &d))
			add(&ix, &d);
		descriptor_release(&d);
		if (rc)
			return -1;
	}
	return write_index(c, &ix, ret_text, ret, e);
}
