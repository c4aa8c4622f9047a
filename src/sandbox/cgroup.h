// SPDX-License-Identifier: Apache-2.0
// A control group of a step's own: made when limits or a parent are asked for, removed when the
// step is over. Version 2, version 1 and both at once (hybrid). Nothing is made when nothing is
// asked for.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

// 0 or NULL: not asked for. The meanings are docker's.
struct cgroup_spec {
	// An existing group, as a path below where the hierarchies are mounted, or the name of a
	// systemd slice. NULL: beside the group that hew runs in.
	const char *parent;
	int64_t memory;      // bytes
	int64_t memory_swap; // memory and swap together; -1: any amount; 0: twice the memory
	int64_t cpu_shares;  // 2 to 262144
	int64_t cpu_period;  // microseconds
	int64_t cpu_quota;   // microseconds in a period; -1: all
	const char *cpuset_cpus, *cpuset_mems; // "0-2,7"
};
#define CGROUP_LIST_MAX 255 // of cpuset_cpus and cpuset_mems
bool cgroup_is_asked(const struct cgroup_spec *s);
bool cgroup_has_limits(const struct cgroup_spec *s);
// Makes such a group and removes it. ERR_SANDBOX: why this machine does not let us; ERR_USAGE: the
// kernel finds a value wrong.
int cgroup_try(const struct cgroup_spec *s, struct err *e);
