// SPDX-License-Identifier: Apache-2.0
// Times, ages and sizes as text.
#include "base/mem.h"
#include "base/timefmt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_format(void **state)
{
	static const struct {
		struct timestamp t;
		const char *want;
	} rows[] = {
	        {{0, 0}, "1970-01-01T00:00:00Z"},
	        {{1704164645, 678000000}, "2024-01-02T03:04:05.678Z"},
	        {{1704164645, 1}, "2024-01-02T03:04:05.000000001Z"},
	        {{1704164645, 999999999}, "2024-01-02T03:04:05.999999999Z"},
	        {{1709164800, 0}, "2024-02-29T00:00:00Z"},
	        {{-1, 500000000}, "1969-12-31T23:59:59.5Z"},
	        {{-62135596800, 0}, "0001-01-01T00:00:00Z"}, // Go's zero time
	        {{253402300799, 0}, "9999-12-31T23:59:59Z"},
	        {{253402300800, 0}, "0001-01-01T00:00:00Z"}, // cannot be written
	        {{INT64_MAX, 0}, "0001-01-01T00:00:00Z"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[TIME_TEXT];
		struct timestamp back;
		time_format(rows[i].t, text);
		assert_string_equal(text, rows[i].want);
		assert_true(time_parse(text, &back));
		if (i < 8)
			assert_true(back.sec == rows[i].t.sec && back.nsec == rows[i].t.nsec);
	}
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		bool want;
		struct timestamp t;
	} rows[] = {
	        {"2024-01-02T03:04:05Z", true, {1704164645, 0}},
	        {"2024-01-02T03:04:05.5Z", true, {1704164645, 500000000}},
	        {"2024-01-02T03:04:05.1234567891Z", true, {1704164645, 123456789}},
	        {"2024-01-02T05:04:05+02:00", true, {1704164645, 0}},
	        {"2024-01-01T21:34:05-05:30", true, {1704164645, 0}},
	        {"2024-01-02t03:04:05z", true, {1704164645, 0}},
	        {"2024-01-02 03:04:05Z", true, {1704164645, 0}},
	        {"2016-12-31T23:59:60Z", true, {1483228800, 0}}, // a leap second
	        {"0001-01-01T00:00:00Z", true, {-62135596800, 0}},
	        {"2024-02-29T00:00:00Z", true, {1709164800, 0}},
	        {"2023-02-29T00:00:00Z", false, {0, 0}},
	        {"2024-04-31T00:00:00Z", false, {0, 0}},
	        {"2024-13-01T00:00:00Z", false, {0, 0}},
	        {"2024-00-01T00:00:00Z", false, {0, 0}},
	        {"2024-01-00T00:00:00Z", false, {0, 0}},
	        {"2024-01-02T24:00:00Z", false, {0, 0}},
	        {"2024-01-02T03:60:00Z", false, {0, 0}},
	        {"2024-01-02T03:04:61Z", false, {0, 0}},
	        {"2024-01-02T03:04:05", false, {0, 0}},
	        {"2024-01-02T03:04:05.Z", false, {0, 0}},
	        {"2024-01-02T03:04:05Zx", false, {0, 0}},
	        {"2024-01-02T03:04:05+0200", false, {0, 0}},
	        {"2024-01-02T03:04:05+24:00", false, {0, 0}},
	        {"2024-01-02T03:04:05+02:60", false, {0, 0}},
	        {"24-01-02T03:04:05Z", false, {0, 0}},
	        {"2024-1-2T03:04:05Z", false, {0, 0}},
	        {"2024-01-02", false, {0, 0}},
	        {"", false, {0, 0}},
	        {"-024-01-02T03:04:05Z", false, {0, 0}},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct timestamp t = {0, 0};
		if (time_parse(rows[i].text, &t) != rows[i].want || t.sec != rows[i].t.sec ||
		        t.nsec != rows[i].t.nsec)
			fail_msg("%s: %lld", rows[i].text, (long long)t.sec);
	}
}

static void test_age(void **state)
{
	enum { HOUR = 3600, DAY = 24 * HOUR };
	static const struct {
		int64_t ago;
		const char *want;
	} rows[] = {
	        {-100, "Less than a second ago"},
	        {0, "Less than a second ago"},
	        {5, "5 seconds ago"},
	        {90, "About a minute ago"},
	        {150, "2 minutes ago"},
	        {59 * 60 + 30, "59 minutes ago"},
	        {HOUR + 10, "About an hour ago"},
	        {HOUR + 1810, "2 hours ago"},
	        {47 * HOUR, "47 hours ago"},
	        {49 * HOUR, "2 days ago"},
	        {13 * DAY + 5 * HOUR, "13 days ago"},
	        {15 * DAY, "2 weeks ago"},
	        {59 * DAY, "8 weeks ago"},
	        {61 * DAY, "2 months ago"},
	        {729 * DAY, "24 months ago"},
	        {731 * DAY, "2 years ago"},
	        {50LL * 366 * DAY, "50 years ago"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[TIME_TEXT];
		struct timestamp t = time_now();
		t.sec -= rows[i].ago;
		time_age(t, text);
		if (strcmp(text, rows[i].want) && rows[i].ago != 5) // a slow machine may say 6
			fail_msg("%lld: %s", (long long)rows[i].ago, text);
	}
}

static void test_size(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} rows[] = {
	        {0, "0B"},
	        {1, "1B"},
	        {999, "999B"},
	        {1000, "1kB"},
	        {1001, "1kB"},
	        {7340, "7.34kB"},
	        {77000, "77kB"},
	        {77900000, "77.9MB"},
	        {999499, "999kB"},
	        {999500, "1MB"}, // never 1e+03kB
	        {1110000000, "1.11GB"},
	        {123456789, "123MB"},
	        {UINT64_MAX, "18.4EB"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[24];
		size_format(rows[i].bytes, text);
		assert_string_equal(text, rows[i].want);
	}
}

static void test_size_parse(void **state)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t want;
	} rows[] = {
	        {"0", true, 0},
	        {"42", true, 42},
	        {"42B", true, 42},
	        {"42 b", true, 42},
	        {"1k", true, 1000},
	        {"1kB", true, 1000},
	        {"1KiB", true, 1024},
	        {"50MB", true, 50000000},
	        {"50 mb", true, 50000000},
	        {"1.5GiB", true, 1610612736},
	        {"1,000.5kB", true, 1000500},
	        {".5M", true, 500000},
	        {"3TB", true, 3000000000000},
	        {"18PB", true, 18000000000000000},
	        {"", false, 0},
	        {"MB", false, 0},
	        {".", false, 0},
	        {",", false, 0},
	        {"-1", false, 0},
	        {"1.2.3", false, 0},
	        {"1XB", false, 0},
	        {"1MBs", false, 0},
	        {"1e3", false, 0},
	        {" 1", false, 0},
	        {"18446744073709551616", false, 0},
	        {"99999PB", false, 0},
	        {"1111111111111111111111111111111111111111111", false, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t got = 0;
		if (size_parse(rows[i].text, &got) != rows[i].good || got != rows[i].want)
			fail_msg("'%s': %llu", rows[i].text, (unsigned long long)got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_format),
	        cmocka_unit_test(test_parse),
	        cmocka_unit_test(test_age),
	        cmocka_unit_test(test_size),
	        cmocka_unit_test(test_size_parse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
