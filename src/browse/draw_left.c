// SPDX-License-Identifier: Apache-2.0
// The left side: layers, what there is to know of the one that is chosen, and of the image.
#include "browse/browser-int.h"

#include "base/mem.h"
#include "base/timefmt.h"
#include <stdio.h>
#include <string.h>

#define WASTE_NAME_AT 8 // after a mark, six characters of size and a blank

void draw_title(struct screen *s, const struct area *a, const char *text, bool focus)
{
	int style = focus ? STYLE_BOLD | STYLE_CYAN : STYLE_PLAIN;
	const char *line = screen_is_utf8(s) ? "─" : "-";
	screen_fill(s, a->x, a->y, a->columns, line, style);
	screen_putf(s, a->x + 1, a->y, a->columns - 2, style, " %s%s ",
	        focus ? (screen_is_utf8(s) ? "● " : "* ") : "", text);
}

// The longest beginning of a text that fits, if possible up to a blank.
static size_t line_length(const struct screen *s, const char *text, int columns)
{
	size_t n = 0, blank = 0;
	char part[8];
	int width = 0;
	while (text[n] && text[n] != '\n') {
		size_t len = str_utf8_len(text + n, strlen(text + n));
		len = len ? len : 1;
		memcpy(part, text + n, len);
		part[len] = '\0';
		width += screen_width(s, part);
		if (width > columns)
			return blank ? blank : n ? n : len;
		n += len;
		if (part[0] == ' ')
			blank = n;
	}
	return n;
}

int draw_wrapped(struct screen *s, const struct area *a, const char *text, int style)
{
	int y = 0;
	for (; *text && y < a->rows; y++) {
		bool last = y + 1 == a->rows;
		size_t n = last ? strcspn(text, "\n") : line_length(s, text, a->columns);
		auto_free char *line = xstrndup(text, n);
		screen_put(s, a->x, a->y + y, a->columns, line, style);
		text += n;
		text += strspn(text, " \n\t");
	}
	return y;
}

// ---- layers

// The shell in front and BuildKit's mark behind say nothing.
static void put_instruction(const char *instruction, struct buf *out)
{
	static const char shell[] = "/bin/sh -c ", nop[] = "#(nop) ", mark[] = " # buildkit";
	const char *p = instruction ? instruction : "(not in the history)";
	if (str_has_prefix(p, "RUN ") && str_has_prefix(p + 4, shell)) {
		buf_puts(out, "RUN ");
		p += strlen("RUN ") + strlen(shell);
	} else if (str_has_prefix(p, shell)) {
		p += strlen(shell);
		if (str_has_prefix(p, nop))
			p += strlen(nop);
		else
			buf_puts(out, "RUN ");
	}
	p += strspn(p, " ");
	for (; *p; p++) // lines and what indents them are one line
		if (*p != '\n' && *p != '\t')
			buf_putc(out, *p);
		else if (!out->n || out->p[out->n - 1] != ' ')
			buf_putc(out, ' ');
	if (str_has_suffix(buf_cstr(out), mark))
		out->n -= strlen(mark);
	buf_add(out, "", 0);
}

static void draw_layer(struct browser *b, struct screen *s, const struct area *a, int y, size_t i)
{
	const struct browse_layer *l = &b->image->layers[i];
	bool cursor = i == b->layers.at;
	bool counts = b->aggregated ? i <= b->layers.at && (i > 0 || cursor) : cursor;
	char size[24], number[24];
	auto_buf struct buf text = {0};
	int width = snprintf(number, sizeof(number), "%zu", b->image->n_layers);
	size_format(l->bytes, size);
	put_instruction(l->instruction, &text);
	int x = a->x + screen_putf(s, a->x, y, a->columns, counts ? STYLE_GREEN : STYLE_PLAIN,
	                       "%c%c%*zu %6s ", cursor ? '>' : ' ', counts ? '+' : ' ', width,
	                       i + 1, size);
	screen_put(s, x, y, a->x + a->columns - x, buf_cstr(&text), STYLE_PLAIN);
	if (cursor)
		screen_paint(s, a->x, y, a->columns,
		        b->pane == PANE_LAYERS ? STYLE_REVERSE : STYLE_BOLD);
}

void draw_layers(struct browser *b, struct screen *s, const struct area *a)
{
	int page = a->rows - 2, width = snprintf(NULL, 0, "%zu", b->image->n_layers);
	draw_title(s, a, "Layers", b->pane == PANE_LAYERS);
	screen_putf(s, a->x + 2, a->y + 1, a->columns - 2, STYLE_DIM, "%*s %6s %s", width, "",
	        "size", "instruction");
	scroll_settle(&b->layers, b->image->n_layers, page);
	for (int i = 0; i < page && b->layers.top + (size_t)i < b->image->n_layers; i++)
		draw_layer(b, s, a, a->y + 2 + i, b->layers.top + (size_t)i);
	if (b->pane == PANE_LAYERS)
		screen_cursor(s, a->x, a->y + 2 + (int)(b->layers.at - b->layers.top), false);
}

