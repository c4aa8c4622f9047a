// SPDX-License-Identifier: Apache-2.0
// Opening below a directory; shared by fs_open.c and fs_tree.c.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// openat2 with RESOLVE_ flags. errno ENOSYS if the machine has it not.
int fs_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve);
// What fs_open_in_root and fs_open_beneath do where openat2 is missing.
int fs_walk_open(int rootfd, const char *path, int flags, mode_t mode, bool in_root);
