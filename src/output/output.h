// SPDX-License-Identifier: Apache-2.0
// A stored image made into what others take: OCI layout or tar, docker tar, plain files, a push.
#pragma once

#include "base/buf.h"
#include "image/annotation.h"
#include "image/digest.h"
#include "image/manifest.h"
#include "image/platform.h"
#include "layer/compress.h"
#include <stdbool.h>

struct attestation_list;
struct err;
struct event_sink;
struct registry;
struct store;
struct view;

enum output_type {
	OUTPUT_IMAGE,
	OUTPUT_REGISTRY,
	OUTPUT_OCI,
	OUTPUT_DOCKER,
	OUTPUT_LOCAL,
	OUTPUT_TAR,
	OUTPUT_CACHE_ONLY
};

enum output_squash { SQUASH_NOTHING, SQUASH_FROM_BASE, SQUASH_ALL };

struct output_spec {
	enum output_type type;
	char *dest;        // path; "-" is stdout; NULL where none is needed
	struct strv names; // full references
	bool push;
	bool tar; // oci, docker: a tar (default) or a directory
	bool uncompressed, has_recipe;
	struct recipe recipe;
	bool estargz;      // of the recipe's level
	bool docker_types; // oci-mediatypes=false
	bool force;        // force-compression: layers from elsewhere too
	bool push_by_digest;
	char *attestation_prefix; // of the names of files, local and tar; NULL: none
	bool has_split, split;    // platform-split; not given: if there are several platforms
	bool insecure;       // plain http or an unverified certificate will do for this registry
	bool prefer_nondist; // layers that may not be distributed keep the type that says so
	bool load;           // docker without dest: into an engine that runs
	char *context;       // docker context it runs in; NULL: the one that counts here
	bool canonical;      // also under the name "...@digest"
	char *dangling;      // what goes before "@digest" then; NULL: no such name
	bool dangling_empty_only; // only of an image that has no name
	bool delete;              // local: what was in the folder goes
	enum output_squash squash;
	bool rewrite_times;          // no file of the layers is younger than the epoch
	bool epoch_given, has_epoch; // of this output alone
	int64_t epoch;
	struct annotation_list annotations;
};
void output_spec_release(struct output_spec *o);
// "type=oci,dest=x.tar", "type=registry,name=..", a bare path (local), "-" (tar on stdout). CSV
// with quotes as buildx reads it; unknown keys and types are ERR_USAGE with a suggestion.
int output_spec_parse(const char *text, struct output_spec *ret, struct err *e);
// "all", "from-base", "none".
int output_take_squash(const char *value, enum output_squash *ret, struct err *e);
// The values that Go's ParseBool takes.
int output_take_bool(const char *key, const char *value, bool *ret, struct err *e);

// So many layers of an image, and entries of its history, are those of the image below it.
struct output_base {
	struct digest manifest; // of the image
	size_t layers, history;
};

struct output_request {
	struct store *store;
	struct digest manifest;          // of the stored image, or of an index over several
	const struct output_base *bases; // of what these are made from; NULL: nobody knows
	size_t n_bases;
	const struct strv *names; // of the build (-t); a spec's own names add to them
	struct event_sink *sink;
	int step; // first id for events of the output: a push takes one a name
	struct registry *(*registry)(void *arg, struct err *e); // NULL on failure; the caller's
	void *registry_arg;
	bool has_epoch; // SOURCE_DATE_EPOCH
	int64_t epoch;  // seconds
	// What is said of the image: as referrers of it, or in an index with it; NULL: nothing.
	const struct attestation_list *attestations;
	bool attestations_as_index;
};
struct output_result {
	// What was written or pushed: media type, digest, size; zero if nothing.
	struct descriptor pushed;
	// Of the config, if this output changed it or put it into the store; else zero.
	struct digest image_id;
	struct strv names; // that it was given
};
void output_result_release(struct output_result *r);
// Makes one output of a stored image; layers that are only known are fetched.
int output_run(const struct output_request *q, const struct output_spec *o,
        struct output_result *ret, struct err *e);

// The manifest of an image with every layer compressed by the recipe (layers that came from a
// registry keep their blobs), or with uncompressed as tars, entered into the store.
int output_manifest(const struct output_request *q, const struct output_spec *o,
        struct descriptor *ret, struct err *e);

// One layer by itself: the blob it came as, or compressed by the recipe. It is here or has a
// source.
int output_layer(const struct output_request *q, const struct output_spec *o,
        const struct digest *diff_id, struct descriptor *ret, struct err *e);

// `hew save`: images into one docker archive, with an OCI index inside. dest "-": stdout.
int output_save(const struct output_request *q, const struct digest *manifests, char *const *names,
        size_t n, const char *dest, struct err *e);
// `hew load`: a docker archive or OCI archive or layout directory (path; "-": stdin) into the
// store. Appends "name" or "sha256:..." of each image loaded, also if a later one fails.
int output_load(struct store *s, const char *path, struct strv *ret_loaded, struct err *e);

// `hew import`: a tar of files (path; "-": stdin; any compression) as the only layer of a new image
// with that config, which has no layers yet. name: full reference, or NULL.
struct image_config;
int output_import(struct store *s, const char *path, struct image_config *c, const char *name,
        struct digest *ret_id, struct err *e);

// One image of an OCI layout that is a folder, for a build that starts from it: entered without a
// name, and not as an image of the store. ERR_NOT_FOUND with what there is instead.
struct output_layout {
	const char *folder;
	const char *tag;             // NULL: latest, or the only image
	const struct digest *digest; // of a manifest or index; NULL: by tag
	const struct platform *platform;
};
int output_load_layout(
        struct store *s, const struct output_layout *o, struct digest *ret, struct err *e);
