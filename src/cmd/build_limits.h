// SPDX-License-Identifier: Apache-2.0
// `hew build --resource KEY=VALUE` and docker's older options of the same meaning (--memory, ...),
// and
// --cgroup-parent: into the control group that steps get.
#pragma once

struct cgroup_spec;
struct err;
struct strv;

#define BUILD_LIMITS 7 // memory, memory-swap, cpu-shares, cpu-period, cpu-quota, cpuset-cpus, -mems

struct build_limits {
	const char *parent;                // --cgroup-parent
	const char *options[BUILD_LIMITS]; // --memory and so on, in the order above
};
// The texts stay where they are. What this machine does not let us have is left out of *ret, with a
// note.
int build_limits_take(const struct build_limits *l, const struct strv *resources,
        struct cgroup_spec *ret, struct err *e);
