// SPDX-License-Identifier: Apache-2.0
// Image manifests (OCI image-spec manifest.md, docker's schema 2), and what kind of document a blob
// is. A document that could be read as two kinds is refused: its digest would name two things
// (CVE-2021-41190). Members are written in the order of Go's struct, which BuildKit uses.
#include "image/manifest.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "image/descriptor-int.h"
#include <string.h>
#include <strings.h>

bool media_type_is_index(const char *mt)
{
	return mt && (strcmp(mt, MT_OCI_INDEX) == 0 || strcmp(mt, MT_DOCKER_INDEX) == 0);
}

bool media_type_is_manifest(const char *mt)
{
	return mt && (strcmp(mt, MT_OCI_MANIFEST) == 0 || strcmp(mt, MT_DOCKER_MANIFEST) == 0);
}

int media_type_compression(const char *mt)
{
	static const struct {
		const char *name;
		enum compression compression;
	} types[] = {
	        {MT_OCI_LAYER, COMPRESSION_NONE},
	        {MT_OCI_LAYER_GZIP, COMPRESSION_GZIP},
	        {MT_OCI_LAYER_ZSTD, COMPRESSION_ZSTD},
	        {MT_DOCKER_LAYER, COMPRESSION_NONE},
	        {MT_DOCKER_LAYER_GZIP, COMPRESSION_GZIP},
	        {MT_DOCKER_LAYER ".zstd", COMPRESSION_ZSTD},
	        {"application/vnd.oci.image.layer.nondistributable.v1.tar", COMPRESSION_NONE},
	        {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", COMPRESSION_GZIP},
	        {"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", COMPRESSION_ZSTD},
	        {"application/vnd.docker.image.rootfs.foreign.diff.tar", COMPRESSION_NONE},
	        {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", COMPRESSION_GZIP},
	};
	for (size_t i = 0; mt && i < ARRAY_LEN(types); i++)
		if (strcmp(mt, types[i].name) == 0)
			return (int)types[i].compression;
	return -1;
}

// The known kinds as constants; NULL for any other. Parameters ("; charset=...") do not count.
static const char *known_kind(const char *mt)
{
	static const char *const kinds[] = {
	        MT_OCI_MANIFEST, MT_DOCKER_MANIFEST, MT_OCI_INDEX, MT_DOCKER_INDEX};
	size_t n = mt ? strcspn(mt, "; \t") : 0;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strlen(kinds[i]) == n && strncasecmp(kinds[i], mt, n) == 0)
			return kinds[i];
	return NULL;
}

static int refuse_schema1(const struct jn *root, const char *mt, struct err *e)
{
	int64_t version = jn_int(jn_get(root, "schemaVersion"), 2);
	bool old_type =
	        mt && str_has_prefix(mt, "application/vnd.docker.distribution.manifest.v1+");
	if (version == 1 || old_type || !jn_is_null(jn_get(root, "fsLayers")))
		return err_set(e, ERR_UNSUPPORTED,
		        "the image has a manifest of schema version 1, which docker dropped as "
		        "well; push it "
		        "again with a current tool, or use a newer tag");
	if (version != 2)
		return err_set(e, ERR_UNSUPPORTED,
		        "the image has a manifest of schema version %lld, only 2 is known",
		        (long long)version);
	return 0;
}

const char *document_kind(const struct jn *root, const char *media_type, struct err *e)
{
	if (!jn_is_object(root)) {
		err_set(e, ERR_CORRUPT, "the manifest is not a JSON object");
		return NULL;
	}
	const char *own = jn_get_str(root, "mediaType");
	if (refuse_schema1(root, own ? own : media_type, e) < 0)
		return NULL;
	const char *said = known_kind(media_type), *says = known_kind(own);
	if (said && own && said != says) {
		err_set(e, ERR_CORRUPT, "the manifest was served as '%s' but calls itself '%.100s'",
		        said, own);
		return NULL;
	}
	bool has_children = !jn_is_null(jn_get(root, "manifests"));
	bool has_layers =
	        !jn_is_null(jn_get(root, "layers")) || !jn_is_null(jn_get(root, "config"));
	const char *kind = says ? says : said;
	if (!kind && !own && has_children != has_layers)
		kind = has_children ? MT_OCI_INDEX : MT_OCI_MANIFEST;
	if (!kind) {
		err_set(e, ERR_UNSUPPORTED, "'%.100s' is neither an image manifest nor an index",
		        own          ? own
		        : media_type ? media_type
		                     : "the document");
		return NULL;
	}
	if (media_type_is_index(kind) ? has_layers : has_children) {
		err_set(e, ERR_CORRUPT,
		        "the manifest is ambiguous: it has both 'manifests' and 'layers'");
		return NULL;
	}
	return kind;
}

const char *manifest_sniff(const char *p, size_t n, const char *media_type, struct err *e)
{
	if (n > MANIFEST_MAX) {
		err_set(e, ERR_CORRUPT, "the manifest is larger than %u bytes", MANIFEST_MAX);
		return NULL;
	}
	auto_jdoc struct jdoc *doc = jdoc_parse(p, n, e);
	return doc ? document_kind(jdoc_root(doc), media_type, e) : NULL;
}

void manifest_release(struct manifest *m)
{
	free(m->media_type);
	free(m->artifact_type);
	descriptor_release(&m->config);
	descriptor_release(&m->subject);
	descriptor_list_release(&m->layers);
	strv_release(&m->annotations);
	*m = (struct manifest){0};
}

static int read_manifest(const struct jn *root, const char *kind, struct manifest *m, struct err *e)
{
	if (descriptor_read(jn_get(root, "config"), "config", &m->config, e) < 0 ||
	        descriptor_list_read(
	                jn_get(root, "layers"), "layer", MANIFEST_LAYERS_MAX, &m->layers, e) < 0 ||
	        artifact_read(root, &m->artifact_type, &m->subject, e) < 0 ||
	        annotations_read(jn_get(root, "annotations"), "the manifest", &m->annotations, e) <
	                0)
		return -1;
	// Without a media type of its own a document is docker's if its config is.
	bool docker = !jn_get_str(root, "mediaType") &&
	              strcmp(m->config.media_type, MT_DOCKER_CONFIG) == 0;
	m->media_type = xstrdup(docker ? MT_DOCKER_MANIFEST : kind);
	return 0;
}

int manifest_parse(
        const char *p, size_t n, const char *media_type, struct manifest *ret, struct err *e)
{
	if (n > MANIFEST_MAX)
		return err_set(
		        e, ERR_CORRUPT, "the manifest is larger than %u bytes", MANIFEST_MAX);
	auto_jdoc struct jdoc *doc = jdoc_parse(p, n, e);
	if (!doc)
		return err_wrap(e, "read manifest");
	const char *kind = document_kind(jdoc_root(doc), media_type, e);
	if (!kind)
		return -1;
	if (!media_type_is_manifest(kind))
		return err_set(e, ERR_CORRUPT, "expected an image manifest, got '%s'", kind);
	auto_manifest struct manifest m = {0};
	if (read_manifest(jdoc_root(doc), kind, &m, e) < 0)
		return err_wrap(e, "read manifest");
	*ret = m;
	m = (struct manifest){0};
	return 0;
}

void manifest_write(const struct manifest *m, struct buf *out)
{
	struct jw w;
	jw_begin(&w, out, 2);
	jw_object(&w);
	jw_kv_int(&w, "schemaVersion", 2);
	jw_kv(&w, "mediaType", m->media_type);
	if (m->artifact_type)
		jw_kv(&w, "artifactType", m->artifact_type);
	jw_key(&w, "config");
	descriptor_write(&m->config, &w);
	jw_key(&w, "layers");
	descriptor_list_write(&m->layers, &w);
	if (m->subject.media_type) {
		jw_key(&w, "subject");
		descriptor_write(&m->subject, &w);
	}
	annotations_write(&m->annotations, &w);
	jw_object_end(&w);
}

// Descriptors in an array, as far as they are some.
static void take_named(const struct jn *a, size_t max, struct descriptor_list *ret)
{
	struct err ignored = ERR_INIT;
	for (size_t i = 0; i < jn_len(a) && ret->n < max; i++) {
		struct descriptor d = {0};
		if (descriptor_read(jn_at(a, i), "", &d, &ignored) == 0)
			*descriptor_list_add(ret) = d;
	}
}

void manifest_guess(const char *p, size_t n, struct descriptor_list *ret_blobs,
        struct descriptor_list *ret_manifests)
{
	struct err ignored = ERR_INIT;
	struct descriptor config = {0};
	auto_jdoc struct jdoc *doc = n <= MANIFEST_MAX ? jdoc_parse(p, n, &ignored) : NULL;
	const struct jn *root = doc ? jdoc_root(doc) : NULL;
	if (descriptor_read(jn_get(root, "config"), "", &config, &ignored) == 0)
		*descriptor_list_add(ret_blobs) = config;
	take_named(jn_get(root, "layers"), MANIFEST_LAYERS_MAX, ret_blobs);
	take_named(jn_get(root, "blobs"), MANIFEST_LAYERS_MAX, ret_blobs); // OCI 1.1-rc's artifacts
	take_named(jn_get(root, "manifests"), MANIFEST_CHILDREN_MAX, ret_manifests);
}
