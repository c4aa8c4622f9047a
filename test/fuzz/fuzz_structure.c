// SPDX-License-Identifier: Apache-2.0
// Files of structure tests: the text is read, and what it says is asked of a command's output that
// is the text itself, and of an empty configuration; what came of it is written as JSON and JUnit.
#include "base/err.h"
#include "base/mem.h"
#include "image/config.h"
#include "structure/structure.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge_command(const struct structure *s, const struct command_test *t,
        const uint8_t *data, size_t size, struct test_result *r)
{
	struct err e = ERR_INIT;
	auto_strv struct strv env = {0}, image = {0};
	strv_add(&image, "B=b");
	r->name = xstrdup(t->name);
	buf_add(&r->out, data, size);
	if (command_environment(s, t, &image, &env, &e)) {
		test_result_fail(r, "%s", e.msg);
		return;
	}
	for (size_t i = 0; i < t->args.n; i++) {
		auto_buf struct buf word = {0};
		structure_expand(t->args.v[i], &env, &word);
	}
	command_judge(t, 0, r);
}

static void judge_all(const struct structure *s, const uint8_t *data, size_t size)
{
	static const struct image_config config;
	auto_buf struct buf out = {0};
	size_t n = s->n_commands < 100 ? s->n_commands : 100;
	auto_test_results struct test_results all = {
	        .v = xcalloc(n + 1, sizeof(*all.v)), .n = n + 1};
	for (size_t i = 0; i < n; i++)
		judge_command(s, &s->commands[i], data, size, &all.v[i]);
	metadata_judge(&s->metadata, &config, &all.v[n]);
	if (metadata_is_empty(&s->metadata) && all.v[n].errors.n)
		abort(); // of nothing
	test_results_json(&all, &out);
	test_results_junit(&all, NULL, &out);
	if (memchr(out.p, '\0', out.n))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	auto_structure struct structure s;
	if (!structure_read("tests.yaml", (const char *)data, size, &s, &e))
		judge_all(&s, data, size > 4096 ? 4096 : size);
	else if (e.kind != ERR_USAGE || strncmp(e.msg, "tests.yaml", strlen("tests.yaml")) != 0)
		abort();
	return 0;
}
