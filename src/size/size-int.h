// SPDX-License-Identifier: Apache-2.0
// What the files of this room share: a walk over all layers at once, path by path.
#pragma once

#include "size/weigh.h"

// What one layer has at a path.
struct stacked {
	size_t layer, record;
	struct entry entry;
	bool leaf; // nothing of the same layer lies below it
};
// What all layers have at one path, bottom first.
struct group {
	const char *path;
	size_t len;
	const struct stacked *v;
	size_t n;
	bool has_below; // some layer has something below this path
};

struct merge;
struct merge *merge_open(const struct weigh_layer *layers, size_t n);
void merge_close(struct merge *m); // NULL is fine
void merge_close_ptr(struct merge **m);
#define auto_merge __attribute__((cleanup(merge_close_ptr)))
// False at the end. In the order of fs_path_cmp; valid until the next call.
bool merge_next(struct merge *m, struct group *ret);

// Does path lie below dir? dir_len 0: it is the root, and everything else does.
bool path_is_below(const char *path, size_t len, const char *dir, size_t dir_len);

// ---- weigh.c: how a fate is kept
uint16_t fate_pack(enum fate_kind kind, size_t by);
#define FATE_HELD 0x8000u
enum fate_kind fate_kind_of(uint16_t fate);
size_t fate_by(uint16_t fate);
// A hidden file that has another name, which can be seen.
struct held_name {
	size_t layer, record;
	const char *seen; // the index's
};

// ---- dive.c: the figures of dive, made along the same walk
struct dive;
struct dive *dive_new(size_t n_layers);
void dive_free(struct dive *d);
int dive_add(struct dive *d, const struct group *at, struct err *e);
void dive_end(struct dive *d, struct dive_figures *ret); // all but user_bytes and user_wasted
