// SPDX-License-Identifier: Apache-2.0
// Text made safe to print, errors and tables.
#include "base/err.h"
#include "base/mem.h"
#include "ui/ui-int.h"
#include <stdio.h>
#include <string.h>

void ui_escape(const char *s, size_t n, struct buf *out)
{
	buf_escape(out, s, n);
}

// Of a title, a hyperlink or another string for the terminal, from i on: ended by BEL or ST.
static size_t string_length(const char *s, size_t i, size_t n)
{
	while (i < n && s[i] != '\a' && s[i] != '\033')
		i++;
	if (i + 1 < n && s[i] == '\033')
		return s[i + 1] == '\\' ? i + 2 : i;
	return i < n ? i + 1 : n;
}

// Length of the escape sequence at s; 0 if it is none (ECMA-48).
static size_t escape_length(const char *s, size_t n)
{
	size_t i = 2;
	if (n < 2 || s[0] != '\033')
		return 0;
	if (s[1] && strchr("]PX^_", s[1]))
		return string_length(s, i, n);
	if (s[1] != '[') { // "(B" and others: of any length, but mostly one character
		for (i = 1; i < n && s[i] >= 0x20 && s[i] < 0x30;)
			i++;
		return i < n ? i + 1 : n;
	}
	while (i < n && (unsigned char)s[i] >= 0x20 && (unsigned char)s[i] < 0x40)
		i++;
	return i < n ? i + 1 : n;
}

// Colours and cursor movements go; of a line rewritten by carriage returns the last state stays.
void ui_clean_line(const char *s, size_t n, struct buf *out)
{
	size_t start = out->n;
	bool control;
	while (n && s[n - 1] == '\r')
		n--;
	for (size_t i = 0, len; i < n; i += len) {
		len = escape_length(s + i, n - i);
		if (len)
			continue;
		len = str_character(s + i, n - i, &control);
		if (s[i] == '\r')
			out->n = start;
		else if (s[i] == '\t')
			buf_puts(out, "    ");
		else if (!control)
			buf_add(out, s + i, len);
	}
	buf_add(out, "", 0);
}

void ui_error(const struct err *e)
{
	auto_buf struct buf text = {0};
	for (const char *p = e->msg; *p;) { // one line: what is broken into lines is joined
		size_t n = strcspn(p, "\n");
		ui_escape(p, n, &text);
		p += n;
		if (*p)
			buf_putc(&text, ' ');
		p += strspn(p, "\n");
	}
	fflush(stdout);
	fprintf(stderr, "ERROR: %s\n", text.n ? buf_cstr(&text) : "failed");
}

struct ui_table {
	size_t columns, rows;
	int gap;
	char **cells;
	const char **colours; // one a cell; NULL: none of them has any
};

struct ui_table *ui_table_new(const char *const *heads, size_t n)
{
	struct ui_table *t = xcalloc(1, sizeof(*t));
	t->columns = n;
	t->gap = 3;
	ui_table_row(t, heads);
	return t;
}

void ui_table_row(struct ui_table *t, const char *const *cells)
{
	size_t n = (t->rows + 1) * t->columns;
	t->cells = xreallocarray(t->cells, n, sizeof(*t->cells));
	if (t->colours) {
		t->colours = xreallocarray(t->colours, n, sizeof(*t->colours));
		memset(t->colours + n - t->columns, 0, t->columns * sizeof(*t->colours));
	}
	for (size_t i = 0; i < t->columns; i++) {
		struct buf cell = {0};
		const char *s = cells[i] ? cells[i] : "";
		ui_escape(s, strlen(s), &cell);
		t->cells[t->rows * t->columns + i] = buf_steal(&cell);
	}
	t->rows++;
}

void ui_table_gap(struct ui_table *t, int gap)
{
	t->gap = gap;
}

void ui_table_paint(struct ui_table *t, size_t column, const char *colour)
{
	if (!t->colours)
		t->colours = xcalloc(t->rows * t->columns, sizeof(*t->colours));
	t->colours[(t->rows - 1) * t->columns + column] = colour;
}

static void put_cell(const struct ui_table *t, size_t at, struct buf *out)
{
	const char *colour = t->colours ? t->colours[at] : NULL;
	if (colour)
		buf_printf(out, "\033[%sm%s\033[0m", colour, t->cells[at]);
	else
		buf_puts(out, t->cells[at]);
}

void ui_table_text(struct ui_table *t, struct buf *out)
{
	auto_free size_t *width = xcalloc(t->columns, sizeof(*width));
	for (size_t i = 0; i < t->rows * t->columns; i++) {
		size_t n = strlen(t->cells[i]);
		if (n > width[i % t->columns])
			width[i % t->columns] = n;
	}
	for (size_t r = 0; r < t->rows; r++)
		for (size_t c = 0; c < t->columns; c++) {
			size_t at = r * t->columns + c;
			bool last = c + 1 == t->columns;
			put_cell(t, at, out);
			for (size_t n = strlen(t->cells[at]);
			        !last && n < width[c] + (size_t)t->gap; n++)
				buf_putc(out, ' ');
			if (last)
				buf_putc(out, '\n');
		}
}

void ui_table_print(struct ui_table *t)
{
	auto_buf struct buf out = {0};
	ui_table_text(t, &out);
	fwrite(out.p, 1, out.n, stdout);
}

void ui_table_free(struct ui_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->rows * t->columns; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t->colours);
	free(t);
}