// ---- details

static void put_line(struct screen *s, const struct area *a, int line, int style, const char *text)
{
	if (line < a->rows)
		screen_put(s, a->x, a->y + line, a->columns, text, style);
}

// The lines after `line`, at most so many.
static int put_lines(struct screen *s, const struct area *a, int line, int most, const char *text)
{
	int left = a->rows - line;
	const struct area part = {a->x, a->y + line, a->columns, left < most ? left : most};
	return line + draw_wrapped(s, &part, text, STYLE_PLAIN);
}

// Where there is room the digest and the instruction are whole.
static int draw_layer_details(const struct browser *b, struct screen *s, const struct area *a)
{
	const struct browse_layer *l = &b->image->layers[b->layers.at];
	bool roomy = a->rows > 14;
	char bytes[24], packed[24];
	auto_buf struct buf text = {0}, title = {0}, weight = {0};
	buf_printf(&title, "Layer %zu of %zu", b->layers.at + 1, b->image->n_layers);
	draw_title(s, a, buf_cstr(&title), false);
	size_format(l->bytes, bytes);
	size_format(l->packed, packed);
	buf_printf(&weight, "%s%s%s, %zu entries", bytes, l->packed ? ", packed " : "",
	        l->packed ? packed : "", l->entries);
	put_line(s, a, 1, STYLE_PLAIN, buf_cstr(&weight));
	put_instruction(l->instruction, &text);
	int line = put_lines(s, a, 2, roomy ? 3 : 1, l->digest);
	return put_lines(s, a, line, roomy ? 3 + (a->rows - 14) / 3 : 2, buf_cstr(&text));
}

// A package, or the end of the path, which says more than its beginning.
static void put_waste_name(
        const struct screen *s, const struct browse_waste *w, int room, struct buf *out)
{
	const char *path = w->path;
	if (w->package) {
		buf_puts(out, w->package);
		return;
	}
	if (screen_width(s, path) < room) {
		buf_printf(out, "/%s", path);
		return;
	}
	for (const char *slash; screen_width(s, path) + 2 > room; path = slash + 1)
		if (!(slash = strchr(path, '/')))
			break;
	buf_printf(out, "%s/%s", screen_is_utf8(s) ? "…" : "~", path);
}

static void draw_waste(const struct browser *b, struct screen *s, const struct area *a)
{
	const struct browse_figures *f = b->figures;
	size_t page = a->rows > 0 ? (size_t)a->rows : 0;
	size_t from = b->waste > page ? b->waste - page : 0;
	for (size_t i = 0; i < page && from + i < f->n_waste; i++) {
		const struct browse_waste *w = &f->waste[from + i];
		bool at = from + i + 1 == b->waste;
		char size[24];
		auto_buf struct buf name = {0};
		size_format(w->bytes, size);
		put_waste_name(s, w, a->columns - WASTE_NAME_AT, &name);
		screen_putf(s, a->x, a->y + (int)i, a->columns, at ? STYLE_BOLD : STYLE_PLAIN,
		        "%c%6s %s", at ? '>' : ' ', size, buf_cstr(&name));
	}
}

static void draw_image_details(const struct browser *b, struct screen *s, const struct area *a)
{
	const struct browse_image *im = b->image;
	const struct browse_figures *f = b->figures;
	bool known = f && f->efficiency >= 0;
	uint64_t bytes = 0;
	char all[24], wasted[24];
	auto_buf struct buf weight = {0}, waste = {0};
	for (size_t i = 0; i < im->n_layers; i++)
		bytes += im->layers[i].bytes;
	if (a->rows > 0)
		draw_title(s, a, "Image", false);
	put_line(s, a, 1, STYLE_PLAIN, im->name);
	size_format(bytes, all);
	size_format(known ? f->wasted : 0, wasted);
	buf_puts(&weight, all);
	if (known) // cut, not rounded: 100 % is an image without waste
		buf_printf(&weight, ", efficiency %d %%", (int)(100 * f->efficiency));
	put_line(s, a, 2, STYLE_PLAIN, buf_cstr(&weight));
	if (known)
		buf_printf(&waste, "wasted %s", wasted);
	else
		buf_puts(&waste, f ? "waste is not known" : "looking for waste");
	put_line(s, a, 3, known ? STYLE_PLAIN : STYLE_DIM, buf_cstr(&waste));
	const struct area rest = {a->x, a->y + 4, a->columns, a->rows - 4};
	if (f)
		draw_waste(b, s, &rest);
}

void draw_details(const struct browser *b, struct screen *s, const struct area *a)
{
	struct area rest = *a;
	if (b->image->n_layers) {
		int used = draw_layer_details(b, s, a);
		rest.y += used;
		rest.rows -= used;
	}
	draw_image_details(b, s, &rest);
}
