// SPDX-License-Identifier: Apache-2.0
// What people see: progress (tty, plain, raw JSON lines, nothing), tables, errors. Owns stderr;
// verbs print their data on stdout through tables and JSON only. Text from outside is shown with
// control characters escaped; the steps' own output as docker shows it, without cursor movements on
// a terminal.
#pragma once

#include "base/buf.h"
#include "base/event.h"
#include <stdbool.h>
#include <stddef.h>

struct err;

enum ui_progress { UI_AUTO, UI_TTY, UI_PLAIN, UI_RAWJSON, UI_QUIET };
// "auto", "tty", "plain", "rawjson", "quiet" or "none"; ERR_USAGE otherwise. NULL: what
// $BUILDKIT_PROGRESS says, else auto.
int ui_progress_parse(const char *s, enum ui_progress *ret, struct err *e);

// A sink that renders to stderr (raw JSON too, as buildx does). UI_AUTO: tty if that is a terminal.
// doing: "Building"; static.
struct ui;
struct ui *ui_new(enum ui_progress kind, const char *doing);
struct event_sink *ui_sink(struct ui *u);
// Draws what is left and restores the terminal; if failed, the tail of that step's output too.
// Once: a second time it does nothing.
void ui_finish(struct ui *u, bool failed);
void ui_free(struct ui *u); // NULL is fine

// In a job of a CI service that folds its log, and if progress is plain: what comes next is folded,
// until the end. To be called before anything is shown.
void ui_section(struct ui *u, const char *title);
void ui_section_end(struct ui *u);
// Where warnings about lines belong; and an error about a line of it, beside the one of ui_error.
void ui_source(struct ui *u, const char *file);
void ui_error_at(struct ui *u, int line, const struct err *e);

// Is it a terminal that shows colours, and NO_COLOR unset?
bool ui_colour(int fd);

// The last line on stderr: "ERROR: <message>", one line, control characters escaped.
void ui_error(const struct err *e);

// Text from outside made safe to print: control characters as \xNN.
void ui_escape(const char *s, size_t n, struct buf *out);

// One line of a step's output made safe to print.
void ui_clean_line(const char *s, size_t n, struct buf *out);

// A table: rows of cells, columns padded to the widest, last column as it is.
struct ui_table;
struct ui_table *ui_table_new(const char *const *heads, size_t n);
void ui_table_row(struct ui_table *t, const char *const *cells); // copies
void ui_table_gap(struct ui_table *t, int gap);                  // between columns; else 3
// Of the last row, that cell in a colour: the number of an SGR sequence, "31"; static.
void ui_table_paint(struct ui_table *t, size_t column, const char *colour);
void ui_table_print(struct ui_table *t); // stdout
void ui_table_text(struct ui_table *t, struct buf *out);
void ui_table_free(struct ui_table *t);
