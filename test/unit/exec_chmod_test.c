// SPDX-License-Identifier: Apache-2.0
// --chmod in both forms; the symbolic rows were taken from what chmod(1) does.
#include "base/err.h"
#include "exec/exec-int.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
// after the standard headers it needs
#include <cmocka.h>

static void test_apply(void **state)
{
	(void)state;
	static const struct {
		const char *spec;
		uint32_t mode;
		bool dir;
		uint32_t want;
	} rows[] = {
	        {"644", 0755, false, 0644},
	        {"4755", 0644, false, 04755},
	        {"u=rwX,go=rX", 0600, false, 0644},
	        {"u=rwX,go=rX", 0700, false, 0755},
	        {"u=rwX,go=rX", 0600, true, 0755},
	        {"+x", 0644, false, 0755},
	        {"a-w", 0666, false, 0444},
	        {"go=", 0777, false, 0700},
	        {"u+s", 0755, false, 04755},
	        {"g+s,o-rx", 0755, false, 02750},
	        {"+t", 0777, true, 01777},
	        {"g=u", 0640, false, 0660},
	        {"o=g-w", 0770, false, 0775},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t got = chmod_apply(rows[i].spec, rows[i].mode, rows[i].dir);
		if (got != rows[i].want)
			fail_msg("%s on %o: got %o, want %o", rows[i].spec, rows[i].mode, got,
			        rows[i].want);
	}
}

static void test_check(void **state)
{
	(void)state;
	static const char *const good[] = {"0", "7777", "u=rwx", "a+rX,o-w", "g=u"};
	static const char *const bad[] = {
	        "", "8", "77777", "u", "u=q", "=rwx,", "x+u=", "u=rw go=r"};
	struct err e;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (chmod_parse_check(good[i], &e))
			fail_msg("%s: refused: %s", good[i], e.msg);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (!chmod_parse_check(bad[i], &e))
			fail_msg("%s: taken", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_apply),
	        cmocka_unit_test(test_check),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
