// SPDX-License-Identifier: Apache-2.0
// Names of signals, against the C library's numbers.
#include "base/signals.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void test_number(void **state)
{
	static const struct {
		const char *text;
		int number;
	} rows[] = {
	        {"SIGTERM", SIGTERM},
	        {"TERM", SIGTERM},
	        {"sigterm", SIGTERM},
	        {"term", SIGTERM},
	        {"15", SIGTERM},
	        {"SIGQUIT", SIGQUIT},
	        {"HUP", SIGHUP},
	        {"USR1", SIGUSR1},
	        {"WINCH", SIGWINCH},
	        {"IOT", SIGABRT},
	        {"CLD", SIGCHLD},
	        {"IO", SIGPOLL},
	        {"RTMIN", 34},
	        {"RTMAX", 64},
	        {"SIGRTMIN+3", 37},
	        {"rtmax-14", 50},
	        {"1", 1},
	        {"64", 64},
	        {"0", 0},
	        {"65", 0},
	        {"-1", 0},
	        {"", 0},
	        {"SIG", 0},
	        {"TERMS", 0},
	        {"RTMIN+31", 0},
	        {"RTMIN+", 0},
	        {"RTMIN-1", 0},
	        {"99999999999999999999", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(signal_number(rows[i].text), rows[i].number);
	// all that the C library has a name for
	for (int n = 1; n < 32; n++)
		assert_int_equal(signal_number(sigabbrev_np(n)), n);
}

static void test_near(void **state)
{
	assert_string_equal(signal_near("SIGTRM"), "TERM");
	assert_string_equal(signal_near("quitt"), "QUIT");
	assert_null(signal_near("SIGNIFICANT"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_number),
	        cmocka_unit_test(test_near),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
