// SPDX-License-Identifier: Apache-2.0
#include "cmd/build_limits.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "dockerfile/dockerfile.h"
#include "sandbox/cgroup.h"

#include <stdio.h>
#include <string.h>

enum limit_kind { LIMIT_SIZE, LIMIT_NUMBER, LIMIT_LIST };

static const struct limit {
	const char *name;
	enum limit_kind kind;
	size_t offset;
	bool unlimited; // -1 is a value
	int64_t min, max;
} limits[BUILD_LIMITS] = {
#define AT(member) offsetof(struct cgroup_spec, member)
        {"memory", LIMIT_SIZE, AT(memory), false, 0, INT64_MAX},
        {"memory-swap", LIMIT_SIZE, AT(memory_swap), true, 0, INT64_MAX},
        {"cpu-shares", LIMIT_NUMBER, AT(cpu_shares), false, 2, 262144},
        {"cpu-period", LIMIT_NUMBER, AT(cpu_period), false, 1000, 1000000},
        {"cpu-quota", LIMIT_NUMBER, AT(cpu_quota), true, 1000, INT64_MAX / 1000},
        {"cpuset-cpus", LIMIT_LIST, AT(cpuset_cpus), false, 0, 0},
        {"cpuset-mems", LIMIT_LIST, AT(cpuset_mems), false, 0, 0},
#undef AT
};

static int take_list(
        const struct limit *l, const char *value, struct cgroup_spec *ret, struct err *e)
{
	if (!*value || value[strspn(value, "0123456789,-")] || strlen(value) > CGROUP_LIST_MAX)
		return err_set(e, ERR_USAGE,
		        "invalid %s \"%s\": numbers and ranges are expected, as 0-2,7", l->name,
		        value);
	memcpy((char *)ret + l->offset, &value, sizeof(const char *));
	return 0;
}

// 0 is no limit, as for docker.
static int take_number(
        const struct limit *l, const char *value, struct cgroup_spec *ret, struct err *e)
{
	int64_t v = -1;
	bool is_number = l->kind == LIMIT_SIZE ? value_size(value, &v) : str_to_i64(value, &v);
	bool in_range = is_number && (v == 0 || (v >= l->min && v <= l->max));
	if (!in_range && !(l->unlimited && !strcmp(value, "-1")))
		return l->kind == LIMIT_SIZE
		               ? err_set(e, ERR_USAGE,
		                         "invalid %s \"%s\": bytes, or a number with k, m or g",
		                         l->name, value)
		               : err_set(e, ERR_USAGE,
		                         "invalid %s \"%s\": a number from %lld to %lld", l->name,
		                         value, (long long)l->min, (long long)l->max);
	memcpy((char *)ret + l->offset, &v, sizeof v);
	return 0;
}

static int take(const struct limit *l, const char *value, struct cgroup_spec *ret, struct err *e)
{
	return (l->kind == LIMIT_LIST ? take_list : take_number)(l, value, ret, e);
}

static int take_resource(const char *spec, struct cgroup_spec *ret, struct err *e)
{
	size_t n = strcspn(spec, "=");
	for (size_t i = 0; spec[n] && i < ARRAY_LEN(limits); i++)
		if (strlen(limits[i].name) == n && !strncmp(spec, limits[i].name, n))
			return take(&limits[i], spec + n + 1, ret, e);
	return err_set(e, ERR_USAGE, "invalid --resource \"%s\": KEY=VALUE is expected%s", spec,
	        spec[n] ? ", with a key that buildx knows" : "");
}

static int check(const struct cgroup_spec *s, struct err *e)
{
	if (s->parent && (!*s->parent || fs_path_climbs(s->parent)))
		return err_set(e, ERR_USAGE,
		        "invalid --cgroup-parent \"%s\": a path below the root of all groups is "
		        "expected",
		        s->parent);
	if (s->memory_swap && !s->memory)
		return err_set(e, ERR_USAGE,
		        "memory-swap is memory and swap together, so it needs memory too");
	if (s->memory_swap > 0 && s->memory_swap < s->memory)
		return err_set(e, ERR_USAGE,
		        "memory-swap is memory and swap together, so it cannot be below memory");
	return 0;
}

int build_limits_take(const struct build_limits *l, const struct strv *resources,
        struct cgroup_spec *ret, struct err *e)
{
	struct cgroup_spec got = {.parent = l->parent};
	for (size_t i = 0; i < BUILD_LIMITS; i++)
		if (l->options[i] && take(&limits[i], l->options[i], &got, e))
			return -1;
	for (size_t i = 0; i < resources->n; i++)
		if (take_resource(resources->v[i], &got, e))
			return -1;
	if (check(&got, e))
		return -1;
	struct err why = ERR_INIT;
	if (!cgroup_is_asked(&got) || !cgroup_try(&got, &why)) {
		*ret = got;
		return 0;
	}
	if (why.kind == ERR_USAGE) {
		*e = why;
		return -1;
	}
	fprintf(stderr, "hew: steps run without %s: %s\n",
	        !cgroup_has_limits(&got) ? "--cgroup-parent"
	        : got.parent             ? "--cgroup-parent and limits"
	                                 : "limits",
	        why.msg);
	return 0;
}
