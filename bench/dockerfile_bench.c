// SPDX-License-Identifier: Apache-2.0
// What reading a Dockerfile costs, best of ten: parsing it, and the rules of hew lint on top.
//     dockerfile_bench [INSTRUCTIONS]     5000 of all kinds, continued lines and heredocs
//     dockerfile_bench FILE
#include "base/buf.h"
#include "base/err.h"
#include "base/event.h"
#include "base/fs.h"

#include "../test/unit/lint_fixture.h"

#include <fcntl.h>
#include <stdio.h>

#define ROUNDS 10

static void make(struct buf *out, uint64_t n)
{
	static const char *const lines[] = {"RUN apt-get update && \\\n    apt-get install -y x@\n",
	        "COPY --chown=1:2 a@ b /c/\n", "ENV A@=b C=\"d $A\"\n", "ARG X@=1\n",
	        "RUN <<EOF\necho @\nEOF\n", "LABEL a=b c@='d e'\n", "WORKDIR /w@\n",
	        "CMD [\"x\", \"@\"]\n"};
	buf_puts(out, "FROM base:1 AS build\n");
	for (uint64_t i = 1; i < n; i++) // @ becomes the number
		for (const char *p = lines[i % ARRAY_LEN(lines)]; *p; p++) {
			if (*p == '@')
				buf_printf(out, "%llu", (unsigned long long)i);
			else
				buf_putc(out, *p);
		}
}

static void show(const char *what, int64_t best, size_t bytes)
{
	printf("%-8s %8.3f ms   %.0f MB/s\n", what, (double)best / 1e6,
	        (double)bytes * 1e3 / (double)best);
}

static int measure(const struct buf *text, struct err *e)
{
	int64_t parse = INT64_MAX, lint = INT64_MAX;
	size_t n_instrs = 0;
	for (int i = 0; i < ROUNDS; i++) {
		int64_t begun = clock_ns();
		auto_dockerfile struct dockerfile *d = dockerfile_parse(text->p, text->n, NULL, e);
		int64_t took = clock_ns() - begun;
		parse = took < parse ? took : parse;
		auto_graph struct graph *g = d ? lint_convert(d, e) : NULL;
		auto_lint_report struct lint_report r = {0};
		if (!g)
			return -1;
		begun = clock_ns();
		lint_run(d, text->p, text->n, NULL, &r);
		took = clock_ns() - begun;
		n_instrs = 0;
		for (size_t k = 0; k < d->n_stages; k++)
			n_instrs += 1 + d->stages[k].n_instrs;
		lint = took < lint ? took : lint;
	}
	printf("%zu instructions (the promise: 5000 parse in 10 ms)\n", n_instrs);
	show("parse", parse, text->n);
	show("lint", lint, text->n);
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	auto_buf struct buf text = {0};
	uint64_t n = 5000;
	if (argc > 1 && !str_to_u64(argv[1], &n) &&
	        fs_read_file(AT_FDCWD, argv[1], DOCKERFILE_MAX, &text, &e)) {
		fprintf(stderr, "dockerfile_bench: %s\n", e.msg);
		return 1;
	}
	if (text.n == 0)
		make(&text, n);
	if (measure(&text, &e) == 0)
		return 0;
	fprintf(stderr, "dockerfile_bench: line %d: %s\n", e.pos.line, e.msg);
	return 1;
}
