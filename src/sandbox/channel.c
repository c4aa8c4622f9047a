// SPDX-License-Identifier: Apache-2.0
// The framing of holder-int.h. Lengths are bounded before anything is allocated although the peer
// is this same program: a child may die between any two bytes, and half a reply must not be taken
// for one.
#include "sandbox/holder-int.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "sandbox/holder.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

// SCM_MAX_FD is 253 in the kernel.
#define FD_BATCH 200u

int channel_send_fds(int fd, const void *p, size_t n, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * FD_BATCH)];
	} control;
	struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	if (n_fds > 0) {
		memset(&control, 0, sizeof control);
		msg.msg_control = control.room;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	for (;;) {
		ssize_t r = sendmsg(fd, &msg, MSG_NOSIGNAL);
		if (r >= 0)
			return (size_t)r == n ? 0 : -1;
		// Too many descriptors in flight for this user: the peer is taking them out.
		if (errno == ETOOMANYREFS)
			usleep(1000);
		else if (errno != EINTR)
			return -1;
	}
}

long channel_recv_fds(int fd, void *p, size_t n, int *fds, size_t *n_fds)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * FD_BATCH)];
	} control;
	struct iovec iov = {.iov_base = p, .iov_len = n};
	struct msghdr msg = {.msg_iov = &iov,
	        .msg_iovlen = 1,
	        .msg_control = control.room,
	        .msg_controllen = sizeof control.room};
	ssize_t r;
	do
		r = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (r < 0 && errno == EINTR);
	size_t room = *n_fds;
	*n_fds = 0;
	if (r < 0)
		return -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int got;
			memcpy(&got, CMSG_DATA(c) + i * sizeof(int), sizeof got);
			if (*n_fds < room)
				fds[(*n_fds)++] = got;
			else
				close(got);
		}
	}
	if (msg.msg_flags & MSG_CTRUNC) {
		errno = EMFILE;
		return -1;
	}
	return r;
}

static int send_all(int fd, const void *p, size_t n)
{
	for (const char *at = p; n > 0;) {
		ssize_t r = send(fd, at, n, MSG_NOSIGNAL);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		at += r;
		n -= (size_t)r;
	}
	return 0;
}

static int recv_all(int fd, void *p, size_t n)
{
	for (char *at = p; n > 0;) {
		ssize_t r = recv(fd, at, n, 0);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0) {
			errno = r == 0 ? EPIPE : errno;
			return -1;
		}
		at += r;
		n -= (size_t)r;
	}
	return 0;
}

int channel_send_request(
        int fd, const void *payload, size_t n, const int *fds, size_t n_fds, struct err *e)
{
	struct channel_head head = {.payload = n, .n_fds = n_fds};
	if (send_all(fd, &head, sizeof head) < 0)
		return err_sys(e, "send a request to the sandbox holder");
	for (size_t done = 0; done < n_fds;) {
		size_t batch = n_fds - done < FD_BATCH ? n_fds - done : FD_BATCH;
		if (channel_send_fds(fd, "f", 1, fds + done, batch) < 0)
			return err_sys(e, "pass %zu descriptors to the sandbox holder", n_fds);
		done += batch;
	}
	if (send_all(fd, payload, n) < 0)
		return err_sys(e, "send a request to the sandbox holder");
	return 0;
}

int channel_recv_request(int fd, struct buf *payload, int *fds, size_t *ret_n_fds, struct err *e)
{
	struct channel_head head;
	if (recv_all(fd, &head, sizeof head) < 0)
		return err_sys(e, "read a sandbox request");
	if (head.payload > HOLDER_PAYLOAD_MAX || head.n_fds > HOLDER_FDS_MAX)
		return err_set(e, ERR_SANDBOX, "a sandbox request is too large");
	size_t have = 0;
	while (have < head.n_fds) {
		char mark;
		size_t got = head.n_fds - have;
		if (channel_recv_fds(fd, &mark, 1, fds + have, &got) != 1 || got == 0)
			return err_sys(e, "receive descriptors in the sandbox holder");
		have += got;
	}
	buf_reset(payload);
	buf_reserve(payload, head.payload + 1);
	if (recv_all(fd, payload->p, head.payload) < 0)
		return err_sys(e, "read a sandbox request");
	payload->n = head.payload;
	payload->p[payload->n] = '\0';
	*ret_n_fds = have;
	return 0;
}

int channel_send_reply(int fd, const void *body, size_t n, const struct err *failed)
{
	struct channel_trailer t = {.verdict = failed ? CHANNEL_ERR : CHANNEL_OK};
	if (failed) {
		body = failed;
		n = sizeof *failed;
	}
	t.body = n;
	if (send_all(fd, body, n) < 0)
		return -1;
	return send_all(fd, &t, sizeof t);
}

static int died(const char *what, int status, struct err *e)
{
	if (WIFSIGNALED(status))
		return err_set(e, ERR_SANDBOX,
		        "the sandbox process for '%s' was killed by signal %d (%s)", what,
		        WTERMSIG(status), strsignal(WTERMSIG(status)));
	return err_set(e, ERR_SANDBOX,
	        "the sandbox process for '%s' ended without an answer (status %d)", what,
	        WEXITSTATUS(status));
}

int channel_take_reply(struct buf *all, const char *what, struct buf *reply, struct err *e)
{
	struct channel_trailer t;
	if (all->n < sizeof t)
		return err_set(e, ERR_SANDBOX,
		        "the sandbox holder was killed while it worked on '%s'", what);
	memcpy(&t, all->p + all->n - sizeof t, sizeof t);
	size_t body = all->n - sizeof t;
	if (t.verdict == CHANNEL_DIED)
		return died(what, t.wait_status, e);
	if (t.verdict == CHANNEL_ERR && t.body == body && body == sizeof *e) {
		if (e)
			memcpy(e, all->p, sizeof *e);
		return -1;
	}
	if (t.verdict != CHANNEL_OK || t.body != body)
		return err_set(
		        e, ERR_SANDBOX, "half an answer from the sandbox process for '%s'", what);
	if (reply)
		buf_add(reply, all->p, body);
	return 0;
}
