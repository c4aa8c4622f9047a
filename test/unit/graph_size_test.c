// SPDX-License-Identifier: Apache-2.0
// How much memory a Dockerfile comes to: steps share what they have in common, and there is a
// limit.
#include "base/mem.h"
#include "graph/graph.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
// after the standard headers it needs
#include <cmocka.h>

static struct graph *build(const char *text, struct err *e)
{
	static const struct platform amd64 = {.os = "linux", .arch = "amd64"};
	static struct graph_resolver none;
	const struct graph_options o = {
	        .platforms = &amd64, .n_platforms = 1, .build_platform = amd64, .resolver = &none};
	auto_dockerfile struct dockerfile *df =
	        dockerfile_parse(text, strlen(text), "Dockerfile", e);
	if (!df)
		fail_msg("does not parse: %s", e->msg);
	return graph_build(df, &o, e);
}

// A few kilobytes that would come to hundreds of megabytes.
static void test_limit(void **state)
{
	(void)state;
	static const struct {
		const char *begin;
		const char *doubled; // 16 times
		const char *last;    // 150 times
		const char *end;
	} files[] = {
	        {"ARG a=0123456789abcdef\n", "ARG a=$a$a\n", "ARG b=$a\n", "FROM scratch\n"},
	        {"FROM scratch\nENV a=0123456789abcdef\n", "ENV a=$a$a\n", "ENV b=$a\n", ""},
	        {"FROM scratch\nARG a=0123456789abcdef\n", "ARG a=$a$a\n", "RUN x\n", ""},
	        {"FROM scratch\nARG a=0123456789abcdef\n", "ARG a=$a$a\n", "COPY <<E $a/\n$a\nE\n",
	                ""},
	        {"FROM scratch\nARG a=0123456789abcdef\n", "ARG a=$a$a\n",
	                "RUN --mount=target=$a x\n", ""},
	        {"FROM scratch AS s\nENV a=0123456789abcdef\n", "ENV a=$a$a\n", "FROM s AS s\n",
	                ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct err e = ERR_INIT;
		auto_buf struct buf text = {0};
		buf_puts(&text, files[i].begin);
		for (int k = 0; k < 16; k++)
			buf_puts(&text, files[i].doubled);
		for (int k = 0; k < 150; k++)
			buf_puts(&text, files[i].last);
		buf_puts(&text, files[i].end);
		auto_graph struct graph *g = build(buf_cstr(&text), &e);
		if (g || !strstr(e.msg, "comes to more than 128 MB"))
			fail_msg("%zu: %s", i, g ? "a graph" : e.msg);
	}
}

static void test_shared_variables(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	auto_graph struct graph *g =
	        build("FROM scratch\nENV a=1\nCOPY a /\nCOPY b /\nENV b=2\nRUN c\n", &e);
	assert_non_null(g);
	const struct strv *first = &g->steps[0]->run.env, *last = &g->steps[2]->run.env;
	assert_ptr_equal(first->v, g->steps[1]->run.env.v);
	assert_int_equal(last->n, first->n + 1);
	assert_ptr_equal(last->v[0], first->v[0]);
	assert_string_equal(last->v[first->n], "b=2");
	assert_null(last->v[last->n]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_limit),
	        cmocka_unit_test(test_shared_variables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
