// SPDX-License-Identifier: Apache-2.0
// A build from request to stored image: plan, look up, run what is missing, commit. Outputs are the
// caller's next call (src/output).
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "graph/graph.h"
#include "image/annotation.h"
#include "image/digest.h"
#include "image/platform.h"
#include "rootfs/engine.h"
#include "sandbox/cgroup.h"
#include "sandbox/step.h"
#include "store/store.h"
#include <stdbool.h>
#include <stdint.h>

struct event_sink;
struct lock;
struct provenance_options;

struct build_secret {
	char *id;
	char *data; // the value; may hold NUL bytes
	size_t len;
};

struct build_ulimit {
	char *name;
	int64_t soft, hard; // -1: unlimited
};

// --ssh: an agent's socket, or key files.
struct build_ssh {
	char *id;
	struct strv paths;
};

// An image in an OCI layout that is a folder.
struct image_layout {
	const char *folder;
	const char *tag; // NULL: latest, or the only one; a digest goes before it
	bool has_digest;
	struct digest digest;
	struct platform platform;
};

struct build_request {
	const char *context; // a folder, or a URL of a repository, an archive or a Dockerfile
	bool context_stdin;  // instead: an archive or a Dockerfile, to be read from there
	// In a folder's case a path, else relative to the context unless absolute; or a URL. NULL:
	// Dockerfile (or "dockerfile") in the context.
	const char *dockerfile;
	const char *dockerfile_text; // -f -: the text itself; NULL otherwise
	size_t dockerfile_len;
	const char *target;
	struct strv build_args; // "K=V"
	struct strv labels;
	struct annotation_list annotations; // of manifests and the index, and of entries in that
	struct strv tags;                   // full references
	struct strv build_contexts;         // "name=value"
	struct strv no_cache_stages;
	struct platform *platforms; // to build for, at least one, each once
	size_t n_platforms;
	bool platform_given; // --platform, not this machine's
	bool no_cache, pull;
	// A RUN that fails: a shell in what it left, if there is a terminal. The command, empty:
	// one that is there. Before it, step_aside makes way on the terminal.
	bool shell_on_error;
	struct strv shell;
	void (*step_aside)(void *arg);
	void *step_aside_arg;
	bool unnamed; // the images get no names yet: the caller gives them
	bool explain; // say of each step why it is not cached, when that is known
	bool dry_run; // look up what can be, run nothing, commit nothing
	// build_plan: also what the target does not need; without asking a registry (an image that
	// is not here is unknown); with what the store knows of steps
	bool all_stages, offline, costs;
	// Names stand for what hew.lock beside the Dockerfile says, and have to be in it.
	bool locked;
	// build_plan: names stand for what servers say now, which is entered here; also what ADD
	// names. NULL: nobody wants to know.
	struct lock *found;
	enum net_mode network;
	bool allow_network_host, allow_insecure; // entitlements
	// Of every RUN: lines of /etc/hosts ("IP\tNAME"), limits, size of /dev/shm (0: default).
	struct strv hosts;
	struct build_ulimit *ulimits;
	size_t n_ulimits;
	uint64_t shm_size;
	struct cgroup_spec cgroup; // limits of every RUN; its texts are the caller's
	int jobs;                  // steps at once; 0: one a processor, at least 4
	struct build_secret *secrets;
	size_t n_secrets;
	struct build_ssh *ssh;
	size_t n_ssh;
	// Enters such an image into the store; nothing but its manifest's digest comes of it.
	int (*load_layout)(
	        struct store *s, const struct image_layout *l, struct digest *ret, struct err *e);
	// What the image's config is to say of how its layers were made; NULL: nothing. The caller
	// frees what it gives.
	char *(*inline_cache)(struct store *s, const struct step_list *steps,
	        const struct digest *layers, size_t n_layers);
	// Told of every layer that a step has made, from any thread; must not block. May be NULL.
	void (*layer_made)(void *arg, const struct digest *layer, bool in_result);
	void *layer_made_arg;
	// Asked once it is known that something has to run, before anything does; -1 ends the
	// build. May be NULL.
	int (*before_run)(void *arg, struct err *e);
	void *before_run_arg;
	// Predicates to be made of how it went; borrowed.
	const struct provenance_options *provenance;
	size_t n_provenance;
	struct event_sink *sink; // may be NULL
	// Opens the registry client when the build first needs the network; it stays the caller's.
	registry_opener registry;
	void *registry_arg;
};
void build_request_release(struct build_request *r);
// The last one given with that id, as BuildKit has it; NULL: there is none.
const struct build_secret *build_secret_find(const struct build_request *r, const char *id);
// Unless it is among them.
void build_request_add_platform(struct build_request *r, const struct platform *p);
// --network in the words of the sandbox.
enum step_network step_network_of(enum net_mode mode);

// An image that steps began with, or took files from.
struct build_base {
	char *name; // full reference, or as a named context says it
	struct digest manifest;
	struct platform platform;
};

struct build_image {
	struct platform platform; // as asked for
	struct digest image_id;   // of the config
	struct digest manifest;   // as stored locally
	uint64_t size;            // uncompressed bytes of all layers
	size_t n_layers;
	size_t n_base_layers, n_base_history; // of the image it is made from
};

struct build_result {
	// In the order in which the platforms were asked for; none of a dry run or a failed build.
	struct build_image *images;
	size_t n_images;
	// What the names point to in the store: the only image's manifest, or an index over all.
	struct digest root;
	size_t n_steps, n_cached;
	int64_t duration_ns;
	bool has_epoch; // SOURCE_DATE_EPOCH
	int64_t epoch;  // seconds
	int n_ids;      // of events: the first free one
	char *result_stage;
	// What a cache can take of it: all steps with their layers, and what their keys were made
	// of.
	struct step_list steps;
	struct strv mounts;      // ids of cache mounts: of all steps of the graph
	struct strv used_mounts; // of those that ran
	char *record;            // JSON for `hew why` and `hew builds`; also of a failed build
	struct dockerfile *file; // with its warnings; NULL: it could not be read
	struct buf text;         // the Dockerfile
	struct build_base *bases;
	size_t n_bases;
	struct buf *provenance; // JSON: one of each that was asked for
	size_t n_provenance;
};
void build_result_release(struct build_result *r);
// What people call the image: the only config's digest, or that of the index.
const struct digest *build_result_id(const struct build_result *r);

// The whole of a build: *ret is the caller's to release. A failing RUN is ERR_STEP with the
// position of its instruction; what ran before it stays recorded.
int build_run(
        struct store *s, const struct build_request *r, struct build_result *ret, struct err *e);

// What a build would do, and what BuildKit's checks say of it: parsed and converted, base images
// asked for, nothing run. On failure *ret holds what there is; release it in any case.
struct graph;
struct step_cost {
	int line; // of the instruction
	struct digest layer;
	uint64_t bytes;      // of its files
	int64_t duration_ns; // when it was run
};
struct build_plan {
	struct dockerfile *file; // NULL: it could not be read
	struct graph *graph;     // NULL on failure
	bool parsed;             // the file is whole
	struct buf text;         // the Dockerfile
	struct step_cost *costs; // of the steps that the store has a record of
	size_t n_costs;
};
// s: NULL if there is none (only with r->offline; then no image is known).
int build_plan(
        struct store *s, const struct build_request *r, struct build_plan *ret, struct err *e);
// Only the Dockerfile: no graph, no network.
int build_plan_parse(
        struct store *s, const struct build_request *r, struct build_plan *ret, struct err *e);
void build_plan_release(struct build_plan *p);
