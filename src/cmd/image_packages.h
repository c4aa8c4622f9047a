// SPDX-License-Identifier: Apache-2.0
// The packages of a stored image: each layer is scanned once, and what was found is kept with it.
#pragma once

#include "packages/packages.h"

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
// Layers that are not here are fetched.
int image_packages_find(
        struct session *s, const struct image_config *c, struct image_packages *ret, struct err *e);

// The instruction that made a layer; NULL: the history does not say.
const char *image_instruction(const struct image_config *c, size_t layer);
