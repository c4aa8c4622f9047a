// SPDX-License-Identifier: Apache-2.0
// How long a Dockerfile takes to be parsed: COPY, RUN, ENV and LABEL in turn, with flags, quotes,
// continuations and heredocs. Prints the least and the middle of the runs in microseconds.
//     parse_bench [instructions [runs]]
#include "base/buf.h"
#include "base/event.h"
#include "dockerfile/dockerfile.h"

#include <stdio.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void write_dockerfile(struct buf *out, int instructions)
{
	buf_puts(out, "FROM scratch\n");
	for (int i = 1; i < instructions; i++)
		switch (i % 5) {
		case 0:
			buf_printf(
			        out, "COPY --from=builder --chown=app:app src/%d /opt/%d/\n", i, i);
			break;
		case 1:
			buf_printf(out,
			        "RUN apt-get update && \\\n    # a comment\n    apt-get install -y "
			        "pkg%d\n",
			        i);
			break;
		case 2:
			buf_printf(out, "ENV A%d=\"a value with $PATH\" B='another'\n", i);
			break;
		case 3:
			buf_printf(out, "RUN <<EOF\nset -e\necho %d\nEOF\n", i);
			break;
		default:
			buf_printf(out, "LABEL org.x.y%d=z\n", i);
		}
}

int main(int argc, char **argv)
{
	int instructions = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 5000;
	int runs = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 50;
	auto_buf struct buf text = {0};
	struct err e = ERR_INIT;
	int64_t *ns = xcalloc((size_t)runs + 1, sizeof(*ns));
	write_dockerfile(&text, instructions);
	for (int i = 0; i < runs; i++) {
		int64_t begun = clock_ns();
		auto_dockerfile struct dockerfile *d =
		        dockerfile_parse(text.p, text.n, "Dockerfile", &e);
		ns[i] = clock_ns() - begun;
		if (!d) {
			fprintf(stderr, "parse_bench: line %d: %s\n", e.pos.line, e.msg);
			return 1;
		}
	}
	qsort(ns, (size_t)runs, sizeof(*ns), by_value);
	printf("%d instructions, %zu bytes: min %lld us   median %lld us\n", instructions, text.n,
	        (long long)ns[0] / 1000, (long long)ns[runs / 2] / 1000);
	free(ns);
	return 0;
}
