// SPDX-License-Identifier: Apache-2.0
// What this machine allows: the rungs of ARCHITECTURE.md, probed without leaving a trace.
#pragma once

#include <stdbool.h>

struct err;

enum rung { RUNG_ROOT, RUNG_SUBIDS, RUNG_SINGLE_ID, RUNG_CHROOT, RUNG_NONE };

struct rung_report {
	enum rung rung;
	char why[256]; // one sentence: why not a better one
	bool overlay, overlay_userxattr, seccomp, cgroup_v2, cgroup_hybrid;
	char kernel[64];
};
// Never fails: what cannot be found out is false.
void rung_probe(struct rung_report *ret);
const char *rung_name(enum rung r); // "R0 root"
