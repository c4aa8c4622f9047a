// SPDX-License-Identifier: Apache-2.0
// Resolving paths in a view: symlinks inside the root, "..", missing ends, loops.
#include "layer_fixture.h"

static struct view *view_of(const char *spec, struct layer_index **ret)
{
	struct err e = ERR_INIT;
	*ret = spec_index(spec, &e);
	if (!*ret)
		fail_msg("%s", e.msg);
	return chain_new(ret, 1, NULL);
}

static void test_resolve(void **state)
{
	static const char tree[] =
	        "d usr;d usr/lib;f usr/lib/x 1;s lib usr/lib;s abs /usr/lib;s up ../../usr;"
	        "d a;d a/b;s a/b/out ../../../usr/lib;s loop loop;s l1 l2;s l2 l1;"
	        "s dangling nowhere/deep;s tofile usr/lib/x;s dot .;s a/parent ..;"
	        "s chain lib2;s lib2 lib;s empty_parts usr//lib/.";
	static const struct {
		const char *path;
		int flags, rc;
		const char *want; // NULL: no path
	} rows[] = {
	        {"usr/lib/x", 0, 1, "usr/lib/x"},
	        {"/usr//lib/./x", 0, 1, "usr/lib/x"},
	        {"", 0, 1, ""},
	        {"/", 0, 1, ""},
	        {"../..", 0, 1, ""},
	        {"lib/x", 0, 1, "usr/lib/x"},
	        {"abs/x", 0, 1, "usr/lib/x"},
	        {"up/lib/x", 0, 1, "usr/lib/x"},
	        {"a/b/out/x", 0, 1, "usr/lib/x"},
	        {"chain/x", 0, 1, "usr/lib/x"},
	        {"empty_parts/x", 0, 1, "usr/lib/x"},
	        {"dot/lib/x", 0, 1, "usr/lib/x"},
	        {"a/parent/lib", 0, 1, "usr/lib"},
	        {"lib", 0, 1, "usr/lib"},
	        {"lib", VIEW_NOFOLLOW_LAST, 1, "lib"},
	        {"lib/", VIEW_NOFOLLOW_LAST, 1, "lib"},
	        {"lib/.", VIEW_NOFOLLOW_LAST, 1, "lib"},
	        {"chain", VIEW_NOFOLLOW_LAST, 1, "chain"},
	        // ".." is of the place the link leads to, not of the link
	        {"lib/..", 0, 1, "usr"},
	        {"lib/../lib/x", 0, 1, "usr/lib/x"},
	        {"tofile", 0, 1, "usr/lib/x"},
	        {"nothing", 0, 0, NULL},
	        {"nothing/below", 0, 0, NULL},
	        {"lib/nothing", 0, 0, NULL},
	        {"lib/nothing", VIEW_ALLOW_MISSING, 0, "usr/lib/nothing"},
	        {"lib/n/m/../o", VIEW_ALLOW_MISSING, 0, "usr/lib/n/o"},
	        {"n/../lib/x", VIEW_ALLOW_MISSING, 1, "usr/lib/x"},
	        {"dangling", VIEW_ALLOW_MISSING, 0, "nowhere/deep"},
	        {"dangling/x", VIEW_ALLOW_MISSING, 0, "nowhere/deep/x"},
	        {"dangling", 0, 0, NULL},
	        {"dangling", VIEW_NOFOLLOW_LAST, 1, "dangling"},
	        {"loop", 0, -1, NULL},
	        {"l1/x", VIEW_ALLOW_MISSING, -1, NULL},
	        {"loop", VIEW_NOFOLLOW_LAST, 1, "loop"},
	        {"usr/lib/x/y", 0, -1, NULL},
	        {"tofile/y", VIEW_ALLOW_MISSING, -1, NULL},
	        {"usr/lib/x/..", 0, -1, NULL},
	};
	struct layer_index *ix;
	auto_view struct view *v = view_of(tree, &ix);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		auto_free char *got = NULL;
		struct entry en = {0};
		int rc = view_resolve(v, rows[i].path, rows[i].flags, &got, &en, &e);
		if (rc != rows[i].rc || (got == NULL) != (rows[i].want == NULL) ||
		        (got && strcmp(got, rows[i].want) != 0))
			fail_msg("'%s': %d '%s' (%s)", rows[i].path, rc, got ? got : "-", e.msg);
		if (rc == 1)
			assert_string_equal(en.path, got);
	}
	view_free(steal_ptr(&v));
	layer_index_close(ix);
}

// 255 links one after the other are followed, 256 are not.
static void test_link_count(void **state)
{
	for (int n = 255; n <= 256; n++) {
		auto_buf struct buf spec = {0};
		buf_puts(&spec, "d l0");
		for (int i = 1; i <= n; i++)
			buf_printf(&spec, ";s l%d l%d", i, i - 1);
		struct layer_index *ix;
		struct err e = ERR_INIT;
		struct view *v = view_of(spec.p, &ix);
		auto_free char *path = xasprintf("l%d", n), *got = NULL;
		struct entry en;
		assert_int_equal(view_resolve(v, path, 0, &got, &en, &e), n == 255 ? 1 : -1);
		view_free(v);
		layer_index_close(ix);
	}
}

static void test_read_file(void **state)
{
	struct layer_index *ix;
	struct view *v = view_of("d etc;f big 123456;s l nothing", &ix);
	struct err e = ERR_INIT;
	auto_buf struct buf b = {0};
	assert_int_equal(view_read_file(v, "etc/passwd", 100, &b, &e), 0);
	assert_int_equal(view_read_file(v, "l", 100, &b, &e), 0);
	assert_int_equal(view_read_file(v, "etc", 100, &b, &e), -1);
	assert_int_equal(view_read_file(v, "big", 5, &b, &e), -1);
	view_free(v);
	layer_index_close(ix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_resolve),
	        cmocka_unit_test(test_link_count),
	        cmocka_unit_test(test_read_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
