// SPDX-License-Identifier: Apache-2.0
// What an image weighs, layer by layer, and what becomes of each file of each layer under those
// above it. Pure: layer indexes in, numbers out. Sizes are bytes.
//
// A layer weighs its regular files, a file with several names once. Files are all that is neither
// a folder nor a whiteout. What a later layer hides is in the image all the same: everybody fetches
// it, nobody can see it. A file of which another name is still seen is not hidden.
#pragma once

#include "layer/index.h"
#include <stdbool.h>

struct err;

#define WEIGH_UNKNOWN UINT64_MAX
#define WEIGH_LAYERS_MAX 2048

// What is said of a layer. All is borrowed and outlives what is made of it.
struct weigh_layer {
	const struct layer_index *index;
	uint64_t packed;         // as it is fetched; WEIGH_UNKNOWN
	const char *instruction; // that made it; NULL: not known
};

enum fate_kind {
	FATE_STAYS,       // it can be seen in the image
	FATE_OVERWRITTEN, // a later layer has another file in its place
	FATE_REPEATED,    // the same, with the same bytes: only owner, mode or time were changed
	FATE_DELETED,
};
struct fate {
	enum fate_kind kind;
	size_t by; // the layer that hides it, if it does not stay: the first that does
	bool held; // hidden, but its bytes are seen under another name of the same layer
};

struct layer_weight {
	struct weigh_layer from;
	uint64_t bytes;
	size_t files;
	uint64_t hidden_bytes; // of these
	size_t hidden_files;
};

// As dive (wagoodman/dive) counts: only what has no children in its own layer's tree; a deleted
// file counts against an image, a deleted folder adds its bytes on both sides. Three of its habits
// are not followed: it gives up on a layer whose whiteout names nothing; of a file with several
// names it counts the one that comes first in the tar, we the one that sorts first; and of a
// whiteout beside a new folder of that name an index keeps only that the folder is opaque.
struct dive_figures {
	double efficiency; // 0..1; 1: nothing is wasted
	uint64_t wasted_bytes;
	uint64_t user_bytes; // of all layers but the first
	double user_wasted;  // wasted_bytes / user_bytes; NaN for 0/0, infinite for n/0
};

struct weight {
	struct layer_weight *layers; // bottom first
	size_t n;
	uint64_t bytes, packed; // of all layers; packed: WEIGH_UNKNOWN if one's is
	size_t files;
	uint64_t hidden_bytes;
	size_t hidden_files;
	// Of the bytes that are fetched, how many can be seen: each layer's packed bytes count in
	// the proportion in which its own bytes are seen. 1 for an image without bytes; -1: packed
	// is not known.
	double packed_efficiency;
	struct dive_figures dive;
	uint16_t **fates;       // weight_fate's
	struct held_name *held; // weight_seen's
	size_t n_held;
};
#define auto_weight __attribute__((cleanup(weight_release)))
void weight_release(struct weight *w);
// ERR_CORRUPT: more layers than WEIGH_LAYERS_MAX, or folders that are deleted deeper within each
// other than anybody does.
int weigh(const struct weigh_layer *layers, size_t n, struct weight *ret, struct err *e);
// Of an entry of a layer's index. A whiteout's is FATE_STAYS.
struct fate weight_fate(const struct weight *w, size_t layer, size_t record);
// Can the bytes of this entry be seen? Then it is in *ret, under a name that can be seen. False for
// what is no regular file, and for the second name of one.
bool weight_seen(const struct weight *w, size_t layer, size_t record, struct entry *ret);

// A file that can be seen.
struct heavy_file {
	const char *path; // the index's
	uint64_t bytes;
	size_t layer;
};
// At most max, heaviest first. Caller frees *ret.
size_t weight_heaviest(const struct weight *w, size_t max, struct heavy_file **ret);
