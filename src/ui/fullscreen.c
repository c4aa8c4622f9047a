// SPDX-License-Identifier: Apache-2.0
// What is asked of a terminal is what all of today's have in common with ECMA-48 and xterm, so no
// terminfo is read: a static program on a bare machine has none, and a name that a machine does not
// know yet says nothing about what the terminal can do.
#include "ui/fullscreen.h"

#include "base/cancel.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

// The other screen, no cursor; back again: attributes, cursor, screen.
static const char enter_text[] = "\033[?1049h\033[?25l";
static const char leave_text[] = "\033[0m\033[?25h\033[?1049l";

static struct {
	struct termios before;
	volatile sig_atomic_t ours; // the terminal is in our state
	volatile sig_atomic_t resized, stopped, continued;
	int wake; // eventfd, written by the handlers
	bool opened, gone;
} terminal = {.wake = -1};

// ---- taking it and giving it back. These may run in a signal handler.

static void take(void)
{
	struct termios raw = terminal.before;
	cfmakeraw(&raw);
	tcsetattr(0, TCSADRAIN, &raw);
	(void)!write(1, enter_text, sizeof(enter_text) - 1);
	terminal.ours = 1;
}

static void give_back(void)
{
	if (!terminal.ours)
		return;
	terminal.ours = 0;
	(void)!write(1, leave_text, sizeof(leave_text) - 1);
	tcsetattr(0, TCSANOW, &terminal.before);
}

// ---- signals

static void on_news(int sig)
{
	int saved = errno;
	uint64_t one = 1;
	if (sig == SIGWINCH)
		terminal.resized = 1;
	else if (sig == SIGTSTP)
		terminal.stopped = 1;
	else
		terminal.continued = 1;
	(void)!write(terminal.wake, &one, sizeof(one));
	errno = saved;
}

// The handler was for once: the signal is sent again and does what it does.
static void on_fatal(int sig)
{
	give_back();
	raise(sig);
}

static const int news[] = {SIGWINCH, SIGTSTP, SIGCONT};
static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGTRAP, SIGSYS,
        SIGXCPU, SIGALRM, SIGUSR1, SIGUSR2};

static void handle_signals(bool ours)
{
	struct sigaction sa = {.sa_handler = ours ? on_news : SIG_DFL, .sa_flags = SA_RESTART};
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(news); i++)
		sigaction(news[i], &sa, NULL);
	sa.sa_handler = ours ? on_fatal : SIG_DFL;
	sa.sa_flags = ours ? (int)(SA_RESETHAND | SA_NODEFER) : 0;
	for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
		sigaction(fatal[i], &sa, NULL);
}

// ---- opening and closing

int fullscreen_check(const char *instead, struct err *e)
{
	const char *name = getenv("TERM");
	if (!isatty(1))
		return err_set(e, ERR_USAGE, "standard output is no terminal: %s", instead);
	if (!isatty(0))
		return err_set(e, ERR_USAGE, "standard input is no terminal: %s", instead);
	if (!name || !*name || !strcmp(name, "dumb"))
		return err_set(e, ERR_USAGE,
		        "a terminal of the kind '%s' cannot place its cursor (set TERM to what it "
		        "is, such as xterm): %s",
		        name ? name : "", instead);
	return 0;
}

int fullscreen_open(struct err *e)
{
	static bool at_exit;
	if (tcgetattr(0, &terminal.before))
		return err_sys(e, "ask the terminal for its state");
	terminal.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (terminal.wake < 0)
		return err_sys(e, "make an eventfd");
	if (!at_exit)
		at_exit = atexit(fullscreen_close) == 0;
	terminal.opened = true;
	terminal.gone = false;
	terminal.resized = terminal.stopped = terminal.continued = 0;
	handle_signals(true);
	take();
	return 0;
}

void fullscreen_close(void)
{
	if (!terminal.opened)
		return;
	terminal.opened = false;
	give_back();
	handle_signals(false);
	close_fd(&terminal.wake);
	terminal.wake = -1;
}

void fullscreen_size(int *ret_columns, int *ret_rows)
{
	struct winsize w;
	bool known = ioctl(1, TIOCGWINSZ, &w) == 0 && w.ws_col && w.ws_row;
	*ret_columns = known ? w.ws_col : 80;
	*ret_rows = known ? w.ws_row : 24;
}

bool fullscreen_is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);
		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

// ---- what comes from it and goes to it

int fullscreen_suspend(void)
{
	give_back();
	struct sigaction sa = {.sa_handler = SIG_DFL};
	sigemptyset(&sa.sa_mask);
	sigaction(SIGTSTP, &sa, NULL);
	kill(0, SIGTSTP); // the whole job, as the terminal would; here it stops
	handle_signals(true);
	take();
	terminal.stopped = terminal.continued = 0;
	return FULLSCREEN_RESUMED | FULLSCREEN_RESIZED;
}

static int take_news(void)
{
	int got = 0;
	uint64_t n;
	(void)!read(terminal.wake, &n, sizeof(n));
	if (terminal.stopped)
		return fullscreen_suspend();
	if (terminal.continued) { // after a SIGSTOP: whoever had the terminal meanwhile changed it
		terminal.continued = 0;
		take();
		got |= FULLSCREEN_RESUMED | FULLSCREEN_RESIZED;
	}
	if (terminal.resized) {
		terminal.resized = 0;
		got |= FULLSCREEN_RESIZED;
	}
	return got;
}

static int read_input(struct buf *input)
{
	char bytes[1024];
	ssize_t n = read(0, bytes, sizeof(bytes));
	if (n > 0) {
		buf_add(input, bytes, (size_t)n);
		return FULLSCREEN_INPUT;
	}
	return n < 0 && (errno == EINTR || errno == EAGAIN) ? 0 : FULLSCREEN_GONE;
}

int fullscreen_wait(int milliseconds, int other_fd, struct buf *input)
{
	struct pollfd p[] = {{.fd = 0, .events = POLLIN}, {.fd = terminal.wake, .events = POLLIN},
	        {.fd = cancel_fd(), .events = POLLIN}, {.fd = other_fd, .events = POLLIN}};
	if (terminal.gone)
		return FULLSCREEN_GONE;
	int n = poll(p, ARRAY_LEN(p), milliseconds);
	if (n <= 0)
		return 0;
	int got = p[1].revents ? take_news() : 0;
	if (p[3].revents)
		got |= FULLSCREEN_OTHER;
	if (p[0].revents)
		got |= read_input(input);
	return got;
}

void fullscreen_write(const struct buf *bytes)
{
	struct err e = ERR_INIT;
	if (bytes->n && fs_write_all(1, bytes->p, bytes->n, &e))
		terminal.gone = true;
}
