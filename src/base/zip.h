// SPDX-License-Identifier: Apache-2.0
// Reading zip archives (PKWARE APPNOTE 6.3: stored and deflated members, zip64), through a
// callback, so that one may lie in a file, in memory, or in a layer. The central directory is what
// counts; it is read as a stream, and nothing is kept of it. What comes out is bounded by the
// caller, and what goes in by the archive: members that share their bytes, as bombs do, are
// refused.
#pragma once

#include "base/buf.h"
#include <stdint.h>

struct err;

struct zip_source {
	// Reads exactly n bytes, or fails.
	int (*read)(void *arg, void *p, size_t n, uint64_t off, struct err *e);
	void *arg;
	uint64_t size;
};
struct zip_source zip_source_fd(const int *fd, uint64_t size); // both borrow what they are given
struct zip_source zip_source_memory(const struct str *bytes);

struct zip_member {
	struct str name; // as it stands there, any bytes; until the next call of zip_next
	uint64_t size;   // of what comes out, as the archive claims; zip_extract holds it to that
	uint64_t packed, offset;
	uint32_t crc;
	uint16_t method, flags;
};

struct zip;
// ERR_CORRUPT if it is no zip archive. What the source borrows has to outlive it.
int zip_open(const struct zip_source *source, struct zip **ret, struct err *e);
void zip_free(struct zip *z);
void zip_free_ptr(struct zip **z);
#define auto_zip __attribute__((cleanup(zip_free_ptr)))

// Members in the order of the directory: 1, 0 behind the last, -1 where the directory is damaged.
int zip_next(struct zip *z, struct zip_member *ret, struct err *e);
// The content of a member, appended to ret. Each once: what was read of an archive may not become
// more than the archive. ERR_UNSUPPORTED for encrypted ones and other methods, ERR_CORRUPT for
// damage and for more than max bytes; the next members can still be had.
int zip_extract(
        struct zip *z, const struct zip_member *m, size_t max, struct buf *ret, struct err *e);
