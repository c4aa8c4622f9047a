// SPDX-License-Identifier: Apache-2.0
// What the store takes up on the disk, who holds it, and what is removed first: `hew du`,
// `hew prune`, and the collection at the end of a build.
//
// A record is what people think in: a layer in all its forms, a cache mount, the index of a
// context, a document of an image. Its parts are what lies on the disk. A part that a name or a
// living process needs is held; all others can be made or fetched again.
#pragma once

#include "store/store.h"

enum usage_kind {
	USAGE_BLOB, // as it came, or as it went
	USAGE_TAR,
	USAGE_INDEX,
	USAGE_TREE,
	USAGE_CACHE,
	USAGE_CONTEXT,
	USAGE_BUILDS,
	USAGE_DATABASE,
	USAGE_TRASH,
	USAGE_WORK, // of living processes
	USAGE_OTHER,
	USAGE_KINDS,
};
const char *usage_kind_name(enum usage_kind k); // as people read it

// As buildx calls them.
enum usage_type {
	USAGE_REGULAR,
	USAGE_INTERNAL,     // documents of images
	USAGE_SOURCE_LOCAL, // indexes of contexts
	USAGE_SOURCE_GIT,
	USAGE_CACHE_MOUNT,
	USAGE_TYPES,
};
const char *usage_type_name(enum usage_type t);

struct usage_part {
	enum usage_kind kind;
	size_t record;
	struct digest digest; // of the blob, or of the layer
	char *name;           // flavour of a tree; file in cache/ or contexts/
	uint64_t bytes;
	bool held;
};

struct usage_record {
	enum usage_type type;
	char *id;   // sha256:..., or the name in cache/ or contexts/
	char *what; // "[2/3] RUN make", "cache mount npm"
	uint64_t bytes, reclaimable;
	int64_t created, used; // seconds since 1970; 0: not known
	int64_t cost_ns;       // that it took to make; 0: not known
	bool leased;           // by a living process
	bool is_image;         // part of an image that has a name
	bool is_elsewhere;     // a registry has it
	bool can_be_had;       // from there, or from a blob that is here, without a step
	unsigned kinds;        // of its parts: 1 << enum usage_kind
	struct strv holders;   // "name app:latest", "base alpine:3.19 linux/amd64", "step ...",
	                       // "process 1"
	size_t n_images, last_image;
};

struct usage_image {
	char *name; // NULL: it has none
	struct digest manifest, image_id;
	uint64_t own, shared; // bytes that go with it, bytes that other images need too
};

struct usage {
	uint64_t kinds[USAGE_KINDS], total, reclaimable;
	struct usage_record *records;
	size_t n_records;
	struct usage_part *parts;
	size_t n_parts;
	struct usage_image *images;
	size_t n_images;
};
void usage_release(struct usage *u);
#define auto_usage __attribute__((cleanup(usage_release)))

// Measures a folder whose files belong to ids that only another process may read; sets *ret if it
// can.
struct usage_helper {
	void (*measure)(void *arg, int dirfd, const char *name, uint64_t *ret);
	void *arg;
};
// Everything, as du(1) would find it. helper may be NULL.
int store_usage(
        struct store *s, const struct usage_helper *helper, struct usage *ret, struct err *e);
