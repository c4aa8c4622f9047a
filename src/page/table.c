// SPDX-License-Identifier: Apache-2.0
// Tables and sections: every chart of the page is one of these, too.
#include "base/err.h"
#include "page/page-int.h"

void html_section(struct buf *out, const char *id, const char *title)
{
	buf_printf(out, "<section id=\"%s\" aria-labelledby=\"%s-title\">\n<h2 id=\"%s-title\">",
	        id, id, id);
	html_text(out, title, 200);
	buf_puts(out, "</h2>\n");
}

void html_section_end(struct buf *out)
{
	buf_puts(out, "</section>\n");
}

// It scrolls sideways where it is too wide, also by the keyboard.
void html_table(struct buf *out, const char *caption, const struct column *columns, size_t n)
{
	buf_puts(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
	html_text(out, caption, 200);
	buf_puts(out, "\"><table><caption>");
	html_text(out, caption, 200);
	buf_puts(out, "</caption>\n<thead><tr>");
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "<th scope=\"col\"%s>%s</th>",
		        columns[i].number ? " class=\"n\"" : "", columns[i].head);
	buf_puts(out, "</tr></thead>\n<tbody>\n");
}

void html_table_end(struct buf *out, size_t shown, size_t all)
{
	buf_puts(out, "</tbody></table></div>\n");
	if (shown >= all)
		return;
	buf_puts(out, "<p class=\"note\">The first ");
	html_count(out, shown);
	buf_puts(out, " of ");
	html_count(out, all);
	buf_puts(out, ".</p>\n");
}

void html_cell(struct buf *out, const char *s, size_t most)
{
	buf_puts(out, "<td>");
	html_text(out, s && *s ? s : "\xe2\x80\x93", most);
	buf_puts(out, "</td>");
}

void html_cell_code(struct buf *out, const char *s, size_t most)
{
	buf_puts(out, "<td class=\"code\">");
	html_text(out, s && *s ? s : "\xe2\x80\x93", most);
	buf_puts(out, "</td>");
}

void html_cell_bytes(struct buf *out, uint64_t bytes)
{
	buf_puts(out, "<td class=\"n\">");
	if (bytes == PAGE_UNKNOWN)
		buf_puts(out, "\xe2\x80\x93");
	else
		html_bytes(out, bytes);
	buf_puts(out, "</td>");
}

void html_cell_count(struct buf *out, uint64_t n)
{
	buf_puts(out, "<td class=\"n\">");
	html_count(out, n);
	buf_puts(out, "</td>");
}

// The bar is drawn by attributes: a style of its own would be against the page's policy.
void html_cell_share(struct buf *out, uint64_t part, uint64_t of)
{
	double share = of ? (double)part / (double)of : 0;
	buf_puts(out, "<td class=\"n share\"><span>");
	html_share(out, part, of);
	buf_printf(out,
	        "</span><svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" "
	        "aria-hidden=\"true\"><rect width=\"%.1f\" height=\"8\"/></svg></td>",
	        share > 1 ? 100.0 : 100 * share);
}
