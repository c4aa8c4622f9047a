// SPDX-License-Identifier: Apache-2.0
// Everything a step sees as its file system. Used by the step's init only, in its own mount
// namespace.
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>

struct err;
struct step_plan;
struct step_spec;

// Builds the root with all mounts in it, makes it the root of this process and drops the host's.
// Stubs made on the way are told to `report`.
int mounts_set_up(const struct step_plan *p, int report, struct err *e);

// The pieces, in the order in which they are put together. Descriptors are O_PATH.
struct mounts {
	const struct step_plan *plan;
	int report;
	int scratch; // a tmpfs over the host's root: files/, root/ for the new root, up/, work/
	int root;    // the new root
	uint64_t root_mnt_id;
	int upper;    // in this namespace; -1: read-only root
	int dev_null; // detached clones to mask with
	int empty_dir;
	size_t n_files; // made in scratch so far
};

// mount.c: the system calls with an error that says what and where.
struct mount_option {
	const char *key, *value; // value NULL: a flag
};
// A new, detached file system; options end with a NULL key.
int mount_new(
        const char *type, const struct mount_option *options, unsigned attributes, struct err *e);
// A detached copy of the mount at `at`/`path` ("" with a descriptor), with attributes set.
int mount_copy(int at, const char *path, unsigned attributes, struct err *e);
// The same with all that is mounted below. In a user namespace there is no other way: what others
// mounted over something cannot be left out.
int mount_copy_all(int at, const char *path, unsigned attributes, struct err *e);
int mount_attach(int mount, int at, const char *path, struct err *e);
int mount_set(int at, const char *path, unsigned attributes, struct err *e);
// Where fd leads, from the root of the namespace it came from.
int mount_path(int fd, char ret[static PATH_MAX], struct err *e);
// Opens again, by path and in this mount namespace, what fd refers to in the namespace it came
// from: the kernel neither clones nor stacks mounts of a foreign one.
int mount_reopen(int fd, const char *what, struct err *e);

// root.c
struct overlay {
	int *lowers; // top first
	size_t n;
	int upper, work; // -1: it cannot be written
	bool is_volatile;
};
int overlay_add_lowers(struct overlay *o, const int *lowers, size_t n, struct err *e);
// At `name`, a folder in `at`, which may become the current directory.
int overlay_mount(const struct overlay *o, int at, const char *name, struct err *e);
int root_build(struct mounts *m, struct err *e);
int root_pivot(const struct mounts *m, struct err *e);

// system.c: /proc, /sys, /dev
int system_mount(struct mounts *m, struct err *e);

// user.c: hosts, resolv.conf, and the mounts of the specification
int user_mount(struct mounts *m, struct err *e);

// target.c: a place to mount on, inside the root, whatever links the image has. Made if missing.
enum target_flags {
	TARGET_FILE = 1 << 0,     // else a directory
	TARGET_KEEP = 1 << 1,     // not a stub: the working directory
	TARGET_NO_LINKS = 1 << 2, // /proc, /sys, /dev: a link there is an attack, not a layout
};
int target_open(struct mounts *m, const char *path, unsigned flags, struct err *e);
// The permissions of the directory that is there, 0 if there is none.
uint32_t target_mode(struct mounts *m, const char *path);
