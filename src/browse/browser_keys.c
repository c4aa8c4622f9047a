// SPDX-License-Identifier: Apache-2.0
// What each key does. dive's keys do what they do there, but for Ctrl+M, which is Enter on every
// terminal; its letters have company, for who comes from vi or less.
#include "browse/browser-int.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/unicode.h"
#include <string.h>

enum panes { IN_LAYERS = 1 << PANE_LAYERS, IN_FILES = 1 << PANE_FILES, IN_BOTH = 3 };

struct binding {
	enum key_kind kind;
	uint32_t c;
	int panes;
	void (*act)(struct browser *b, int argument);
	int argument;
};

// What was marked as stale by the keys before is made anew. A failure is told when it is drawn.
static bool is_ready(struct browser *b)
{
	struct err ignored = ERR_INIT;
	return browser_settle(b, &ignored) == 0;
}

// ---- everywhere

static void leave(struct browser *b, int action)
{
	b->action = (enum browse_action)action;
}

static void other_pane(struct browser *b, int unused)
{
	b->pane = b->pane == PANE_FILES ? PANE_LAYERS : PANE_FILES;
}

static void help(struct browser *b, int unused)
{
	b->helping = true;
	b->help = (struct scroll){0};
}

static void edit_filter(struct browser *b, int unused)
{
	b->editing = true;
	b->pane = PANE_FILES;
}

static void drop_filter(struct browser *b, int unused)
{
	if (b->filter.text[0])
		browser_filter(b, "");
}

static void waste(struct browser *b, int forward)
{
	browser_go_to_waste(b, forward);
}

static void by_layer(struct browser *b, int by)
{
	struct scroll to = b->layers;
	scroll_move(&to, b->image->n_layers, by);
	browser_choose_layer(b, to.at);
}

enum { AGGREGATED = 1, TOGGLED = 2 };
static void compare(struct browser *b, int how)
{
	bool to = how == TOGGLED ? !b->aggregated : how == AGGREGATED;
	b->tree_stale = b->tree_stale || to != b->aggregated;
	b->aggregated = to;
}

// ---- moving

enum { TO_TOP = INT32_MIN, TO_END = INT32_MAX, PAGE_UP = -100000, PAGE_DOWN = 100000 };

static int64_t distance(const struct scroll *s, int by)
{
	int64_t page = s->page > 1 ? s->page : 1;
	return by == PAGE_UP ? -page : by == PAGE_DOWN ? page : by;
}

static void move(struct browser *b, int by)
{
	if (b->pane == PANE_FILES && !is_ready(b))
		return;
	struct scroll to = b->pane == PANE_FILES ? b->files : b->layers;
	scroll_move(&to, b->pane == PANE_FILES ? b->rows.n : b->image->n_layers, distance(&to, by));
	if (b->pane == PANE_FILES)
		browser_choose_row(b, to.at);
	else
		browser_choose_layer(b, to.at);
}

// ---- files

// NULL: none is chosen.
static const struct tree_node *chosen(struct browser *b)
{
	return is_ready(b) ? browser_node(b) : NULL;
}

static bool is_folder(const struct tree_node *node)
{
	return node && node->type == ENTRY_DIR;
}

static void fold(struct browser *b, int unused)
{
	const struct tree_node *node = chosen(b);
	struct folds *f = browser_folds(b);
	if (!is_folder(node))
		return;
	folds_set(f, node->path, !folds_is_open(f, node->path));
	b->rows_stale = true;
}

static void fold_all(struct browser *b, int unused)
{
	struct folds *f = browser_folds(b);
	folds_set_all(f, !f->open);
	b->rows_stale = true;
}

static void to_parent(struct browser *b, int unused)
{
	const struct tree_node *node = chosen(b);
	if (node && node->parent != TREE_NONE)
		browser_choose_row(b, rows_near(&b->rows, &b->tree, node->parent));
}

