// SPDX-License-Identifier: Apache-2.0
// What is wasted, and what is known to be wrong.
#include "page/page-int.h"

#define WASTE_BYTES (60u << 10)
#define WASTE_LEAST 5   // findings are shown however small they are,
#define WASTE_PART 5000 // more of them only if they are such a part of the image,
#define WASTE_MOST 60   // and never more than these
#define FLAWS_BYTES (110u << 10)

const char *const page_severity_words[PAGE_SEVERITIES] = {
        "critical", "high", "medium", "low", "negligible", "unrated"};

// ---- waste

static void waste_table(const struct page_image *i, struct buf *out)
{
	static const struct column columns[] = {{"What", false}, {"Where", false}, {"Bytes", true},
	        {"Share", true}, {"Files", true}, {"Layer", true}, {"Write instead", false}};
	size_t start = out->n, k = 0;
	uint64_t least = i->bytes / WASTE_PART, small = 0;
	html_table(out, "Waste, the heaviest first", columns, sizeof(columns) / sizeof(*columns));
	for (; k < i->n_waste && out->n - start < WASTE_BYTES; k++) {
		if (k >= WASTE_LEAST && (i->waste[k].bytes < least || k >= WASTE_MOST))
			break;
		const struct page_waste *w = &i->waste[k];
		buf_puts(out, "<tr>");
		html_cell(out, w->kind, 40);
		html_cell_code(out, w->package ? w->package : w->path, 200);
		html_cell_bytes(out, w->bytes);
		html_cell_share(out, w->bytes, i->bytes);
		html_cell_count(out, w->files);
		html_cell_count(out, w->layer + 1);
		html_cell(out, w->advice, 400);
		buf_puts(out, "</tr>\n");
	}
	html_table_end(out, k, k);
	if (k == i->n_waste)
		return;
	for (size_t rest = k; rest < i->n_waste; rest++)
		small += i->waste[rest].bytes;
	buf_puts(out, "<p class=\"note\">And ");
	html_plural(out, i->n_waste - k, "smaller finding");
	buf_puts(out, ", together ");
	html_bytes(out, small);
	buf_puts(out, ": hew size --waste lists them.</p>\n");
}

void page_waste_section(const struct page_image *i, struct buf *out)
{
	html_section(out, "waste", "What nobody needs");
	buf_puts(out, "<p>");
	if (i->hidden) {
		html_bytes(out, i->hidden);
		buf_puts(out, " are fetched by everybody and seen by nobody: later layers replace "
		              "or delete them. ");
	} else {
		buf_puts(out, "No layer replaces or deletes what a lower one brings. ");
	}
	if (i->efficiency >= 0)
		buf_printf(out, "Efficiency as dive counts it: %.2f %%. ", 100 * i->efficiency);
	if (i->packed_efficiency >= 0)
		buf_printf(out, "Of the bytes that are pulled, %.1f %% can be seen.",
		        100 * i->packed_efficiency);
	buf_puts(out, "</p>\n");
	if (i->n_waste)
		waste_table(i, out);
	else
		buf_puts(out,
		        "<p class=\"note\">Nothing else was found that could be left out.</p>\n");
	html_section_end(out);
}

// ---- flaws

static void severities(const struct page_flaws *f, struct buf *out)
{
	size_t n[PAGE_SEVERITIES] = {0}, mended[PAGE_SEVERITIES] = {0};
	for (size_t i = 0; i < f->n; i++) {
		n[f->v[i].severity]++;
		mended[f->v[i].severity] += f->v[i].fixed != NULL;
	}
	buf_puts(out, "<ul class=\"severities\">\n");
	for (size_t i = 0; i < PAGE_SEVERITIES; i++) {
		if (!n[i])
			continue;
		buf_printf(out, "<li><b class=\"severity %s\">", page_severity_words[i]);
		html_count(out, n[i]);
		buf_printf(out, " %s</b> <small>", page_severity_words[i]);
		html_count(out, mended[i]);
		buf_puts(out, " with a fix</small></li>\n");
	}
	buf_puts(out, "</ul>\n");
}

static void flaw_row(const struct page_flaw *f, struct buf *out)
{
	buf_printf(out, "<tr><td><span class=\"severity %s\">%s</span></td><td>",
	        page_severity_words[f->severity], page_severity_words[f->severity]);
	html_text(out, f->name, 60);
	if (f->exploited)
		buf_puts(out, " <strong class=\"exploited\">exploited</strong>");
	if (f->title) {
		buf_puts(out, "<br><small>");
		html_text(out, f->title, 140);
		buf_puts(out, "</small>");
	}
	buf_puts(out, "</td>");
	html_cell(out, f->package, 100);
	html_cell(out, f->version, 60);
	html_cell(out, f->fixed ? f->fixed : f->status, 80);
	html_cell(out, f->place, 60);
	buf_puts(out, "</tr>\n");
}

static void flaw_table(const struct page_flaws *f, struct buf *out)
{
	static const struct column columns[] = {{"Severity", false}, {"Flaw", false},
	        {"Package", false}, {"Version", false}, {"Fixed in", false}, {"Brought by", false}};
	size_t start = out->n, k = 0;
	buf_puts(out, "<div class=\"filter\" data-table=\"flaws\" hidden></div>\n");
	html_table(out, "Known flaws, the most severe first", columns,
	        sizeof(columns) / sizeof(*columns));
	for (; k < f->n && out->n - start < FLAWS_BYTES; k++)
		flaw_row(&f->v[k], out);
	html_table_end(out, k, f->n);
}

void page_flaws_section(const struct page_image *i, struct buf *out)
{
	const struct page_flaws *f = &i->flaws;
	html_section(out, "flaws", "Known flaws");
	if (f->none) {
		buf_puts(out, "<p class=\"note\">Not looked for: ");
		html_text(out, f->none, 600);
		buf_puts(out, "</p>\n");
		html_section_end(out);
		return;
	}
	buf_puts(out, "<p>");
	html_plural(out, f->n, "flaw");
	buf_puts(out, " in ");
	html_plural(out, i->n_packages, "package");
	if (f->data) {
		buf_puts(out, ", by advisories of ");
		html_text(out, f->data, 40);
	}
	if (f->hidden) {
		buf_puts(out, "; ");
		html_count(out, f->hidden);
		buf_puts(out, " more are hidden as unimportant or ignored");
	}
	buf_puts(out, ".</p>\n");
	if (f->n) {
		severities(f, out);
		flaw_table(f, out);
	}
	html_section_end(out);
}
