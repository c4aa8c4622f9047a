// SPDX-License-Identifier: Apache-2.0
// Images by name, for what runs on them: only manifest and configuration, never layers.
#pragma once

#include "rootfs/engine.h"

struct image_config;
struct platform;
struct reference;

enum image_lookup {
	IMAGE_LOOKUP_PULL = 1 << 0,    // ask the registry first
	IMAGE_LOOKUP_OFFLINE = 1 << 1, // never ask it
};
// From the store if the name is there or was resolved before, else from a registry. *ret_config is
// the caller's. 1, 0: not here (only with IMAGE_LOOKUP_OFFLINE), -1.
int stored_image_find(struct engine *g, const struct reference *ref, const struct platform *p,
        int lookup, struct digest *ret_manifest, struct image_config *ret_config, struct err *e);
// A stored image by the digest of its manifest; its layers become known.
int stored_image_load(struct engine *g, const struct digest *manifest,
        struct image_config *ret_config, struct err *e);
