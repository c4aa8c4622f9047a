// SPDX-License-Identifier: Apache-2.0
// What the files of this room share.
#pragma once

#include "cache/cache.h"
#include "cache/config.h"

struct actions;

// A folder's index has nothing but this cache, and it has nothing but this cache's blobs.
int cache_folder_reset(const char *path, const struct digest *manifest, struct err *e);

// Values of type=gha, and of the environment where they say nothing. ERR_UNSUPPORTED: there are no
// credentials.
int cache_service_settle(struct cache_service *s, const struct strv *values, struct err *e);
void cache_service_release(struct cache_service *s);

// ---- CACHE_GHA (gha.c)
// NULL on failure; the registry client's.
struct actions *cache_gha_open(
        const struct cache_request *q, const struct cache_spec *spec, struct err *e);
// Name of the index of that ref's caches. Caller frees.
char *cache_gha_index(
        const struct cache_request *q, const struct cache_spec *spec, const char *ref);
// One layer, while the build runs: where that would take patience, it is left for the export.
int cache_gha_send(struct actions *a, struct store *s, const struct descriptor *d, struct err *e);
// What is not there yet, and an index of what is there then.
int cache_gha_export(const struct cache_request *q, const struct cache_spec *spec,
        const struct cache_config *c, struct err *e);
