// SPDX-License-Identifier: Apache-2.0
// A Dockerfile through parser, graph and rules, as hew lint takes it, with bases that nobody knows.
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

// NULL: it does not parse or convert.
static inline struct dockerfile *lint_read(
        const char *text, size_t n, const struct lint_options *o, struct lint_report *ret)
{
	struct err e = ERR_INIT;
	struct graph_resolver resolver = {.resolve = lint_resolve};
	auto_dockerfile struct dockerfile *d = dockerfile_parse(text, n, NULL, &e);
	struct graph_options options = {.resolver = &resolver, .all_stages = true};
	if (!d || platform_parse("linux/amd64", &options.target_platform, &e))
		return NULL;
	options.build_platform = options.target_platform;
	auto_graph struct graph *g = graph_build(d, &options, &e);
	if (!g)
		return NULL;
	lint_run(d, text, n, o, ret);
	return steal_ptr(&d);
}
