// SPDX-License-Identifier: Apache-2.0
// Size and time: the limits hold, and hostile files cost no more than their length.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "dockerfile/dockerfile.h"

#include <time.h>

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void repeat(struct buf *b, const char *s, size_t times)
{
	while (times-- > 0)
		buf_puts(b, s);
}

static void test_line_limit(void **state)
{
	static const struct {
		size_t length;
		const char *before, *after;
		bool ok;
	} rows[] = {
	        {65535, "FROM a\nRUN x", "\n", true},
	        {65536, "FROM a\nRUN x", "\n", false},
	        {65535, "FROM a\nRUN x", "", true},
	        {65536, "FROM a\nRUN x", "", false},
	        {65536, "FROM a\nRUN <<E\nx", "\nE\n", false},
	        {65536, "FROM a\n#", "\n", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf b = {0};
		struct err e = ERR_INIT;
		buf_puts(&b, rows[i].before);
		size_t line = strlen(strrchr(rows[i].before, '\n') + 1);
		repeat(&b, "y", rows[i].length - line);
		buf_puts(&b, rows[i].after);
		auto_dockerfile struct dockerfile *d = dockerfile_parse(b.p, b.n, NULL, &e);
		assert_int_equal(d != NULL, rows[i].ok);
		if (!d)
			assert_string_equal(
			        e.msg, "dockerfile line greater than max allowed size of 65535");
	}
}

static void test_file_limits(void **state)
{
	auto_buf struct buf b = {0};
	struct err e = ERR_INIT;
	repeat(&b, "#\n", (DOCKERFILE_MAX / 2) + 1);
	assert_null(dockerfile_parse(b.p, b.n, NULL, &e));
	assert_non_null(strstr(e.msg, "larger than"));
	buf_reset(&b);
	buf_puts(&b, "FROM a\n");
	repeat(&b, "RUN x\n", DOCKERFILE_INSTRUCTIONS_MAX);
	assert_null(dockerfile_parse(b.p, b.n, NULL, &e));
	assert_non_null(strstr(e.msg, "more than 100000 instructions"));
	assert_int_equal(e.pos.line, DOCKERFILE_INSTRUCTIONS_MAX + 1);
}

// 10 ms are the promise; the bound is loose because sanitizers and busy machines are slow.
static void test_speed(void **state)
{
	auto_buf struct buf b = {0};
	struct err e = ERR_INIT;
	buf_puts(&b, "FROM alpine AS base\n");
	for (int i = 0; i < 1250; i++)
		buf_printf(&b,
		        "RUN --mount=type=cache,target=/root/.cache apt-get update && \\\n"
		        "    apt-get install -y thing-%d\nENV A%d=b C=\"d e\"\n"
		        "COPY --chown=1:2 --from=base /a/%d /b/\nLABEL x=y\n",
		        i, i, i);
	double start = now_ms(), best = 1e9;
	for (int i = 0; i < 5; i++) {
		start = now_ms();
		struct dockerfile *d = dockerfile_parse(b.p, b.n, NULL, &e);
		assert_non_null(d);
		assert_int_equal(d->stages[0].n_instrs, 5000);
		dockerfile_free(d);
		double took = now_ms() - start;
		best = took < best ? took : best;
	}
	print_message("5000 instructions: %.2f ms\n", best);
	assert_true(best < 200);
}

// What would be quadratic, deep or huge if it were done carelessly: about 1 MiB each.
static void test_hostile(void **state)
{
	static const struct {
		const char *name, *head, *body, *tail;
		size_t times;
	} rows[] = {
	        {"blank lines", "", "\n", "FROM a\n", 8u << 20},
	        {"empty continuations", "FROM a\nRUN x \\\n", "\n", "", 8u << 20},
	        {"long continuation", "FROM a\nRUN x \\\n", "y \\\n", "", 2u << 20},
	        {"comments", "", "# a b\n", "FROM a\n", 1400000},
	        {"comments and pairs", "", "# a b\n", "ARG x=1\nFROM a\n", 1400000},
	        {"pairs", "FROM a\nENV \\\n", "a=b \\\n", "c=d\n", 1300000},
	        {"arguments", "# a b\n# c d\nARG \\\n", "a=b \\\n", "c=d\nFROM a\n", 1300000},
	        {"heredocs on a line", "FROM a\nRUN \\\n", "<<E \\\n", "\n", 300000},
	        {"a heredoc of empty lines", "FROM a\nRUN <<E\n", "\n", "E\n", 8u << 20},
	        {"nested json", "FROM a\nRUN \\\n", "[\\\n", "\n", 2u << 20},
	        {"stages", "", "FROM a AS b\n", "", 99000},
	        {"stages of themselves", "", "FROM b AS b\nCMD x\n", "", 49000},
	        {"onbuild", "FROM a\nONBUILD \\\n", "ONBUILD \\\n", "\n", 800000},
	        {"flags", "FROM a\nRUN \\\n", "--mount=target=/a \\\n", "x\n", 400000},
	        {"quotes", "FROM a\nENV a=\\\n", "\"'\\\n", "\n", 2000000},
	        {"sources", "FROM a\nCOPY \\\n", "a \\\n", "b\n", 2000000},
	        {"unset variables and heredocs", "FROM a\nRUN \\\n", "${a:-\\\n", "<<E\n", 1000000},
	        {"json strings", "FROM a\nCMD [ \\\n", "\"a\", \\\n", "\"b\"]\n", 1000000},
	        {"skips", "FROM a\n# check=skip=a\n", "CMD x\n", "", 99000},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf b = {0};
		struct err e = ERR_INIT;
		buf_puts(&b, rows[i].head);
		repeat(&b, rows[i].body, rows[i].times / 8);
		buf_puts(&b, rows[i].tail);
		double start = now_ms();
		auto_dockerfile struct dockerfile *d = dockerfile_parse(b.p, b.n, NULL, &e);
		double took = now_ms() - start;
		print_message("%s: %zu KiB, %.0f ms, %zu KiB kept%s%s\n", rows[i].name, b.n >> 10,
		        took, d ? d->arena.total >> 10 : 0, d ? "" : ", ", d ? "" : e.msg);
		assert_true(took < 2000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_line_limit),
	        cmocka_unit_test(test_file_limits),
	        cmocka_unit_test(test_speed),
	        cmocka_unit_test(test_hostile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
