// SPDX-License-Identifier: Apache-2.0
// Descriptors, image manifests and indexes: OCI 1.1 and Docker schema 2, both read and written.
// Unknown media types are kept as they are; schema 1 is refused clearly (ERR_UNSUPPORTED).
#pragma once

#include "base/buf.h"
#include "image/digest.h"
#include "image/platform.h"
#include <stdint.h>

struct err;
struct jw;

#define MT_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MT_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MT_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MT_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define MT_OCI_LAYER_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define MT_OCI_LAYER_ZSTD "application/vnd.oci.image.layer.v1.tar+zstd"
#define MT_DOCKER_INDEX "application/vnd.docker.distribution.manifest.list.v2+json"
#define MT_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MT_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define MT_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"
#define MT_DOCKER_LAYER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"
#define MT_CACHE_CONFIG "application/vnd.buildkit.cacheconfig.v0"
#define MT_EMPTY "application/vnd.oci.empty.v1+json" // a config that is "{}"

#define MANIFEST_MAX (4u << 20)    // bytes of a manifest or index
#define MANIFEST_LAYERS_MAX 2048   // layers of one image
#define MANIFEST_CHILDREN_MAX 4096 // manifests in one index

struct descriptor {
	char *media_type;
	struct digest digest;
	uint64_t size;
	bool has_platform;
	struct platform platform;
	struct strv annotations; // "key=value"
	char *artifact_type;     // of the manifest pointed to; NULL: not said
};
void descriptor_release(struct descriptor *d);
void descriptor_copy(struct descriptor *dst, const struct descriptor *src);

// As member "annotations", sorted by key; nothing if there are none.
void annotations_write(const struct strv *kv, struct jw *w);

struct descriptor_list {
	struct descriptor *v;
	size_t n;
};
struct descriptor *descriptor_list_add(struct descriptor_list *l); // zeroed, owned by the list
void descriptor_list_release(struct descriptor_list *l);
void descriptor_write(const struct descriptor *d, struct jw *w);

struct manifest {
	char *media_type;
	char *artifact_type; // NULL: none
	struct descriptor config;
	struct descriptor_list layers;
	struct descriptor subject; // what this one is about; no media type: nothing
	struct strv annotations;
};
#define auto_manifest __attribute__((cleanup(manifest_release)))
void manifest_release(struct manifest *m);
// media_type: from the HTTP header, or NULL. Must agree with the document's own where that exists.
int manifest_parse(
        const char *p, size_t n, const char *media_type, struct manifest *ret, struct err *e);
// Indented by two blanks, as BuildKit writes it.
void manifest_write(const struct manifest *m, struct buf *out);
// Of a document of a kind unknown here: the blobs and the manifests that it names in the usual
// members. One that is no JSON names nothing.
void manifest_guess(const char *p, size_t n, struct descriptor_list *ret_blobs,
        struct descriptor_list *ret_manifests);

struct image_index {
	char *media_type;
	char *artifact_type; // NULL: none
	struct descriptor_list manifests;
	struct descriptor subject; // as of a manifest
	struct strv annotations;
};
#define auto_index __attribute__((cleanup(image_index_release)))
void image_index_release(struct image_index *ix);
int image_index_parse(
        const char *p, size_t n, const char *media_type, struct image_index *ret, struct err *e);
void image_index_write(const struct image_index *ix, struct buf *out);
// The best entry for the platform, or NULL. Attestation manifests (unknown/unknown) never match.
const struct descriptor *image_index_select(
        const struct image_index *ix, const struct platform *want);
// Sets *e, ERR_NOT_FOUND: no entry serves it; those that there are.
int image_index_lacks(const struct image_index *ix, const struct platform *want, struct err *e);
// Attestations lie beside the images in an index but are none, whatever platform they claim.
bool descriptor_is_attestation(const struct descriptor *d);
bool media_type_is_index(const char *mt);
bool media_type_is_manifest(const char *mt);
// What kind a document is, by media type or, without one, by its members; NULL if neither tells.
const char *manifest_sniff(const char *p, size_t n, const char *media_type, struct err *e);
enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };
// -1 for a media type that is no layer of ours.
int media_type_compression(const char *mt);
