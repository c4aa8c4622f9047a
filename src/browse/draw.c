// SPDX-License-Identifier: Apache-2.0
// The screen as a whole: two columns, a line about the chosen file or what there is to say, a line
// of keys or the filter.
#include "browse/browser-int.h"

#include "base/err.h"
#include "base/mem.h"
#include <string.h>

#define MESSAGE_ROWS 4

static void draw_too_small(struct screen *s)
{
	int y = screen_rows(s) / 2 - 1;
	struct area a = {0, y > 0 ? y : 0, screen_columns(s), 3};
	auto_buf struct buf text = {0};
	buf_printf(&text,
	        "The terminal has %d x %d characters; this takes %d x %d. Make it larger, or "
	        "press q.",
	        screen_columns(s), screen_rows(s), BROWSE_COLUMNS_MIN, BROWSE_ROWS_MIN);
	draw_wrapped(s, &a, buf_cstr(&text), STYLE_PLAIN);
}

// ---- the last lines

static void put_hidden(const struct browser *b, struct buf *out)
{
	static const char *const words[N_MARKS] = {"unmodified", "added", "removed", "modified"};
	const char *sep = "hidden: ";
	for (int i = 0; i < N_MARKS; i++)
		if (b->hidden[i]) {
			buf_printf(out, "%s%s", sep, words[i]);
			sep = ", ";
		}
	if (*sep == ',')
		buf_puts(out, "  ");
}

static void draw_place(const struct browser *b, struct screen *s, int y)
{
	const struct tree_node *node = browser_node(b);
	int columns = screen_columns(s);
	auto_buf struct buf right = {0}, left = {0};
	put_hidden(b, &right);
	buf_printf(&right, "%zu/%zu", b->rows.n ? b->files.at + 1 : 0, b->rows.n);
	int room = columns - screen_width(s, buf_cstr(&right)) - 1;
	if (node) {
		struct view *of = node->mark == MARK_REMOVED ? b->lower : b->upper;
		int layer = chain_layer_of(of, node->path);
		buf_printf(&left, "/%s", node->path);
		if (layer >= 0)
			buf_printf(&left, "  (layer %d)", layer + 1);
	}
	screen_put(s, 0, y, room - 1, buf_cstr(&left), STYLE_PLAIN);
	screen_put(s, room, y, columns - room, buf_cstr(&right), STYLE_DIM);
}

static void draw_message(const struct browser *b, struct screen *s, int y)
{
	int columns = screen_columns(s);
	const char *text = b->message.p;
	struct area a = {1, screen_rows(s), columns - 2, MESSAGE_ROWS};
	int lines = draw_wrapped(s, &a, text, STYLE_REVERSE); // below the screen: only counted
	a.y = y - lines + 1;
	a.rows = lines;
	for (int i = 0; i < lines; i++)
		screen_fill(s, 0, a.y + i, columns, " ", STYLE_REVERSE);
	draw_wrapped(s, &a, text, STYLE_REVERSE);
}

struct hint {
	const char *key, *what;
};

static void draw_hints(struct screen *s, int y, const struct hint *v, size_t n)
{
	int x = 0, columns = screen_columns(s);
	for (size_t i = 0; i < n; i++) {
		int width = screen_width(s, v[i].key) + screen_width(s, v[i].what) + 2;
		if (x + width > columns)
			return;
		x += screen_put(s, x, y, columns - x, v[i].key, STYLE_BOLD);
		x += 1 + screen_put(s, x + 1, y, columns - x - 1, v[i].what, STYLE_DIM);
		x += 1;
	}
}

static void draw_keys(const struct browser *b, struct screen *s, int y)
{
	static const struct hint files[] = {{"q", "quit"}, {"?", "help"}, {"Tab", "layers"},
	        {"Space", "fold"}, {"/", "filter"}, {"w", "waste"}, {"A R M U", "show/hide"},
	        {"^E", "extract"}, {"s", "sort"}, {"z", "fold all"}, {"[ ]", "layer"}};
	static const struct hint layers[] = {{"q", "quit"}, {"?", "help"}, {"Tab", "files"},
	        {"^L", "changes of a layer"}, {"^A", "of all"}, {"/", "filter"}, {"w", "waste"}};
	if (b->pane == PANE_FILES)
		draw_hints(s, y, files, ARRAY_LEN(files));
	else
		draw_hints(s, y, layers, ARRAY_LEN(layers));
}

static void draw_filter(const struct browser *b, struct screen *s, int y)
{
	int columns = screen_columns(s), x;
	x = screen_put(s, 0, y, columns, "Filter: ", STYLE_BOLD);
	x += screen_put(s, x, y, columns - x - 24, b->filter.text, STYLE_PLAIN);
	if (b->editing)
		screen_cursor(s, x, y, true);
	screen_putf(s, x + 1, y, columns - x - 1, STYLE_DIM, "  %zu file%s%s%s", b->rows.fitting,
	        b->rows.fitting == 1 ? "" : "s", b->filter.is_broken ? ", as text" : "",
	        b->editing ? "" : "  (Esc drops it)");
}

// ---- all of it

static void draw_panes(struct browser *b, struct screen *s, int rows)
{
	int columns = screen_columns(s);
	int left = columns * 35 / 100;
	left = left < 26 ? 26 : left > 60 ? 60 : left;
	int n = b->image->n_layers < 1000 ? (int)b->image->n_layers : 1000;
	int most = rows - 13 > rows / 3 ? rows - 13 : rows / 3;
	int list = 2 + (n < most ? n : most);
	const struct area layers = {0, 0, left, list};
	const struct area details = {0, list, left, rows - list};
	const struct area files = {left + 1, 0, columns - left - 1, rows};
	draw_layers(b, s, &layers);
	draw_details(b, s, &details);
	for (int y = 0; y < rows; y++)
		screen_fill(s, left, y, 1, screen_is_utf8(s) ? "│" : "|", STYLE_DIM);
	draw_files(b, s, &files);
}

int browser_draw(struct browser *b, struct screen *s, struct err *e)
{
	int rows = screen_rows(s);
	if (browser_settle(b, e))
		return -1;
	screen_clear(s);
	if (screen_columns(s) < BROWSE_COLUMNS_MIN || rows < BROWSE_ROWS_MIN) {
		draw_too_small(s);
		return 0;
	}
	if (b->helping) {
		draw_help(b, s);
		return 0;
	}
	draw_panes(b, s, rows - 2);
	if (b->message.n)
		draw_message(b, s, rows - 2);
	else
		draw_place(b, s, rows - 2);
	if (b->editing || b->filter.text[0])
		draw_filter(b, s, rows - 1);
	else
		draw_keys(b, s, rows - 1);
	return 0;
}
