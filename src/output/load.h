// SPDX-License-Identifier: Apache-2.0
// What the readers of archives share: entering layers and images into the store.
#pragma once

#include "base/json.h"
#include "output/output-int.h"
#include "output/source.h"

struct load {
	struct store *store;
	struct source *source;
	struct strv *loaded;
	struct platform platform; // of an index's images
	bool exact;               // no other will do
	struct digest *manifest;  // if set: takes it, and no image is recorded
};

// Enters files as the layers of an image, several at once, and those that are compressed as blobs
// of them. d[i]: what paths->v[i] is said to be (digest, size, media type); of docker archives
// nothing is said, and d[i] is filled in. d and diff_ids have as many members as there are paths.
int load_layers(struct load *l, const struct strv *paths, const struct digest *diff_ids,
        struct descriptor *d, struct err *e);
// Parses and enters a config; its digest and size go into d.
int load_config_text(struct load *l, const struct buf *text, struct descriptor *d,
        struct image_config *ret, struct err *e);
// Enters the manifest as an image with these names (full references).
int load_image(struct load *l, const struct buf *manifest, const struct manifest *m,
        const struct image_config *c, const struct strv *names, struct err *e);
// Records an image whose documents are in the store under these names.
int load_row(struct load *l, struct image_row *row, const struct strv *names, struct err *e);
int load_oci(struct load *l, const struct buf *index, struct err *e);
// The one that is asked for.
int load_oci_one(
        struct load *l, const struct buf *index, const struct output_layout *o, struct err *e);
// What an entry of that name leads to (NULL: latest, or the only one), as it is; all below it, or
// the image of a platform.
int load_oci_whole(struct load *l, const struct buf *index, const char *name,
        const struct platform *platform, struct digest *ret, struct err *e);
int load_docker(struct load *l, const struct buf *list, struct err *e);
// The one of that name (a full reference; NULL: the only one).
int load_docker_one(struct load *l, const struct buf *list, const char *name, struct err *e);
// A file of the source as a blob of the store.
int load_blob(struct load *l, const char *path, const struct descriptor *d, struct err *e);
