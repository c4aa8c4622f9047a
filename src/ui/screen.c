// SPDX-License-Identifier: Apache-2.0
// Terminals do not agree on the width of every character, so after one that is not plain the
// cursor is placed anew: a name in whatever script shifts nothing beside it.
#include "ui/screen.h"

#include "base/mem.h"
#include "base/unicode.h"
#include <stdio.h>
#include <string.h>

// One character and what combines with it.
struct cell {
	char text[3 * RUNE_MAX_LEN];
	uint8_t n, width; // width 0: the right half of a wide one
	uint8_t style;
};

struct screen {
	int columns, rows, flags;
	struct cell *drawn, *shown; // what is to be seen; what the terminal has
	bool known;                 // shown is what the terminal has
	int cursor_x, cursor_y;
	bool cursor_shown;
};

static const struct cell blank = {.text = " ", .n = 1, .width = 1};

static int bounded(int n)
{
	return n < 1 ? 1 : n > SCREEN_MAX ? SCREEN_MAX : n;
}

struct screen *screen_new(int columns, int rows, int flags)
{
	struct screen *s = xcalloc(1, sizeof(*s));
	s->flags = flags;
	screen_resize(s, columns, rows);
	return s;
}

void screen_free(struct screen *s)
{
	if (!s)
		return;
	free(s->drawn);
	free(s->shown);
	free(s);
}

int screen_columns(const struct screen *s)
{
	return s->columns;
}

int screen_rows(const struct screen *s)
{
	return s->rows;
}

bool screen_is_utf8(const struct screen *s)
{
	return s->flags & SCREEN_UTF8;
}

void screen_resize(struct screen *s, int columns, int rows)
{
	s->columns = bounded(columns);
	s->rows = bounded(rows);
	size_t n = (size_t)s->columns * (size_t)s->rows;
	s->drawn = xreallocarray(s->drawn, n, sizeof(*s->drawn));
	s->shown = xreallocarray(s->shown, n, sizeof(*s->shown));
	screen_forget(s);
	screen_clear(s);
}

void screen_forget(struct screen *s)
{
	s->known = false;
}

void screen_clear(struct screen *s)
{
	for (int i = 0; i < s->columns * s->rows; i++)
		s->drawn[i] = blank;
	screen_cursor(s, 0, 0, false);
}

void screen_cursor(struct screen *s, int x, int y, bool shown)
{
	s->cursor_x = x;
	s->cursor_y = y;
	s->cursor_shown = shown;
}

static bool inside(const struct screen *s, int x, int y)
{
	return x >= 0 && y >= 0 && x < s->columns && y < s->rows;
}

static struct cell *cell_at(struct screen *s, int x, int y)
{
	return &s->drawn[y * s->columns + x];
}

// A wide character that loses a half is gone.
static void clear_cell(struct screen *s, int x, int y)
{
	struct cell *c = cell_at(s, x, y);
	if (c->width == 0 && x > 0)
		*cell_at(s, x - 1, y) = blank;
	if (c->width == 2 && x + 1 < s->columns)
		*cell_at(s, x + 1, y) = blank;
	*c = blank;
}

static void set_cell(struct screen *s, int x, int y, const struct cell *c)
{
	if (!inside(s, x, y))
		return;
	clear_cell(s, x, y);
	if (c->width == 2 && x + 1 >= s->columns)
		return;
	if (c->width == 2) {
		clear_cell(s, x + 1, y);
		*cell_at(s, x + 1, y) = (struct cell){.style = c->style};
	}
	*cell_at(s, x, y) = *c;
}

// ---- text to cells

// What one character of a text becomes: cells, or something that combines with the last of them.
struct piece {
	char text[4 * RUNE_MAX_LEN + 1]; // escaped: four a byte
	size_t n;
	int width;
};

static void escape_bytes(const char *p, size_t n, struct piece *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < n && i < RUNE_MAX_LEN; i++)
		ret->n += (size_t)snprintf(ret->text + ret->n, sizeof(ret->text) - ret->n,
		        "\\x%02x", (unsigned char)p[i]);
	ret->width = (int)ret->n;
}

// The next piece of a text; how many bytes it takes. first: there is nothing to combine with.
static size_t next_piece(
        const struct screen *s, const char *p, size_t n, bool first, struct piece *ret)
{
	size_t len;
	uint32_t c = utf8_next(p, n, &len);
	int width = c < 0x80 || (s->flags & SCREEN_UTF8) ? rune_width(c) : -1;
	if (width < 0 || (width == 0 && first)) {
		escape_bytes(p, len, ret);
		return len;
	}
	memcpy(ret->text, p, len);
	ret->n = len;
	ret->width = width;
	return len;
}

int screen_width(const struct screen *s, const char *text)
{
	size_t n = strlen(text);
	int width = 0;
	for (size_t i = 0; i < n;) {
		struct piece piece;
		i += next_piece(s, text + i, n - i, width == 0, &piece);
		width += piece.width;
	}
	return width;
}

