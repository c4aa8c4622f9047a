// SPDX-License-Identifier: Apache-2.0
// Where named documents and blobs go: a tar whose bytes depend on nothing but them, or a folder.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct archive {
	int fd; // the tar, or the folder; borrowed
	bool is_dir;
};
// Names are at most 100 bytes long and come in the order in which they are to lie in a tar.
int archive_folder(struct archive *a, const char *name, struct err *e);
int archive_bytes(struct archive *a, const char *name, const void *p, size_t n, struct err *e);
// `size` bytes of src from its start.
int archive_file(struct archive *a, const char *name, int src, uint64_t size, struct err *e);
int archive_end(struct archive *a, struct err *e);
