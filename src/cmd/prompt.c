// SPDX-License-Identifier: Apache-2.0
#include "cmd/prompt.h"

#include "base/buf.h"
#include "base/cancel.h"
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define ANSWER_MAX 65536

// The next byte; false at the line's end, and once cancelled.
static bool next_byte(char *ret)
{
	struct pollfd p[] = {
	        {.fd = STDIN_FILENO, .events = POLLIN}, {.fd = cancel_fd(), .events = POLLIN}};
	while (poll(p, 2, -1) < 0 && !cancel_requested())
		;
	return !cancel_requested() && read(STDIN_FILENO, ret, 1) == 1 && *ret != '\n';
}

int prompt_line(const char *question, bool hide, struct buf *ret, struct err *e)
{
	struct termios saved, quiet;
	char c;
	if (cancel_fd() < 0 && cancel_install(e))
		return -1;
	bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &saved) == 0;
	if (terminal)
		fputs(question, stderr);
	if (terminal && hide) {
		quiet = saved;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
	}
	while (ret->n < ANSWER_MAX && next_byte(&c))
		buf_putc(ret, c);
	if (terminal && hide)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	if (terminal && (hide || cancel_requested()))
		fputc('\n', stderr);
	while (ret->n && ret->p[ret->n - 1] == '\r')
		ret->p[--ret->n] = '\0';
	return cancel_check(e);
}
