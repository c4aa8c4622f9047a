// SPDX-License-Identifier: Apache-2.0
// The page of keys, which hew browse --help and the man page have too.
#include "browse/browser-int.h"

#include "base/mem.h"
#include <string.h>

static const char *const lines[] = {
        "Everywhere",
        "  q, Ctrl+C              quit",
        "  Tab                    to the other pane: layers, files",
        "  arrows, h j k l        move; PageUp/u, PageDown/d, Home/g, End/G",
        "  [ ]                    the layer below, the layer above",
        "  c                      changes of the layer, or all since the first layer",
        "  /, Ctrl+F              filter: text or a regular expression, in /path",
        "  Esc                    drop the filter",
        "  w, W                   to the next waste, to the one before",
        "  ?                      this page",
        "",
        "Layers",
        "  Ctrl+L                 changes of the chosen layer",
        "  Ctrl+A                 changes of all layers up to it, since the first",
        "  Enter                  to the files",
        "",
        "Files",
        "  Space, Enter           open or fold a folder",
        "  Ctrl+Space, z          open or fold all folders",
        "  right, left            into a folder; to the folder around it",
        "  Ctrl+A, A              show or hide what was added      + green",
        "  Ctrl+R, R              show or hide what was removed    - red",
        "  M                      show or hide what was modified   ~ yellow",
        "  Ctrl+U, U              show or hide what is unmodified",
        "  Ctrl+O, s              sort by size, or by name",
        "  Ctrl+B                 show or hide permissions and owners",
        "  Ctrl+E, x              write the file to the working directory",
};

size_t help_lines(void)
{
	return ARRAY_LEN(lines);
}

void draw_help(struct browser *b, struct screen *s)
{
	int columns = screen_columns(s), page = screen_rows(s) - 2;
	const struct area title = {0, 0, columns, 1};
	draw_title(s, &title, "Keys", true);
	b->help.page = page;
	for (int i = 0; i < page && b->help.at + (size_t)i < ARRAY_LEN(lines); i++) {
		const char *line = lines[b->help.at + (size_t)i];
		screen_put(s, 1, 1 + i, columns - 2, line, *line == ' ' ? STYLE_PLAIN : STYLE_BOLD);
	}
	bool all = ARRAY_LEN(lines) <= (size_t)page;
	screen_put(s, 1, page + 1, columns - 2,
	        all ? "any key goes back" : "up and down scroll, any other key goes back",
	        STYLE_DIM);
}
