// SPDX-License-Identifier: Apache-2.0
// Views, strict numbers, suggestions, UTF-8.
#include "base/buf.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_compare(void **state)
{
	assert_true(str_eq(STR("ab"), "ab"));
	assert_false(str_eq(STR("ab"), "abc"));
	assert_true(str_eq((struct str){NULL, 0}, ""));
	assert_true(str_eq(str_of("x"), "x"));
	assert_true(str_has_prefix("sha256:1", "sha256:"));
	assert_false(str_has_prefix("sha", "sha256:"));
	assert_true(str_has_suffix("a.tar.gz", ".gz"));
	assert_false(str_has_suffix("gz", ".gz"));
	assert_true(str_ieq("From", "fROM"));
	assert_false(str_ieq("From", "Fro"));
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		bool u, i, o; // is it a u64, an i64, an octal number?
		uint64_t u_value;
		int64_t i_value;
		uint32_t o_value;
	} rows[] = {
	        {"0", true, true, true, 0, 0, 0},
	        {"755", true, true, true, 755, 755, 0755},
	        {"0644", true, true, true, 644, 644, 0644},
	        {"89", true, true, false, 89, 89, 0},
	        {"-1", false, true, false, 0, -1, 0},
	        {"-", false, false, false, 0, 0, 0},
	        {"--1", false, false, false, 0, 0, 0},
	        {"+1", false, false, false, 0, 0, 0},
	        {"", false, false, false, 0, 0, 0},
	        {" 1", false, false, false, 0, 0, 0},
	        {"1 ", false, false, false, 0, 0, 0},
	        {"0x1", false, false, false, 0, 0, 0},
	        {"9223372036854775807", true, true, false, INT64_MAX, INT64_MAX, 0},
	        {"9223372036854775808", true, false, false, 9223372036854775808u, 0, 0},
	        {"-9223372036854775808", false, true, false, 0, INT64_MIN, 0},
	        {"-9223372036854775809", false, false, false, 0, 0, 0},
	        {"18446744073709551615", true, false, false, UINT64_MAX, 0, 0},
	        {"18446744073709551616", false, false, false, 0, 0, 0},
	        {"99999999999999999999999", false, false, false, 0, 0, 0},
	        {"37777777777", true, true, true, 37777777777, 37777777777, UINT32_MAX},
	        {"40000000000", true, true, false, 40000000000, 40000000000, 0},
	};
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		uint64_t u = 0;
		int64_t i = 0;
		uint32_t o = 0;
		bool is_u = str_to_u64(rows[k].text, &u), is_i = str_to_i64(rows[k].text, &i);
		bool is_o = str_to_octal(rows[k].text, &o);
		if (is_u != rows[k].u || is_i != rows[k].i || is_o != rows[k].o ||
		        u != rows[k].u_value || i != rows[k].i_value || o != rows[k].o_value)
			fail_msg("'%s': %d %d %d", rows[k].text, is_u, is_i, is_o);
	}
}

static void test_nearest(void **state)
{
	static const char *const words[] = {
	        "FROM", "RUN", "COPY", "ENTRYPOINT", "HEALTHCHECK", "builder"};
	static const struct {
		const char *word, *want;
	} rows[] = {
	        {"FORM", "FROM"},
	        {"from", "FROM"},
	        {"RUNN", "RUN"},
	        {"ENTRIPOINT", "ENTRYPOINT"},
	        {"HELTHCHECK", "HEALTHCHECK"},
	        {"Bulider", "builder"},
	        {"RUN", NULL}, // right as it is
	        {"MAINTAINER", NULL},
	        {"", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *got = str_nearest(rows[i].word, words, ARRAY_LEN(words));
		if (!got != !rows[i].want || (got && strcmp(got, rows[i].want)))
			fail_msg("%s: %s", rows[i].word, got ? got : "nothing");
	}
	char long_word[1000];
	memset(long_word, 'a', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	assert_null(str_nearest(long_word, words, ARRAY_LEN(words)));
}

static void test_utf8(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t want;
	} rows[] = {
	        {"ascii", "a", 1},
	        {"two", "\xc3\xa9", 2},
	        {"three", "\xe2\x98\xba", 3},
	        {"four", "\xf0\x9f\x98\x80", 4},
	        {"the last", "\xf4\x8f\xbf\xbf", 4},
	        {"beyond the last", "\xf4\x90\x80\x80", 0},
	        {"overlong two", "\xc0\x80", 0},
	        {"overlong three", "\xe0\x9f\xbf", 0},
	        {"overlong four", "\xf0\x8f\xbf\xbf", 0},
	        {"surrogate", "\xed\xa0\x80", 0},
	        {"before the surrogates", "\xed\x9f\xbf", 3},
	        {"lone continuation", "\x80", 0},
	        {"cut", "\xe2\x98", 0},
	        {"no continuation", "\xe2\x98q", 0},
	        {"no such byte", "\xff", 0},
	        {"nothing", "", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_utf8_len(rows[i].bytes, strlen(rows[i].bytes)) != rows[i].want)
			fail_msg("%s", rows[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_compare),
	        cmocka_unit_test(test_numbers),
	        cmocka_unit_test(test_nearest),
	        cmocka_unit_test(test_utf8),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
