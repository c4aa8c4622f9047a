// SPDX-License-Identifier: Apache-2.0
// Whether what stat(2) says of a file tells if it has changed.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct trust; // what is known of the file systems met; thread-safe
struct trust *trust_new(void);
void trust_free(struct trust *t);
// Of the file system `dev`, which name in dirfd lies on ("" with a descriptor of its own). Asked of
// the kernel once a device.
bool trust_stat(struct trust *t, dev_t dev, int dirfd, const char *name);
// By statfs(2)'s magic.
bool trust_file_system(unsigned long magic);
