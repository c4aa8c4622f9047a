// SPDX-License-Identifier: Apache-2.0
// Any bytes as a Dockerfile for hew lint --fix: whatever the rules make of it, the edited file
// parses, has the same instructions, and ends without anything left to edit. Files that do not
// parse or convert are none of its business.
#include "base/buf.h"
#include "base/err.h"
#include "graph/graph.h"
#include "lint/lint.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROUNDS 60

static int resolve(struct graph_resolver *self, const char *ref, const struct platform *p,
        struct graph_image *ret, struct err *e)
{
	(void)self;
	(void)ref;
	(void)e;
	ret->unknown = true;
	ret->config.platform = *p;
	return 0;
}

static bool is_plain(void *arg, const char *path)
{
	(void)arg;
	return path[0] != 'n';
}

static struct dockerfile *read(const char *text, size_t n, struct lint_report *ret)
{
	struct err e = ERR_INIT;
	struct graph_resolver resolver = {.resolve = resolve};
	auto_dockerfile struct dockerfile *d = dockerfile_parse(text, n, NULL, &e);
	struct graph_options o = {.resolver = &resolver,
	        .all_stages = true,
	        .target_platform = {.os = "linux", .arch = "amd64"},
	        .build_platform = {.os = "linux", .arch = "amd64"}};
	auto_graph struct graph *g = d ? graph_build(d, &o, &e) : NULL;
	const struct lint_options lo = {.is_plain = is_plain};
	if (!g)
		return NULL;
	lint_run(d, text, n, &lo, ret);
	return steal_ptr(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf text = {0}, shown = {0};
	buf_add(&text, data, size);
	auto_dockerfile struct dockerfile *first = NULL;
	for (int round = 0;; round++) {
		auto_lint_report struct lint_report r = {0};
		auto_buf struct buf next = {0};
		auto_dockerfile struct dockerfile *d = read(buf_cstr(&text), text.n, &r);
		if (!d) {
			assert(round == 0);
			return 0;
		}
		assert(round == 0 || lint_same_shape(first, d));
		const struct lint_file f = {"x", &r};
		lint_print_sarif(&f, 1, "1", &shown);
		lint_print_text(&f, 1, &shown);
		buf_reset(&shown);
		if (lint_apply(&r, buf_cstr(&text), text.n, &next) == 0)
			return 0;
		assert(round < ROUNDS || text.n > 4096);
		if (round >= ROUNDS)
			return 0;
		if (!first)
			first = steal_ptr(&d);
		buf_reset(&text);
		buf_add(&text, next.p, next.n);
	}
}
