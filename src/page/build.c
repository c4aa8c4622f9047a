// SPDX-License-Identifier: Apache-2.0
// How the build went: each step a line with its bar on one axis of time, stage by stage, and what
// is to be told of it below. Then the same as a table.
#include "base/mem.h"
#include "page/page-int.h"
#include <string.h>

#define SECTION_BYTES (200u << 10)
#define LIST_BYTES (140u << 10) // of these, before the table
#define AXIS 1000.0
#define TICKS_MAX 6

// "[builder 2/5] RUN npm ci": the stage is the heading already.
static const char *instruction_of(const struct page_step *s)
{
	const char *end = *s->name == '[' ? strstr(s->name, "] ") : NULL;
	return end ? end + 2 : s->name;
}

// A word of our own: it is a class of the page, too.
static const char *state_class(const struct page_step *s)
{
	static const char *const known[] = {"ran", "cached", "failed", "stopped"};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(s->state, known[i]))
			return known[i];
	return "waiting";
}

// ---- in words

static void summary(const struct page_build *b, const struct timeline *t, struct buf *out)
{
	buf_puts(out, "<p>");
	html_plural(out, b->n_steps, "step");
	buf_puts(out, ": ");
	html_count(out, t->ran);
	buf_puts(out, " ran, ");
	html_count(out, t->cached);
	buf_puts(out, t->cached == 1 ? " was cached" : " were cached");
	if (t->failed) {
		buf_puts(out, ", ");
		html_count(out, t->failed);
		buf_puts(out, " failed");
	}
	buf_puts(out, ". ");
	if (t->busy_ns) {
		html_seconds(out, t->busy_ns);
		buf_puts(out, " of work in ");
		html_seconds(out, b->took_ns);
		buf_puts(out, ", at most ");
		html_plural(out, t->most, "step");
		buf_puts(out, " at once. The steps marked <span "
		              "class=\"chain\">\xe2\x97\x86</span> waited for each other "
		              "and decided how long it took: ");
		html_seconds(out, t->chain_ns);
		buf_puts(out, ".");
	}
	buf_puts(out, "</p>\n");
}

// ---- the chart

// A time that people count in: at most so many of them until the end.
static int64_t tick_of(int64_t span_ns)
{
	static const int64_t nice[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000,
	        15000, 30000, 60000, 120000, 300000, 600000, 900000, 1800000, 3600000};
	for (size_t i = 0; i < sizeof(nice) / sizeof(*nice); i++)
		if (nice[i] * 1000000 * TICKS_MAX >= span_ns)
			return nice[i] * 1000000;
	return span_ns / TICKS_MAX;
}

static void bar(const struct page_step *s, const struct timeline *t, size_t i, struct buf *out)
{
	double scale = t->span_ns ? AXIS / (double)t->span_ns : 0;
	double x = (double)s->began_ns * scale, w = (double)s->took_ns * scale;
	double ready = (double)t->ready_ns[i] * scale;
	buf_puts(out, "<svg class=\"time\" viewBox=\"0 0 1000 16\" preserveAspectRatio=\"none\" "
	              "aria-hidden=\"true\">");
	for (int64_t tick = tick_of(t->span_ns), at = 0; tick && at <= t->span_ns; at += tick)
		buf_printf(out, "<path d=\"M%.1f 0v16\"/>", (double)at * scale);
	if (s->has_time) {
		if (x - ready > 2)
			buf_printf(out,
			        "<rect class=\"wait\" x=\"%.1f\" y=\"7\" width=\"%.1f\" "
			        "height=\"2\"/>",
			        ready, x - ready);
		buf_printf(out,
		        "<rect class=\"%s%s\" x=\"%.1f\" y=\"2\" width=\"%.1f\" height=\"12\"/>",
		        state_class(s), t->in_chain[i] ? " chain" : "", x < AXIS - 4 ? x : AXIS - 4,
		        w < 4 ? 4 : w);
	}
	buf_puts(out, "</svg>");
}

