// SPDX-License-Identifier: Apache-2.0
// A pseudo-terminal beside the user's own (pty(7), termios(3)). In raw mode the user's keys pass
// through as bytes, and it is the line discipline of the process's side that makes signals of them.
#include "run/terminal.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

struct terminal {
	int master, slave, out;
	struct termios saved;
	bool raw, carrying;
	pthread_t thread;
	char keys[4096]; // that the process's side has not taken yet
	size_t first_key, n_keys;
};

// Not an error at either end: whoever is there has gone.
static bool may_be_more(ssize_t n)
{
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

static bool carry_out(const struct terminal *t)
{
	char data[4096];
	struct err ignored = ERR_INIT;
	ssize_t n = read(t->master, data, sizeof(data));
	return may_be_more(n) && (n < 0 || fs_write_all(t->out, data, (size_t)n, &ignored) == 0);
}

static bool read_keys(struct terminal *t)
{
	ssize_t n = read(STDIN_FILENO, t->keys, sizeof(t->keys));
	t->first_key = 0;
	t->n_keys = n > 0 ? (size_t)n : 0;
	return may_be_more(n);
}

// The process may not read now, and may wait for room for what it writes: then neither is forced.
static void hand_in_keys(struct terminal *t)
{
	ssize_t n = write(t->master, t->keys + t->first_key, t->n_keys);
	if (n > 0) {
		t->first_key += (size_t)n;
		t->n_keys -= (size_t)n;
	} else if (!may_be_more(n)) {
		t->n_keys = 0;
	}
}

static void *carry(void *arg)
{
	struct terminal *t = arg;
	bool ended = false;
	for (;;) {
		struct pollfd p[2] = {
		        {t->master, (short)(t->n_keys ? POLLIN | POLLOUT : POLLIN), 0},
		        {t->n_keys || ended ? -1 : STDIN_FILENO, POLLIN, 0}};
		if (poll(p, 2, -1) < 0)
			continue;
		// EIO, once nobody has the other side open and all of it was read
		if ((p[0].revents & ~POLLOUT) && !carry_out(t))
			return NULL;
		if (p[0].revents & POLLOUT)
			hand_in_keys(t);
		if (p[1].revents) {
			terminal_resize(t); // the signal may come late, what was typed after it not
			ended = !read_keys(t);
		}
	}
}

static int open_pair(struct terminal *t, struct err *e)
{
	char name[64];
	t->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (t->master < 0 || grantpt(t->master) || unlockpt(t->master) ||
	        ptsname_r(t->master, name, sizeof(name)))
		return err_sys(e, "make a terminal");
	t->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return t->slave < 0 ? err_sys(e, "open the terminal '%s'", name) : 0;
}

static int make_raw(struct terminal *t, struct err *e)
{
	if (tcgetattr(STDIN_FILENO, &t->saved))
		return err_sys(e, "read the terminal's settings");
	struct termios raw = t->saved;
	cfmakeraw(&raw);
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw))
		return err_sys(e, "change the terminal's settings");
	t->raw = true;
	return 0;
}

struct terminal *terminal_open(int out, struct err *e)
{
	struct terminal *t = xcalloc(1, sizeof(*t));
	t->master = t->slave = -1;
	t->out = out;
	if (open_pair(t, e) || make_raw(t, e)) {
		terminal_close(t);
		return NULL;
	}
	errno = pthread_create(&t->thread, NULL, carry, t);
	t->carrying = errno == 0;
	if (t->carrying)
		return t;
	(void)err_sys(e, "start a thread for the terminal");
	terminal_close(t);
	return NULL;
}

int terminal_slave(const struct terminal *t)
{
	return t->slave;
}

void terminal_resize(const struct terminal *t)
{
	struct winsize set, size;
	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size))
		return;
	do { // until it is the last: a thread and a signal handler may be here at once
		set = size;
		(void)ioctl(t->master, TIOCSWINSZ, &set);
	} while (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 &&
	         memcmp(&set, &size, sizeof(size)) != 0);
}

void terminal_close(struct terminal *t)
{
	if (!t)
		return;
	close_fd(&t->slave);
	if (t->carrying)
		pthread_join(t->thread, NULL);
	if (t->raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &t->saved);
	close_fd(&t->master);
	free(t);
}
