// SPDX-License-Identifier: Apache-2.0
// What an output wants otherwise than the image is: fewer layers, other times, layers in a form
// that makes them other layers. Each change is a file; all work on one image in memory.
#pragma once

#include "output/output-int.h"

struct pool;
struct step_record;

struct change {
	const struct output_request *q;
	const struct output_spec *o;
	struct output_image im;           // as it is to become
	size_t base_layers, base_history; // of it, from the image below
	bool has_epoch;
	int64_t epoch;
};

// The image as this output wants it: its manifest, in the store, and its config. The same as
// q->manifest if there is nothing to change. ret_id: zero if the manifest is an index.
int output_change(const struct output_request *q, const struct output_spec *o,
        struct digest *ret_manifest, struct digest *ret_id, struct err *e);

// ---- the changes: each looks by itself whether it is asked for
int change_squash(struct change *c, struct err *e);
int change_times(struct change *c, struct err *e);
int change_estargz(struct change *c, struct err *e);

// ---- change_layer.c: layers made of other layers, recorded as those of steps are
struct derived {
	const char *name; // of the record
	struct hash key;  // of all that its bytes depend on
	// Enters the layer and says in *ret which it is, and what else has to be known of it
	// (components: JSON).
	int (*make)(struct change *c, void *arg, struct step_record *ret, struct err *e);
	void *arg;
};
// Made once, whoever asks. The caller releases *ret.
int derived_layer(
        struct change *c, const struct derived *d, struct step_record *ret, struct err *e);
// What a writer made into tar_fd, entered.
int derived_enter(struct change *c, int tar_fd, struct layer_writer *w, struct step_record *ret,
        struct err *e);
// Puts it in the place of layer i, as a tar of this store.
int change_layer(struct change *c, size_t i, const struct digest *diff_id, struct err *e);
