// SPDX-License-Identifier: Apache-2.0
// Markdown for the summary of a CI job: counts, and a table of what is worst.
#include "report/report-int.h"
#include "report/rows.h"

#define ROWS_MAX 100
#define WHERE_MAX 80 // bytes of an instruction

static void put_headline(
        struct buf *out, const struct report *r, const struct report_row *rows, size_t all)
{
	size_t n[SEVERITY_CRITICAL + 1] = {0}, fixable = 0;
	for (size_t i = 0; i < all; i++) {
		n[rows[i].first->severity]++;
		fixable += rows[i].first->fixed != NULL;
	}
	buf_puts(out, "## ");
	report_markdown_text(out, r->name);
	buf_puts(out, ": ");
	if (!all) {
		buf_puts(out, "no flaws known\n\n");
		return;
	}
	put_count(out, all, "flaw");
	buf_printf(out, ", %zu can be fixed\n\n", fixable);
	buf_puts(out, "| Critical | High | Medium | Low | Unknown |\n"
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
		report_markdown_text(out, l->dockerfile);
		if (l->line > 0)
			buf_printf(out, ":%d", l->line);
		buf_putc(out, ' ');
	}
	auto_free char *cut = cut_text(l->created_by ? l->created_by : "", WHERE_MAX);
	report_markdown_text(out, cut);
	buf_puts(out, " |");
}

static void put_cell(struct buf *out, const char *text)
{
	report_markdown_text(out, text);
	buf_puts(out, " | ");
}

static void put_row(struct buf *out, const struct report *r, const struct report_row *row)
{
	const struct finding *f = row->first;
	const struct report_layer *l = layer_of(r, f->package);
	auto_free char *name = report_row_name(row);
	buf_puts(out, "| ");
	put_cell(out, name);
	put_cell(out, f->version ? f->version : f->package->package->version);
	put_cell(out, f->fixed ? f->fixed : "-");
	put_cell(out, severity_word(f->severity));
	buf_putc(out, '[');
	report_markdown_text(out, flaw_name(f));
	buf_puts(out, "](");
	put_flaw_url(out, flaw_name(f));
	buf_puts(out, *f->flaw->known_exploited ? ") (exploited) | " : ") | ");
	if (r->n_layers) {
		put_cell(out, !l ? "" : l->base ? "base" : "own");
		put_where(out, l);
	} else {
		put_cell(out, f->package->path);
	}
	while (out->p[out->n - 1] == ' ')
		out->n--;
	buf_putc(out, '\n');
}

static void put_table(
        struct buf *out, const struct report *r, const struct report_row *rows, size_t n)
{
	static const char of_image[] =
	        "| Package | Installed | Fixed in | Severity | Flaw | From | Where |\n"
	        "| --- | --- | --- | --- | --- | --- | --- |\n";
	static const char of_files[] =
	        "| Package | Installed | Fixed in | Severity | Flaw | File |\n"
	        "| --- | --- | --- | --- | --- | --- |\n";
	if (!n)
		return;
	buf_puts(out, r->n_layers ? of_image : of_files);
	for (size_t i = 0; i < n && i < ROWS_MAX; i++)
		put_row(out, r, &rows[i]);
	buf_putc(out, '\n');
	if (n > ROWS_MAX) {
		buf_puts(out, "… and ");
		put_count(out, n - ROWS_MAX, "flaw");
		buf_puts(out, " more\n\n");
	}
}

// How many rows each reason hides.
static int by_reason(const void *a, const void *b)
{
	const struct report_row *x = a, *y = b;
	return strcmp(x->first->hidden, y->first->hidden);
}

static void put_hidden(struct buf *out, const struct report *r)
{
	auto_free struct report_row *v = NULL;
	size_t all = report_rows(r->scan, true, &v), n = 0, same;
	for (size_t i = 0; i < all; i++) {
		if (v[i].first->hidden)
			v[n++] = v[i];
	}
	if (!n)
		return;
	qsort(v, n, sizeof(*v), by_reason);
	buf_puts(out, "Not counted:\n\n");
	for (size_t i = 0; i < n; i += same) {
		for (same = 1; i + same < n && !by_reason(&v[i], &v[i + same]);)
			same++;
		buf_printf(out, "- %zu: ", same);
		report_markdown_text(out, v[i].first->hidden);
		buf_putc(out, '\n');
	}
	buf_putc(out, '\n');
}

static void put_packages(struct buf *out, const struct report *r)
{
	buf_puts(out, "## ");
	report_markdown_text(out, r->name);
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
	auto_free struct report_row *rows = NULL;
	size_t n = report_rows(r->scan, false, &rows);
	put_headline(out, r, rows, n);
	put_table(out, r, rows, n);
	put_hidden(out, r);
	for (size_t i = 0; i < r->scan->warnings.n; i++) {
		buf_puts(out, "> ");
		report_markdown_text(out, r->scan->warnings.v[i]);
		buf_puts(out, "\n\n");
	}
	time_format((struct timestamp){r->scan->data_time, 0}, day);
	put_count(out, r->packages->n, "package");
	if (r->base) {
		buf_puts(out, ", base ");
		report_markdown_text(out, r->base);
	}
	buf_printf(out, "; data of %.10s; hew ", day);
	report_markdown_text(out, r->version ? r->version : "");
	buf_putc(out, '\n');
}
