// SPDX-License-Identifier: Apache-2.0
// hew's end of the holder: starts it, asks it, stops it. Threads may call at the same time: a
// request is one datagram on the shared socket and all the rest happens on a channel of its own.
#include "sandbox/holder.h"

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/mem.h"
#include "sandbox/holder-int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct holder {
	pid_t pid;
	int sock;
};

// posix_spawn is a vfork: cheap in a large process and safe in a threaded one.
static int spawn(int sock, pid_t *ret_pid, struct err *e)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&attr);
	// stdin and stdout are not the holder's: a reader of hew's output must not wait for it.
	posix_spawn_file_actions_adddup2(&fa, sock, HOLDER_CONTROL_FD);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addclosefrom_np(&fa, HOLDER_CONTROL_FD + 1);
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	static char argv0[] = HOLDER_ARGV0;
	char *argv[] = {argv0, NULL};
	int r = posix_spawn(ret_pid, "/proc/self/exe", &fa, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	errno = r;
	return r == 0 ? 0 : err_sys(e, "start the sandbox holder");
}

// The holder's first datagram is a struct err: kind ERR_NONE when it stands.
static int await_ready(int sock, struct err *e)
{
	struct err got;
	ssize_t r;
	do
		r = recv(sock, &got, sizeof got, 0);
	while (r < 0 && errno == EINTR);
	if (r != (ssize_t)sizeof got)
		return err_set(e, ERR_SANDBOX, "the sandbox holder ended before it was ready");
	if (got.kind == ERR_NONE)
		return 0;
	if (e)
		*e = got;
	return -1;
}

struct holder *holder_start(struct err *e)
{
	int sv[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0) {
		(void)err_sys(e, "make the sandbox holder's socket");
		return NULL;
	}
	struct holder *h = xcalloc(1, sizeof *h);
	h->sock = sv[0];
	// Not 3 itself: dup2 onto itself would be fine, but 0 to 2 are opened over.
	auto_fd int theirs = fcntl(sv[1], F_DUPFD_CLOEXEC, HOLDER_CONTROL_FD);
	close(sv[1]);
	if (theirs < 0 || spawn(theirs, &h->pid, e) < 0) {
		close(h->sock);
		free(h);
		return NULL;
	}
	close_fd(&theirs);
	theirs = -1;
	if (await_ready(h->sock, e) < 0) {
		holder_stop(h);
		return NULL;
	}
	return h;
}

void holder_stop(struct holder *h)
{
	if (!h)
		return;
	close(h->sock);
	while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(h);
}

static bool is_set(const struct pollfd *p)
{
	return p->fd >= 0 && p->revents != 0;
}

// Reads the channel to its end. On cancellation our side is shut down, which makes the holder end
// the child; the end of file still comes only when nothing of it is left.
static int read_reply(int ch, int cancel, struct buf *all, bool *ret_cancelled, struct err *e)
{
	struct pollfd p[3] = {{.fd = ch, .events = POLLIN}, {.fd = cancel, .events = POLLIN},
	        {.fd = cancel_fd(), .events = POLLIN}};
	const size_t limit = HOLDER_PAYLOAD_MAX + sizeof(struct err) + 64;
	for (;;) {
		if (poll(p, ARRAY_LEN(p), -1) < 0 && errno != EINTR)
			return err_sys(e, "wait for the sandbox holder");
		if (is_set(&p[1]) || is_set(&p[2])) {
			*ret_cancelled = true;
			shutdown(ch, SHUT_WR);
			p[1].fd = p[2].fd = -1;
		}
		if (!is_set(&p[0]))
			continue;
		buf_reserve(all, 65536);
		ssize_t r = recv(ch, all->p + all->n, all->cap - all->n - 1, MSG_DONTWAIT);
		if (r == 0)
			return 0;
		if (r < 0 && errno != EINTR && errno != EAGAIN && errno != ECONNRESET)
			return err_sys(e, "read from the sandbox holder");
		if (r < 0 && errno == ECONNRESET)
			return 0;
		all->n += r > 0 ? (size_t)r : 0;
		if (all->n > limit)
			return err_set(e, ERR_SANDBOX, "the sandbox holder's answer is too long");
	}
}

int holder_call(struct holder *h, const char *job, const void *payload, size_t n, const int *fds,
        size_t n_fds, int cancel, struct buf *reply, struct err *e)
{
	if (cancel_check(e) < 0)
		return -1;
	struct holder_request req = {0};
	if ((size_t)snprintf(req.job, sizeof req.job, "%s", job) >= sizeof req.job)
		return err_set(e, ERR_SANDBOX, "sandbox job name '%s' is too long", job);
	if (n > HOLDER_PAYLOAD_MAX || n_fds > HOLDER_FDS_MAX)
		return err_set(e, ERR_SANDBOX,
		        "a sandbox request of %zu bytes and %zu descriptors is too large", n,
		        n_fds);
	int sv[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return err_sys(e, "make a channel to the sandbox holder");
	auto_fd int ch = sv[0];
	int sent = channel_send_fds(h->sock, &req, sizeof req, &sv[1], 1);
	close(sv[1]);
	if (sent < 0)
		return err_set(
		        e, ERR_SANDBOX, "the sandbox holder is gone; it was killed from outside");
	// A child that died early has its story in the reply; the error of sending is only the
	// second best.
	int asked = channel_send_request(ch, payload, n, fds, n_fds, e);
	auto_buf struct buf all = {0};
	bool cancelled = false;
	if (asked < 0)
		shutdown(ch, SHUT_WR);
	if (read_reply(ch, cancel, &all, &cancelled, e) < 0)
		return -1;
	if (cancelled)
		return err_set(e, ERR_CANCELLED, "cancelled");
	// That the other end is gone is told better by what the holder said of it, or did not say.
	bool gone = asked < 0 && (e->sys == EPIPE || e->sys == ECONNRESET);
	if (asked < 0 && all.n == 0 && !gone)
		return -1;
	return channel_take_reply(&all, job, reply, e);
}
