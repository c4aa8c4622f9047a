// SPDX-License-Identifier: Apache-2.0
// Files: complete reads and writes, safe replacement, walking below a root that is never left.
#pragma once

#include "base/map.h"
#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct buf;
struct err;
struct strv;

int fs_write_all(int fd, const void *p, size_t n, struct err *e);
int fs_pwrite_all(int fd, const void *p, size_t n, off_t off, struct err *e);
// Reads exactly n bytes; a short file is ERR_CORRUPT.
int fs_pread_full(int fd, void *p, size_t n, off_t off, struct err *e);
// read(2). What comes from a pipe or a terminal may never come: that is waited for until somebody
// cancels.
ssize_t fs_read(int fd, void *p, size_t n, struct err *e);
// Whole file; refuses (ERR_CORRUPT) more than max bytes.
int fs_read_file(int dirfd, const char *path, size_t max, struct buf *ret, struct err *e);
int fs_read_fd(int fd, size_t max, struct buf *ret, struct err *e);
// Writes a temporary file beside, then renames: a reader sees the old file or the new one. Not
// synced: after a power cut it may be empty. Of a killed process nothing is left where the file
// system has O_TMPFILE.
int fs_replace_file(
        int dirfd, const char *path, const void *p, size_t n, mode_t mode, struct err *e);
// The same with the mode of *like, and with its owner and group where we may set them; where not
// the group, without what the group may do.
int fs_replace_file_like(int dirfd, const char *path, const void *p, size_t n,
        const struct stat *like, struct err *e);
// Gives a file that was opened with O_TMPFILE its name. -1 with errno.
int fs_link_fd(int fd, int dirfd, const char *name);
// Whether path is still the file that is open, as a lock on it has to be.
bool fs_is_named(int fd, int dirfd, const char *path);
// Copies n bytes by copy_file_range, falling back to read/write. off < 0: current position of src.
int fs_copy_range(int src, off_t off, int dst, uint64_t n, struct err *e);
// mkdir -p. Existing directories are fine.
int fs_mkdir_p(int dirfd, const char *path, mode_t mode, struct err *e);
// Removes a file or a whole tree of any depth, never following links nor entering mounts; folders
// without permission are opened up. A missing path is fine.
int fs_remove_tree(int dirfd, const char *name, struct err *e);
// The same, counting, and only until a time has come (but a few entries always): 1 if something is
// left for the next time.
struct fs_removal {
	int64_t deadline_ns; // clock_ns; 0: none
	uint64_t freed;      // bytes on the disk, added up
	size_t entries;
};
int fs_remove_tree_some(int dirfd, const char *name, struct fs_removal *count, struct err *e);
// What a file or tree takes up on the disk, added up: blocks, files with several names once. Never
// follows links nor enters mounts; a missing path is nothing.
struct fs_usage {
	uint64_t bytes;
	size_t entries;
	size_t denied; // folders that we may not look into
	struct map links;
};
int fs_measure(int dirfd, const char *name, struct fs_usage *u, struct err *e);
void fs_usage_release(struct fs_usage *u);
// Names in a directory without . and .., sorted by bytes. dirfd is not consumed.
int fs_list_dir(int dirfd, struct strv *ret, struct err *e);

// Cleans a slash path lexically: no //, /./ or trailing slash; ".." never climbs above the root.
// The result is relative to the root: "" is the root itself, "a/b" anything below. Caller frees.
char *fs_clean_rel(const char *path);
// Joins onto a working directory as Dockerfile instructions do; the result is absolute and clean.
char *fs_join_abs(const char *cwd, const char *path);
// Does it lead above where it starts, as "a/../../b" and "/.." do?
bool fs_path_climbs(const char *path);
const char *fs_base_name(const char *path); // after the last '/', a view into path
// Order of layer indexes: bytes, but '/' sorts before everything, so that a directory is followed
// at once by what is below it.
int fs_path_cmp(const char *a, const char *b);
// True if path == dir or lies below it. dir "" contains everything.
bool fs_path_within(const char *path, const char *dir);

// Both return -1 with errno, take "" for the root itself and add O_CLOEXEC.
// openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS): symlinks resolve inside rootfd.
int fs_open_in_root(int rootfd, const char *path, int flags, mode_t mode);
// openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS): no link is followed.
int fs_open_beneath(int rootfd, const char *path, int flags, mode_t mode);

void dir_close_ptr(DIR **d);
#define auto_dir __attribute__((cleanup(dir_close_ptr)))
