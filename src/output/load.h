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
};

// Enters the file as layer and, if it is compressed, as a blob of it. d: what it is said to be
// (digest, media type); of docker archives nothing is said, and d is filled in.
int load_layer(struct load *l, const char *path, const struct digest *diff_id, struct descriptor *d,
        struct err *e);
// Parses and enters a config; its digest and size go into d.
int load_config_text(struct load *l, const struct buf *text, struct descriptor *d,
        struct image_config *ret, struct err *e);
// Enters the manifest as an image with these names (full references).
int load_image(struct load *l, const struct buf *manifest, const struct manifest *m,
        const struct image_config *c, const struct strv *names, struct err *e);
int load_oci(struct load *l, const struct buf *index, struct err *e);
int load_docker(struct load *l, const struct buf *list, struct err *e);
