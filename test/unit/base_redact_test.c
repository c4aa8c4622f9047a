// SPDX-License-Identifier: Apache-2.0
// Values of secrets in a stream, whole and in pieces.
#include "base/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void test_redact(void **state)
{
	static const struct {
		const char *values[3], *text, *want;
	} rows[] = {
	        {{"hunter2"}, "is hunter2\nhunter2hunter2 hunter", "is ***\n****** hunter"},
	        {{"hunter2\n"}, "hunter2\n", "***\n"},
	        {{"hunter2\r\n"}, "hunter2\r\n", "***\r\n"},
	        {{"abc"}, "abc abc", "abc abc"}, // met by chance
	        {{"abab", "ababc"}, "ababc abab ababab", "*** *** ***ab"},
	        {{"aaab"}, "aaaab aaab aaaa", "a*** *** aaaa"},
	        {{"first line\nab\nlast line"}, "ab: first line, last line", "ab: ***, ***"},
	        {{"one-value", "two-value"}, "two-valueone-value", "******"},
	        {{"nothing"}, "", ""},
	        {{""}, "all of it", "all of it"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct redactor r = {.n = 0};
		size_t len = strlen(rows[i].text);
		for (size_t k = 0; k < 3 && rows[i].values[k]; k++)
			redactor_add(&r, rows[i].values[k], strlen(rows[i].values[k]));
		for (size_t piece = 1; piece <= len + 1; piece++) {
			auto_buf struct buf held = {0}, out = {0};
			for (size_t at = 0; at < len; at += piece)
				redact(&r, &held, rows[i].text + at,
				        len - at < piece ? len - at : piece, &out);
			redact(&r, &held, "", 0, &out);
			assert_string_equal(buf_cstr(&out), rows[i].want);
			assert_int_equal(held.n, 0);
		}
	}
}

// What cannot become a value is shown at once.
static void test_holds_back_little(void **state)
{
	struct redactor r = {.n = 0};
	auto_buf struct buf held = {0}, out = {0};
	redactor_add(&r, "hunter2", 7);
	redact(&r, &held, "50% hunt", 8, &out);
	assert_string_equal(buf_cstr(&out), "50% ");
	redact(&r, &held, "ing", 3, &out);
	assert_string_equal(buf_cstr(&out), "50% hunting");
}

static void test_urls(void **state)
{
	static const char *const rows[][2] = {
	        {"get http://joe:sesame@host/x", "get http://joe:xxxxx@host/x"},
	        {"https://token@host/x https://host/a@b", "https://xxxxx@host/x https://host/a@b"},
	        {"ssh://git@host/x ssh://u:p@h", "ssh://git@host/x ssh://u:xxxxx@h"},
	        {"HTTP://a:b@c@host http://:p@h", "HTTP://a:xxxxx@host http://:xxxxx@h"},
	        {"http://host?x=a:b@c ://@ http://", "http://host?x=a:b@c ://@ http://"},
	        {"", ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf out = {0};
		redact_urls(rows[i][0], strlen(rows[i][0]), &out);
		assert_string_equal(buf_cstr(&out), rows[i][1]);
	}
}

static void test_limits(void **state)
{
	struct redactor r = {.n = 0};
	auto_buf struct buf many = {0};
	for (int i = 0; i < 2 * REDACT_LINES; i++)
		buf_printf(&many, "line %d\n", i);
	redactor_add(&r, many.p, many.n);
	assert_int_equal(r.n, REDACT_LINES);
	r.n = 0;
	redactor_add(&r, "zero\0byte", 9); // a value is bytes
	assert_int_equal(r.lines[0].n, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_redact),
	        cmocka_unit_test(test_holds_back_little),
	        cmocka_unit_test(test_urls),
	        cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
