// SPDX-License-Identifier: Apache-2.0
// What it is, and the figures that people ask for first.
#include "page/page-int.h"
#include <string.h>

#define PULL_BYTES_PER_SECOND 12500000 // 100 Mbit/s

static void fact(struct buf *out, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	buf_printf(out, "<div><dt>%s</dt><dd>", name);
	html_text(out, value, 300);
	buf_puts(out, "</dd></div>\n");
}

static void tile(
        struct buf *out, const char *name, const char *to, const char *value, const char *note)
{
	buf_printf(out,
	        "<li><a href=\"#%s\"><span class=\"name\">%s</span> <b>%s</b> "
	        "<small>%s</small></a></li>\n",
	        to, name, value, note);
}

static void size_tiles(const struct page_image *i, struct buf *out)
{
	auto_buf struct buf value = {0}, note = {0};
	html_bytes(&value, i->bytes);
	html_plural(&note, i->files, "file");
	tile(out, "Unpacked", "weight", buf_cstr(&value), buf_cstr(&note));
	buf_reset(&value);
	buf_reset(&note);
	buf_puts(&value, i->packed_is_estimated ? "\xe2\x89\x88 " : "");
	html_bytes(&value, i->packed);
	if (i->packed != PAGE_UNKNOWN) {
		html_seconds(&note, (int64_t)((double)i->packed / PULL_BYTES_PER_SECOND * 1e9));
		buf_puts(&note, " at 100 Mbit/s");
	} else {
		buf_puts(&note, "until it has been pushed");
	}
	tile(out, "To pull", "weight", buf_cstr(&value), buf_cstr(&note));
	buf_reset(&value);
	buf_reset(&note);
	html_count(&value, i->n_layers);
	size_t base = 0;
	for (size_t k = 0; k < i->n_layers; k++)
		base += i->layers[k].base;
	html_count(&note, base);
	buf_puts(&note, " of the base");
	tile(out, "Layers", "weight", buf_cstr(&value), buf_cstr(&note));
}

static void waste_tile(const struct page_image *i, struct buf *out)
{
	auto_buf struct buf value = {0}, note = {0};
	if (i->efficiency < 0)
		return;
	buf_printf(&value, "%.1f %%", 100 * i->efficiency);
	html_bytes(&note, i->hidden);
	buf_puts(&note, " are hidden");
	tile(out, "Efficiency", "waste", buf_cstr(&value), buf_cstr(&note));
}

static void flaw_tile(const struct page_image *i, struct buf *out)
{
	auto_buf struct buf value = {0}, note = {0};
	size_t severe = 0;
	for (size_t k = 0; k < i->flaws.n; k++)
		severe += i->flaws.v[k].severity <= PAGE_HIGH;
	if (i->flaws.none)
		buf_puts(&value, "\xe2\x80\x93");
	else
		html_count(&value, i->flaws.n);
	if (i->flaws.none) {
		buf_puts(&note, "not looked for");
	} else {
		html_count(&note, severe);
		buf_puts(&note, " critical or high");
	}
	tile(out, "Known flaws", "flaws", buf_cstr(&value), buf_cstr(&note));
}

static void package_tile(const struct page_image *i, struct buf *out)
{
	auto_buf struct buf value = {0};
	html_count(&value, i->n_packages);
	tile(out, "Packages", "weight", buf_cstr(&value), "found in it");
}

static void build_tile(const struct page_build *b, struct buf *out)
{
	auto_buf struct buf value = {0}, note = {0};
	struct timeline t;
	timeline_make(b, &t);
	html_seconds(&value, b->took_ns);
	html_count(&note, t.cached);
	buf_puts(&note, " of ");
	html_plural(&note, b->n_steps, "step");
	buf_puts(&note, " cached");
	tile(out, strcmp(b->status, "ok") != 0 ? "Build, failed" : "Build", "build",
	        buf_cstr(&value), buf_cstr(&note));
	timeline_release(&t);
}

static void image_facts(const struct page_image *i, struct buf *out)
{
	fact(out, "Digest", i->digest);
	fact(out, "Image id", i->id);
	fact(out, "Platform", i->platform);
	fact(out, "Made", i->created);
	fact(out, "Base", i->base);
	fact(out, "Starts", i->entry);
	fact(out, "User", *i->user ? i->user : "root");
}

static void build_facts(const struct page_build *b, struct buf *out)
{
	fact(out, "Build", b->id);
	fact(out, "Dockerfile", b->dockerfile);
	fact(out, "Built", b->when);
}

void page_head(const struct page *p, struct buf *out)
{
	buf_puts(out, "<header>\n<p class=\"kind\">");
	buf_puts(out, p->image ? "Container image" : "Build of a container image");
	buf_puts(out, "</p>\n<h1>");
	html_text(out, p->title, 200);
	buf_puts(out, "</h1>\n");
	if (p->build && p->build->error) {
		buf_puts(out, "<p class=\"error\" role=\"note\">The build failed: ");
		html_text(out, p->build->error, 1000);
		buf_puts(out, "</p>\n");
	}
	buf_puts(out, "<dl class=\"facts\">\n");
	if (p->image)
		image_facts(p->image, out);
	if (p->build)
		build_facts(p->build, out);
	buf_puts(out, "</dl>\n<ul class=\"tiles\">\n");
	if (p->image)
		size_tiles(p->image, out);
	if (p->image)
		waste_tile(p->image, out);
	if (p->image)
		package_tile(p->image, out);
	if (p->image)
		flaw_tile(p->image, out);
	if (p->build)
		build_tile(p->build, out);
	buf_puts(out, "</ul>\n</header>\n");
}
