// SPDX-License-Identifier: Apache-2.0
// An image as hew size knows it: by its documents and what the store says of its layers; weighed,
// when the files have to be looked at.
#pragma once

#include "image/config.h"
#include "image/manifest.h"
#include "size/owners.h"
#include "size/waste.h"
#include "subject/image_packages.h"
#include "subject/kin.h"
#include "subject/target.h"

struct size_layer {
	struct digest diff_id, blob; // blob: as the manifest has it
	uint64_t bytes;              // unpacked; WEIGH_UNKNOWN
	uint64_t packed;             // to fetch; WEIGH_UNKNOWN
	bool estimated;              // packed is
	size_t shared;               // how many other images of the store have it
	const char *instruction;     // of the config; NULL: not known
};

// Stays where it is: what is weighed borrows from it.
struct size_image {
	char *name; // as it was asked for
	struct digest digest;
	struct manifest manifest;
	struct image_config config;
	struct image_kin kin;
	struct size_layer *layers; // bottom first
	size_t n;
	uint64_t bytes, packed; // WEIGH_UNKNOWN if a layer's is
	bool estimated;
	size_t base_layers;
	const char *base; // NULL: not known
	// once it is weighed
	bool is_weighed, has_owners, has_waste;
	struct weight weight;
	struct view *view;
	struct image_packages packages;
	struct owners owners;
	struct waste_list waste;
};
void size_image_release(struct size_image *m);
// No layer is fetched or unpacked.
int size_image_open(struct session *s, struct engine *g, const struct subject_ask *ask,
        struct size_image *ret, struct err *e);
// A stored image.
int size_image_of(struct session *s, struct engine *g, const char *name,
        const struct digest *manifest, struct size_image *ret, struct err *e);
// Finds out what layers of ours take when they are pushed, as far as it is not known.
void size_image_pack(struct session *s, struct size_image *m);
// Are all layers here, or only to be unpacked?
bool size_image_is_here(struct session *s, const struct size_image *m);
// Layers that are not here are fetched.
int size_image_weigh(struct session *s, struct engine *g, struct size_image *m, struct err *e);
int size_image_own(struct session *s, struct engine *g, struct size_image *m, struct err *e);
int size_image_waste(struct session *s, struct engine *g, struct size_image *m, struct err *e);

// ---- size_base.c: fills kin.base from the record of a build, if it is not known.
void size_base_find(struct store *s, struct size_image *m);
// ---- size_packed.c: what a layer of ours takes when it is pushed. Found out once, and noted.
void size_packed_measure(struct store *s, struct size_layer *l);
