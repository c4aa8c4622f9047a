// SPDX-License-Identifier: Apache-2.0
// The trees as the script reads them: [name, bytes, hidden, files, rest, children], where rest is 0
// or [bytes, hidden, files] of what is too small, and children may be missing.
#include "page/page-int.h"
#include <inttypes.h>

#define TREES_BYTES (340u << 10)
#define NAME_BYTES 60

static void put_node(const struct page_node *n, uint64_t least, struct buf *out)
{
	uint64_t rest = n->rest_bytes, hidden = n->rest_hidden;
	size_t files = n->rest_files, shown = 0;
	for (; shown < n->n_children && n->children[shown]->bytes >= least; shown++)
		;
	for (size_t i = shown; i < n->n_children; i++) {
		rest += n->children[i]->bytes;
		hidden += n->children[i]->hidden;
		files += n->children[i]->files;
	}
	buf_putc(out, '[');
	html_json(out, n->name, NAME_BYTES);
	buf_printf(out, ",%" PRIu64 ",%" PRIu64 ",%zu,", n->bytes, n->hidden, n->files);
	if (files)
		buf_printf(out, "[%" PRIu64 ",%" PRIu64 ",%zu]", rest, hidden, files);
	else
		buf_putc(out, '0');
	for (size_t i = 0; i < shown; i++) {
		buf_puts(out, i ? "," : ",[");
		put_node(n->children[i], least, out);
	}
	buf_puts(out, shown ? "]]" : "]");
}

// Of a tree whose names are long, fewer nodes are shown.
static void put_tree(const char *key, const struct page_tree *t, size_t most, struct buf *out)
{
	size_t start = out->n;
	const struct page_node *root = page_tree_root(t);
	for (uint64_t least = 0;; least = least ? 2 * least : root->bytes / 40000 + 1) {
		out->n = start;
		buf_printf(out, "%s\"%s\":", start && out->p[start - 1] != '{' ? "," : "", key);
		put_node(root, least, out);
		if (out->n - start <= most || least > root->bytes)
			return;
	}
}

void page_trees(const struct page_image *i, struct buf *out)
{
	buf_puts(out, "<script type=\"application/json\" id=\"trees\">{");
	if (i->by_layer)
		put_tree("layers", i->by_layer, TREES_BYTES / 3, out);
	if (i->by_folder)
		put_tree("folders", i->by_folder, TREES_BYTES / 3, out);
	if (i->by_package)
		put_tree("packages", i->by_package, TREES_BYTES / 3, out);
	buf_puts(out, "}</script>\n");
}
