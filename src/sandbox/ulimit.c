// SPDX-License-Identifier: Apache-2.0
// Resource limits of a step. What was not asked for is inherited from whoever started hew; what was
// asked for and is more than this machine lets us have becomes as much as it lets us have, because
// a build that worked under docker's root shall not fail for a number it seldom needs.
#include "sandbox/rung-int.h"
#include "sandbox/step-int.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

static const struct {
	const char *name;
	int which;
} limits[] = {
        {"core", RLIMIT_CORE},
        {"cpu", RLIMIT_CPU},
        {"data", RLIMIT_DATA},
        {"fsize", RLIMIT_FSIZE},
        {"locks", RLIMIT_LOCKS},
        {"memlock", RLIMIT_MEMLOCK},
        {"msgqueue", RLIMIT_MSGQUEUE},
        {"nice", RLIMIT_NICE},
        {"nofile", RLIMIT_NOFILE},
        {"nproc", RLIMIT_NPROC},
        {"rss", RLIMIT_RSS},
        {"rtprio", RLIMIT_RTPRIO},
        {"rttime", RLIMIT_RTTIME},
        {"sigpending", RLIMIT_SIGPENDING},
        {"stack", RLIMIT_STACK},
};

// Its place in the table, or its length.
static size_t find(const char *name)
{
	size_t k = 0;
	while (k < ARRAY_LEN(limits) && strcmp(limits[k].name, name) != 0)
		k++;
	return k;
}

bool step_ulimit_is_known(const char *name)
{
	return find(name) < ARRAY_LEN(limits);
}

static rlim_t limit_of(int64_t v)
{
	return v < 0 ? RLIM_INFINITY : (rlim_t)v;
}

static int apply(const struct step_ulimit *u, int which, struct err *e)
{
	struct rlimit want = {.rlim_cur = limit_of(u->soft), .rlim_max = limit_of(u->hard)}, have;
	if (want.rlim_cur > want.rlim_max)
		return err_set(e, ERR_SANDBOX,
		        "ulimit '%s': the soft limit is above the hard limit", u->name);
	if (setrlimit((__rlimit_resource_t)which, &want) == 0)
		return 0;
	if (errno != EPERM || getrlimit((__rlimit_resource_t)which, &have) < 0)
		return err_sys(e, "set ulimit '%s'", u->name);
	if (want.rlim_max > have.rlim_max)
		want.rlim_max = have.rlim_max;
	if (want.rlim_cur > want.rlim_max)
		want.rlim_cur = want.rlim_max;
	return setrlimit((__rlimit_resource_t)which, &want) < 0
	               ? err_sys(e, "set ulimit '%s'", u->name)
	               : 0;
}

int step_apply_ulimits(const struct step_plan *p, struct err *e)
{
	// The holder raised its own.
	setrlimit(RLIMIT_NOFILE, &rung_traits()->nofile);
	for (size_t i = 0; i < p->s.n_ulimits; i++) {
		const struct step_ulimit *u = &p->s.ulimits[i];
		size_t k = find(u->name ? u->name : "");
		if (k == ARRAY_LEN(limits))
			return err_set(
			        e, ERR_SANDBOX, "unknown ulimit '%s'", u->name ? u->name : "");
		if (apply(u, limits[k].which, e) < 0)
			return -1;
	}
	return 0;
}
