// SPDX-License-Identifier: Apache-2.0
// The stat index of a folder: path -> what stat said and the digest of the bytes it said it of. A
// flat memory-mapped file, sorted by path; damaged or foreign files count as empty.
#pragma once

#include "base/hash.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct buf;

struct stat_record {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
	uint32_t mode, has_xattrs;
	struct hash content;
};

struct stat_index;
struct stat_index *stat_index_open(int dirfd, const char *name); // never NULL
void stat_index_free(struct stat_index *ix);
// The digest remembered for the path, if stat still says the same and the record is not racy: a
// file whose times are as young as the run that hashed it may have changed since without a trace.
bool stat_index_get(
        struct stat_index *ix, const char *path, const struct stat *st, struct stat_record *ret);
// When the reading of a file began. The clock may be set meanwhile: then what counts is where the
// new time would have been, if that is earlier.
struct stat_clock {
	int64_t real_ns, steady_ns;
};
struct stat_clock stat_clock_now(void);
int64_t stat_clock_since(const struct stat_clock *began);
// Remembers (thread-safe). began_ns: by stat_clock_since().
void stat_index_put(struct stat_index *ix, const char *path, const struct stat *st,
        const struct hash *content, bool has_xattrs, int64_t began_ns);
bool stat_index_is_dirty(struct stat_index *ix);
// The file as it is to be after this run. Of the records that were not asked for, those go whose
// file `exists` does not find; of very many, some in every run.
void stat_index_print(struct stat_index *ix, bool (*exists)(void *arg, const char *path), void *arg,
        struct buf *out);
