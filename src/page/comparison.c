// SPDX-License-Identifier: Apache-2.0
// What has changed since another image.
#include "page/page-int.h"

#define SECTION_BYTES (80u << 10)
#define OPEN_ROWS 30 // of a longer list people see the number first

static void difference(struct buf *out, const struct page_total *t)
{
	if (t->before == PAGE_UNKNOWN || t->after == PAGE_UNKNOWN) {
		buf_puts(out, "<td class=\"n\">\xe2\x80\x93</td>");
		return;
	}
	bool more = t->after > t->before;
	uint64_t by = more ? t->after - t->before : t->before - t->after;
	buf_printf(out, "<td class=\"n %s\">", !by ? "same" : more ? "worse" : "better");
	buf_puts(out, !by ? "" : more ? "+" : "\xe2\x88\x92");
	if (t->is_bytes)
		html_bytes(out, by);
	else
		html_count(out, by);
	if (by && t->before)
		buf_printf(out, " <small>%s%.0f %%</small>", more ? "+" : "\xe2\x88\x92",
		        100.0 * (double)by / (double)t->before);
	buf_puts(out, "</td>");
}

static void totals(const struct page_comparison *c, struct buf *out)
{
	static const struct column columns[] = {
	        {"", false}, {"Before", true}, {"Now", true}, {"Difference", true}};
	html_table(out, "Totals", columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < c->n_totals; i++) {
		const struct page_total *t = &c->totals[i];
		buf_puts(out, "<tr><th scope=\"row\">");
		html_text(out, t->what, 60);
		buf_puts(out, "</th>");
		for (int side = 0; side < 2; side++) {
			uint64_t n = side ? t->after : t->before;
			if (t->is_bytes || n == PAGE_UNKNOWN)
				html_cell_bytes(out, n);
			else
				html_cell_count(out, n);
		}
		difference(out, t);
		buf_puts(out, "</tr>\n");
	}
	html_table_end(out, 0, 0);
}

static void changes(const char *title, const char *kind, const struct page_change *v, size_t n,
        size_t most, struct buf *out)
{
	const struct column columns[] = {{"Change", false}, {"What", false}, {kind, false},
	        {"Before", false}, {"Now", false}};
	size_t i = 0;
	buf_printf(out, "<h3>%s <small>", title);
	html_count(out, n);
	buf_puts(out, "</small></h3>\n");
	if (!n) {
		buf_puts(out, "<p class=\"note\">The same in both.</p>\n");
		return;
	}
	if (n > OPEN_ROWS)
		buf_puts(out, "<details class=\"alt\"><summary>Show them</summary>\n");
	html_table(out, title, columns, sizeof(columns) / sizeof(*columns));
	for (; i < n && out->n < most; i++) {
		buf_printf(out, "<tr><td><span class=\"change %s\">", v[i].change);
		html_text(out, v[i].change, 20);
		buf_puts(out, "</span></td>");
		html_cell(out, v[i].what, 160);
		html_cell(out, v[i].kind, 60);
		html_cell(out, v[i].before, 120);
		html_cell(out, v[i].after, 120);
		buf_puts(out, "</tr>\n");
	}
	html_table_end(out, i, n);
	if (n > OPEN_ROWS)
		buf_puts(out, "</details>\n");
}

static void folders(const struct page_comparison *c, size_t most, struct buf *out)
{
	static const struct column columns[] = {
	        {"Folder", false}, {"Before", true}, {"Now", true}, {"Difference", true}};
	size_t i = 0;
	buf_puts(out, "<h3>Folders</h3>\n");
	html_table(out, "Folders, by how much they changed", columns,
	        sizeof(columns) / sizeof(*columns));
	for (; i < c->n_folders && out->n < most; i++) {
		const struct page_folder_change *f = &c->folders[i];
		const struct page_total t = {"", f->before, f->after, true};
		buf_puts(out, "<tr>");
		html_cell_code(out, f->path, 200);
		html_cell_bytes(out, f->before);
		html_cell_bytes(out, f->after);
		difference(out, &t);
		buf_puts(out, "</tr>\n");
	}
	html_table_end(out, i, c->n_folders);
}

void page_comparison_section(const struct page_comparison *c, struct buf *out)
{
	size_t start = out->n;
	html_section(out, "comparison", "Compared with another image");
	buf_puts(out, "<p>Before: ");
	html_text(out, c->name, 200);
	buf_puts(out, "</p>\n");
	totals(c, out);
	if (c->n_folders)
		folders(c, start + SECTION_BYTES / 4, out);
	if (c->n_config)
		changes("Configuration", "Kind", c->config, c->n_config, start + SECTION_BYTES / 3,
		        out);
	changes("Packages", "Kind", c->packages, c->n_packages, start + SECTION_BYTES * 2 / 3, out);
	if (c->flaws)
		changes("Flaws", "Severity", c->flaws, c->n_flaws, start + SECTION_BYTES, out);
	html_section_end(out);
}
