// SPDX-License-Identifier: Apache-2.0
// Markdown for the summary of a CI job: counts, and a table of what is worst.
#include "report/report-int.h"

#define ROWS_MAX 100
#define WHERE_MAX 80 // bytes of an instruction

// No more than n bytes, and whole characters.
static char *cut_text(const char *text, size_t n)
{
	while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return xstrndup(text, n);
}

static void put_headline(struct buf *out, const struct report *r)
{
	size_t n[SEVERITY_CRITICAL + 1] = {0}, all = 0;
	for (size_t i = 0; i < r->scan->n; i++) {
		if (r->scan->v[i].hidden)
			continue;
		n[r->scan->v[i].severity]++;
		all++;
	}
	buf_puts(out, "## ");
	put_markdown(out, r->name);
	buf_puts(out, ": ");
	if (!all)
		buf_puts(out, "no flaws");
	else
		put_count(out, all, "flaw");
	buf_puts(out, "\n\n| Critical | High | Medium | Low | Unknown |\n"
	              "| ---: | ---: | ---: | ---: | ---: |\n");
	buf_printf(out, "| %zu | %zu | %zu | %zu | %zu |\n\n", n[SEVERITY_CRITICAL],
	        n[SEVERITY_HIGH], n[SEVERITY_MEDIUM], n[SEVERITY_LOW] + n[SEVERITY_NEGLIGIBLE],
	        n[SEVERITY_UNKNOWN]);
}

static void put_where(struct buf *out, const struct report_layer *l)
{
	if (!l || (!l->created_by && !l->dockerfile)) {
		buf_puts(out, " |");
		return;
	}
	if (l->dockerfile) {
		put_markdown(out, l->dockerfile);
		if (l->line > 0)
			buf_printf(out, ":%d", l->line);
		buf_putc(out, ' ');
	}
	if (l->created_by && strlen(l->created_by) > WHERE_MAX) {
		auto_free char *cut = cut_text(l->created_by, WHERE_MAX);
		put_markdown(out, cut);
		buf_puts(out, "…");
	} else {
		put_markdown(out, l->created_by);
	}
	buf_puts(out, " |");
}

static void put_cell(struct buf *out, const char *text)
{
	put_markdown(out, text);
	buf_puts(out, " | ");
}

static void put_row(struct buf *out, const struct report *r, const struct finding *f)
{
	const struct report_layer *l = layer_of(r, f->package);
	buf_puts(out, "| ");
	put_cell(out, f->package->package->name);
	put_cell(out, f->package->package->version);
	put_cell(out, f->fixed);
	put_cell(out, severity_word(f->severity));
	buf_putc(out, '[');
	put_markdown(out, flaw_name(f));
	buf_puts(out, "](");
	put_flaw_url(out, flaw_name(f));
	buf_puts(out, ") | ");
	if (r->n_layers)
		put_cell(out, !l ? "" : l->base ? "base" : "own");
	if (r->n_layers)
		put_where(out, l);
	else
		put_cell(out, f->package->path);
	while (out->p[out->n - 1] == ' ')
		out->n--;
	buf_putc(out, '\n');
}

static void put_table(struct buf *out, const struct report *r)
{
	size_t rows = 0, left = 0;
	for (size_t i = 0; i < r->scan->n; i++) {
		if (r->scan->v[i].hidden)
			continue;
		if (rows == ROWS_MAX) {
			left++;
			continue;
		}
		if (!rows++)
			buf_puts(out, r->n_layers ? "| Package | Installed | Fixed in | Severity | "
			                            "Flaw | From | Where |\n"
			                            "| --- | --- | --- | --- | --- | --- | --- |\n"
			                          : "| Package | Installed | Fixed in | Severity | "
			                            "Flaw | File |\n"
			                            "| --- | --- | --- | --- | --- | --- |\n");
		put_row(out, r, &r->scan->v[i]);
	}
	if (rows)
		buf_putc(out, '\n');
	if (left) {
		buf_puts(out, "… and ");
		put_count(out, left, "finding");
		buf_puts(out, " more\n\n");
	}
}

struct reason {
	const char *text;
	size_t n;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct reason *)a)->text, ((const struct reason *)b)->text);
}

// How many each reason hides.
static void put_hidden(struct buf *out, const struct report *r)
{
	auto_free struct reason *v = xcalloc(r->scan->n + 1, sizeof(*v));
	size_t n = 0, hidden = 0;
	for (size_t i = 0; i < r->scan->n; i++) {
		if (r->scan->v[i].hidden)
			v[n++] = (struct reason){r->scan->v[i].hidden, 1};
	}
	if (!n)
		return;
	qsort(v, n, sizeof(*v), by_text);
	for (size_t i = 0; i < n; i++) {
		if (hidden && !strcmp(v[hidden - 1].text, v[i].text))
			v[hidden - 1].n++;
		else
			v[hidden++] = v[i];
	}
	buf_puts(out, "Not counted:\n\n");
	for (size_t i = 0; i < hidden; i++) {
		buf_printf(out, "- %zu: ", v[i].n);
		put_markdown(out, v[i].text);
		buf_putc(out, '\n');
	}
	buf_putc(out, '\n');
}

static void put_packages(struct buf *out, const struct report *r)
{
	buf_puts(out, "## ");
	put_markdown(out, r->name);
	buf_puts(out, ": ");
	put_count(out, r->packages->n, "package");
	buf_puts(out, "\n");
}

void report_markdown(const struct report *r, struct buf *out)
{
	char day[TIME_TEXT];
	if (!r->scan) {
		put_packages(out, r);
		return;
	}
	put_headline(out, r);
	put_table(out, r);
	put_hidden(out, r);
	for (size_t i = 0; i < r->scan->warnings.n; i++) {
		buf_puts(out, "> ");
		put_markdown(out, r->scan->warnings.v[i]);
		buf_puts(out, "\n\n");
	}
	time_format((struct timestamp){r->scan->data_time, 0}, day);
	put_count(out, r->packages->n, "package");
	if (r->base) {
		buf_puts(out, ", base ");
		put_markdown(out, r->base);
	}
	buf_printf(out, "; data of %.10s; hew ", day);
	put_markdown(out, r->version ? r->version : "");
	buf_putc(out, '\n');
}
