// SPDX-License-Identifier: Apache-2.0
// The piece of the file that is shown below an error, in BuildKit's layout: up to two lines around
// the instruction, its own lines marked.
#include "base/buf.h"
#include "base/redact.h"
#include "dockerfile/dockerfile.h"

#define AROUND 4       // lines around a single line; half of it around several
#define SHOWN_MAX 40   // lines of a long instruction
#define LINE_SHOWN 300 // bytes
static const char rule[] = "--------------------\n";

// A file is not trusted to keep its hands off the terminal, nor a log with passwords.
static void put_line(struct buf *out, const char *line)
{
	auto_buf struct buf shown = {0};
	redact_urls(line, strlen(line), &shown);
	const char *s = buf_cstr(&shown);
	bool control;
	for (size_t at = 0, len; *s && at < LINE_SHOWN; s += len, at += len) {
		len = str_character(s, strnlen(s, 4), &control);
		if (*s == '\t')
			buf_putc(out, '\t');
		else
			buf_escape(out, s, len);
	}
	buf_puts(out, *s ? "...\n" : "\n");
}

void dockerfile_excerpt(const struct dockerfile *d, struct pos pos, struct buf *out)
{
	size_t first = pos.line > 0 ? (size_t)pos.line : 0;
	size_t last = pos.end_line > pos.line ? (size_t)pos.end_line : first;
	if (first < 1 || first > d->n_lines)
		return;
	if (last > d->n_lines)
		last = d->n_lines;
	size_t from = first, to = last;
	int pad = first == last ? AROUND : AROUND / 2;
	for (int p = 0; p < pad; p++) {
		if (from > 1) {
			from--;
			p++;
		}
		if (to < d->n_lines) {
			to++;
			p++;
		}
	}
	buf_escape(out, d->filename, strlen(d->filename));
	buf_printf(out, ":%zu\n%s", first, rule);
	for (size_t i = from; i <= to; i++) {
		if (i > first + SHOWN_MAX && i + 2 < last) {
			buf_puts(out, "     | >>> ...\n");
			i = last - 2;
			continue;
		}
		buf_printf(out, " %3zu | %s ", i, i >= first && i <= last ? ">>>" : "   ");
		put_line(out, d->lines[i - 1]);
	}
	buf_puts(out, rule);
}