static void axis(const struct timeline *t, struct buf *out)
{
	int64_t tick = tick_of(t->span_ns);
	buf_puts(out,
	        "<div class=\"axis\" aria-hidden=\"true\"><svg class=\"ticks\" height=\"18\">");
	for (int64_t at = 0; at <= t->span_ns; at += tick) {
		double x = 100.0 * (double)at / (double)t->span_ns;
		buf_printf(out, "<text x=\"%.2f%%\" y=\"13\" text-anchor=\"%s\">", x,
		        !at      ? "start"
		        : x > 94 ? "end"
		                 : "middle");
		if (at)
			html_seconds(out, at);
		else
			buf_puts(out, "0");
		buf_puts(out, "</text>");
	}
	buf_puts(out, "</svg></div>\n");
}

static void term(struct buf *out, const char *name)
{
	buf_printf(out, "<dt>%s</dt><dd>", name);
}

static void why(const struct page_step *s, struct buf *out)
{
	if (!s->reason)
		return;
	term(out, "Why it ran");
	html_text(out, s->reason, 600);
	if (s->before || s->after) {
		buf_puts(out, "<br><span class=\"was\">");
		html_text(out, s->before ? s->before : "nothing", 200);
		buf_puts(out, "</span> \xe2\x86\x92 <span class=\"is\">");
		html_text(out, s->after ? s->after : "nothing", 200);
		buf_puts(out, "</span>");
	}
	buf_puts(out, "</dd>");
}

static void waited(const struct page_build *b, const struct timeline *t, size_t i, struct buf *out)
{
	const struct page_step *s = &b->steps[i];
	if (!s->has_time)
		return;
	term(out, "Waited");
	if (t->waited_for[i] >= 0) {
		const struct page_step *need = &b->steps[t->waited_for[i]];
		html_seconds(out, t->ready_ns[i]);
		buf_puts(out, " for ");
		html_text(out, need->name, 160);
	} else {
		buf_puts(out, "for no other step");
	}
	if (s->began_ns - t->ready_ns[i] >= 50000000) {
		buf_puts(out, t->waited_for[i] >= 0 ? ", then " : "; ");
		html_seconds(out, s->began_ns - t->ready_ns[i]);
		buf_puts(out,
		        t->waited_for[i] >= 0
		                ? " for a free processor or a layer that had to be fetched"
		                : " until the base, the context or a free processor was there");
	}
	buf_puts(out, "</dd>");
}

static void times(const struct page_step *s, struct buf *out)
{
	if (!s->has_time)
		return;
	term(out, "Took");
	html_seconds(out, s->took_ns);
	buf_puts(out, ", from ");
	html_seconds(out, s->began_ns);
	buf_puts(out, " to ");
	html_seconds(out, s->began_ns + s->took_ns);
	buf_puts(out, "</dd>");
}

static void details(const struct page_build *b, const struct timeline *t, size_t i, struct buf *out)
{
	const struct page_step *s = &b->steps[i];
	buf_puts(out, "<div class=\"more\"><pre class=\"code\">");
	html_lines(out, instruction_of(s), 3000);
	buf_puts(out, "</pre><dl>");
	if (s->line) {
		term(out, "Line");
		buf_printf(out, "%d of the Dockerfile</dd>", s->line);
	}
	why(s, out);
	waited(b, t, i, out);
	times(s, out);
	if (s->bytes != PAGE_UNKNOWN) {
		term(out, "Layer");
		html_bytes(out, s->bytes);
		buf_puts(out, "</dd>");
	}
	buf_puts(out, "</dl>");
	if (s->log) {
		buf_puts(out, "<p class=\"label\">The last it printed</p><pre class=\"log\">");
		html_lines(out, s->log, 4000);
		buf_puts(out, "</pre>");
	}
	buf_puts(out, "</div>");
}

// The text of the summary is what a screen reader says of the bar.
static void one_step(
        const struct page_build *b, const struct timeline *t, size_t i, struct buf *out)
{
	const struct page_step *s = &b->steps[i];
	buf_printf(out, "<li><details class=\"step\"%s><summary><span class=\"what code\">",
	        !strcmp(s->state, "failed") ? " open" : "");
	html_text(out, instruction_of(s), 160);
	buf_printf(out, "</span> <span class=\"state %s\">", state_class(s));
	html_text(out, s->state, 40);
	if (t->in_chain[i])
		buf_puts(out, " <span class=\"chain\" aria-hidden=\"true\">\xe2\x97\x86</span>"
		              "<span class=\"unseen\">, decided how long it took</span>");
	buf_puts(out, "</span> ");
	bar(s, t, i, out);
	buf_puts(out, " <span class=\"took n\">");
	if (s->has_time)
		html_seconds(out, s->took_ns);
	buf_puts(out, "</span> <span class=\"size n\">");
	if (s->bytes != PAGE_UNKNOWN)
		html_bytes(out, s->bytes);
	buf_puts(out, "</span></summary>");
	details(b, t, i, out);
	buf_puts(out, "</details></li>\n");
}

