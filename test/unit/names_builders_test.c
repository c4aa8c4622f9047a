// SPDX-License-Identifier: Apache-2.0
// Builders in files: written and read back; what others or nobody in their right mind wrote there.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "names/builders.h"
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/hew-builders-XXXXXX";

static int setup(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	setenv("BUILDX_CONFIG", dir, 1);
	unsetenv("BUILDX_BUILDER");
	unsetenv("DOCKER_HOST");
	return 0;
}

static int teardown(void **state)
{
	struct err e = ERR_INIT;
	return fs_remove_tree(AT_FDCWD, dir, &e);
}

static void put(const char *below, const char *text)
{
	struct err e = ERR_INIT;
	auto_free char *folder = xasprintf("%s/instances", dir),
	               *path = xasprintf("%s/%s", dir, below);
	assert_int_equal(fs_mkdir_p(AT_FDCWD, folder, 0755, &e), 0);
	assert_int_equal(fs_replace_file(AT_FDCWD, path, text, strlen(text), 0644, &e), 0);
}

static void current_is(const char *want)
{
	struct err e = ERR_INIT;
	auto_free char *name = NULL;
	assert_int_equal(builder_current(&name, &e), 0);
	assert_string_equal(name, want);
}

static void names_are_checked(void **state)
{
	static const char *const good[] = {"a", "A.b-c_9", "builder-0a1b"};
	static const char *const bad[] = {
	        "", ".", "..", "../x", "a/b", "9a", "-a", "a b", "a\n", "\xc3\xa4", ".hidden"};
	struct err e = ERR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(builder_check_name(good[i], &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(builder_check_name(bad[i], &e), -1);
	auto_free char *longest = xcalloc(1, 200);
	memset(longest, 'a', 128);
	assert_int_equal(builder_check_name(longest, &e), 0);
	longest[128] = 'a';
	assert_int_equal(builder_check_name(longest, &e), -1);
}

static void written_and_read(void **state)
{
	struct err e = ERR_INIT;
	struct builder b = {.name = xstrdup("Mine"), .driver = xstrdup("remote")};
	struct builder_node *n = builder_add_node(&b, "m0", "tcp://host:1");
	strv_add(&n->platforms, "linux/arm/v7");
	strv_add(&n->flags, "--a");
	strv_add(&n->options, "key=va=lue \"quoted\"");
	builder_add_node(&b, "m1", NULL);
	assert_int_equal(builder_write(&b, &e), 0);
	builder_release(&b);
	assert_int_equal(builder_read("mine", &b, &e), 0); // a file's name has small letters
	assert_string_equal(b.name, "Mine");
	assert_string_equal(b.driver, "remote");
	assert_int_equal(b.n, 2);
	assert_string_equal(b.nodes[0].endpoint, "tcp://host:1");
	assert_string_equal(b.nodes[0].platforms.v[0], "linux/arm/v7");
	assert_string_equal(b.nodes[0].flags.v[0], "--a");
	assert_string_equal(b.nodes[0].options.v[0], "key=va=lue \"quoted\"");
	assert_string_equal(b.nodes[1].endpoint, BUILDER_ENDPOINT);
	assert_true(b.used > 0);
	builder_release(&b);
	assert_int_equal(builder_select("Mine", &e), 0);
	current_is("Mine");
	assert_int_equal(builder_remove("Mine", &e), 0);
	current_is(BUILDER_DEFAULT);
	assert_int_equal(builder_remove("Mine", &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static void others_files(void **state)
{
	struct err e = ERR_INIT;
	auto_builder struct builder b = {0};
	put("instances/bare", "{}");
	assert_int_equal(builder_read("bare", &b, &e), 0);
	assert_string_equal(b.name, "bare");
	assert_int_equal(b.n, 1); // whoever asks takes the first for granted
	builder_release(&b);
	put("instances/odd",
	        "{\"Name\":7,\"Driver\":[],\"Nodes\":[1,null,{\"Name\":{},\"Platforms\":"
	        "[{\"os\":1},\"x\",{\"os\":\"linux\",\"architecture\":\"arm64\"}],"
	        "\"Flags\":\"x\",\"DriverOpts\":{\"a\":1,\"b\":\"c\"}}]}");
	assert_int_equal(builder_read("odd", &b, &e), 0);
	assert_string_equal(b.name, "odd");
	assert_int_equal(b.n, 1); // all are called as the builder: the last counts
	assert_int_equal(b.nodes[0].platforms.n, 1);
	assert_int_equal(b.nodes[0].options.n, 1);
	builder_release(&b);
	put("instances/broken", "{");
	assert_int_equal(builder_read("broken", &b, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
	put("instances/.tmp-1", "{}");
	auto_strv struct strv names = {0};
	assert_int_equal(builder_names(&names, &e), 0);
	assert_int_equal(names.n, 3);
}

static void current_of_others(void **state)
{
	put("current", "{\"Key\":\"x\",\"Name\":\"gone\",\"Global\":false}");
	current_is(BUILDER_DEFAULT);
	put("current", "[");
	current_is(BUILDER_DEFAULT);
	put("current", "{\"Name\":\"../../etc/passwd\"}");
	current_is(BUILDER_DEFAULT);
	setenv("BUILDX_BUILDER", "asked", 1);
	current_is("asked");
	unsetenv("BUILDX_BUILDER");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(names_are_checked),
	        cmocka_unit_test(written_and_read),
	        cmocka_unit_test(others_files),
	        cmocka_unit_test(current_of_others),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
