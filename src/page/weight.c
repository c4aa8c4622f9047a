// SPDX-License-Identifier: Apache-2.0
// Where the bytes are: a place for the map that the script draws, and the tables that say the same
// without it.
#include "base/mem.h"
#include "page/page-int.h"
#include <stdlib.h>
#include <string.h>

#define SECTION_BYTES (100u << 10)
#define FOLDERS_SHOWN 40
#define PACKAGES_SHOWN 60
#define PATH_BYTES 300

static void layers(const struct page_image *i, size_t most, struct buf *out)
{
	static const struct column columns[] = {{"Layer", true}, {"Made by", false},
	        {"Where", false}, {"Unpacked", true}, {"Share", true}, {"To pull", true},
	        {"Hidden", true}, {"Files", true}};
	size_t k = 0;
	html_table(out, "Layers, the lowest first", columns, sizeof(columns) / sizeof(*columns));
	for (; k < i->n_layers && out->n < most; k++) {
		const struct page_layer *l = &i->layers[k];
		buf_puts(out, "<tr>");
		html_cell_count(out, k + 1);
		html_cell_code(out, l->instruction, 160);
		html_cell(out, l->place ? l->place : l->base ? "base image" : NULL, 100);
		html_cell_bytes(out, l->bytes);
		html_cell_share(out, l->bytes, i->bytes);
		html_cell_bytes(out, l->packed);
		html_cell_bytes(out, l->hidden);
		html_cell_count(out, l->files);
		buf_puts(out, "</tr>\n");
	}
	html_table_end(out, k, i->n_layers);
}

// ---- folders, out of the tree

struct place {
	const struct page_node *node;
	char *path;
};
struct places {
	struct place *v;
	size_t n, cap;
};

static void collect(struct places *p, const struct page_node *n, const char *path)
{
	for (size_t i = 0; i < n->n_children; i++) {
		const struct page_node *c = n->children[i];
		if (p->n == p->cap) {
			p->cap = p->cap ? 2 * p->cap : 256;
			p->v = xreallocarray(p->v, p->cap, sizeof(*p->v));
		}
		char *below = xasprintf("%s/%s", path, c->name);
		p->v[p->n++] = (struct place){c, below};
		collect(p, c, below);
	}
}

static int heavier_first(const void *va, const void *vb)
{
	const struct place *a = va, *b = vb;
	if (a->node->bytes != b->node->bytes)
		return a->node->bytes < b->node->bytes ? 1 : -1;
	return strcmp(a->path, b->path);
}

static void folders(const struct page_image *i, size_t most, struct buf *out)
{
	static const struct column columns[] = {
	        {"Path", false}, {"Unpacked", true}, {"Share", true}, {"Files", true}};
	const struct page_node *root = page_tree_root(i->by_folder);
	struct places p = {0};
	size_t k = 0;
	collect(&p, root, "");
	if (p.n)
		qsort(p.v, p.n, sizeof(*p.v), heavier_first);
	html_table(
	        out, "The heaviest folders and files", columns, sizeof(columns) / sizeof(*columns));
	for (; k < p.n && k < FOLDERS_SHOWN && out->n < most; k++) {
		buf_puts(out, "<tr>");
		html_cell_code(out, p.v[k].path, PATH_BYTES);
		html_cell_bytes(out, p.v[k].node->bytes);
		html_cell_share(out, p.v[k].node->bytes, root->bytes);
		html_cell_count(out, p.v[k].node->files);
		buf_puts(out, "</tr>\n");
	}
	html_table_end(out, k, k);
	for (size_t f = 0; f < p.n; f++)
		free(p.v[f].path);
	free(p.v);
}

static void packages(const struct page_image *i, size_t most, struct buf *out)
{
	static const struct column columns[] = {{"Package", false}, {"Version", false},
	        {"Kind", false}, {"Unpacked", true}, {"Share", true}, {"Layer", true}};
	size_t k = 0;
	html_table(out, "The heaviest packages", columns, sizeof(columns) / sizeof(*columns));
	for (; k < i->n_packages && k < PACKAGES_SHOWN && out->n < most; k++) {
		const struct page_package *p = &i->packages[k];
		buf_puts(out, "<tr>");
		html_cell(out, p->name, 120);
		html_cell(out, p->version, 60);
		html_cell(out, p->type, 20);
		html_cell_bytes(out, p->bytes);
		html_cell_share(out, p->bytes == PAGE_UNKNOWN ? 0 : p->bytes, i->bytes);
		html_cell_count(out, p->layer + 1);
		buf_puts(out, "</tr>\n");
	}
	html_table_end(out, k, i->n_packages);
}

static void closed(struct buf *out, const char *title)
{
	buf_printf(out, "<details class=\"alt\"><summary>%s</summary>\n", title);
}

void page_weight(const struct page_image *i, struct buf *out)
{
	size_t start = out->n;
	html_section(out, "weight", "Where the bytes are");
	buf_puts(out, "<div id=\"map\" hidden></div>\n<h3>Layers</h3>\n");
	layers(i, start + SECTION_BYTES / 2, out);
	if (i->by_folder) {
		closed(out, "The heaviest folders and files as a table");
		folders(i, start + SECTION_BYTES * 3 / 4, out);
		buf_puts(out, "</details>\n");
	}
	if (i->n_packages) {
		closed(out, "The heaviest packages as a table");
		packages(i, start + SECTION_BYTES, out);
		buf_puts(out, "</details>\n");
	}
	html_section_end(out);
}
