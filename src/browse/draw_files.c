// SPDX-License-Identifier: Apache-2.0
// The tree at the right: a mark, what ls would say, and lines that lead to the name.
#include "browse/browser-int.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include <stdio.h>
#include <string.h>

#define ATTRIBUTES_MIN 40 // columns below which a name counts more than who owns it
#define IDS_MAX 11
#define BYTES_WIDTH 6

static const char marks[N_MARKS] = {' ', '+', '-', '~'};
static const int mark_styles[N_MARKS] = {STYLE_PLAIN, STYLE_GREEN, STYLE_RED, STYLE_YELLOW};

static void mode_text(const struct tree_node *node, char out[static 11])
{
	static const char types[] = "d-lcbps?";
	static const char bits[] = "rwxrwxrwx";
	out[0] = types[node->type];
	for (int i = 0; i < 9; i++)
		out[i + 1] = node->mode & (0400 >> i) ? bits[i] : '-';
	if (node->mode & 04000)
		out[3] = out[3] == 'x' ? 's' : 'S';
	if (node->mode & 02000)
		out[6] = out[6] == 'x' ? 's' : 'S';
	if (node->mode & 01000)
		out[9] = out[9] == 'x' ? 't' : 'T';
	out[10] = '\0';
}

static int ids_text(const struct tree_node *node, char out[static 24])
{
	return snprintf(out, 24, "%u:%u", node->uid, node->gid);
}

static int ids_width(const struct browser *b, size_t from, size_t end)
{
	char text[24];
	int width = (int)strlen("ids");
	for (size_t i = from; i < end; i++) {
		int n = ids_text(&b->tree.v[b->rows.v[i]], text);
		width = n > width ? n : width;
	}
	return width < IDS_MAX ? width : IDS_MAX;
}

// ---- a row

struct lines {
	const char *through, *none, *middle, *last, *open, *folded, *arrow;
};

static const struct lines *lines_of(const struct screen *s)
{
	static const struct lines fine = {"│ ", "  ", "├ ", "└ ", "▾ ", "▸ ", " → "};
	static const struct lines ascii = {"| ", "  ", "|-", "`-", "v ", "> ", " -> "};
	return screen_is_utf8(s) ? &fine : &ascii;
}

// From the root down: what leads past the folders that the file lies in.
static void put_lead(const struct browser *b, uint32_t node, const struct lines *l, struct buf *out)
{
	const struct tree_node *v = b->tree.v;
	uint32_t above[24]; // deeper than that nothing is seen on any screen
	size_t n = 0, deep = v[node].depth;
	uint32_t at = v[node].parent;
	for (; deep > ARRAY_LEN(above); deep--)
		at = v[at].parent;
	for (; at != TREE_NONE && n < ARRAY_LEN(above); at = v[at].parent)
		above[n++] = at;
	while (n-- > 0)
		buf_puts(out, rows_is_last(&b->rows, above[n]) ? l->none : l->through);
	buf_puts(out, rows_is_last(&b->rows, node) ? l->last : l->middle);
}

static void put_name(struct browser *b, const struct screen *s, uint32_t at, struct buf *out)
{
	const struct tree_node *node = &b->tree.v[at];
	const struct lines *l = lines_of(s);
	put_lead(b, at, l, out);
	if (node->type == ENTRY_DIR)
		buf_puts(out, folds_is_open(browser_folds(b), node->path) ? l->open : l->folded);
	buf_puts(out, fs_base_name(node->path));
	if (node->link)
		buf_printf(
		        out, "%s%s%s", l->arrow, node->type == ENTRY_FILE ? "/" : "", node->link);
}

static void draw_row(
        struct browser *b, struct screen *s, const struct area *a, int y, size_t row, int ids)
{
	uint32_t at = b->rows.v[row];
	const struct tree_node *node = &b->tree.v[at];
	bool cursor = row == b->files.at;
	int style = mark_styles[node->mark], x = a->x;
	char mode[11], id[24], size[24];
	auto_buf struct buf name = {0};
	mode_text(node, mode);
	ids_text(node, id);
	size_format(node->bytes, size);
	x += screen_putf(s, x, y, 3, style, "%c%c ", cursor ? '>' : ' ', marks[node->mark]);
	if (ids)
		x += screen_putf(s, x, y, a->columns, style, "%s %*s ", mode, ids, id);
	x += screen_putf(s, x, y, a->columns, style, "%*s ", BYTES_WIDTH, size);
	put_name(b, s, at, &name);
	screen_put(s, x, y, a->x + a->columns - x, buf_cstr(&name), style);
	if (cursor)
		screen_paint(s, a->x, y, a->columns,
		        style | (b->pane == PANE_FILES ? STYLE_REVERSE : STYLE_BOLD));
}

// ---- all of it

static void draw_heads(struct screen *s, const struct area *a, int ids)
{
	int x = a->x + 3;
	if (ids)
		x += screen_putf(s, x, a->y + 1, a->columns, STYLE_DIM, "%-10s %*s ", "permission",
		        ids, "ids");
	screen_putf(s, x, a->y + 1, a->columns, STYLE_DIM, "%*s  %s", BYTES_WIDTH, "size", "name");
}

static void title_text(const struct browser *b, struct buf *out)
{
	char bytes[24];
	size_format(b->tree.bytes, bytes);
	if (!b->image->n_layers)
		buf_puts(out, "Files");
	else if (!b->aggregated)
		buf_printf(out, "Files: changes of layer %zu", b->layers.at + 1);
	else if (b->layers.at)
		buf_printf(out, "Files: changes of layers 2 to %zu", b->layers.at + 1);
	else
		buf_puts(out, "Files: layer 1, before all changes");
	buf_printf(out, " (%s)", bytes);
}

static void draw_none(const struct browser *b, struct screen *s, const struct area *a)
{
	const char *why = !b->tree.n            ? "no files"
	                  : !b->filter.text[0]  ? "nothing that is not hidden: A R M U show it"
	                  : b->filter.is_broken ? "nothing contains this text (which is no "
	                                          "regular expression)"
	                                        : "nothing fits the filter: Esc drops it";
	screen_put(s, a->x + 3, a->y + 2, a->columns - 3, why, STYLE_DIM);
}

void draw_files(struct browser *b, struct screen *s, const struct area *a)
{
	auto_buf struct buf title = {0};
	int page = a->rows - 2;
	title_text(b, &title);
	draw_title(s, a, buf_cstr(&title), b->pane == PANE_FILES);
	scroll_settle(&b->files, b->rows.n, page);
	size_t end = b->files.top + (size_t)page;
	if (end > b->rows.n)
		end = b->rows.n;
	bool attributes = !b->no_attributes && a->columns >= ATTRIBUTES_MIN;
	int ids = attributes ? ids_width(b, b->files.top, end) : 0;
	draw_heads(s, a, ids);
	if (!b->rows.n)
		draw_none(b, s, a);
	for (size_t i = b->files.top; i < end; i++)
		draw_row(b, s, a, a->y + 2 + (int)(i - b->files.top), i, ids);
	if (b->pane == PANE_FILES)
		screen_cursor(s, a->x, a->y + 2 + (int)(b->files.at - b->files.top), false);
}
