// SPDX-License-Identifier: Apache-2.0
// What an image shares with others: the base image it was built on, and layers that other images of
// the store have too.
#pragma once

#include "image/digest.h"
#include <stddef.h>

struct image_config;
struct store;

struct image_kin {
	char *base;         // name of the base image; NULL: not known
	size_t base_layers; // how many of the layers are its, as far as can be told
	size_t *shared;     // by layer: how many other images of the store have it
};
#define auto_kin __attribute__((cleanup(image_kin_release)))
void image_kin_release(struct image_kin *k);
// self: of the image's manifest, which is no other image; may be NULL.
void image_kin_find(struct store *s, const struct image_config *c, const struct digest *self,
        struct image_kin *ret);

// Layers of the base image, by the history alone: that ends with its CMD, and what follows was
// built on it.
size_t image_guess_base(const struct image_config *c);
// The instruction that made a layer; NULL: the history does not say.
const char *image_instruction(const struct image_config *c, size_t layer);
// As people wrote it, as far as can be told, at most width bytes of it (width > 3): the shell in
// front and BuildKit's mark behind say nothing. Caller frees; "" for NULL.
char *instruction_short(const char *created_by, size_t width);
