// SPDX-License-Identifier: Apache-2.0
// Images in a store, and the files that outputs make of them beside it.
#pragma once

#include "store_fixture.h"

#include "output/output.h"
#include <sys/stat.h>

#define SETUP(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

// A path beside the store. Caller frees.
static inline char *beside(const char *name)
{
	auto_free char *dir = xasprintf("%s/out", fixture_root);
	mkdir(dir, 0755);
	return xasprintf("%s/%s", dir, name);
}

static inline struct store *other_store(const char *name)
{
	struct err e = ERR_INIT;
	auto_free char *path = beside(name);
	struct store *s = store_open(path, STORE_CREATE, &e);
	if (!s)
		fail_msg("store_open: %s", e.msg);
	return s;
}

// Two layers under docker.io/library/two:1. They differ in dir/file.
static inline struct output_request two_layers(
        struct store *s, struct strv *names, struct digest diff_ids[static 2])
{
	struct output_request q = {.store = s, .names = names};
	OK(fixture_layer(s, "one", &diff_ids[0], e));
	OK(fixture_layer(s, "two", &diff_ids[1], e));
	OK(fixture_image(s, "docker.io/library/two:1", diff_ids, 2, &q.manifest, e));
	strv_add(names, "docker.io/library/two:1");
	return q;
}

static inline struct descriptor run_spec(
        const struct output_request *q, const char *type, const char *dest)
{
	struct output_spec o = {0};
	struct output_result r = {0};
	auto_free char *text = dest ? xasprintf("%s,dest=%s", type, dest) : xstrdup(type);
	OK(output_spec_parse(text, &o, e));
	OK(output_run(q, &o, &r, e));
	output_spec_release(&o);
	strv_release(&r.names);
	return r.pushed;
}

static inline void slurp(const char *path, struct buf *ret)
{
	OK(fs_read_file(AT_FDCWD, path, 64 << 20, ret, e));
}

static inline void assert_same_files(const char *a, const char *b)
{
	auto_buf struct buf x = {0}, y = {0};
	slurp(a, &x);
	slurp(b, &y);
	assert_int_equal(x.n, y.n);
	assert_memory_equal(x.p, y.p, x.n);
}

static inline size_t entries_in(const char *path)
{
	auto_strv struct strv names = {0};
	auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	OK(fs_list_dir(fd, &names, e));
	return names.n;
}
