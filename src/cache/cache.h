// SPDX-License-Identifier: Apache-2.0
// Step records that travel: a build's records and layers as an OCI image manifest in a registry or
// a folder, or inside the image that was built, and back as records of another store, whose layers
// are fetched when a step needs them.
#pragma once

#include "output/output.h"
#include "store/store.h"

struct err;
struct event_sink;
struct registry;

enum cache_type { CACHE_REGISTRY, CACHE_LOCAL, CACHE_INLINE, CACHE_GHA };

struct cache_spec {
	enum cache_type type;
	char *ref;  // CACHE_REGISTRY: full reference
	char *path; // CACHE_LOCAL
	char *tag;  // CACHE_LOCAL: of the manifest in the folder
	bool has_digest;
	struct digest digest; // CACHE_LOCAL, in: of the manifest, instead of a tag
	bool max;             // mode=max: the steps of all stages, not the result's alone
	bool strict;          // ignore-error=false was asked for
	bool insecure;        // CACHE_REGISTRY: plain http or an unverified certificate will do
	bool reset;           // CACHE_LOCAL, out: the folder has nothing else afterwards
	bool archive;         // CACHE_LOCAL, out: path is to be a tar file
	// Which cache mounts travel. Default: out none, in all that are there.
	enum { MOUNTS_DEFAULT, MOUNTS_NONE, MOUNTS_ALL, MOUNTS_LISTED } mounts;
	struct strv mount_ids;  // MOUNTS_LISTED
	bool only_mounts;       // in: nothing but them
	struct output_spec out; // how layers are compressed, and of which family the types are
	struct cache_service {
		char *name; // for people
		char *url, *token;
		bool v2;
		char *scope; // NULL: the request's
		int64_t timeout_ns;
	} gha; // CACHE_GHA
};
void cache_spec_release(struct cache_spec *s);
// --cache-to and --cache-from: "type=registry,ref=R[,mode=max]", "type=local,dest=DIR" (src=DIR),
// "type=gha", "type=inline", or a bare reference. A type that hew does not have is ERR_UNSUPPORTED,
// and so is type=gha without the credentials that a job of GitHub Actions has; one that nobody has,
// an unknown key or a bad value is ERR_USAGE.
int cache_spec_parse(const char *text, bool is_export, struct cache_spec *ret, struct err *e);

// What people call it. Borrowed.
const char *cache_spec_name(const struct cache_spec *s);

// A file that is to be written with nothing else said: an archive.
struct cache_spec cache_spec_archive(const char *path);

struct cache_request {
	struct store *store;
	struct event_sink *sink;
	int step;                         // id for events of an export
	const struct platform *platforms; // in: of images with inline caches
	size_t n_platforms;
	struct registry *(*registry)(void *arg, struct err *e); // NULL on failure; the caller's
	void *registry_arg;
	const char *scope;   // CACHE_GHA: if the spec has none; NULL: one for all
	struct strv *mounts; // in: gets the ids of the cache mounts that came; may be NULL
};
// What travels of a cache mount: its layer, as a record of its own.
void cache_add_mount(struct step_list *l, const char *id, const struct step_record *r);
// Enters the records of a cache; of its layers only what they are. *ret_n: records.
int cache_import(
        const struct cache_request *q, const struct cache_spec *spec, size_t *ret_n, struct err *e);
// Sends what is not there yet.
int cache_export(const struct cache_request *q, const struct cache_spec *spec,
        const struct step_list *steps, struct err *e);
// Sends layers while the build still runs; the export then finds them there. NULL: no cache goes to
// a registry or service. specs: borrowed.
struct cache_sender;
struct cache_sender *cache_sender_start(
        const struct cache_request *q, const struct cache_spec *specs, size_t n);
// From any thread; returns at once.
void cache_sender_add(void *sender, const struct digest *layer, bool in_result);
void cache_sender_pause(
        struct cache_sender *s); // begins nothing more; NULL is fine, here and below
// Waits for what is under way, unless it is young; stop: gives it up.
void cache_sender_end(struct cache_sender *s, bool stop);
// The records of the steps that made these layers, for the image's config. NULL if there are none.
// Caller frees.
char *cache_inline(struct store *s, const struct step_list *steps, const struct digest *layers,
        size_t n_layers);
