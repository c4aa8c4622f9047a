// SPDX-License-Identifier: Apache-2.0
// Image indexes (OCI image-spec image-index.md, docker's manifest list) and the choice of one of
// their entries for a platform.
#include "base/err.h"
#include "base/mem.h"
#include "image/descriptor-int.h"
#include <string.h>

void image_index_release(struct image_index *ix)
{
	free(ix->media_type);
	free(ix->artifact_type);
	descriptor_release(&ix->subject);
	descriptor_list_release(&ix->manifests);
	strv_release(&ix->annotations);
	*ix = (struct image_index){0};
}

static int read_index(
        const struct jn *root, const char *kind, struct image_index *ix, struct err *e)
{
	if (descriptor_list_read(jn_get(root, "manifests"), "manifest", MANIFEST_CHILDREN_MAX,
	            &ix->manifests, e) < 0 ||
	        artifact_read(root, &ix->artifact_type, &ix->subject, e) < 0 ||
	        annotations_read(jn_get(root, "annotations"), "the index", &ix->annotations, e) < 0)
		return -1;
	ix->media_type = xstrdup(kind);
	return 0;
}

int image_index_parse(
        const char *p, size_t n, const char *media_type, struct image_index *ret, struct err *e)
{
	if (n > MANIFEST_MAX)
		return err_set(
		        e, ERR_CORRUPT, "the image index is larger than %u bytes", MANIFEST_MAX);
	auto_jdoc struct jdoc *doc = jdoc_parse(p, n, e);
	if (!doc)
		return err_wrap(e, "read image index");
	const char *kind = document_kind(jdoc_root(doc), media_type, e);
	if (!kind)
		return -1;
	if (!media_type_is_index(kind))
		return err_set(e, ERR_CORRUPT, "expected an image index, got '%s'", kind);
	auto_index struct image_index ix = {0};
	if (read_index(jdoc_root(doc), kind, &ix, e) < 0)
		return err_wrap(e, "read image index");
	*ret = ix;
	ix = (struct image_index){0};
	return 0;
}

void image_index_write(const struct image_index *ix, struct buf *out)
{
	struct jw w;
	jw_begin(&w, out, 2);
	jw_object(&w);
	jw_kv_int(&w, "schemaVersion", 2);
	jw_kv(&w, "mediaType", ix->media_type);
	if (ix->artifact_type)
		jw_kv(&w, "artifactType", ix->artifact_type);
	jw_key(&w, "manifests");
	descriptor_list_write(&ix->manifests, &w);
	if (ix->subject.media_type) {
		jw_key(&w, "subject");
		descriptor_write(&ix->subject, &w);
	}
	annotations_write(&ix->annotations, &w);
	jw_object_end(&w);
}

bool descriptor_is_attestation(const struct descriptor *d)
{
	return strv_env_get(&d->annotations, "vnd.docker.reference.type") ||
	       (d->has_platform && strcmp(d->platform.os, "unknown") == 0);
}

// An entry without a platform may be anything: it is taken if nothing says that it fits.
static int score(const struct descriptor *d, const struct platform *want)
{
	if (descriptor_is_attestation(d))
		return 0;
	if (d->has_platform && d->platform.os[0])
		return platform_match(want, &d->platform);
	return media_type_is_manifest(d->media_type) || media_type_is_index(d->media_type);
}

int image_index_lacks(const struct image_index *ix, const struct platform *want, struct err *e)
{
	auto_buf struct buf have = {0};
	char wanted[80], text[80];
	for (size_t i = 0; i < ix->manifests.n && have.n < 300; i++) {
		const struct descriptor *d = &ix->manifests.v[i];
		if (!d->has_platform || descriptor_is_attestation(d))
			continue;
		platform_text(&d->platform, text);
		buf_printf(&have, "%s%s", have.n ? ", " : "", text);
	}
	platform_text(want, wanted);
	return err_set(e, ERR_NOT_FOUND, "the image has nothing for platform '%s': it has %s",
	        wanted, have.n ? have.p : "no platforms at all");
}

const struct descriptor *image_index_select(
        const struct image_index *ix, const struct platform *want)
{
	const struct descriptor *found = NULL;
	int best = 0;
	for (size_t i = 0; i < ix->manifests.n; i++) {
		int s = score(&ix->manifests.v[i], want);
		if (s > best) {
			best = s;
			found = &ix->manifests.v[i];
		}
	}
	return found;
}
