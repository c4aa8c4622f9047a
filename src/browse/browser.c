// SPDX-License-Identifier: Apache-2.0
// What is chosen, and what follows from it. Keys only mark what is stale; it is made anew when the
// next screen is drawn, so that keys that come faster than that cost nothing.
#include "browse/browser-int.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "ui/ui.h"
#include <string.h>

struct browser *browser_new(const struct browse_image *image)
{
	struct browser *b = xcalloc(1, sizeof(*b));
	b->image = image;
	b->tree_stale = true;
	b->found.open = true;
	return b;
}

static void drop_tree(struct browser *b)
{
	tree_release(&b->tree);
	view_free(b->lower);
	view_free(b->upper);
	b->lower = b->upper = NULL;
}

void browser_free(struct browser *b)
{
	if (!b)
		return;
	drop_tree(b);
	rows_release(&b->rows);
	folds_release(&b->folds);
	folds_release(&b->found);
	path_filter_release(&b->filter);
	buf_release(&b->message);
	free(b->path);
	free(b);
}

void browser_set_figures(struct browser *b, const struct browse_figures *f)
{
	b->figures = f;
}

void browser_say(struct browser *b, const char *fmt, ...)
{
	auto_buf struct buf text = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	buf_reset(&b->message);
	ui_escape(buf_cstr(&text), text.n, &b->message); // a line break in a name is none here
}

// ---- lists

void scroll_move(struct scroll *s, size_t n, int64_t by)
{
	int64_t to = (int64_t)s->at + by, last = n ? (int64_t)n - 1 : 0;
	s->at = (size_t)(to < 0 ? 0 : to > last ? last : to);
}

void scroll_settle(struct scroll *s, size_t n, int page)
{
	size_t shown = page > 0 ? (size_t)page : 1;
	s->page = page;
	scroll_move(s, n, 0);
	if (s->at < s->top)
		s->top = s->at;
	if (s->at >= s->top + shown)
		s->top = s->at - shown + 1;
	if (s->top + shown > n)
		s->top = n > shown ? n - shown : 0;
}

// ---- trees and rows

// The first layer is compared with nothing; all layers together with the first, as dive does.
static int make_tree(struct browser *b, struct err *e)
{
	const struct browse_image *im = b->image;
	size_t upper = im->n_layers ? b->layers.at + 1 : 0;
	size_t lower = b->aggregated ? 1 : b->layers.at;
	drop_tree(b);
	b->lower = chain_new(im->indexes, lower < upper ? lower : upper, im->source);
	b->upper = chain_new(im->indexes, upper, im->source);
	return tree_make(b->lower, b->upper, &b->tree, e);
}

// The file that was chosen, or the nearest folder above it that is there.
static uint32_t find_path(const struct browser *b)
{
	auto_free char *part = xstrdup(b->path ? b->path : "");
	while (*part) {
		uint32_t node = tree_find(&b->tree, part);
		char *slash = strrchr(part, '/');
		if (node != TREE_NONE)
			return node;
		if (!slash)
			break;
		*slash = '\0';
	}
	return TREE_NONE;
}

static void make_rows(struct browser *b)
{
	struct rows_choice c = {
	        .folds = browser_folds(b), .filter = &b->filter, .by_size = b->by_size};
	memcpy(c.hidden, b->hidden, sizeof(c.hidden));
	rows_make(&b->tree, &c, &b->rows);
	b->files.at = rows_near(&b->rows, &b->tree, find_path(b));
}

int browser_settle(struct browser *b, struct err *e)
{
	if (b->tree_stale) {
		if (make_tree(b, e))
			return -1;
		b->tree_stale = false;
		b->rows_stale = true;
	}
	if (b->rows_stale)
		make_rows(b);
	b->rows_stale = false;
	return 0;
}

const struct tree_node *browser_node(const struct browser *b)
{
	if (b->tree_stale || b->rows_stale || b->files.at >= b->rows.n)
		return NULL;
	return &b->tree.v[b->rows.v[b->files.at]];
}

struct folds *browser_folds(struct browser *b)
{
	return b->filter.text[0] ? &b->found : &b->folds;
}

int browser_selected(struct browser *b, struct view **ret_view, struct entry *ret, struct err *e)
{
	if (browser_settle(b, e))
		return -1;
	const struct tree_node *node = browser_node(b);
	if (!node)
		return 0;
	*ret_view = node->mark == MARK_REMOVED ? b->lower : b->upper;
	return (*ret_view)->ops->lookup(*ret_view, node->path, ret, e);
}

// ---- choosing

static void choose_path(struct browser *b, const char *path)
{
	char *copy = xstrdup(path);
	free(b->path);
	b->path = copy;
}

void browser_choose_row(struct browser *b, size_t row)
{
	b->files.at = row;
	const struct tree_node *node = browser_node(b);
	if (node)
		choose_path(b, node->path);
}

void browser_choose_layer(struct browser *b, size_t layer)
{
	if (layer >= b->image->n_layers || layer == b->layers.at)
		return;
	b->layers.at = layer;
	b->tree_stale = true;
}

void browser_filter(struct browser *b, const char *text)
{
	path_filter_set(&b->filter, text);
	folds_set_all(&b->found, true);
	b->rows_stale = true;
}

// Nothing may be in the way of it.
static void show_path(struct browser *b, const char *path)
{
	if (b->filter.text[0])
		browser_filter(b, "");
	memset(b->hidden, 0, sizeof(b->hidden));
	folds_reveal(&b->folds, path);
	choose_path(b, path);
	b->rows_stale = true;
	b->pane = PANE_FILES;
}

void browser_go_to_waste(struct browser *b, bool forward)
{
	const struct browse_figures *f = b->figures;
	char size[24];
	if (!f || !f->n_waste) {
		browser_say(b, f ? "no waste was found" : "still looking for waste");
		return;
	}
	if (b->waste == 0)
		b->waste = forward ? 1 : f->n_waste;
	else
		b->waste = (b->waste - 1 + (forward ? 1 : f->n_waste - 1)) % f->n_waste + 1;
	const struct browse_waste *w = &f->waste[b->waste - 1];
	b->tree_stale = b->tree_stale || b->aggregated;
	b->aggregated = false;
	browser_choose_layer(b, w->layer);
	show_path(b, w->path);
	size_format(w->bytes, size);
	browser_say(b, "waste %zu of %zu: %s %s. Instead: %s", b->waste, f->n_waste, size, w->what,
	        w->advice);
}
