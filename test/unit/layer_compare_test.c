// SPDX-License-Identifier: Apache-2.0
// Two layers side by side: each row two layers written down, and what differs.
#include "layer/compare.h"

#include "layer_fixture.h"

static struct layer_index *made(const char *spec)
{
	struct err e = ERR_INIT;
	struct layer_index *ix = spec_index(spec, &e);
	assert_non_null(ix);
	return ix;
}

static int note(void *arg, const struct entry *a, const struct entry *b, unsigned what)
{
	buf_printf(arg, "%s:%s%s%x ", a ? a->path : b->path, a ? "a" : "", b ? "b" : "", what);
	return 0;
}

static int stop(void *arg, const struct entry *a, const struct entry *b, unsigned what)
{
	note(arg, a, b, what);
	return 7;
}

static void test_rows(void **state)
{
	static const struct {
		const char *a, *b, *want;
	} rows[] = {
	        {"", "", ""},
	        {"d d; f d/x one", "d d; f d/x one", ""},
	        {"f x one", "f x two", "x:ab4 "},
	        {"f x one", "f x longer", "x:ab4 "},
	        {"f x one", "d x", "x:ab2 "},
	        {"f x one; f y", "f y", "x:a1 "},
	        {"f y", "f x; f y; f z", "x:b1 z:b1 "},
	        {"d a; f a/1; f b", "d a; f a/2; f b", "a/1:a1 a/2:b1 "},
	        {"s l here", "s l there", "l:ab8 "},
	        {"d d 755; f d/x", "d d 1777; f d/x", "d:ab10 "},
	        {"d d", "o d", "d:ab10 "},
	        {"p n", "c n", "n:ab2 "},
	        {"w x", "f x", "x:ab2 "},
	        {"", "d d", "d:b1 "},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf got = {0};
		struct layer_index *a = made(rows[i].a), *b = made(rows[i].b);
		assert_int_equal(layer_compare(a, b, true, note, &got), 0);
		assert_string_equal(buf_cstr(&got), rows[i].want);
		layer_index_close(a);
		layer_index_close(b);
	}
}

static void test_stops(void **state)
{
	auto_buf struct buf got = {0};
	struct layer_index *a = made("f x; f y"), *b = made("");
	(void)state;
	assert_int_equal(layer_compare(a, b, true, stop, &got), 7);
	assert_string_equal(buf_cstr(&got), "x:a1 ");
	layer_index_close(a);
	layer_index_close(b);
}

static void test_entries(void **state)
{
	const struct xattr x = {"user.a", "1", 1}, y = {"user.a", "2", 1};
	const struct entry plain = {.path = "p", .type = ENTRY_FILE, .mode = 0644};
	struct entry owner = plain, device = plain, time = plain, first = plain, second = plain;
	(void)state;
	owner.gid = 5;
	device.dev_minor = 3;
	time.mtime_nsec = 1;
	first.xattrs = &x, first.n_xattrs = 1;
	second.xattrs = &y, second.n_xattrs = 1;
	assert_int_equal(entry_compare(&plain, &plain, true), 0);
	assert_int_equal(entry_compare(&plain, &owner, true), DIFFERS_OWNER);
	assert_int_equal(entry_compare(&plain, &device, true), DIFFERS_DEVICE);
	assert_int_equal(entry_compare(&plain, &time, true), DIFFERS_MTIME);
	assert_int_equal(entry_compare(&plain, &time, false), 0);
	assert_int_equal(entry_compare(&plain, &first, true), DIFFERS_XATTRS);
	assert_int_equal(entry_compare(&first, &second, true), DIFFERS_XATTRS);
	assert_int_equal(entry_compare(&first, &first, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rows),
	        cmocka_unit_test(test_stops),
	        cmocka_unit_test(test_entries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
