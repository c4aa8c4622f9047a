// SPDX-License-Identifier: Apache-2.0
// The test vectors of RFC 4648 section 10, both ways, and what is not base64.
#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_vectors(void **state)
{
	static const struct {
		const char *plain, *coded;
	} rows[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
	        {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xff\xfe\xfb\xff", "//77/w=="}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf out = {0}, back = {0};
		base64_encode(&out, rows[i].plain, strlen(rows[i].plain));
		assert_string_equal(buf_cstr(&out), rows[i].coded);
		assert_true(base64_decode(&back, rows[i].coded));
		assert_string_equal(buf_cstr(&back), rows[i].plain);
	}
}

static void test_writers(void **state)
{
	static const struct {
		const char *coded, *plain; // NULL: not base64
	} rows[] = {{"Zg", "f"}, {"Zm8", "fo"}, {"Zm9v\n", "foo"}, {"__77_w", "\xff\xfe\xfb\xff"},
	        {"__-7", "\xff\xff\xbb"}, {"a", NULL}, {"ab c", NULL}, {"Zm9v!", NULL},
	        {"Zg==Zg==", NULL}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf out = {0};
		assert_int_equal(base64_decode(&out, rows[i].coded), rows[i].plain != NULL);
		if (rows[i].plain)
			assert_string_equal(buf_cstr(&out), rows[i].plain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_vectors),
	        cmocka_unit_test(test_writers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
