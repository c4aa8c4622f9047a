// SPDX-License-Identifier: Apache-2.0
// Options taken out of another program's words; which names are known.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "names/names-int.h"
#include <cmocka.h>

static void words(struct strv *v, const char *text)
{
	strv_release(v);
	strv_split(v, text, ' ');
}

static void left_is(const struct strv *v, const char *want)
{
	auto_buf struct buf out = {0};
	for (size_t i = 0; i < v->n; i++)
		buf_printf(&out, "%s%s", i ? " " : "", v->v[i]);
	assert_string_equal(buf_cstr(&out), want);
	assert_true(!v->v || v->v[v->n] == NULL);
}

static void options_are_taken(void **state)
{
	static const struct {
		const char *words, *value, *left;
	} cases[] = {
	        {"--builder a build .", "a", "build ."},
	        {"build --builder=a .", "a", "build ."},
	        {"--builder a --builder=b x", "b", "x"},
	        {"build --builders a .", NULL, "build --builders a ."},
	        {"build . --builder", NULL, "build . --builder"},
	        {"run x -- --builder a", NULL, "run x -- --builder a"},
	        {"--builder= x", "", "x"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_strv struct strv v = {0};
		words(&v, cases[i].words);
		auto_free char *value = take_option(&v, "--builder");
		if (cases[i].value)
			assert_string_equal(value, cases[i].value);
		else
			assert_null(value);
		left_is(&v, cases[i].left);
	}
}

static void flags_are_taken(void **state)
{
	static const char *const names[] = {"--load", "--timeout=", NULL};
	auto_strv struct strv v = {0};
	words(&v, "--load x --load=false y");
	assert_false(take_flag(&v, "--load"));
	left_is(&v, "x y");
	words(&v, "x --load");
	assert_true(take_flag(&v, "--load"));
	left_is(&v, "x");
	words(&v, "--loader x");
	assert_false(take_flag(&v, "--load"));
	left_is(&v, "--loader x");
	words(&v, "--timeout 3s a --load --timeout=4s");
	drop_options(&v, names);
	left_is(&v, "a");
}

static void names_are_known(void **state)
{
	static const struct {
		const char *path, *name;
	} cases[] = {
	        {"docker-buildx", "buildx"},
	        {"/root/.docker/cli-plugins/docker-buildx", "buildx"},
	        {"buildx", "buildx"},
	        {"/usr/local/bin/docker", "docker"},
	        {"trivy", "trivy"},
	        {"hew", NULL},
	        {"docker-compose", NULL},
	        {"", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct command *c = names_called(cases[i].path);
		if (cases[i].name)
			assert_string_equal(c->name, cases[i].name);
		else
			assert_null(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(options_are_taken),
	        cmocka_unit_test(flags_are_taken),
	        cmocka_unit_test(names_are_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
