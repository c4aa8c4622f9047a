// SPDX-License-Identifier: Apache-2.0
// hew.lock: what is read, what is refused and where, how it is changed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "lock/lock.h"
#include <string.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA "sha256:" HEX64
#define COMMIT "13e45b5d0ac82af8e6185913d09a3eb200e0d055"
#define HEAD "# hew.lock 1\n"

static void test_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
	        {"", "first line"},
	        {"# hew.lock 2\n", "first line"},
	        {"<<<<<<< ours\n" HEAD, "first line"},
	        {HEAD "<<<<<<< ours\n", "line 2 is not"},
	        {HEAD "=======\n", "line 2 is not"},
	        {HEAD "image " SHA "\n", "line 2 is not"},
	        {HEAD "# x\nmage " SHA " a\n", "line 3 is about neither"},
	        {HEAD "image sha256:12 a\n", "line 2 has no digest"},
	        {HEAD "git " SHA " a\n", "line 2 has no digest"},
	        {HEAD "url " COMMIT " a\n", "line 2 has no digest"},
	        {HEAD "url " SHA " a\nurl " SHA " a\n",
	                "line 3 says something of a name once more"},
	        {HEAD "url " SHA " a\r\n", "line 2"},
	        {HEAD "url " SHA "  a\n", "line 2"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct lock l = {0};
		struct err e = ERR_INIT;
		assert_int_equal(lock_parse(rows[i].text, strlen(rows[i].text), &l, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
		assert_non_null(strstr(e.msg, rows[i].says));
	}
	struct lock l = {0};
	struct err e = ERR_INIT;
	assert_int_equal(lock_parse(HEAD "\0", sizeof(HEAD), &l, &e), -1);
}

static void test_read_and_written(void **state)
{
	static const char text[] = HEAD "\n# a comment\nurl " SHA " https://h/a b\n"
	                                "image " SHA " docker.io/library/x:1\n"
	                                "git " COMMIT " https://h/x.git#v1\n";
	auto_lock struct lock l = {0};
	auto_buf struct buf out = {0};
	struct err e = ERR_INIT;
	assert_int_equal(lock_parse(text, strlen(text), &l, &e), 0);
	assert_int_equal(l.n, 3);
	assert_string_equal(lock_find(&l, LOCK_URL, "https://h/a b"), SHA);
	assert_string_equal(lock_find(&l, LOCK_URL, "https://u:p@h/a b"), SHA);
	assert_string_equal(lock_find(&l, LOCK_GIT, "https://h/x.git#v1"), COMMIT);
	assert_null(lock_find(&l, LOCK_IMAGE, "https://h/a b"));
	assert_null(lock_find(&l, LOCK_URL, "https://h/a"));
	lock_write(&l, &out);
	const char *lines = strstr(buf_cstr(&out), "\ngit ");
	assert_non_null(lines);
	assert_string_equal(lines, "\ngit " COMMIT " https://h/x.git#v1\nimage " SHA
	                           " docker.io/library/x:1\nurl " SHA " https://h/a b\n");
}

static void test_names(void **state)
{
	static const struct {
		const char *name, *stands;
	} rows[] = {
	        {"https://u:p@h/x", "https://h/x"},
	        {"http://t@h:8/x@1", "http://h:8/x@1"},
	        {"https://a@b@h/x", "https://h/x"},
	        {"https://h/x?y=a@b", "https://h/x?y=a@b"},
	        {"git@h:x.git#v1", "git@h:x.git#v1"},
	        {"ssh://git@h/x.git", "ssh://git@h/x.git"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *name = lock_name(rows[i].name);
		assert_string_equal(name, rows[i].stands);
	}
	static const char *const none[] = {"", " a", "a ", "a\nimage " SHA " b", "a\x1b", "a\x7f"};
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		auto_lock struct lock l = {0};
		struct err e = ERR_INIT;
		assert_int_equal(lock_set(&l, LOCK_URL, none[i], SHA, &e), -1);
		assert_int_equal(e.kind, ERR_UNSUPPORTED);
	}
}

static void test_sorted(void **state)
{
	auto_lock struct lock l = {0};
	struct err e = ERR_INIT;
	for (int i = 0; i < 200; i++) {
		auto_free char *name = xasprintf("h/n%d", i * 37 % 200);
		assert_int_equal(lock_set(&l, i % 3, name, SHA, &e), 0);
	}
	assert_int_equal(l.n, 200);
	for (size_t i = 1; i < l.n; i++) {
		bool later = l.v[i].kind > l.v[i - 1].kind ||
		             (l.v[i].kind == l.v[i - 1].kind &&
		                     strcmp(l.v[i].name, l.v[i - 1].name) > 0);
		assert_true(later);
	}
}

static void test_compare(void **state)
{
	static const char was[] = HEAD "image " SHA " a\nimage " SHA " b\nurl " SHA " c\n";
	static const char is[] =
	        HEAD "git " COMMIT " g\nimage sha256:"
	             "f"
	             "123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	             " b\nurl " SHA " c\n";
	auto_lock struct lock old = {0}, now = {0};
	struct lock_change c[6];
	struct err e = ERR_INIT;
	assert_int_equal(lock_parse(was, strlen(was), &old, &e), 0);
	assert_int_equal(lock_parse(is, strlen(is), &now, &e), 0);
	assert_int_equal(lock_compare(&old, &now, false, c), 2);
	assert_null(c[0].was);
	assert_string_equal(c[0].is->name, "g");
	assert_string_equal(c[1].was->value, SHA);
	assert_string_equal(c[1].is->name, "b");
	assert_int_equal(lock_compare(&old, &now, true, c), 3);
	assert_string_equal(c[1].was->name, "a");
	assert_null(c[1].is);
	assert_int_equal(lock_compare(&now, &now, true, c), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_read_and_written),
	        cmocka_unit_test(test_names),
	        cmocka_unit_test(test_sorted),
	        cmocka_unit_test(test_compare),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
