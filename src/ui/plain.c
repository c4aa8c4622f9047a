// SPDX-License-Identifier: Apache-2.0
// Plain progress, line by line, as buildx prints it into a pipe: #N name, #N 0.123 output, #N
// CACHED.
#include "base/mem.h"
#include "ui/ui-int.h"
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 8192 // a longer line without an end is printed in pieces

static void show(struct ui *u, struct ui_step *s)
{
	if (s->shown)
		return;
	auto_buf struct buf name = {0};
	ui_clean_line(s->name ? s->name : "", s->name ? strlen(s->name) : 0, &name);
	s->shown = ++u->shown;
	fprintf(stderr, "#%d %s\n", s->shown, buf_cstr(&name));
}

static void print_line(struct ui_step *s, const char *p, size_t n)
{
	auto_buf struct buf text = {0};
	ui_clean_line(p, n, &text);
	fprintf(stderr, "#%d %.3f %s\n", s->shown, (double)(clock_ns() - s->begun_ns) / 1e9,
	        buf_cstr(&text));
}

// A line is one stream's: a step's output and its errors come in pieces that may end anywhere.
static void log_output(struct ui_step *s, int stream, const char *p, size_t n)
{
	struct buf *line = &s->lines[stream == 2];
	while (n) {
		const char *end = memchr(p, '\n', n);
		size_t len = end ? (size_t)(end - p) : n;
		buf_add(line, p, len);
		if (end || line->n > LINE_MAX_BYTES) {
			print_line(s, line->p, line->n);
			buf_reset(line);
		}
		p += len + (end != NULL);
		n -= len + (end != NULL);
	}
}

static void flush_lines(struct ui_step *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->lines); i++) {
		if (s->lines[i].n)
			print_line(s, s->lines[i].p, s->lines[i].n);
		buf_reset(&s->lines[i]);
	}
}

// next: ahead of every line but the first, so that no CI service takes one for a command.
static void free_text(const struct event *ev, const char *first, const char *next)
{
	const char *p = ev->text, *end = ev->text + ev->len;
	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t n = stop ? (size_t)(stop - p) : (size_t)(end - p);
		auto_buf struct buf line = {0};
		ui_clean_line(p, n, &line);
		fprintf(stderr, "%s%s\n", p == ev->text ? first : next, buf_cstr(&line));
		p += n + 1;
	}
}

void plain_event(struct ui *u, const struct event *ev)
{
	struct ui_step *s = ui_step_of(u, ev->step);
	if (ev->kind == EVENT_NOTE || ev->kind == EVENT_WARN) {
		const char *ahead = ev->kind == EVENT_WARN ? "WARN: " : "";
		free_text(ev, ahead, ahead);
		return;
	}
	if (!s || ev->kind == EVENT_STEP_PLANNED || ev->kind == EVENT_PROGRESS)
		return;
	show(u, s);
	switch (ev->kind) {
	case EVENT_STEP_LOG:
		log_output(s, ev->stream, ev->text, ev->len);
		return;
	case EVENT_STEP_CACHED:
		fprintf(stderr, "#%d CACHED\n\n", s->shown);
		return;
	case EVENT_STEP_DONE:
		flush_lines(s);
		fprintf(stderr, "#%d DONE %.1fs\n\n", s->shown, (double)ev->duration_ns / 1e9);
		return;
	case EVENT_STEP_FAILED:
		flush_lines(s);
		fprintf(stderr, "#%d ERROR: ", s->shown);
		free_text(ev, "", "| ");
		return;
	case EVENT_STEP_CANCELLED:
		flush_lines(s);
		fprintf(stderr, "#%d CANCELED\n", s->shown);
		return;
	default:
		return;
	}
}
