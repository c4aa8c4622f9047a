// SPDX-License-Identifier: Apache-2.0
// The files of a control group's own: what is said in them, where they are, and the life of a
// group.
#pragma once

#include "base/buf.h"
#include "sandbox/cgroup.h"

#include <stddef.h>

// ---- cgroup_limits.c: what to write

enum cgroup_controller { CGROUP_CPU = 1 << 0, CGROUP_CPUSET = 1 << 1, CGROUP_MEMORY = 1 << 2 };
#define CGROUP_CONTROLLERS 3
const char *cgroup_controller_name(unsigned controller); // of one bit
unsigned cgroup_controllers_of(const struct cgroup_spec *s);

struct cgroup_setting {
	unsigned controller;
	const char *file;
	char value[CGROUP_LIST_MAX + 1];
	bool if_there; // a kernel that does not count swap lacks the file
};
#define CGROUP_SETTINGS_MAX 8
// In the order in which they must be written.
size_t cgroup_settings(
        const struct cgroup_spec *s, bool v2, struct cgroup_setting ret[CGROUP_SETTINGS_MAX]);

// ---- cgroup_find.c: where

struct cgroup_hierarchy {
	bool v2;
	unsigned controllers; // v1: of ours, bound to it
	char *at;             // where it is mounted
	char *own;            // this process's group below that; NULL: it is not there
};
struct cgroup_hierarchies {
	struct cgroup_hierarchy *v;
	size_t n;
};
// From the texts of /proc/self/mountinfo and /proc/self/cgroup.
void cgroup_hierarchies_parse(
        const char *mountinfo, const char *groups, struct cgroup_hierarchies *ret);
int cgroup_hierarchies_find(struct cgroup_hierarchies *ret, struct err *e);
void cgroup_hierarchies_release(struct cgroup_hierarchies *h);
// The folder below a hierarchy that a group is to be made in, relative to where it is mounted; NULL
// if there is none for this process.
char *cgroup_parent_path(const struct cgroup_hierarchy *h, const char *parent);

// ---- cgroup.c: a group's life

struct cgroup {
	struct cgroup_part {
		int parent; // the folder that it lies in
		int dir;    // locked for as long as it is used
		int procs;  // cgroup.procs
		char name[48];
	} * v;
	size_t n;
};
// After a failure too cgroup_remove() takes away what was made.
int cgroup_make(const struct cgroup_spec *s, struct cgroup *ret, struct err *e);
// The calling process becomes a member, and sees the group as the root of all.
int cgroup_enter(const struct cgroup *g, struct err *e);
// When no process is in it any more.
void cgroup_remove(struct cgroup *g);
