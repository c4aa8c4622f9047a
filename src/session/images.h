// SPDX-License-Identifier: Apache-2.0
// Images of the store as people name them.
#pragma once

#include "store/store.h"

struct err;
struct platform;
struct session;

// Full reference of what a person typed. Caller frees; NULL on failure (ERR_USAGE).
char *full_name(const char *text, struct err *e);
// As people write it: docker.io/library/node:20 -> node:20. Caller frees.
char *short_name(const char *full);
// Finds by name (short or full), id or digest, with a helpful message.
int find_image(struct store *s, const char *text, struct image_row *ret, struct err *e);
// Makes the row that of its image for a platform. 1: the index has one, but the store does not.
int narrow_image(
        struct store *s, const struct platform *want, struct image_row *row, struct err *e);
// The same of an image found, unless platform is NULL.
int find_image_for(struct store *s, const char *text, const char *platform, struct image_row *ret,
        struct err *e);
// Fetches an image and records it, as step `step` of the session's progress.
int pull_image(struct session *s, int step, const char *text, const struct platform *p,
        struct image_row *ret, struct err *e);
// Config (and manifest, unless NULL) of a stored image; of an index, of its image for this machine.
struct image_config;
int load_config(struct store *s, const struct image_row *row, struct image_config *ret,
        struct manifest *ret_manifest, struct err *e);
