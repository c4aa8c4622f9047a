// SPDX-License-Identifier: Apache-2.0
// The state that keys change and drawing shows.
#pragma once

#include "browse/browser.h"
#include "browse/rows.h"
#include "browse/tree.h"

enum pane { PANE_LAYERS, PANE_FILES };

// A list of which a part is shown, with a cursor in it.
struct scroll {
	size_t at, top;
	int page; // rows that were shown last
};
// Moves the cursor, not beyond the ends of n.
void scroll_move(struct scroll *s, size_t n, int64_t by);
// Chooses what is shown of n in `page` rows: the cursor is.
void scroll_settle(struct scroll *s, size_t n, int page);

struct browser {
	const struct browse_image *image;
	const struct browse_figures *figures; // NULL: not known yet
	enum pane pane;
	enum browse_action action; // of the key that is being worked off
	struct scroll layers, files, help;
	bool aggregated; // changes since the first layer, not of one layer

	// the files, and what they were made of
	bool tree_stale, rows_stale;
	struct view *lower, *upper;
	struct tree tree;
	struct rows rows;
	char *path; // of the file that is chosen, whatever tree it is looked for in; NULL: none

	// how they are shown
	struct folds folds, found; // found: while there is a filter
	struct path_filter filter;
	bool hidden[N_MARKS], by_size, no_attributes;

	bool editing, helping; // the filter; the help is shown
	size_t waste;          // number of the one that is looked at, from 1; 0: none yet
	struct buf message;
};

// ---- browser.c
int browser_settle(struct browser *b, struct err *e);
const struct tree_node *browser_node(const struct browser *b); // chosen; NULL: none
struct folds *browser_folds(struct browser *b);                // that count now
void browser_choose_row(struct browser *b, size_t row);
void browser_choose_layer(struct browser *b, size_t layer);
void browser_filter(struct browser *b, const char *text);
void browser_go_to_waste(struct browser *b, bool forward);

// ---- draw_left.c
struct area {
	int x, y, columns, rows;
};
void draw_title(struct screen *s, const struct area *a, const char *text, bool focus);
void draw_layers(struct browser *b, struct screen *s, const struct area *a);
void draw_details(const struct browser *b, struct screen *s, const struct area *a);
// Words in lines; how many lines it took.
int draw_wrapped(struct screen *s, const struct area *a, const char *text, int style);

// ---- draw_files.c
void draw_files(struct browser *b, struct screen *s, const struct area *a);

// ---- help.c
void draw_help(struct browser *b, struct screen *s);
size_t help_lines(void);
