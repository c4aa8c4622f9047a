// SPDX-License-Identifier: Apache-2.0
// What people see and do when they look through an image: layers at the left, files at the right,
// keys as dive has them. Knows nothing of terminals or stores: keys go in, a screen is drawn, and
// what only the outside can do comes out as an action. Pure.
#pragma once

#include "layer/chain.h"
#include "ui/keys.h"
#include "ui/screen.h"

struct err;

struct browse_layer {
	const char *instruction; // as the history has it; NULL: not known
	const char *digest;      // of the uncompressed layer
	uint64_t bytes, packed;  // of its files; as it is fetched, 0: not known
	size_t entries;
};
// All is borrowed and outlives the browser.
struct browse_image {
	const char *name, *digest;
	const struct browse_layer *layers; // bottom first
	struct layer_index *const *indexes;
	size_t n_layers;
	struct tar_source *source; // for browser_selected's contents; may be NULL
};

// What is found out while people look already.
struct browse_waste {
	const char *path, *what, *advice; // what: "deleted in layer 3"
	size_t layer;                     // that has the bytes
	uint64_t bytes;
	const char *package; // that it is about; NULL: the path
};
struct browse_figures {
	double efficiency; // 0..1, as dive counts; < 0: it could not be found out
	uint64_t wasted;
	const struct browse_waste *waste; // heaviest first
	size_t n_waste;
};

enum browse_action {
	BROWSE_GO_ON,
	BROWSE_QUIT,
	BROWSE_SUSPEND,
	BROWSE_REDRAW,  // the terminal shows something else
	BROWSE_EXTRACT, // the selected file
};

// The smallest screen that something can be seen on.
#define BROWSE_COLUMNS_MIN 60
#define BROWSE_ROWS_MIN 14

struct browser;
struct browser *browser_new(const struct browse_image *image);
void browser_free(struct browser *b);                                        // NULL is fine
void browser_set_figures(struct browser *b, const struct browse_figures *f); // borrowed
enum browse_action browser_key(struct browser *b, const struct key *k);
// A line for people, until the next key.
void browser_say(struct browser *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// Where another layer was chosen, its files are put together now. -1: an index is damaged, or the
// image has more files than can be shown.
int browser_draw(struct browser *b, struct screen *s, struct err *e);
// The file that is chosen, of the last drawing: 1 and the view it is in, 0: there is none, -1.
int browser_selected(struct browser *b, struct view **ret_view, struct entry *ret, struct err *e);
