// SPDX-License-Identifier: Apache-2.0
// The holder process: gets its namespaces, then forks a child per request and buries it. It knows
// nothing of what the jobs do. Invariant: when the control socket ends, every descendant is killed
// and waited for before the holder exits; as the subreaper it inherits what its children leave.
#include "sandbox/holder.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/event.h"
#include "base/fault.h"
#include "base/mem.h"
#include "sandbox/holder-int.h"
#include "sandbox/rung-int.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
	pid_t pid;
	int channel; // our copy: hang-up of the client is seen here, and the end of file is ours to
	             // give
	bool cancelled;
};

struct holder_state {
	const struct holder_job *jobs;
	size_t n_jobs;
	struct child *children;
	size_t n, cap;
	struct pollfd *polls; // control, signals, then one a child
	int signals;
	pid_t self;
};

static const struct holder_job *find_job(const struct holder_state *h, const char *name)
{
	for (size_t i = 0; i < h->n_jobs; i++)
		if (!strcmp(h->jobs[i].name, name))
			return &h->jobs[i];
	return NULL;
}

static int run_job(const struct holder_state *h, const char *name, int channel, struct buf *reply,
        struct err *e)
{
	auto_buf struct buf payload = {0};
	static int fds[HOLDER_FDS_MAX];
	size_t n_fds;
	if (channel_recv_request(channel, &payload, fds, &n_fds, e) < 0)
		return -1;
	const struct holder_job *job = find_job(h, name);
	if (fault_point("sandbox.job") < 0)
		return err_sys(e, "begin the job '%s'", name);
	if (!job)
		return err_set(e, ERR_SANDBOX, "the sandbox holder knows no job '%s'", name);
	if (job->fn(payload.p, payload.n, fds, n_fds, reply, e) < 0)
		return -1;
	if (reply->n > HOLDER_PAYLOAD_MAX)
		return err_set(e, ERR_SANDBOX, "the answer of job '%s' is too long", name);
	return 0;
}

static _Noreturn void child_main(const struct holder_state *h, const char *name, int channel)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != h->self)
		_exit(1);
	// Other requests' channels would keep their clients waiting for as long as this child
	// lives.
	for (size_t i = 0; i < h->n; i++)
		close(h->children[i].channel);
	close(h->signals);
	close(HOLDER_CONTROL_FD);
	// SIGTERM is how the holder cancels. It is blocked up to here, so none is lost.
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);

	struct err e = ERR_INIT;
	struct buf reply = {0};
	int r = run_job(h, name, channel, &reply, &e);
	_exit(channel_send_reply(channel, reply.p, reply.n, r < 0 ? &e : NULL) < 0 ? 1 : 0);
}

static void add_child(struct holder_state *h, pid_t pid, int channel)
{
	if (h->n == h->cap) {
		h->cap = h->cap ? h->cap * 2 : 16;
		h->children = xreallocarray(h->children, h->cap, sizeof *h->children);
		h->polls = xreallocarray(h->polls, h->cap + 2, sizeof *h->polls);
	}
	h->children[h->n++] = (struct child){.pid = pid, .channel = channel};
}

// False when hew is gone.
static bool take_request(struct holder_state *h)
{
	struct holder_request req;
	int channel = -1;
	size_t n_fds = 1;
	long r = channel_recv_fds(HOLDER_CONTROL_FD, &req, sizeof req, &channel, &n_fds);
	if (r == 0 || (r < 0 && errno != EMFILE && errno != EAGAIN))
		return false;
	if (r != (long)sizeof req || n_fds != 1)
		return true;
	req.job[sizeof req.job - 1] = '\0';
	pid_t pid = fault_point("sandbox.request") < 0 ? -1 : fork();
	if (pid == 0)
		child_main(h, req.job, channel);
	if (pid < 0) {
		struct err e = ERR_INIT;
		(void)err_sys(&e, "fork in the sandbox holder");
		channel_send_reply(channel, NULL, 0, &e);
		close(channel);
		return true;
	}
	add_child(h, pid, channel);
	return true;
}

