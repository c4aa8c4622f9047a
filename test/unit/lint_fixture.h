// SPDX-License-Identifier: Apache-2.0
// A Dockerfile through parser, graph and rules, as hew lint takes it, with bases that nobody knows.
// Used by the unit tests, the fuzzer and the benchmark.
#pragma once

#include "base/mem.h"
#include "graph/graph.h"
#include "lint/lint.h"

static inline int lint_resolve(struct graph_resolver *self, const char *ref,
        const struct platform *p, struct graph_image *ret, struct err *e)
{
	(void)self;
	(void)ref;
	(void)e;
	ret->unknown = true;
	ret->config.platform = *p;
	return 0;
}

// All its stages; NULL: it does not convert.
static inline struct graph *lint_convert(struct dockerfile *d, struct err *e)
{
	struct graph_resolver resolver = {.resolve = lint_resolve};
	const struct platform amd64 = {.os = "linux", .arch = "amd64"};
	struct graph_options options = {.resolver = &resolver,
	        .all_stages = true,
	        .platforms = &amd64,
	        .n_platforms = 1,
	        .build_platform = amd64};
	return graph_build(d, &options, e);
}

// NULL: it does not parse or convert.
static inline struct dockerfile *lint_read(
        const char *text, size_t n, const struct lint_options *o, struct lint_report *ret)
{
	struct err e = ERR_INIT;
	auto_dockerfile struct dockerfile *d = dockerfile_parse(text, n, NULL, &e);
	auto_graph struct graph *g = d ? lint_convert(d, &e) : NULL;
	if (!g)
		return NULL;
	lint_run(d, text, n, o, ret);
	return steal_ptr(&d);
}
