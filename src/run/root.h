// SPDX-License-Identifier: Apache-2.0
// A root filesystem given layer by layer, as a step of a build had it.
#pragma once

#include "rootfs/rootfs.h"

struct mount_list;
struct run_root;

// The layers, which have to be in the store: ERR_NOT_FOUND.
int root_push(
        struct engine *g, const struct digest *layers, size_t n, struct rootfs *ret, struct err *e);
// Its mounts. One whose layers are not here any more is left out, with a warning.
int root_mounts(
        struct engine *g, const struct run_root *root, struct mount_list *ret, struct err *e);
