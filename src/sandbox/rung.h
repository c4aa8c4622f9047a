// SPDX-License-Identifier: Apache-2.0
// What this machine allows: the rungs of ARCHITECTURE.md, probed without leaving a trace.
#pragma once

#include "sandbox/idmap.h"

#include <stdbool.h>

enum rung { RUNG_ROOT, RUNG_SUBIDS, RUNG_SINGLE_ID, RUNG_CHROOT, RUNG_NONE };

// How a holder of this process would set itself up. Looks at ids, capabilities and files only, so
// it is cheap and may be wrong about what the kernel then refuses.
struct rung_choice {
	enum rung rung;   // RUNG_ROOT, RUNG_SUBIDS or RUNG_SINGLE_ID
	bool new_userns;  // false: root already, maybe in a namespace made by somebody else
	bool userxattr;   // marks of overlays are user.overlay.*
	struct idmap ids; // of the new user namespace
	char flavour[32]; // of trees: differs where the ids on disk would, or the marks
};
void rung_choose(struct rung_choice *ret);

struct rung_report {
	enum rung rung;
	char why[256]; // one sentence: why not a better one
	bool overlay, overlay_userxattr, seccomp, cgroup_v2, cgroup_hybrid;
	char kernel[64];
};
// Never fails: what cannot be found out is false.
void rung_probe(struct rung_report *ret);
const char *rung_name(enum rung r); // "R0 root"
