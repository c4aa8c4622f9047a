// SPDX-License-Identifier: Apache-2.0
// The files of test/data/dockerfile, each against the dump and the warnings beside it. A changed
// dump is written next to the test's working directory as <name>.got.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dockerfile_dump.h"

static void read_data(const char *name, const char *suffix, struct buf *ret)
{
	const char *slash = strrchr(__FILE__, '/');
	auto_free char *path = xasprintf(
	        "%.*s/../data/dockerfile/%s.%s", (int)(slash - __FILE__), __FILE__, name, suffix);
	FILE *f = fopen(path, "re");
	if (!f)
		fail_msg("cannot open %s", path);
	char chunk[4096];
	size_t n;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(ret, chunk, n);
	fclose(f);
}

static void test_examples(void **state)
{
	static const char *const names[] = {"web", "heredocs", "backtick", "legacy"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_buf struct buf text = {0}, want = {0}, got = {0};
		struct err e = ERR_INIT;
		read_data(names[i], "Dockerfile", &text);
		read_data(names[i], "want", &want);
		auto_dockerfile struct dockerfile *d =
		        dockerfile_parse(buf_cstr(&text), text.n, names[i], &e);
		if (!d)
			fail_msg("%s:%d: %s", names[i], e.pos.line, e.msg);
		dump_file(&got, d);
		for (size_t k = 0; k < d->n_warnings; k++)
			buf_printf(&got, "%d: %s: %s\n", d->warnings[k].pos.line,
			        d->warnings[k].rule, d->warnings[k].detail);
		if (strcmp(buf_cstr(&got), buf_cstr(&want)) == 0)
			continue;
		auto_free char *name = xasprintf("%s.got", names[i]);
		FILE *f = fopen(name, "we");
		if (f) {
			fwrite(got.p, 1, got.n, f);
			fclose(f);
		}
		fail_msg("%s: differs from the expected dump, see %s", names[i], name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_examples),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
