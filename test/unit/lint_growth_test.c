// SPDX-License-Identifier: Apache-2.0
// What a Dockerfile costs that is sixteen times as long: parsing, converting and linting it takes
// about sixteen times the processor and the memory. Whatever would look through all that came
// before for each line would take 256 times as much, so the bounds can be wide enough for busy
// machines.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"

#include "lint_fixture.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>

#define SMALL 400
#define TIMES 16
#define CPU_BOUND 80
#define MEMORY_BOUND 24

// LINES with the number of the line in the place of each '@', the one before in that of '%'.
static const struct shape {
	const char *name, *head, *line, *tail;
} shapes[] = {
        {"ENV", "FROM a:1\n", "ENV A@=1\n", ""},
        {"ENV again", "FROM a:1\n", "ENV A=@ B=$A\n", ""},
        {"ARG", "FROM a:1\n", "ARG A@=1\n", ""},
        {"ARG before FROM", "", "ARG A@=$A%\n", "FROM a:$A1\n"},
        {"ARG in many stages", "ARG A=1\n", "FROM a:$A AS s@\nARG A\nENV B=$A\n", ""},
        {"LABEL", "FROM a:1\n", "LABEL l@=1\n", ""},
        {"EXPOSE", "FROM a:1\n", "EXPOSE @\n", ""},
        {"VOLUME", "FROM a:1\n", "VOLUME /v@\n", ""},
        {"ONBUILD", "FROM a:1\n", "ONBUILD RUN x@\n", ""},
        {"RUN", "FROM a:1\n", "RUN apt-get install -y x@ && rm -rf /var/lib/apt/lists/*\n", ""},
        {"heredocs", "FROM a:1\n", "RUN <<E@\nx\nE@\n", ""},
        {"COPY", "FROM a:1\n", "COPY a@ /b@\n", ""},
        {"USER and WORKDIR", "FROM a:1\n", "USER u@\nWORKDIR /w@\n", ""},
        {"stages", "", "FROM a:1 AS s@\n", ""},
        {"stages of one name", "", "FROM a:1 AS s\n", ""},
        {"a chain of stages", "FROM a:1 AS s0\n", "FROM s% AS s@\n", ""},
        {"COPY from the stage before", "FROM a:1 AS s0\n",
                "FROM scratch AS s@\nCOPY --from=s% /a /b\n", ""},
        {"COPY from the first", "FROM a:1 AS s0\n", "FROM scratch AS s@\nCOPY --from=0 /a /b\n",
                ""},
        {"mounts", "FROM a:1 AS s0\n",
                "RUN --mount=type=secret,id=s@ --mount=from=s0,target=/x x\n", ""},
        {"protocols of one EXPOSE", "FROM a:1\nEXPOSE", " @/TCP", "\n"},
        {"package lists of many stages", "FROM a:1 AS s0\n", "FROM s0 AS s@\nRUN apt-get update\n",
                ""},
        {"a rule that the file silences", "# hew: skip-file=RootUser\nFROM a:1\n",
                "RUN apt-get install x@\n", ""},
        {"a wrong name each", "FROM a:1\n", "COPY --from=stage@ $B@ /\n", ""},
};

static void make(const struct shape *s, size_t n, struct buf *out)
{
	buf_puts(out, s->head);
	for (size_t i = 1; i <= n; i++)
		for (const char *p = s->line; *p; p++) {
			if (*p == '@' || *p == '%')
				buf_printf(out, "%zu", i - (*p == '%'));
			else
				buf_putc(out, *p);
		}
	buf_puts(out, s->tail);
}

struct cost {
	double cpu_ms;
	size_t bytes;
};

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

// 0 with an allocator of another kind: the sanitizers'.
static size_t allocated(void)
{
	struct mallinfo2 m = mallinfo2();
	return m.uordblks + m.hblkhd;
}

static struct cost cost_of(const struct buf *text)
{
	struct cost best = {1e9, SIZE_MAX};
	for (int i = 0; i < 2; i++) {
		struct err e = ERR_INIT;
		size_t before = allocated();
		double began = now_ms();
		auto_dockerfile struct dockerfile *d = dockerfile_parse(text->p, text->n, NULL, &e);
		auto_graph struct graph *g = d ? lint_convert(d, &e) : NULL;
		auto_lint_report struct lint_report r = {0};
		if (g)
			lint_run(d, text->p, text->n, NULL, &r);
		double took = now_ms() - began;
		size_t bytes = allocated() - before;
		best.cpu_ms = took < best.cpu_ms ? took : best.cpu_ms;
		best.bytes = bytes < best.bytes ? bytes : best.bytes;
	}
	return best;
}

static void growth(void **state)
{
	bool good = true;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		auto_buf struct buf small = {0}, large = {0};
		make(&shapes[i], SMALL, &small);
		make(&shapes[i], SMALL * TIMES, &large);
		struct cost a = cost_of(&small), b = cost_of(&large);
		// what is slow once more is slow; what was disturbed is not
		for (int k = 0; k < 3 && b.cpu_ms / a.cpu_ms >= CPU_BOUND; k++)
			b = cost_of(&large);
		double cpu = b.cpu_ms / a.cpu_ms,
		       bytes = a.bytes ? (double)b.bytes / (double)a.bytes : 0;
		print_message("%-28s %7.1f ms x %3.0f %9zu KiB x %3.0f\n", shapes[i].name, b.cpu_ms,
		        cpu, b.bytes >> 10, bytes);
		good &= cpu < CPU_BOUND && bytes < MEMORY_BOUND;
	}
	assert_true(good);
}

// What grows with the square by its nature has an end: all arguments are in the history of every
// RUN.
static void variables_of_all_runs(void **state)
{
	static const struct {
		const char *word;
		int n;
		bool good;
	} files[] = {{"ENV", 4500, true}, {"ARG", 2000, true}, {"ARG", 4500, false}};
	for (size_t k = 0; k < ARRAY_LEN(files); k++) {
		struct err e = ERR_INIT;
		auto_buf struct buf text = {0};
		buf_puts(&text, "FROM a:1\n");
		for (int i = 0; i < files[k].n; i++)
			buf_printf(&text, "%s A%d=1\n", files[k].word, i);
		for (int i = 0; i < files[k].n; i++)
			buf_puts(&text, "RUN x\n");
		auto_dockerfile struct dockerfile *d = dockerfile_parse(text.p, text.n, NULL, &e);
		assert_non_null(d);
		auto_graph struct graph *g = lint_convert(d, &e);
		assert_int_equal(g != NULL, files[k].good);
		if (!g)
			assert_in_range(e.pos.line, 1 + 4500 + 3000, 1 + 4500 + 4000);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(growth), cmocka_unit_test(variables_of_all_runs)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
