// SPDX-License-Identifier: Apache-2.0
// Retry-After in its three forms, HTTP dates, backoff.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "registry/retry.h"
#include <cmocka.h>
#include <signal.h>

#define NOW 1445412480 // Wed, 21 Oct 2015 07:28:00 GMT

static const struct {
	const char *input;
	int64_t want;
} rows[] = {
        {"0", 0},
        {"1", 1000},
        {" 120", 120000},
        {"18446744073709551615", INT64_MAX},
        {"Wed, 21 Oct 2015 07:28:30 GMT", 30000},
        {"Wed, 21 Oct 2015 07:27:00 GMT", 0},
        {"Wed, 21 Xxx 2015 07:28:30 GMT", -1},
        {"Wed, 21 Oct 2015 07:28:30 CET", -1},
        {"35.8\xc2\xb5s, allowed: 44000/minute", 1},
        {"1m30s", 90000},
        {"250ms", 250},
        {"1.5h", 5400000},
        {"-1", -1},
        {"1x", -1},
        {"soon", -1},
        {"", -1},
        {NULL, -1},
};

static void test_after(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t got = retry_after_ms(rows[i].input, NOW);
		if (got != rows[i].want)
			fail_msg("'%s': %jd", rows[i].input, (intmax_t)got);
	}
}

static void test_date(void **state)
{
	int64_t t;
	assert_true(http_date_parse("Wed, 21 Oct 2015 07:28:00 GMT", &t));
	assert_int_equal(t, NOW);
	assert_false(http_date_parse("Wed, 32 Oct 2015 07:28:00 GMT", &t));
	assert_false(http_date_parse("Wed, 21 ctN 2015 07:28:00 GMT", &t));
	assert_false(http_date_parse("2015-10-21", &t));
}

static void test_backoff(void **state)
{
	struct retry r = {0};
	int tries = 1;
	while (retry_again(&r))
		tries++;
	assert_int_equal(tries, RETRY_MAX);
	assert_int_equal(retry_backoff_ms(1), 500);
	assert_int_equal(retry_backoff_ms(4), 4000);
	assert_int_equal(retry_backoff_ms(1000), 8000);
}

static void test_wait(void **state)
{
	struct retry r = {.tries = 1};
	struct err e = ERR_INIT;
	int64_t before = clock_ns();
	assert_int_equal(retry_wait(&r, 30, &e), 0);
	assert_true(clock_ns() - before >= 28 * 1000000);
	atomic_bool stop = true; // somebody else's failure
	assert_null(cancel_with(&stop));
	assert_int_equal(retry_wait(&r, 60000, &e), -1);
	assert_int_equal(e.kind, ERR_CANCELLED);
	assert_ptr_equal(cancel_with(NULL), &stop);
	assert_int_equal(retry_wait(&r, 0, &e), 0);
	cancel_trigger(SIGINT);
	assert_int_equal(retry_wait(&r, 60000, &e), -1);
	assert_int_equal(e.kind, ERR_CANCELLED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_after),
	        cmocka_unit_test(test_date),
	        cmocka_unit_test(test_backoff),
	        cmocka_unit_test(test_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