static bool is_first_of_stage(const struct page_build *b, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(b->steps[k].stage, b->steps[i].stage))
			return false;
	return true;
}

static void stage_begin(const struct page_build *b, size_t first, struct buf *out)
{
	int64_t ns = 0;
	for (size_t i = first; i < b->n_steps; i++)
		if (!strcmp(b->steps[i].stage, b->steps[first].stage) && b->steps[i].has_time)
			ns += b->steps[i].took_ns;
	buf_puts(out, "<h3>");
	html_text(out, *b->steps[first].stage ? b->steps[first].stage : "stage", 100);
	if (ns) {
		buf_puts(out, " <small>");
		html_seconds(out, ns);
		buf_puts(out, "</small>");
	}
	buf_puts(out, "</h3>\n<ol class=\"steps\">\n");
}

static size_t chart(const struct page_build *b, const struct timeline *t, struct buf *out)
{
	size_t start = out->n, shown = 0;
	buf_puts(out, "<div class=\"timeline\">\n");
	if (t->busy_ns)
		axis(t, out);
	for (size_t i = 0; i < b->n_steps && out->n - start < LIST_BYTES; i++) {
		if (!is_first_of_stage(b, i))
			continue;
		stage_begin(b, i, out);
		for (size_t k = i; k < b->n_steps && out->n - start < LIST_BYTES; k++) {
			if (strcmp(b->steps[k].stage, b->steps[i].stage) != 0)
				continue;
			one_step(b, t, k, out);
			shown++;
		}
		buf_puts(out, "</ol>\n");
	}
	buf_puts(out, "</div>\n");
	return shown;
}

// ---- the same as a table

static void table(
        const struct page_build *b, const struct timeline *t, size_t most, struct buf *out)
{
	static const struct column columns[] = {{"Stage", false}, {"Step", false}, {"State", false},
	        {"Began", true}, {"Took", true}, {"Layer", true}, {"Why it ran", false}};
	size_t i = 0;
	buf_puts(out, "<details class=\"alt\"><summary>The steps as a table</summary>\n");
	html_table(out, "Steps of the build", columns, sizeof(columns) / sizeof(*columns));
	for (; i < b->n_steps && out->n < most; i++) {
		const struct page_step *s = &b->steps[i];
		buf_puts(out, "<tr>");
		html_cell(out, s->stage, 60);
		html_cell_code(out, instruction_of(s), 120);
		html_cell(out, s->state, 40);
		buf_puts(out, "<td class=\"n\">");
		if (s->has_time)
			html_seconds(out, s->began_ns);
		buf_puts(out, "</td><td class=\"n\">");
		if (s->has_time)
			html_seconds(out, s->took_ns);
		buf_puts(out, "</td>");
		html_cell_bytes(out, s->bytes);
		html_cell(out, s->reason, 200);
		buf_puts(out, "</tr>\n");
	}
	html_table_end(out, i, b->n_steps);
	buf_puts(out, "</details>\n");
}

void page_build_section(const struct page_build *b, struct buf *out)
{
	struct timeline t;
	size_t start = out->n;
	timeline_make(b, &t);
	html_section(out, "build", "How the build went");
	summary(b, &t, out);
	size_t shown = chart(b, &t, out);
	if (shown < b->n_steps) {
		buf_puts(out, "<p class=\"note\">");
		html_count(out, shown);
		buf_puts(out, " of ");
		html_plural(out, b->n_steps, "step");
		buf_puts(out, " are shown.</p>\n");
	}
	table(b, &t, start + SECTION_BYTES, out);
	html_section_end(out);
	timeline_release(&t);
}
