// SPDX-License-Identifier: Apache-2.0
// The packages of a stored image: each layer is scanned once, and what was found is kept with it.
#pragma once

#include "packages/packages.h"

struct digest;
struct image_config;
struct session;

struct image_packages {
	struct package_set *sets; // one a layer
	size_t n;
	struct package_list list;
	size_t base_layers; // how many of the layers are the base image's, as far as can be told
	char *base;         // its name; NULL: not known
};
#define auto_image_packages __attribute__((cleanup(image_packages_release)))
void image_packages_release(struct image_packages *p);
// Layers that are not here are fetched; if that takes a step of the session's progress, its first,
// the title is its name. NULL: it takes none.
int image_packages_find(struct session *s, const struct image_config *c, const char *title,
        struct image_packages *ret, struct err *e);
// The same of one layer that was just made: nothing is told, and nothing is lost if it fails.
void image_packages_keep(struct session *s, const struct digest *diff_id);
// Their tars and indexes, or trees too. Layers that are not here, or not unpacked, may take a
// while: with a title that is the first step of the engine's progress.
struct engine;
struct rootfs;
int image_layers_prepare(
        struct engine *g, const struct rootfs *root, const char *title, bool trees, struct err *e);
