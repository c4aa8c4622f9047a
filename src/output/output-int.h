// SPDX-License-Identifier: Apache-2.0
// What the files of this room share: an image of the store with its documents parsed, and the forms
// of its layers and blobs made when an output needs them.
#pragma once

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "image/config.h"
#include "output/output.h"
#include "store/store.h"

// ---- image.c
struct output_image {
	struct descriptor descriptor; // of the manifest
	struct manifest manifest;
	struct image_config config;
};
#define auto_output_image __attribute__((cleanup(output_image_release)))
void output_image_release(struct output_image *im);
// The image under a manifest; of an index, that of this machine's platform or else the first.
int output_image_load(const struct output_request *q, const struct digest *root,
        struct output_image *ret, struct err *e);
// Is this entry of an index an image that is in the store?
bool output_is_here(const struct output_request *q, const struct descriptor *d);
// The images of the request, each with the platform it is for: of an index those that are in the
// store, in its order.
int output_images(const struct output_request *q, struct descriptor_list *ret, struct err *e);
// Reads a manifest or index. *ret_type is one of the known media types.
int document_read(const struct output_request *q, const struct digest *d, struct buf *ret,
        const char **ret_type, struct err *e);
// Notes a digest. False if it was there before: an index may repeat a child, and each of its
// children theirs.
bool digest_is_new(struct map *seen, const struct digest *d);
// Makes sure that blobs are in the store: fetches those that are only known, several at once.
int blobs_need(const struct output_request *q, const struct descriptor *d, size_t n, struct err *e);
// Makes sure that tar and index of a layer are in the store. blob: what it came as.
int layer_make(const struct output_request *q, const struct digest *diff_id,
        const struct descriptor *blob, struct err *e);
// Makes sure that tar and index of layer i, or of all layers, are in the store.
int layer_need(
        const struct output_request *q, const struct output_image *im, size_t i, struct err *e);
int layers_need(const struct output_request *q, const struct output_image *im, struct err *e);
// The same of layer i, and its index opened. One that cannot be used is made again.
int layer_open(const struct output_request *q, const struct output_image *im, size_t i,
        struct layer_index **ret, struct err *e);

// Whether layer i came from elsewhere: 1, 0, -1.
int layer_is_foreign(
        const struct output_request *q, const struct output_image *im, size_t i, struct err *e);
// SOURCE_DATE_EPOCH of this output: false if there is none.
bool output_epoch(const struct output_request *q, const struct output_spec *o, int64_t *ret);
// ---- attestations.c
// What an output names: the manifest or index as output_manifest makes it, or an index of that and
// of what is said of it. said: the manifests that refer to its images, unless they are in the
// index.
struct attested {
	struct descriptor root;
	struct descriptor_list said;
};
#define auto_attested __attribute__((cleanup(attested_release)))
void attested_release(struct attested *a);
int output_attested(const struct output_request *q, const struct output_spec *o,
        const struct strv *names, struct attested *ret, struct err *e);
// Statements about the files of a view, each to be a file of its own.
struct statement_place {
	struct view *view;
	const char *folder;   // that the files are in; "": none
	const char *platform; // to be part of the name; NULL
	const char *of;       // that they are of
};
struct statement_sink {
	int (*put)(void *arg, const char *path, const struct buf *text, struct err *e);
	void *arg;
};
int output_statements(const struct output_request *q, const struct output_spec *o,
        const struct statement_place *at, const struct statement_sink *sink, struct err *e);

// ---- push.c
int output_push(const struct output_request *q, const struct output_spec *o,
        struct output_result *ret, struct err *e);
// The build's names and then the spec's own, each once.
void output_names(const struct output_request *q, const struct output_spec *o, struct strv *ret);

// ---- save.c: OCI and docker archives
// The same of the image itself: of an index, that for this machine.
int single_manifest(const struct output_request *q, struct output_request *ret, struct err *e);
int output_archive(const struct output_request *q, const struct output_spec *o,
        struct output_result *ret, struct err *e);
// One image, without a name if that is empty; *ret: the manifest inside.
int output_save_one(const struct output_request *q, const struct digest *manifest, const char *name,
        const char *dest, struct descriptor *ret, struct err *e);
// ---- engine.c
int output_engine(const struct output_request *q, const struct output_spec *o,
        struct output_result *ret, struct err *e);
// ---- local.c
int output_local(const struct output_request *q, const struct output_spec *o, struct err *e);
int output_tar(const struct output_request *q, const struct output_spec *o, struct err *e);
