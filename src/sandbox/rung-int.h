// SPDX-License-Identifier: Apache-2.0
// What differs between the rungs, in one place: how the holder comes into its namespaces, and the
// few facts that the code above them asks for.
#pragma once

#include <stdbool.h>
#include <sys/resource.h>

struct err;

struct rung_traits {
	bool userxattr; // overlay keeps its marks in user.* instead of trusted.*
	bool bind_sys;  // /sys is bound, not mounted: its network namespace is not ours
	bool no_groups; // setgroups is denied: there is one group only
	// Where hew's root lies below that of its mount namespace: "/", but for one in a chroot. A
	// path of a descriptor that came from there begins with it.
	const char *outer_root;
	struct rlimit nofile; // as the holder found it; what a step inherits
};
// Valid after rung_enter, in the holder and all its children.
const struct rung_traits *rung_traits(void);

// Puts the calling (holder) process into its namespaces, re-executed from a read-only mount of its
// own program: a root process in a step that gets hold of it through /proc cannot write to it.
int rung_enter(struct err *e);

// In a new mount namespace: nothing that is mounted here or outside shows on the other side, and
// the root is a mount, also in a chroot. -1 with errno.
int rung_own_mounts(void);
