// SPDX-License-Identifier: Apache-2.0
// An image from one place to others, byte for byte. Between registries blobs are streamed; what is
// for a file or comes from one lies in the store meanwhile, and stays until that needs the room.
#pragma once

#include "output/output.h"
#include "output/place.h"
#include "registry/registry.h"

struct copy_image {
	struct descriptor root; // its documents are in the store
	bool made_here;         // what it came from has no manifest: this is what hew makes of it
};
void copy_image_release(struct copy_image *im);
// q: store, registry client, events (a step for each call); its manifest and names do not matter.
// platform: of an index, that image alone; NULL: all of it.
int copy_open(const struct output_request *q, const struct place *from,
        const struct platform *platform, struct copy_image *ret, struct err *e);

struct copy_done {
	struct descriptor root;    // what stands there now
	bool is_other;             // than what was copied: the form of the place demands it
	struct push_counts counts; // of a registry
	size_t referrers;          // documents about the image that went with it
};
void copy_done_release(struct copy_done *d);
int copy_to(const struct output_request *q, const struct copy_image *im, const struct place *to,
        const struct platform *platform, struct copy_done *ret, struct err *e);

// After copy_to, between registries: what refers to the image or its images (attestations,
// signatures, and what refers to those), adding to *done.
int copy_referrers(const struct output_request *q, const struct place *from,
        const struct copy_image *im, const struct place *to, struct copy_done *done, struct err *e);

// What a document names lies where the document lies: this says so of one more digest; and this
// sees that it is in the store, too (parent: NULL: where d lies is known).
int copy_inherit(const struct output_request *q, const struct digest *parent,
        const struct digest *child, struct err *e);
int copy_need(const struct output_request *q, const struct digest *parent,
        const struct descriptor *d, struct err *e);
// From an index down to the manifest of the platform; *root is changed. What is missing is fetched.
int copy_choose(const struct output_request *q, const struct platform *platform,
        struct descriptor *root, struct err *e);
// The config that a manifest names, as it is.
int copy_config(const struct output_request *q, const struct digest *manifest,
        const struct descriptor *config, struct buf *ret, struct err *e);

// One image of an OCI layout or archive, with everything below it, or that of a platform; and one
// of a docker archive, made into a manifest. Entered into the store without a name.
int output_load_whole(struct store *s, const struct place *from, const struct platform *platform,
        struct descriptor *ret, struct err *e);
