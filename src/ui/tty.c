// SPDX-License-Identifier: Apache-2.0
// Live progress on a terminal: finished steps scroll up for good, running ones are redrawn below
// them with their time and the last lines they printed.
#include "base/mem.h"
#include "base/timefmt.h"
#include "ui/ui-int.h"
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define LOG_LINES 6

static void screen_size(int *rows, int *columns)
{
	struct winsize w;
	bool known = ioctl(2, TIOCGWINSZ, &w) == 0 && w.ws_col && w.ws_row;
	*rows = known ? w.ws_row : 24;
	*columns = known ? w.ws_col : 80;
}

// Cuts at the screen's width without splitting a UTF-8 sequence; wide characters count as one.
static void put_cut(struct buf *out, const char *s, int columns)
{
	int n = 0;
	for (; *s; s++) {
		if (((unsigned char)*s & 0xc0) != 0x80 && n++ >= columns)
			return;
		buf_putc(out, *s);
	}
}

static void put_step(struct ui *u, struct buf *out, const struct ui_step *s, int columns)
{
	static const char blue[] = "\033[34m", red[] = "\033[31m", yellow[] = "\033[33m",
	                  off[] = "\033[0m";
	bool ended = s->state == STEP_ENDED;
	double seconds = (double)(ended ? s->took_ns : clock_ns() - s->begun_ns) / 1e9;
	const char *mark = !ended                           ? " => "
	                   : s->how == EVENT_STEP_CACHED    ? " => CACHED "
	                   : s->how == EVENT_STEP_FAILED    ? " => ERROR "
	                   : s->how == EVENT_STEP_CANCELLED ? " => CANCELED "
	                                                    : " => ";
	const char *colour = !ended                           ? ""
	                     : s->how == EVENT_STEP_FAILED    ? red
	                     : s->how == EVENT_STEP_CANCELLED ? yellow
	                                                      : blue;
	auto_buf struct buf left = {0};
	char right[32];
	snprintf(right, sizeof(right), "%.1fs", seconds);
	buf_puts(&left, mark);
	ui_clean_line(s->name ? s->name : "", strlen(s->name ? s->name : ""), &left);
	uint64_t current, total;
	ui_step_progress(s, &current, &total);
	if (!ended && total) {
		char have[24], all[24];
		size_format(current, have);
		size_format(total, all);
		buf_printf(&left, "  %s / %s", have, all);
	}
	int room = columns - (int)strlen(right) - 2;
	if (u->colour)
		buf_puts(out, colour);
	size_t before = out->n;
	put_cut(out, buf_cstr(&left), room);
	int used = 0;
	for (size_t i = before; i < out->n; i++)
		used += ((unsigned char)out->p[i] & 0xc0) != 0x80;
	buf_printf(out, "%*s%s", room - used + 1, "", right);
	if (u->colour && *colour)
		buf_puts(out, off);
	buf_putc(out, '\n');
}

static int put_log(struct ui *u, struct buf *out, const struct ui_step *s, int columns, int limit)
{
	const char *starts[LOG_LINES + 1];
	size_t n = s->tail.n, count = 0;
	if (!n || limit <= 0)
		return 0;
	const char *p = s->tail.p;
	while (n && p[n - 1] == '\n')
		n--;
	size_t end = n;
	while (n && count < (size_t)(limit < LOG_LINES ? limit : LOG_LINES)) {
		while (n && p[n - 1] != '\n')
			n--;
		starts[count++] = p + n;
		n -= n > 0;
	}
	for (size_t i = count; i-- > 0;) {
		const char *line = starts[i];
		size_t len = i ? (size_t)(starts[i - 1] - line) - 1 : (size_t)(p + end - line);
		auto_buf struct buf clean = {0};
		ui_clean_line(line, len, &clean);
		buf_puts(out, u->colour ? " \033[2m# " : " # ");
		put_cut(out, buf_cstr(&clean), columns - 4);
		buf_puts(out, u->colour ? "\033[0m\n" : "\n");
	}
	return (int)count;
}

static void erase(struct ui *u, struct buf *out)
{
	if (u->drawn)
		buf_printf(out, "\033[%dA\033[0J", u->drawn);
	u->drawn = 0;
}

// Steps that ended scroll up in the order in which they ended being noticed.
static void print_ended(struct ui *u, struct buf *out, int columns)
{
	for (size_t i = 0; i < u->n_steps; i++) {
		struct ui_step *s = &u->steps[i];
		if (s->state != STEP_ENDED || s->shown)
			continue;
		s->shown = ++u->shown;
		put_step(u, out, s, columns);
	}
}

// As docker's: how long it has been, how many steps of all are done.
static void put_head(struct ui *u, struct buf *out, int columns)
{
	size_t done = 0;
	for (size_t i = 0; i < u->n_steps; i++)
		done += u->steps[i].state == STEP_ENDED;
	char head[64];
	snprintf(head, sizeof(head), "[+] %s %.1fs (%zu/%zu)", u->doing,
	        (double)(clock_ns() - u->begun_ns) / 1e9, done, u->n_steps);
	put_cut(out, head, columns);
	buf_putc(out, '\n');
	u->drawn++;
}

void tty_draw(struct ui *u)
{
	auto_buf struct buf out = {0};
	int rows, columns, running = 0;
	screen_size(&rows, &columns);
	erase(u, &out);
	print_ended(u, &out, columns);
	for (size_t i = 0; i < u->n_steps; i++)
		running += u->steps[i].state == STEP_STARTED;
	if (running)
		put_head(u, &out, columns);
	int room = rows - 2, logs = running ? (room - running - 1) / running : 0;
	for (size_t i = 0; i < u->n_steps && u->drawn < room; i++) {
		if (u->steps[i].state != STEP_STARTED)
			continue;
		put_step(u, &out, &u->steps[i], columns);
		u->drawn += 1 + put_log(u, &out, &u->steps[i], columns, logs);
	}
	if (out.n)
		fwrite(out.p, 1, out.n, stderr);
	fflush(stderr);
}

// The live part goes; whatever is printed next starts on a clean line.
void tty_finish(struct ui *u)
{
	auto_buf struct buf out = {0};
	erase(u, &out);
	if (out.n)
		fwrite(out.p, 1, out.n, stderr);
	fflush(stderr);
}