static void bury(struct holder_state *h, pid_t pid, int status)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->children[i].pid != pid)
			continue;
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			struct channel_trailer t = {.verdict = CHANNEL_DIED, .wait_status = status};
			(void)send(
			        h->children[i].channel, &t, sizeof t, MSG_DONTWAIT | MSG_NOSIGNAL);
		}
		close(h->children[i].channel);
		h->children[i] = h->children[--h->n];
		return;
	}
}

static void reap(struct holder_state *h)
{
	struct signalfd_siginfo si;
	while (read(h->signals, &si, sizeof si) > 0)
		;
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		bury(h, pid, status);
}

static void cancel_hung_up(struct holder_state *h)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->children[i].cancelled || !h->polls[i + 2].revents)
			continue;
		h->children[i].cancelled = true;
		kill(h->children[i].pid, SIGTERM);
	}
}

static void serve(struct holder_state *h)
{
	h->polls = xreallocarray(NULL, 2, sizeof *h->polls);
	for (;;) {
		h->polls[0] = (struct pollfd){.fd = HOLDER_CONTROL_FD, .events = POLLIN};
		h->polls[1] = (struct pollfd){.fd = h->signals, .events = POLLIN};
		for (size_t i = 0; i < h->n; i++)
			h->polls[i + 2] = (struct pollfd){.events = POLLRDHUP,
			        .fd = h->children[i].cancelled ? -1 : h->children[i].channel};
		if (poll(h->polls, h->n + 2, -1) < 0)
			continue;
		// Cancellation looks at indexes, so it goes before anything that moves children.
		cancel_hung_up(h);
		bool requests = h->polls[0].revents != 0;
		if (h->polls[1].revents)
			reap(h);
		if (requests && !take_request(h))
			return;
	}
}

static void signal_all(const struct holder_state *h, int sig)
{
	for (size_t i = 0; i < h->n; i++)
		kill(h->children[i].pid, sig);
}

// A step's supervisor is let take away what would stay behind of the step, a control group. It
// takes no time; who needs more than a second has lost it.
static void end_all(struct holder_state *h)
{
	signal_all(h, SIGTERM);
	int64_t until = clock_ns() + 1000000000;
	struct pollfd ended = {.fd = h->signals, .events = POLLIN};
	for (int64_t left; h->n && (left = until - clock_ns()) > 0;)
		if (poll(&ended, 1, (int)(left / 1000000) + 1) > 0)
			reap(h);
	signal_all(h, SIGKILL);
	// Inits of steps die with their supervisors and are handed to us; they end when all in them
	// has.
	for (;;)
		if (waitpid(-1, NULL, 0) < 0 && errno != EINTR)
			return;
}

static int set_up(struct holder_state *h, struct err *e)
{
	static const int ignored[] = {SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP, SIGTTOU};
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigset_t chld, blocked;
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	blocked = chld;
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	h->signals = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (h->signals < 0)
		return err_sys(e, "make a signal descriptor in the sandbox holder");
	// The terminal is hew's: Ctrl-C reaches hew only, which cancels in order.
	setsid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_NAME, "hew-holder");
	if (fault_point("sandbox.holder") < 0)
		return err_sys(e, "set up the sandbox holder");
	return rung_enter(e);
}

int holder_main(const struct holder_job *jobs, size_t n_jobs)
{
	struct holder_state h = {.jobs = jobs, .n_jobs = n_jobs, .self = getpid()};
	struct err e = ERR_INIT;
	int r = set_up(&h, &e);
	if (r == 0)
		e = ERR_INIT;
	if (send(HOLDER_CONTROL_FD, &e, sizeof e, MSG_NOSIGNAL) < 0 || r < 0)
		return 1;
	serve(&h);
	end_all(&h);
	free(h.children);
	free(h.polls);
	return 0;
}
