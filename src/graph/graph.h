// SPDX-License-Identifier: Apache-2.0
// Stages, arguments and base image configurations become steps: what has to be done, in terms that
// no longer mention variables or stage names, with dependencies, platform, display name, position.
// Pure: base images are asked for through a callback. Only what the target needs is in the graph.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "dockerfile/dockerfile.h"
#include "image/config.h"
#include "image/platform.h"
#include <stdbool.h>

// A base image as the resolver found it.
struct graph_image {
	char *name; // full reference
	struct digest manifest;
	struct image_config config;
	bool unknown; // its configuration could not be had: checks that would need it are silent
};
void graph_image_release(struct graph_image *i);

enum step_kind {
	STEP_IMAGE, // the root filesystem of an image: its layers
	STEP_RUN,
	STEP_COPY,    // COPY and ADD
	STEP_WORKDIR, // makes the directory
};

// What a RUN can reach. NET_DEFAULT is the host's network too, but nobody asked for it.
enum net_mode { NET_DEFAULT, NET_HOST, NET_NONE, NET_PASTA };
const char *net_mode_name(enum net_mode m);

// Where files come from: the build context, a named context, or the result of a step.
struct file_source {
	enum { FROM_CONTEXT, FROM_STEP, FROM_SCRATCH } kind;
	const char *context; // FROM_CONTEXT: name, NULL for the main context
	int step;            // FROM_STEP
};

struct run_mount {
	int type;           // MOUNT_* of dockerfile.h
	const char *target; // absolute, clean
	struct file_source from;
	const char *source; // path inside from
	const char *id, *env;
	bool read_only, required;
	int sharing;
	int64_t size, mode, uid, gid; // -1 unset
};

struct run_op {
	struct strv argv;
	struct strv env;       // all that the process sees, but proxies; in the arena, and shared
	struct strv proxy_env; // passed, but in no key
	const char *cwd, *user;
	const char *script_name, *script; // <<EOF with #!: mounted at /dev/pipes/NAME
	const char *shown;                // the command as errors quote it
	const char *hostname;             // NULL: BuildKit's
	enum net_mode network;
	bool insecure;
	struct run_mount *mounts;
	size_t n_mounts;
};

struct inline_file {
	const char *name, *data;
};

struct copy_op {
	bool add, link, parents;
	bool mount; // a mount's source: no wildcards, and a folder counts with its own attributes
	bool unpack, unpack_set, keep_git_dir, keep_git_dir_set;
	struct strv sources; // expanded, as written
	struct strv excludes;
	struct inline_file *inlines;
	size_t n_inlines;
	const char *dest;                     // absolute; a trailing '/' counts
	const char *chown, *chmod, *checksum; // NULL if not given
	struct file_source from;
};

struct workdir_op {
	const char *path, *user;
};

struct step {
	int id;
	enum step_kind kind;
	int parent; // step that made the root filesystem below; -1: scratch
	struct platform platform;
	const char *name;  // "[builder 2/5] RUN npm ci"
	const char *stage; // display name of the stage
	int stage_index;   // -1 for an image only copied from
	struct pos pos;
	bool no_cache;
	struct graph_image *image; // STEP_IMAGE
	struct run_op run; // of COPY, ADD and WORKDIR: env, cwd and user, as a RUN there would have
	struct copy_op copy;
	struct workdir_op workdir;
};

// What the target takes: build arguments, secrets, ssh sockets; each in the order of the file.
struct outline_entry {
	const char *name, *value, *doc; // value, doc: of an argument, "" if there is none
	bool required;                  // of a secret or socket
	struct pos pos;
};
struct graph_outline {
	const char *name, *doc; // of the target's stage, "" if none
	struct outline_entry *args, *secrets, *sockets;
	size_t n_args, n_secrets, n_sockets;
};

// What becomes an image: of each platform that was asked for one.
struct graph_result {
	struct platform platform; // as asked for
	int step;                 // whose root filesystem is the image's; -1: scratch
	// Base history and own, without the diff_ids of own layers.
	struct image_config config;
	// Parallel to config.history: the step that makes the entry's layer, or -1.
	int *history_steps;
	size_t n_base_history;
	const char *stage; // display name
};

struct graph {
	struct arena arena;
	// In an order in which every step comes after what it needs; what is the same for several
	// platforms is there once.
	struct step **steps;
	size_t n_steps, cap_steps;
	struct graph_result *results; // in the order asked for, at least one
	size_t n_results;
	bool has_epoch;               // SOURCE_DATE_EPOCH: no time of an image is later
	int64_t epoch;                // seconds
	struct graph_outline outline; // for the first platform
};

// A named context: an image, as resolve() takes it, or files.
struct graph_context {
	const char *image; // NULL: files
	const char *name;  // of files
	bool is_folder;    // they are this machine's
};

// What a resolver must do: the config of an image for a platform, from store or registry.
struct graph_resolver {
	int (*resolve)(struct graph_resolver *self, const char *ref, const struct platform *p,
	        struct graph_image *ret, struct err *e);
	// What a named context puts in the place of that name: 1; 0: there is none; -1. The strings
	// are the resolver's.
	int (*named_context)(struct graph_resolver *self, const char *name,
	        const struct platform *p, struct graph_context *ret, struct err *e);
	// Whether the ignore file of the main context certainly hides this source of COPY or ADD.
	// NULL: no.
	bool (*ignores)(struct graph_resolver *self, const char *source);
	// When something from outside was made: a URL or repository, else (url NULL) the context of
	// that name, the main one without. 1; 0: it does not say; -1. NULL: nothing does.
	int (*source_time)(struct graph_resolver *self, const char *context, const char *url,
	        int64_t *ret, struct err *e);
};

struct graph_options {
	const char *target;               // NULL: last stage
	bool all_stages;                  // also those that the target does not need: to check them
	const struct strv *build_args;    // "K=V"
	const struct strv *labels;        // "K=V", added to the result's config
	const struct platform *platforms; // to build for, each once; with several, names of steps
	size_t n_platforms;               // tell theirs
	struct platform build_platform;
	bool platform_given; // --platform: the image says so whatever it is made from
	enum net_mode network;
	bool allow_network_host, allow_insecure; // what a RUN may ask for beyond that
	bool no_cache;
	const struct strv *no_cache_stages;
	struct graph_resolver *resolver;
};

// Says the name of a variable that its value is a secret? (as the check SecretsUsedInArgOrEnv)
bool name_is_secret(const char *name);

// What BuildKit's checks find on the way is added to the file's warnings. Errors carry the position
// of the instruction. NULL on failure.
struct graph *graph_build(struct dockerfile *df, const struct graph_options *o, struct err *e);
void graph_free(struct graph *g); // NULL is fine
void graph_free_ptr(struct graph **g);
#define auto_graph __attribute__((cleanup(graph_free_ptr)))
