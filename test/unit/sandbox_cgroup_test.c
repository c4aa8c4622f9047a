// SPDX-License-Identifier: Apache-2.0
// Control groups of steps: what is written for which limit, which hierarchies there are, and steps
// in groups of this machine's.
#include "sandbox_fixture.h"

#include "sandbox/cgroup-int.h"

#include <dirent.h>
#include <stdio.h>

// ---- pure

static void limits_become_files(void **state)
{
	static const struct {
		struct cgroup_spec s;
		bool v2;
		const char *want;
	} rows[] = {
	        {{0}, true, ""},
	        {{.parent = "x"}, false, ""},
	        {{.memory = 1 << 20}, false,
	                "memory.limit_in_bytes=1048576 memory.memsw.limit_in_bytes=2097152? "},
	        {{.memory = 1 << 20}, true, "memory.max=1048576 memory.swap.max=1048576? "},
	        {{.memory = 100, .memory_swap = 150}, true, "memory.max=100 memory.swap.max=50 "},
	        {{.memory = 100, .memory_swap = 100}, true, "memory.max=100 memory.swap.max=0 "},
	        {{.memory = 100, .memory_swap = -1}, true, "memory.max=100 memory.swap.max=max "},
	        {{.memory = 100, .memory_swap = -1}, false,
	                "memory.limit_in_bytes=100 memory.memsw.limit_in_bytes=-1 "},
	        {{.memory = INT64_MAX}, true,
	                "memory.max=9223372036854775807 memory.swap.max=max? "},
	        {{.cpu_shares = 2}, true, "cpu.weight=1 "},
	        {{.cpu_shares = 1024}, true, "cpu.weight=39 "},
	        {{.cpu_shares = 262144}, true, "cpu.weight=10000 "},
	        {{.cpu_shares = 1024}, false, "cpu.shares=1024 "},
	        {{.cpu_quota = 50000}, true, "cpu.max=50000 100000 "},
	        {{.cpu_period = 20000}, true, "cpu.max=max 20000 "},
	        {{.cpu_quota = -1, .cpu_period = 20000}, true, "cpu.max=max 20000 "},
	        {{.cpu_quota = 5000, .cpu_period = 20000}, false,
	                "cpu.cfs_period_us=20000 cpu.cfs_quota_us=5000 "},
	        {{.cpu_quota = -1}, false, "cpu.cfs_quota_us=-1 "},
	        {{.cpuset_cpus = "0-1", .cpuset_mems = "0"}, true,
	                "cpuset.cpus=0-1 cpuset.mems=0 "},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cgroup_setting v[CGROUP_SETTINGS_MAX];
		auto_buf struct buf have = {0};
		size_t n = cgroup_settings(&rows[i].s, rows[i].v2, v);
		for (size_t k = 0; k < n; k++)
			buf_printf(
			        &have, "%s=%s%s ", v[k].file, v[k].value, v[k].if_there ? "?" : "");
		assert_string_equal(buf_cstr(&have), rows[i].want);
	}
}

static void describe(const struct cgroup_hierarchies *all, struct buf *out)
{
	for (size_t i = 0; i < all->n; i++)
		buf_printf(out, "%s %s %x %s\n", all->v[i].v2 ? "v2" : "v1", all->v[i].at,
		        all->v[i].controllers, all->v[i].own ? all->v[i].own : "(none)");
}

