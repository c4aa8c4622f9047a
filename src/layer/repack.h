// SPDX-License-Identifier: Apache-2.0
// Layers written once more, without mounting anything: each for itself, or several as one.
#pragma once

#include "layer/chain.h"
#include "layer/writer.h"

// Every entry of a layer but those below the names (of the root; NULL: none), into a writer that
// clamps what its options say.
int layer_repack(const struct layer_index *ix, int tar_fd, const char *const *without,
        struct layer_writer *w, struct err *e);

// What layers [first, n) make of those below them, as one layer: on layers [0, first) it shows the
// same files. What is not there any more is said name by name and only if it is there below, so
// that nothing is told of files that came and went in between. Hard links inside a layer stay.
int layer_squash(struct layer_index *const *layers, size_t n, size_t first, struct tar_source *src,
        struct layer_writer *w, struct err *e);