// Opens a folder, and then goes into it: to the next row, if that lies in it.
static void into(struct browser *b, int unused)
{
	const struct tree_node *node = chosen(b);
	struct folds *f = browser_folds(b);
	if (!is_folder(node))
		return;
	if (!folds_is_open(f, node->path)) {
		folds_set(f, node->path, true);
		b->rows_stale = true;
		if (!is_ready(b))
			return;
	}
	size_t next = b->files.at + 1;
	uint32_t at = b->rows.v[b->files.at];
	if (next < b->rows.n && b->tree.v[b->rows.v[next]].parent == at)
		browser_choose_row(b, next);
}

static void hide(struct browser *b, int mark)
{
	b->hidden[mark] = !b->hidden[mark];
	b->rows_stale = true;
}

static void attributes(struct browser *b, int unused)
{
	b->no_attributes = !b->no_attributes;
}

static void by_size(struct browser *b, int unused)
{
	b->by_size = !b->by_size;
	b->rows_stale = true;
	browser_say(b, "sorted by %s", b->by_size ? "size, heaviest first" : "name");
}

// ---- the table

static const struct binding bindings[] = {
        {KEY_CHAR, 'q', IN_BOTH, leave, BROWSE_QUIT},
        {KEY_CTRL, 'z', IN_BOTH, leave, BROWSE_SUSPEND},
        {KEY_TAB, 0, IN_BOTH, other_pane, 0},
        {KEY_BACK_TAB, 0, IN_BOTH, other_pane, 0},
        {KEY_CHAR, '?', IN_BOTH, help, 0},
        {KEY_CHAR, '/', IN_BOTH, edit_filter, 0},
        {KEY_CTRL, 'f', IN_BOTH, edit_filter, 0},
        {KEY_CTRL, '_', IN_BOTH, edit_filter, 0}, // Ctrl+/
        {KEY_ESCAPE, 0, IN_BOTH, drop_filter, 0},
        {KEY_CHAR, 'w', IN_BOTH, waste, true},
        {KEY_CHAR, 'W', IN_BOTH, waste, false},
        {KEY_CHAR, '[', IN_BOTH, by_layer, -1},
        {KEY_CHAR, ']', IN_BOTH, by_layer, 1},
        {KEY_CHAR, 'c', IN_BOTH, compare, TOGGLED},
        {KEY_UP, 0, IN_BOTH, move, -1},
        {KEY_CHAR, 'k', IN_BOTH, move, -1},
        {KEY_DOWN, 0, IN_BOTH, move, 1},
        {KEY_CHAR, 'j', IN_BOTH, move, 1},
        {KEY_PAGE_UP, 0, IN_BOTH, move, PAGE_UP},
        {KEY_CHAR, 'u', IN_BOTH, move, PAGE_UP},
        {KEY_PAGE_DOWN, 0, IN_BOTH, move, PAGE_DOWN},
        {KEY_CHAR, 'd', IN_BOTH, move, PAGE_DOWN},
        {KEY_HOME, 0, IN_BOTH, move, TO_TOP},
        {KEY_CHAR, 'g', IN_BOTH, move, TO_TOP},
        {KEY_END, 0, IN_BOTH, move, TO_END},
        {KEY_CHAR, 'G', IN_BOTH, move, TO_END},

        {KEY_CTRL, 'a', IN_LAYERS, compare, AGGREGATED},
        {KEY_CTRL, 'l', IN_LAYERS, compare, 0},
        {KEY_ENTER, 0, IN_LAYERS, other_pane, 0},
        {KEY_RIGHT, 0, IN_LAYERS, other_pane, 0},
        {KEY_CHAR, 'l', IN_LAYERS, other_pane, 0},

        {KEY_CHAR, ' ', IN_FILES, fold, 0},
        {KEY_ENTER, 0, IN_FILES, fold, 0},
        {KEY_CTRL, ' ', IN_FILES, fold_all, 0},
        {KEY_CHAR, 'z', IN_FILES, fold_all, 0},
        {KEY_LEFT, 0, IN_FILES, to_parent, 0},
        {KEY_CHAR, 'h', IN_FILES, to_parent, 0},
        {KEY_RIGHT, 0, IN_FILES, into, 0},
        {KEY_CHAR, 'l', IN_FILES, into, 0},
        {KEY_CTRL, 'a', IN_FILES, hide, MARK_ADDED},
        {KEY_CHAR, 'A', IN_FILES, hide, MARK_ADDED},
        {KEY_CTRL, 'r', IN_FILES, hide, MARK_REMOVED},
        {KEY_CHAR, 'R', IN_FILES, hide, MARK_REMOVED},
        {KEY_CHAR, 'M', IN_FILES, hide, MARK_CHANGED},
        {KEY_CTRL, 'u', IN_FILES, hide, MARK_SAME},
        {KEY_CHAR, 'U', IN_FILES, hide, MARK_SAME},
        {KEY_CTRL, 'b', IN_FILES, attributes, 0},
        {KEY_CTRL, 'o', IN_FILES, by_size, 0},
        {KEY_CHAR, 's', IN_FILES, by_size, 0},
        {KEY_CTRL, 'e', IN_FILES, leave, BROWSE_EXTRACT},
        {KEY_CHAR, 'x', IN_FILES, leave, BROWSE_EXTRACT},
        {KEY_CTRL, 'l', IN_FILES, leave, BROWSE_REDRAW},
};