static void hierarchies_are_read(void **state)
{
	static const struct {
		const char *mounts, *groups, *want;
	} rows[] = {
	        {"", "", ""},
	        {"25 1 0:22 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
	                "0::/user.slice/s-1.scope\n", "v2 /sys/fs/cgroup 0 user.slice/s-1.scope\n"},
	        {"30 25 0:26 / /cg/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
	         "31 25 0:27 / /cg/memory rw - cgroup cgroup rw,memory\n"
	         "32 25 0:28 / /cg/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
	         "33 25 0:29 / /cg/unified rw - cgroup2 cgroup2 rw\n"
	         "34 25 0:27 / /again rw - cgroup cgroup rw,memory\n",
	                "9:name=systemd:/init.scope\n4:memory:/m/x\n2:cpu,cpuacct:/\n0::/u\n",
	                "v1 /cg/cpu,cpuacct 1 \nv1 /cg/memory 4 m/x\n"
	                "v1 /cg/systemd 0 init.scope\nv2 /cg/unified 0 u\n"},
	        // a container that sees its part only, with and without a namespace of its own
	        {"40 1 0:27 /docker/abc /cg/memory ro - cgroup cgroup rw,memory\n",
	                "4:memory:/docker/abc\n", "v1 /cg/memory 4 \n"},
	        {"40 1 0:27 /docker/abc /cg/memory ro - cgroup cgroup rw,memory\n",
	                "4:memory:/docker/abcdef\n", "v1 /cg/memory 4 (none)\n"},
	        {"25 1 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/../other\n",
	                "v2 /sys/fs/cgroup 0 (none)\n"},
	        // no line of that file is trusted to be whole
	        {"25 1 0:22 / - cgroup2\n\n - \nx - cgroup2 cgroup2 rw\n", "::\n:\n0\n", ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cgroup_hierarchies all;
		auto_buf struct buf have = {0};
		cgroup_hierarchies_parse(rows[i].mounts, rows[i].groups, &all);
		describe(&all, &have);
		cgroup_hierarchies_release(&all);
		assert_string_equal(buf_cstr(&have), rows[i].want);
	}
}

static void parents_have_paths(void **state)
{
	static const struct {
		bool v2;
		const char *own, *parent, *want;
	} rows[] = {
	        {false, "a/b", NULL, "a/b"},
	        {false, "", NULL, ""},
	        {true, "a/b", NULL, "a"}, // a group with processes has no limited groups below
	        {true, "a", NULL, ""},
	        {true, "", NULL, ""},
	        {true, NULL, NULL, NULL},
	        {true, NULL, "/x//y/", "x/y"},
	        {false, "a", "x", "x"},
	        {true, "a", "ci.slice", "ci.slice"},
	        {true, "a", "ci-web-1.slice", "ci.slice/ci-web.slice/ci-web-1.slice"},
	        {true, "a", "/ci-web.slice", "ci-web.slice"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *own = xstrdup_null(rows[i].own);
		struct cgroup_hierarchy h = {.v2 = rows[i].v2, .own = own};
		auto_free char *have = cgroup_parent_path(&h, rows[i].parent);
		if (!rows[i].want)
			assert_null(have);
		else
			assert_string_equal(have, rows[i].want);
	}
}

// ---- on this machine

// The folder of hierarchy `controller` (0: version 2) below which we may make groups, or a skip.
static char *mounted(unsigned controller)
{
	struct cgroup_hierarchies all;
	struct err e = ERR_INIT;
	char *at = NULL;
	assert_int_equal(cgroup_hierarchies_find(&all, &e), 0);
	for (size_t i = 0; i < all.n && !at; i++)
		if (controller ? all.v[i].controllers & controller : all.v[i].v2)
			at = xstrdup(all.v[i].at);
	cgroup_hierarchies_release(&all);
	return at;
}

static size_t groups_left(const char *at)
{
	auto_dir DIR *d = opendir(at);
	size_t n = 0;
	assert_non_null(d);
	for (const struct dirent *t; (t = readdir(d));)
		n += str_has_prefix(t->d_name, "hew-step-");
	return n;
}

static char *make_parent(const char *at, const char *name)
{
	char *path = xasprintf("%s/%s", at, name);
	must(mkdir(path, 0755), path);
	return path;
}

#define NEED(at)                \
	do {                    \
		if (!at)        \
			skip(); \
	} while (0)

#define LIMIT (64 << 20) // process 1 of a build with sanitizers takes some of it

static void memory_is_limited(void **state)
{
	auto_free char *at = mounted(CGROUP_MEMORY);
	NEED(at);
	auto_free char *name = xasprintf("hew-test-%d", (int)getpid());
	auto_free char *parent = make_parent(at, name);
	struct step_spec s = plain_step();
	s.cgroup = (struct cgroup_spec){.parent = name, .memory = LIMIT};
	struct outcome *o = run_in(&s, "dd if=/dev/zero of=/dev/null bs=160M count=1 2>/dev/null");
	check_run(o, 137, NULL);
	s = plain_step();
	s.cgroup = (struct cgroup_spec){.parent = name, .memory = LIMIT};
	check_run(run_in(&s, "dd if=/dev/zero of=/dev/null bs=8M count=1 2>/dev/null; "
	                     "grep -v ':/$' /proc/self/cgroup; echo ran"),
	        0, "ran");
	assert_int_equal(groups_left(parent), 0);
	must(rmdir(parent), parent);
}

static void version_2_without_limits(void **state)
{
	auto_free char *at = mounted(0);
	NEED(at);
	auto_free char *name = xasprintf("hew-test-%d", (int)getpid());
	auto_free char *parent = make_parent(at, name);
	struct step_spec s = plain_step();
	s.cgroup = (struct cgroup_spec){.parent = name};
	check_run(run_in(&s, "grep -v ':/$' /proc/self/cgroup; echo ran"), 0, "ran");
	assert_int_equal(groups_left(parent), 0);
	// that it was there: groups that are gone are counted for a moment, a made one is for
	// certain
	struct cgroup g;
	struct err e = ERR_INIT;
	assert_int_equal(cgroup_make(&s.cgroup, &g, &e), 0);
	assert_int_equal(groups_left(parent), 1);
	cgroup_remove(&g);
	assert_int_equal(groups_left(parent), 0);
	must(rmdir(parent), parent);
}

static void what_is_left_is_swept(void **state)
{
	auto_free char *at = mounted(0);
	NEED(at);
	auto_free char *name = xasprintf("hew-test-%d", (int)getpid());
	auto_free char *parent = make_parent(at, name);
	auto_free char *left = make_parent(parent, "hew-step-1-0");
	auto_free char *other = make_parent(parent, "hew-other");
	struct cgroup_spec s = {.parent = name};
	struct cgroup g, second;
	struct err e = ERR_INIT;
	assert_int_equal(cgroup_make(&s, &g, &e), 0);
	assert_int_equal(access(left, F_OK), -1);
	assert_int_equal(access(other, F_OK), 0);
	// what is in use stays
	assert_int_equal(cgroup_make(&s, &second, &e), 0);
	assert_int_equal(groups_left(parent), 2);
	cgroup_remove(&second);
	cgroup_remove(&g);
	must(rmdir(other), other);
	must(rmdir(parent), parent);
}

static void refusals_say_why(void **state)
{
	auto_free char *cpuset = mounted(CGROUP_CPUSET);
	struct err e = ERR_INIT;
	assert_int_equal(cgroup_try(&(struct cgroup_spec){.parent = "no-such"}, &e), -1);
	assert_string_equal(e.msg, "there is no control group 'no-such'");
	assert_int_equal(e.kind, ERR_SANDBOX);
	NEED(cpuset);
	e = ERR_INIT;
	assert_int_equal(cgroup_try(&(struct cgroup_spec){.cpuset_cpus = "8000-8001"}, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_non_null(strstr(e.msg, "cpuset.cpus of a control group to '8000-8001'"));
	assert_int_equal(cgroup_try(&(struct cgroup_spec){.cpuset_cpus = "0"}, &e), 0);
	assert_int_equal(groups_left(cpuset), 0);
}

int main(int argc, char **argv)
{
	static const struct holder_job jobs[] = {{"step", step_job}};
	if (argc > 0 && !strcmp(argv[0], HOLDER_ARGV0))
		return holder_main(jobs, ARRAY_LEN(jobs));
	static const struct CMUnitTest pure[] = {
	        cmocka_unit_test(limits_become_files),
	        cmocka_unit_test(hierarchies_are_read),
	        cmocka_unit_test(parents_have_paths),
	};
	static const struct CMUnitTest live[] = {
	        cmocka_unit_test(memory_is_limited),
	        cmocka_unit_test(version_2_without_limits),
	        cmocka_unit_test(what_is_left_is_swept),
	        cmocka_unit_test(refusals_say_why),
	};
	int failed = cmocka_run_group_tests(pure, NULL, NULL);
	return failed || why_not() ? failed
	                           : cmocka_run_group_tests(live, fixture_open, fixture_close);
}
