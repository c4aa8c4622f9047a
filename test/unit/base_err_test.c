// SPDX-License-Identifier: Apache-2.0
// The one error type: kinds, texts, and the cause that survives.
#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_kinds(void **state)
{
	static const struct {
		const char *name;
		enum err_kind kind;
		int status;
		const char *code;
	} rows[] = {
	        {"general", ERR_FAIL, 1, "failed"},
	        {"command line", ERR_USAGE, 2, "usage"},
	        {"a step", ERR_STEP, 5, "step"},
	        {"disk full", ERR_SPACE, 10, "no-space"},
	        {"ctrl-c", ERR_CANCELLED, 130, "cancelled"},
	        {"a failure without a kind is still one", ERR_NONE, 1, "none"},
	        {"a kind that another process made up", (enum err_kind)77, 1, "failed"},
	        {"a negative one", (enum err_kind) - 1, 1, "failed"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = {.kind = rows[i].kind};
		if (err_exit_status(&e) != rows[i].status || strcmp(err_code(&e), rows[i].code))
			fail_msg("%s: %d %s", rows[i].name, err_exit_status(&e), err_code(&e));
	}
}

static void test_set_and_position(void **state)
{
	struct err e;
	assert_int_equal(err_set(&e, ERR_NET, "host '%s'", "x"), -1);
	assert_int_equal(e.kind, ERR_NET);
	assert_string_equal(e.msg, "host 'x'");
	assert_int_equal(err_set(&e, ERR_AUTH, "again: %s", e.msg), -1); // its own old text
	assert_string_equal(e.msg, "again: host 'x'");
	assert_int_equal(err_at(&e, (struct pos){.line = 3, .col = 7}, "bad %d", 5), -1);
	assert_int_equal(e.kind, ERR_DOCKERFILE);
	assert_int_equal(e.pos.line, 3);
	assert_int_equal(err_wrap(&e, "stage %d", 2), -1);
	assert_string_equal(e.msg, "stage 2: bad 5");
	assert_int_equal(e.pos.col, 7);
}

static void test_sys(void **state)
{
	static const struct {
		int error;
		enum err_kind kind;
		const char *msg;
	} rows[] = {
	        {ENOENT, ERR_FAIL, "open 'f': No such file or directory"},
	        {ENOSPC, ERR_SPACE, "open 'f': No space left on device"},
	        {EDQUOT, ERR_SPACE, "open 'f': Disk quota exceeded"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e;
		errno = rows[i].error;
		assert_int_equal(err_sys(&e, "open '%s'", "f"), -1);
		assert_int_equal(errno, rows[i].error);
		assert_int_equal(e.sys, rows[i].error);
		assert_int_equal(e.kind, rows[i].kind);
		assert_string_equal(e.msg, rows[i].msg);
	}
}

static void fill(char *p, size_t n, char c)
{
	memset(p, c, n);
	p[n] = '\0';
}

static void test_long_texts_keep_the_cause(void **state)
{
	struct err e;
	char text[3000];
	fill(text, 2000, 'a');
	err_set(&e, ERR_FAIL, "%s", text);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	err_wrap(&e, "head");
	assert_int_equal(e.msg[sizeof(e.msg) - 2], 'a');
	err_set(&e, ERR_FAIL, "the cause");
	err_wrap(&e, "%s", text);
	assert_true(strlen(e.msg) < sizeof(e.msg));
	assert_string_equal(e.msg + strlen(e.msg) - 11, ": the cause");
	errno = ENOENT;
	err_sys(&e, "%s", text);
	assert_non_null(strstr(e.msg, "aaa: No such file or directory"));
	fill(text, sizeof(e.msg) - 1, 'b');
	err_set(&e, ERR_FAIL, "%s", text);
	err_wrap(&e, "head");
	assert_string_equal(e.msg, text); // no room for a head at all
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_kinds),
	        cmocka_unit_test(test_set_and_position),
	        cmocka_unit_test(test_sys),
	        cmocka_unit_test(test_long_texts_keep_the_cause),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
