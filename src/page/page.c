// SPDX-License-Identifier: Apache-2.0
// The frame: a policy that lets nothing in but this very style and this very script, by their
// digests (CSP level 3), landmarks, and the sections between them.
#include "base/base64.h"
#include "base/hash.h"
#include "page/page-int.h"
#include <string.h>

static void put_digest(struct buf *out, const char *text)
{
	struct hash h = hash_bytes(text, strlen(text));
	buf_puts(out, "'sha256-");
	base64_encode(out, h.b, sizeof(h.b));
	buf_puts(out, "'");
}

static void put_policy(struct buf *out)
{
	buf_puts(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	              "script-src ");
	put_digest(out, page_js);
	buf_puts(out, "; style-src ");
	put_digest(out, page_css);
	buf_puts(out, "; base-uri 'none'; form-action 'none'\">\n");
}

static void put_top(const struct page *p, struct buf *out)
{
	buf_puts(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
	put_policy(out);
	buf_puts(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	              "<meta name=\"color-scheme\" content=\"light dark\">\n"
	              "<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"generator\" "
	              "content=\"hew ");
	html_text(out, p->version, 40);
	buf_puts(out, "\">\n<title>");
	html_text(out, p->title, 200);
	buf_puts(out, " \xe2\x80\x93 hew report</title>\n<style>");
	buf_puts(out, page_css);
	buf_puts(out, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the "
	              "content</a>\n");
}

static void put_nav(const struct page *p, struct buf *out)
{
	const struct {
		bool is_there;
		const char *id, *name;
	} all[] = {{p->build != NULL, "build", "Build"}, {p->image != NULL, "weight", "Bytes"},
	        {p->image != NULL, "waste", "Waste"}, {p->image != NULL, "flaws", "Flaws"},
	        {p->comparison != NULL, "comparison", "Comparison"}};
	buf_puts(out, "<nav aria-label=\"Sections\"><ul>\n");
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i].is_there)
			buf_printf(
			        out, "<li><a href=\"#%s\">%s</a></li>\n", all[i].id, all[i].name);
	buf_puts(out,
	        "</ul><button type=\"button\" id=\"theme\" hidden>Theme: system</button></nav>\n");
}

void page_write(const struct page *p, struct buf *out)
{
	put_top(p, out);
	put_nav(p, out);
	page_head(p, out);
	buf_puts(out, "<main id=\"main\" tabindex=\"-1\">\n");
	if (p->build)
		page_build_section(p->build, out);
	if (p->image) {
		page_weight(p->image, out);
		page_waste_section(p->image, out);
		page_flaws_section(p->image, out);
	}
	if (p->comparison)
		page_comparison_section(p->comparison, out);
	buf_puts(out, "</main>\n<footer><p>Made by hew ");
	html_text(out, p->version, 40);
	buf_puts(out, ". This page needs nothing but itself.</p></footer>\n");
	if (p->image)
		page_trees(p->image, out);
	buf_puts(out, "<script>");
	buf_puts(out, page_js);
	buf_puts(out, "</script>\n</body>\n</html>\n");
}
