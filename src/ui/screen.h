// SPDX-License-Identifier: Apache-2.0
// A screen full of cells, drawn in memory; what has changed since the last time becomes the bytes
// that bring a terminal there. Nothing of a text reaches the terminal but characters that take
// columns: all others are escaped, as \xNN a byte. Pure.
#pragma once

#include "base/buf.h"

#define SCREEN_MAX 1000 // columns or rows; what a terminal has more is left empty

enum screen_style {
	STYLE_PLAIN = 0,
	STYLE_RED = 1,
	STYLE_GREEN = 2,
	STYLE_YELLOW = 3,
	STYLE_BLUE = 4,
	STYLE_CYAN = 6,
	STYLE_COLOUR = 7, // mask
	STYLE_BOLD = 1 << 3,
	STYLE_DIM = 1 << 4,
	STYLE_REVERSE = 1 << 5,
};

enum screen_flags {
	SCREEN_COLOUR = 1 << 0, // else attributes only
	SCREEN_UTF8 = 1 << 1,   // else ASCII only
};

struct screen;
struct screen *screen_new(int columns, int rows, int flags);
void screen_free(struct screen *s); // NULL is fine
int screen_columns(const struct screen *s);
int screen_rows(const struct screen *s);
// Another size; everything is drawn anew.
void screen_resize(struct screen *s, int columns, int rows);
// Everything is drawn anew: something else has written to the terminal.
void screen_forget(struct screen *s);
bool screen_is_utf8(const struct screen *s);

void screen_clear(struct screen *s);
// From column x on, `room` columns at most: what does not fit is cut, with a mark in the last one.
// Returns the columns used. Outside of the screen nothing is drawn.
int screen_put(struct screen *s, int x, int y, int room, const char *text, int style);
int screen_putf(struct screen *s, int x, int y, int room, int style, const char *fmt, ...)
        __attribute__((format(printf, 6, 7)));
// A line from x on of `n` times the same character, which takes one column.
void screen_fill(struct screen *s, int x, int y, int n, const char *c, int style);
// The style of what is drawn there already.
void screen_paint(struct screen *s, int x, int y, int n, int style);
// Where the terminal's cursor stands; shown: it can be seen.
void screen_cursor(struct screen *s, int x, int y, bool shown);
// Columns that a text takes.
int screen_width(const struct screen *s, const char *text);

// Appends the bytes that make the terminal show what was drawn.
void screen_flush(struct screen *s, struct buf *out);
