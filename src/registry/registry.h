// SPDX-License-Identifier: Apache-2.0
// The client side of a registry (OCI distribution-spec 1.1): resolve and pull into the store, push
// out of it. Transfers run on libcurl, loaded at the first one. Everything that arrives is bounded
// and verified; credentials never leave the host they are for.
#pragma once

#include "image/manifest.h"
#include "image/reference.h"
#include "store/store.h"

struct err;
struct event_sink;

struct registry_options {
	const char *docker_config; // directory; NULL: $DOCKER_CONFIG or ~/.docker
	// NULL: $CONTAINERS_REGISTRIES_CONF, the user's file, the system's.
	const char *registries_conf;
	bool insecure; // plain http or unverified TLS allowed for the registry named (--insecure)
	int parallel;  // blobs at once, also with one host for all pushes and pulls; default 6
	struct event_sink *sink; // progress and notes; may be NULL
};

struct registry; // connections, tokens and configuration of one process; thread-safe
struct registry *registry_new(struct store *s, const struct registry_options *o, struct err *e);
void registry_free(struct registry *r); // NULL is fine
// Plain http or an unverified certificate will do for this one. Before the first transfer.
void registry_trust(struct registry *r, const char *domain);

struct resolved_image {
	struct descriptor root;     // what the tag points to: index or manifest
	struct descriptor manifest; // the platform's manifest
	struct digest config;
};
void resolved_image_release(struct resolved_image *r);
// Asks the registry (mirrors first) for the reference, fetches index, manifest and config of the
// platform into the store, declares its layers and their sources, records the resolution. No layer
// is fetched.
int registry_resolve(struct registry *r, const struct reference *ref, const struct platform *p,
        struct resolved_image *ret, struct err *e);
// The manifest or index that a reference names, as it is. It is in the store then.
int registry_fetch_manifest(
        struct registry *r, const struct reference *ref, struct buf *ret, struct err *e);
// Fetches a blob that the store does not have from one of its sources; a digest is fetched once,
// even by several threads. step: of events, or -1.
int registry_fetch_blob(struct registry *r, const struct descriptor *d, int step, struct err *e);
// Resolves, fetches all layer blobs side by side, records the image and, unless by digest, a name.
int registry_pull(struct registry *r, const struct reference *ref, const struct platform *p,
        int step, struct image_row *ret, struct err *e);

// manifest: a manifest or index in the store; what it names must be here or have a source, and goes
// as it is, of whatever media type.
// HEAD each blob, mount from another repository of the same registry where known, single PUT;
// children before parents; manifest last under the reference's tag. Blobs go in parallel.
int registry_push(struct registry *r, const struct reference *ref, const struct digest *manifest,
        int step, struct err *e);
// The same for what need not be in the store: blobs that are not are streamed from where the
// documents came from (their sources), in memory that is bounded; what the target has already is
// not looked at again.
struct push_counts {
	size_t there, mounted, sent; // blobs
	uint64_t bytes;              // sent
};
int registry_relay(struct registry *r, const struct reference *ref, const struct digest *manifest,
        int step, struct push_counts *ret, struct err *e);
// Whether a push would be let in, as far as the registry tells without anything being sent: name,
// credentials, permission. 0, -1, or 1: not known, e says why; it may pass (busy, in trouble).
int registry_check_push(struct registry *r, const struct reference *ref, struct err *e);
// One blob, to where the reference's manifest will name it.
int registry_push_blob(
        struct registry *r, const struct reference *ref, const struct descriptor *d, struct err *e);
// What says of itself (by its "subject") that it is about `subject`, in the repository of ref:
// attestations, signatures. artifact_type: only those, NULL: all. Each with artifact_type and
// annotations; none is an empty list. Asked of the registry itself, by its API or, if it has none,
// by the index under the fall-back tag. Caller releases.
//
// To add one: write a manifest with a subject (manifest_write) into the store and registry_push it
// by its digest, without a tag. Where the registry does not link it, the push keeps the index under
// the fall-back tag. registry_fetch_manifest by digest and registry_fetch_blob get what is listed.
int registry_referrers(struct registry *r, const struct reference *ref,
        const struct digest *subject, const char *artifact_type, struct descriptor_list *ret,
        struct err *e);
// Checks credentials against /v2/ (login). ERR_AUTH if refused.
int registry_check_login(struct registry *r, const char *host, const char *user,
        const char *password, struct err *e);
// GET of any http(s) URL, into a temporary file of the store.
struct http_get {
	const char *url;
	const char *authorization; // header value for that origin; NULL: what the URL says
	const char *etag;          // of what is here: if it is the same there, nothing is fetched
	int step;                  // of events
};
struct http_file {
	int fd; // owned; -1: it is what the ETag stands for
	uint64_t size;
	struct digest digest;
	int64_t last_modified; // seconds since the epoch, 0: not said
	char *etag;            // NULL if none
};
void http_file_release(struct http_file *f);
int registry_get_url(
        struct registry *r, const struct http_get *get, struct http_file *ret, struct err *e);