static const struct binding *find(const struct browser *b, const struct key *k)
{
	for (size_t i = 0; i < ARRAY_LEN(bindings); i++) {
		const struct binding *x = &bindings[i];
		if (x->kind == k->kind && x->c == k->c && (x->panes & 1 << b->pane))
			return x;
	}
	return NULL;
}

// ---- while something else has the keys

static void help_key(struct browser *b, const struct key *k)
{
	int by = k->kind == KEY_UP || (k->kind == KEY_CHAR && k->c == 'k')          ? -1
	         : k->kind == KEY_DOWN || (k->kind == KEY_CHAR && k->c == 'j')      ? 1
	         : k->kind == KEY_PAGE_UP                                           ? -b->help.page
	         : k->kind == KEY_PAGE_DOWN || (k->kind == KEY_CHAR && k->c == ' ') ? b->help.page
	                                                                            : 0;
	size_t lines = help_lines(), page = b->help.page > 0 ? (size_t)b->help.page : 1;
	if (by)
		scroll_move(&b->help, lines > page ? lines - page + 1 : 1, by);
	else
		b->helping = false;
}

static void without_last(char *text)
{
	size_t n = strlen(text);
	while (n && ((unsigned char)text[n - 1] & 0xc0) == 0x80)
		n--;
	text[n ? n - 1 : 0] = '\0';
}

static void filter_key(struct browser *b, const struct key *k)
{
	char text[FILTER_MAX], c[RUNE_MAX_LEN];
	size_t n = strlen(b->filter.text);
	memcpy(text, b->filter.text, n + 1);
	switch (k->kind) {
	case KEY_CHAR:
		if (n + RUNE_MAX_LEN >= sizeof(text))
			return;
		size_t len = utf8_put(k->c, c);
		memcpy(text + n, c, len);
		text[n + len] = '\0';
		break;
	case KEY_BACKSPACE:
		without_last(text);
		break;
	case KEY_CTRL:
		if (k->c != 'u' && k->c != 'w')
			return;
		text[0] = '\0';
		break;
	case KEY_UP:
	case KEY_DOWN:
		move(b, k->kind == KEY_UP ? -1 : 1);
		return;
	case KEY_ESCAPE:
		text[0] = '\0';
		b->editing = false;
		break;
	case KEY_ENTER:
	case KEY_TAB:
		b->editing = false;
		return;
	default:
		return;
	}
	browser_filter(b, text);
}

enum browse_action browser_key(struct browser *b, const struct key *k)
{
	b->action = BROWSE_GO_ON;
	if (k->kind == KEY_NONE)
		return BROWSE_GO_ON;
	buf_reset(&b->message);
	if (k->kind == KEY_CTRL && k->c == 'c')
		return BROWSE_QUIT;
	if (k->kind == KEY_CTRL && k->c == 'z')
		return BROWSE_SUSPEND;
	if (b->helping) {
		help_key(b, k);
	} else if (b->editing) {
		filter_key(b, k);
	} else {
		const struct binding *x = find(b, k);
		if (x)
			x->act(b, x->argument);
	}
	return b->action;
}
