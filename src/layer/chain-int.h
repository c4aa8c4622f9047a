// SPDX-License-Identifier: Apache-2.0
// What the point queries (chain.c) and the merge (chain_walk.c) of a chain view share.
#pragma once

#include "base/map.h"
#include "base/mem.h"
#include "layer/chain.h"
#include "layer/index-int.h"
#include <pthread.h>

#define DIGEST_CHUNK ((size_t)256 << 10)

// What layers show at one path, melded from the top down.
struct chain_sight {
	int layer; // that gives the metadata; -1: none has an entry
	size_t record;
	bool dir;  // it is a directory, if anything
	int floor; // the lowest layer that shows inside it (a directory)
};

struct chain {
	struct view view;            // first
	struct layer_index **layers; // not the indexes themselves
	size_t n;
	struct tar_source *src;
	pthread_mutex_t lock; // all that follows
	struct arena names;
	struct map known;
	char *last_dir; // the directory looked at last, NULL at first
	size_t last_dir_len;
	struct chain_sight last_sight;
};

// Adds what one layer has at the path (an entry, or only something below: not explicit). False:
// layers below this one do not show here. Start with layer -1 and zeros.
bool chain_meld(
        struct chain_sight *s, const struct layer_index *ix, int layer, size_t i, bool explicit);
// True if the path exists.
bool chain_see(struct chain *c, const char *path, struct chain_sight *s);
void chain_entry(struct chain *c, const struct chain_sight *s, const char *path, size_t len,
        struct entry *ret);

int chain_list(struct view *v, const char *dir, struct strv *ret, struct err *e);
int chain_walk(struct view *v, const char *dir,
        int (*fn)(void *arg, const struct entry *en, struct err *e), void *arg, struct err *e);
