// SPDX-License-Identifier: Apache-2.0
// Step records that travel: a build's records and layers as an OCI image manifest in a registry or
// a folder, and back as records of another store, whose layers are fetched when a step needs them.
#pragma once

#include "base/buf.h"
#include "layer/compress.h"
#include "store/store.h"

struct err;
struct event_sink;
struct registry;

enum cache_type { CACHE_REGISTRY, CACHE_LOCAL };

struct cache_spec {
	enum cache_type type;
	char *ref;  // CACHE_REGISTRY: full reference
	char *path; // CACHE_LOCAL
	char *tag;  // CACHE_LOCAL: of the manifest in the folder
	bool max;   // mode=max: the steps of all stages, not the result's alone
	bool has_recipe;
	struct recipe recipe;
};
void cache_spec_release(struct cache_spec *s);
// --cache-to and --cache-from: "type=registry,ref=R[,mode=max]", "type=local,dest=DIR" (src=DIR),
// or a bare reference. A type or key that is not known is ERR_UNSUPPORTED or ERR_USAGE.
int cache_spec_parse(const char *text, bool is_export, struct cache_spec *ret, struct err *e);

struct cache_request {
	struct store *store;
	struct event_sink *sink;
	int step;                                               // id for events of an export
	struct registry *(*registry)(void *arg, struct err *e); // NULL on failure; the caller's
	void *registry_arg;
};
// Enters the records of a cache; of its layers only what they are. *ret_n: records.
int cache_import(
        const struct cache_request *q, const struct cache_spec *spec, size_t *ret_n, struct err *e);
// Sends what is not there yet.
int cache_export(const struct cache_request *q, const struct cache_spec *spec,
        const struct step_list *steps, struct err *e);
