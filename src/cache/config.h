// SPDX-License-Identifier: Apache-2.0
// The document that a cache's manifest calls its config: BuildKit's container format
// (application/vnd.buildkit.cacheconfig.v0: layers by blob, records by digest), with what hew knows
// besides under a member of its own. And BuildKit's inline cache: in an image's own config, the
// records alone, whose layers are the image's; each has a member of hew's. BuildKit reads both and
// finds none of its keys.
#pragma once

#include "image/digest.h"
#include "image/manifest.h"
#include "store/store.h"

#define CACHE_CONFIG_MAX (8u << 20)
#define CACHE_RECORDS_MAX 65536

struct image_config;

struct cache_layer {
	struct digest diff_id;
	struct hash content_id; // as keys count it; zero: not said, the layer is no step's
	struct descriptor blob;
	bool wanted; // in: by a record that is entered
};
struct cache_config {
	struct cache_layer *layers;
	size_t n_layers;
	struct step_list steps; // a step's layer is one of the layers
};
void cache_config_release(struct cache_config *c);
#define auto_cache_config __attribute__((cleanup(cache_config_release)))
struct cache_layer *cache_config_find(const struct cache_config *c, const struct digest *diff_id);
struct cache_layer *cache_config_add(struct cache_config *c, const struct digest *diff_id);
// The id of the cache mount that a record is of, or NULL: it is a step's.
const char *cache_mount_of(const struct step_row *row);
void cache_config_write(const struct cache_config *c, struct buf *out);
// m: the manifest, whose layers are the blobs. Hostile input: bounded, checked. A document without
// hew's member gives no records.
int cache_config_parse(
        const char *p, size_t n, const struct manifest *m, struct cache_config *ret, struct err *e);
// The same where no manifest names the blobs: each layer tells of its own, as BuildKit has it
// there.
void cache_config_write_alone(const struct cache_config *c, struct buf *out);
int cache_config_parse_alone(const char *p, size_t n, struct cache_config *ret, struct err *e);
// The layers are the image's: so many blobs as layers in the config, which is made sure of here.
void cache_inline_write(const struct cache_config *c, struct buf *out);
int cache_inline_parse(const struct image_config *image, const struct manifest *m,
        struct cache_config *ret, struct err *e);