static void put_piece(struct screen *s, int x, int y, const struct piece *p, int style)
{
	struct cell c = {.style = (uint8_t)style};
	if (p->width > 2) { // escaped: a cell a byte
		for (size_t i = 0; i < p->n; i++) {
			c.text[0] = p->text[i];
			c.n = c.width = 1;
			set_cell(s, x + (int)i, y, &c);
		}
		return;
	}
	memcpy(c.text, p->text, p->n);
	c.n = (uint8_t)p->n;
	c.width = (uint8_t)p->width;
	set_cell(s, x, y, &c);
}

static void combine(struct screen *s, int x, int y, const struct piece *p)
{
	if (!inside(s, x, y))
		return;
	struct cell *c = cell_at(s, x, y);
	if (c->width == 0 && x > 0)
		c--;
	if (c->n + p->n > sizeof(c->text))
		return; // a heap of marks on one character says nothing
	memcpy(c->text + c->n, p->text, p->n);
	c->n = (uint8_t)(c->n + p->n);
}

int screen_put(struct screen *s, int x, int y, int room, const char *text, int style)
{
	size_t n = strlen(text);
	bool whole = screen_width(s, text) <= room;
	int used = 0, limit = whole ? room : room - 1;
	if (room <= 0)
		return 0;
	for (size_t i = 0; i < n;) {
		struct piece piece;
		i += next_piece(s, text + i, n - i, used == 0, &piece);
		if (used + piece.width > limit)
			break;
		if (piece.width == 0)
			combine(s, x + used - 1, y, &piece);
		else
			put_piece(s, x + used, y, &piece, style);
		used += piece.width;
	}
	if (!whole)
		screen_fill(s, x + used++, y, 1, s->flags & SCREEN_UTF8 ? "…" : "~", style);
	return used;
}

int screen_putf(struct screen *s, int x, int y, int room, int style, const char *fmt, ...)
{
	auto_buf struct buf text = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	return screen_put(s, x, y, room, buf_cstr(&text), style);
}

void screen_fill(struct screen *s, int x, int y, int n, const char *c, int style)
{
	struct cell cell = {.n = (uint8_t)strlen(c), .width = 1, .style = (uint8_t)style};
	memcpy(cell.text, c, cell.n);
	for (int i = 0; i < n; i++)
		set_cell(s, x + i, y, &cell);
}

void screen_paint(struct screen *s, int x, int y, int n, int style)
{
	for (int i = 0; i < n; i++)
		if (inside(s, x + i, y))
			cell_at(s, x + i, y)->style = (uint8_t)style;
}

// ---- cells to bytes

static void put_style(const struct screen *s, int style, struct buf *out)
{
	buf_puts(out, "\033[0");
	if (style & STYLE_BOLD)
		buf_puts(out, ";1");
	if (style & STYLE_DIM)
		buf_puts(out, ";2");
	if (style & STYLE_REVERSE)
		buf_puts(out, ";7");
	if ((style & STYLE_COLOUR) && (s->flags & SCREEN_COLOUR))
		buf_printf(out, ";3%d", style & STYLE_COLOUR);
	buf_putc(out, 'm');
}

static bool same(const struct cell *a, const struct cell *b)
{
	return a->n == b->n && a->width == b->width && a->style == b->style &&
	       memcmp(a->text, b->text, a->n) == 0;
}

// Of one column everywhere: ASCII, and the characters that lines are drawn with.
static bool is_plain(const struct cell *c)
{
	const unsigned char *p = (const unsigned char *)c->text;
	return c->n == 1 || (c->n == 3 && p[0] == 0xe2 && (p[1] == 0x94 || p[1] == 0x95));
}

static void flush_row(struct screen *s, int y, int *style, struct buf *out)
{
	bool there = false; // the cursor stands where the next cell is
	for (int x = 0; x < s->columns; x++) {
		const struct cell *c = cell_at(s, x, y);
		if (c->width == 0)
			continue;
		if (s->known && same(c, &s->shown[y * s->columns + x])) {
			there = false;
			continue;
		}
		if (!there)
			buf_printf(out, "\033[%d;%dH", y + 1, x + 1);
		if (*style != c->style)
			put_style(s, *style = c->style, out);
		buf_add(out, c->text, c->n);
		there = is_plain(c);
	}
}

void screen_flush(struct screen *s, struct buf *out)
{
	int style = -1;
	size_t n = (size_t)s->columns * (size_t)s->rows;
	buf_puts(out, "\033[?25l");
	if (!s->known) {
		buf_puts(out, "\033[0m\033[2J");
		for (size_t i = 0; i < n; i++)
			s->shown[i] = blank;
		s->known = true;
	}
	for (int y = 0; y < s->rows; y++)
		flush_row(s, y, &style, out);
	memcpy(s->shown, s->drawn, n * sizeof(*s->shown));
	buf_printf(out, "\033[0m\033[%d;%dH", s->cursor_y + 1, s->cursor_x + 1);
	if (s->cursor_shown)
		buf_puts(out, "\033[?25h");
}
