// SPDX-License-Identifier: Apache-2.0
// Limits as docker names them, and the files of both versions of control groups that they go into.
#include "sandbox/cgroup-int.h"

#include <stdio.h>

unsigned cgroup_controllers_of(const struct cgroup_spec *s)
{
	return (s->memory ? CGROUP_MEMORY : 0u) |
	       (s->cpu_shares || s->cpu_period || s->cpu_quota ? CGROUP_CPU : 0u) |
	       (s->cpuset_cpus || s->cpuset_mems ? CGROUP_CPUSET : 0u);
}

bool cgroup_is_asked(const struct cgroup_spec *s)
{
	return s->parent || cgroup_has_limits(s);
}

bool cgroup_has_limits(const struct cgroup_spec *s)
{
	return cgroup_controllers_of(s) != 0;
}

const char *cgroup_controller_name(unsigned controller)
{
	return controller == CGROUP_CPU ? "cpu" : controller == CGROUP_CPUSET ? "cpuset" : "memory";
}

static struct cgroup_setting *add(struct cgroup_setting *at, unsigned controller, const char *file,
        const char *value, int64_t number)
{
	*at = (struct cgroup_setting){.controller = controller, .file = file};
	if (value)
		snprintf(at->value, sizeof at->value, "%s", value);
	else
		snprintf(at->value, sizeof at->value, "%lld", (long long)number);
	return at + 1;
}

static struct cgroup_setting *add_memory(
        struct cgroup_setting *at, const struct cgroup_spec *s, bool v2)
{
	if (!s->memory)
		return at;
	at = add(at, CGROUP_MEMORY, v2 ? "memory.max" : "memory.limit_in_bytes", NULL, s->memory);
	int64_t both = s->memory_swap              ? s->memory_swap
	               : s->memory > INT64_MAX / 2 ? -1
	                                           : s->memory * 2;
	if (v2)
		add(at, CGROUP_MEMORY, "memory.swap.max", both < 0 ? "max" : NULL,
		        both - s->memory);
	else
		add(at, CGROUP_MEMORY, "memory.memsw.limit_in_bytes", NULL, both);
	at->if_there = s->memory_swap == 0;
	return at + 1;
}

// Shares have 1024 for what a weight calls 100, and both scales have an end: the straight line
// between the ends, as other programs draw it.
static int64_t weight_of(int64_t shares)
{
	return 1 + (shares - 2) * 9999 / 262142;
}

static struct cgroup_setting *add_cpu(
        struct cgroup_setting *at, const struct cgroup_spec *s, bool v2)
{
	char max[64], quota[24] = "max";
	if (s->cpu_shares && v2)
		at = add(at, CGROUP_CPU, "cpu.weight", NULL, weight_of(s->cpu_shares));
	else if (s->cpu_shares)
		at = add(at, CGROUP_CPU, "cpu.shares", NULL, s->cpu_shares);
	if (v2 && (s->cpu_quota || s->cpu_period)) {
		if (s->cpu_quota > 0)
			snprintf(quota, sizeof quota, "%lld", (long long)s->cpu_quota);
		snprintf(max, sizeof max, "%s %lld", quota,
		        (long long)(s->cpu_period ? s->cpu_period : 100000));
		return add(at, CGROUP_CPU, "cpu.max", max, 0);
	}
	if (s->cpu_period)
		at = add(at, CGROUP_CPU, "cpu.cfs_period_us", NULL, s->cpu_period);
	if (s->cpu_quota)
		at = add(at, CGROUP_CPU, "cpu.cfs_quota_us", NULL, s->cpu_quota);
	return at;
}

size_t cgroup_settings(
        const struct cgroup_spec *s, bool v2, struct cgroup_setting ret[CGROUP_SETTINGS_MAX])
{
	struct cgroup_setting *at = add_cpu(add_memory(ret, s, v2), s, v2);
	if (s->cpuset_cpus)
		at = add(at, CGROUP_CPUSET, "cpuset.cpus", s->cpuset_cpus, 0);
	if (s->cpuset_mems)
		at = add(at, CGROUP_CPUSET, "cpuset.mems", s->cpuset_mems, 0);
	return (size_t)(at - ret);
}
