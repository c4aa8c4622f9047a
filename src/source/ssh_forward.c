// SPDX-License-Identifier: Apache-2.0
// The agent's protocol (draft-miller-ssh-agent) from a step to an agent: frames of a length and a
// type. A step may list identities and have something signed; adding, removing and locking keys are
// not for it and are answered as failed. A thread a connection: few are ever open.
#include "base/err.h"
#include "base/mem.h"
#include "source/ssh-int.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FRAME_MAX (256u << 10) // as OpenSSH has it
#define CONNECTIONS_MAX 32
#define FAILURE 5
#define REQUEST_IDENTITIES 11
#define SIGN_REQUEST 13

struct ssh_forward {
	char *agent;
	int listener, stop; // stop: an eventfd
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	size_t connections;
};

struct connection {
	struct ssh_forward *forward;
	int step, agent;
	uint8_t frame[4 + FRAME_MAX];
};

// ---- sockets

// Of any length: the address goes by way of a descriptor.
static int connect_agent(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	auto_fd int socket_file = open(path, O_PATH | O_CLOEXEC);
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (socket_file < 0 || fd < 0)
		return -1;
	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d", socket_file);
	return connect(fd, (struct sockaddr *)&at, sizeof(at)) ? -1 : steal_fd(&fd);
}

static int listen_at(int dirfd, const char *name, struct err *e)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/%s", dirfd, name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 16))
		return err_sys(e, "make a socket for the ssh agent");
	return steal_fd(&fd);
}

// True once there is something to read; false at the end of the forward.
static bool wait_readable(const struct ssh_forward *f, int fd)
{
	struct pollfd p[2] = {{fd, POLLIN, 0}, {f->stop, POLLIN, 0}};
	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return false;
	return !p[1].revents;
}

static bool read_all(const struct ssh_forward *f, int fd, uint8_t *p, size_t n)
{
	while (n) {
		if (!wait_readable(f, fd))
			return false;
		ssize_t got = recv(fd, p, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

static bool write_all(const struct ssh_forward *f, int fd, const uint8_t *p, size_t n)
{
	while (n) {
		struct pollfd w[2] = {{fd, POLLOUT, 0}, {f->stop, POLLIN, 0}};
		if (poll(w, 2, -1) < 0 && errno != EINTR)
			return false;
		if (w[1].revents)
			return false;
		ssize_t put = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put < 0 && errno != EINTR && errno != EAGAIN)
			return false;
		p += put > 0 ? put : 0;
		n -= put > 0 ? (size_t)put : 0;
	}
	return true;
}

// ---- frames

// Length with its four bytes, 0 at the end or of a frame that is none.
static size_t read_frame(struct connection *c, int fd)
{
	if (!read_all(c->forward, fd, c->frame, 4))
		return 0;
	size_t n = (size_t)c->frame[0] << 24 | (size_t)c->frame[1] << 16 |
	           (size_t)c->frame[2] << 8 | c->frame[3];
	if (!n || n > FRAME_MAX || !read_all(c->forward, fd, c->frame + 4, n))
		return 0;
	return 4 + n;
}

static bool exchange(struct connection *c)
{
	static const uint8_t failure[] = {0, 0, 0, 1, FAILURE};
	size_t n = read_frame(c, c->step);
	if (!n)
		return false;
	if (c->frame[4] != REQUEST_IDENTITIES && c->frame[4] != SIGN_REQUEST)
		return write_all(c->forward, c->step, failure, sizeof(failure));
	if (!write_all(c->forward, c->agent, c->frame, n))
		return false;
	n = read_frame(c, c->agent);
	return n && write_all(c->forward, c->step, c->frame, n);
}

static void leave(struct ssh_forward *f)
{
	pthread_mutex_lock(&f->lock);
	f->connections--;
	pthread_cond_signal(&f->idle);
	pthread_mutex_unlock(&f->lock);
}

static void *serve(void *arg)
{
	struct connection *c = arg;
	struct ssh_forward *f = c->forward;
	c->agent = connect_agent(f->agent);
	while (c->agent >= 0 && exchange(c))
		continue;
	close_fd(&c->step);
	close_fd(&c->agent);
	explicit_bzero(c->frame, sizeof(c->frame));
	free(c);
	leave(f);
	return NULL;
}

// ---- the forward

static bool enter(struct ssh_forward *f)
{
	pthread_mutex_lock(&f->lock);
	bool room = f->connections < CONNECTIONS_MAX;
	f->connections += room;
	pthread_mutex_unlock(&f->lock);
	return room;
}

static void take(struct ssh_forward *f, int fd)
{
	pthread_t thread;
	if (!enter(f)) {
		close(fd);
		return;
	}
	struct connection *c = xcalloc(1, sizeof(*c));
	*c = (struct connection){.forward = f, .step = fd, .agent = -1};
	if (pthread_create(&thread, NULL, serve, c) == 0) {
		pthread_detach(thread);
		return;
	}
	close(fd);
	free(c);
	leave(f);
}

static void *accept_all(void *arg)
{
	struct ssh_forward *f = arg;
	while (wait_readable(f, f->listener)) {
		int fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			take(f, fd);
	}
	return NULL;
}

static void forward_free(struct ssh_forward *f)
{
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->idle);
	close_fd(&f->listener);
	close_fd(&f->stop);
	free(f->agent);
	free(f);
}

struct ssh_forward *ssh_forward_start(
        struct ssh_agent *a, int dirfd, const char *name, struct err *e)
{
	struct ssh_forward *f = xcalloc(1, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->idle, NULL);
	f->agent = xstrdup(a->path);
	f->stop = eventfd(0, EFD_CLOEXEC);
	f->listener = listen_at(dirfd, name, e);
	if (f->listener >= 0 && f->stop >= 0) {
		errno = pthread_create(&f->thread, NULL, accept_all, f);
		if (!errno)
			return f;
	}
	if (f->listener >= 0)
		err_sys(e, "serve the ssh agent");
	forward_free(f);
	return NULL;
}

void ssh_forward_stop(struct ssh_forward *f)
{
	uint64_t one = 1;
	if (!f)
		return;
	(void)!write(f->stop, &one, sizeof(one));
	pthread_join(f->thread, NULL);
	pthread_mutex_lock(&f->lock);
	while (f->connections)
		pthread_cond_wait(&f->idle, &f->lock);
	pthread_mutex_unlock(&f->lock);
	forward_free(f);
}
