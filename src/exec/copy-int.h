// SPDX-License-Identifier: Apache-2.0
// Between where things land (copy_write.c) and the layer that comes of it (copy_layer.c).
#pragma once

#include "exec/exec-int.h"

struct linked_file; // copy_write.c

struct out_entry {
	char *path;
	struct entry en;            // as it will be written
	const struct entry *source; // of the plan, as the view knows it: where the bytes are
	struct view *view;
	const char *data;
	struct linked_file *file; // that it is one name of; NULL: it has no other
	size_t put;               // when: the first of all is 1
	size_t cut;               // what was below it before then is gone; 0: nothing
};

// The layer of those entries, which are put in order, as one more of the store's.
int copy_layer_write(
        struct exec *x, struct out_entry **list, size_t n, struct digest *ret, struct err *e);
