// SPDX-License-Identifier: Apache-2.0
// Both ends of a step that lie outside its namespaces: step_run() in hew, and the supervisor in the
// holder, which clones the step's init, listens to it, and kills it when the request is cancelled.
// Invariant: step_job() returns only when no process of the step is left.
#include "sandbox/step.h"

#include "base/fault.h"
#include "base/fs.h"
#include "sandbox/holder.h"
#include "sandbox/network.h"
#include "sandbox/step-int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESOLV_CONF_MAX (64u << 10)
#define DEFAULT_HOSTNAME "buildkitsandbox"

void step_result_release(struct step_result *r)
{
	strv_release(&r->stubs);
}

int step_run(struct holder *h, const struct step_spec *s, int cancel, struct step_result *ret,
        struct err *e)
{
	auto_buf struct buf payload = {0}, reply = {0};
	step_encode(s, &payload);
	size_t n_fds = step_count_fds(s);
	auto_free int *fds = xcalloc(n_fds, sizeof *fds);
	step_list_fds(s, fds);
	if (holder_call(h, "step", payload.p, payload.n, fds, n_fds, cancel, &reply, e) < 0)
		return -1;
	return step_result_decode(ret, reply.p, reply.n, e);
}

// The names a build sees, as BuildKit writes them.
static int fill_files(struct step_plan *p, struct err *e)
{
	if (!p->s.hostname)
		p->s.hostname = DEFAULT_HOSTNAME;
	p->hosts = p->s.hosts ? arena_strdup(&p->arena, p->s.hosts)
	                      : arena_printf(&p->arena,
	                                "127.0.0.1\tlocalhost %s\n"
	                                "::1\tlocalhost ip6-localhost ip6-loopback\n%s",
	                                p->s.hostname, p->s.more_hosts ? p->s.more_hosts : "");
	if (p->s.resolv_conf) {
		p->resolv_conf = arena_strdup(&p->arena, p->s.resolv_conf);
		return 0;
	}
	auto_buf struct buf text = {0};
	struct err ignored = ERR_INIT;
	// A host without the file has no names to resolve; the step may not need any.
	if (fs_read_file(AT_FDCWD, "/etc/resolv.conf", RESOLV_CONF_MAX, &text, &ignored) < 0 &&
	        ignored.sys != ENOENT)
		return err_set(e, ERR_SANDBOX, "%s", ignored.msg);
	auto_buf struct buf behind = {0};
	if (p->s.network == STEP_NET_PASTA)
		p->forward_dns = network_resolv_conf(buf_cstr(&text), &behind);
	p->resolv_conf =
	        arena_strdup(&p->arena, buf_cstr(p->s.network == STEP_NET_PASTA ? &behind : &text));
	return 0;
}

struct supervisor {
	struct step_plan *plan;
	int report;  // socket to init and command
	int signals; // SIGTERM from the holder: cancel
	int pidfd;
	pid_t init;
	struct network network; // STEP_NET_PASTA
	struct cgroup cgroup;   // if one was asked for
	bool killed, failed, exited;
	struct err failure;
	int status;
	struct rusage usage;
	struct stub_list stubs;
};

// A raw clone behaves as fork: the child has a copy of everything and its own stack by
// copy-on-write.
pid_t step_clone(unsigned long flags, int *ret_pidfd)
{
#if defined(__s390__)
#error "clone takes its arguments in another order here"
#endif
	return (pid_t)syscall(
	        SYS_clone, flags | CLONE_PIDFD | SIGCHLD, NULL, ret_pidfd, NULL, NULL);
}

static int start_init(struct supervisor *v, struct err *e)
{
	int sv[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return err_sys(e, "make the step's report socket");
	unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
	if (v->plan->s.network == STEP_NET_NONE)
		flags |= CLONE_NEWNET;
	v->pidfd = -1;
	// Process 1 makes the namespace itself once it is in a group of its own.
	unsigned long groups = v->cgroup.n ? 0 : CLONE_NEWCGROUP;
	pid_t pid = fault_point("sandbox.clone") < 0 ? -1 : step_clone(flags | groups, &v->pidfd);
	if (pid < 0 && errno == EINVAL && groups)
		pid = step_clone(flags, &v->pidfd);
	if (pid == 0) {
		close(sv[0]);
		close(v->signals);
		step_init_main(&(struct init_context){
		        .plan = v->plan, .cgroup = &v->cgroup, .report = sv[1]});
	}
	int why = errno;
	close(sv[1]);
	v->report = sv[0];
	v->init = pid;
	errno = why;
	return pid < 0 ? err_set(e, ERR_SANDBOX, "make the step's namespaces: %s", strerror(why))
	               : 0;
}

static void take_report(struct supervisor *v, const struct report *r)
{
	switch (r->kind) {
	case REPORT_FAILED:
		// The command's own story comes before what init makes of its end.
		if (!v->failed)
			v->failure = r->failed;
		v->failed = true;
		return;
	case REPORT_STUB:
	case REPORT_PARENT:
		stub_list_add(&v->stubs, r);
		return;
	case REPORT_EXIT:
		v->exited = true;
		v->status = r->exit.status;
		v->usage = r->exit.usage;
	}
}

static void kill_init(struct supervisor *v)
{
	v->killed = true;
	syscall(SYS_pidfd_send_signal, v->pidfd, SIGKILL, NULL, 0);
}

// A step without its network would go on and fail somewhere else.
static void lose_network(struct supervisor *v)
{
	if (!v->failed)
		(void)network_failed(&v->network, &v->failure);
	v->failed = true;
	kill_init(v);
}

// Until init and command have both let go of the socket.
static void listen_to(struct supervisor *v)
{
	struct pollfd p[3] = {{.fd = v->report, .events = POLLIN},
	        {.fd = v->signals, .events = POLLIN}, {.fd = v->network.pidfd, .events = POLLIN}};
	static struct report r;
	for (;;) {
		if (poll(p, 3, -1) < 0)
			continue;
		if (p[1].revents) {
			kill_init(v);
			p[1].fd = -1;
		}
		if (p[2].revents) {
			lose_network(v);
			p[2].fd = -1;
		}
		if (!p[0].revents)
			continue;
		ssize_t n = recv(v->report, &r, sizeof r, 0);
		if (n == 0 || (n < 0 && errno != EINTR))
			return;
		if (n == (ssize_t)sizeof r)
			take_report(v, &r);
	}
}

static void wait_for_init(struct supervisor *v, int *ret_status)
{
	while (waitpid(v->init, ret_status, 0) < 0 && errno == EINTR)
		;
}

static int64_t to_us(struct timeval t)
{
	return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

static int conclude(struct supervisor *v, int init_status, struct buf *reply, struct err *e)
{
	struct step_result res = {.killed = v->killed};
	stubs_remove(&v->stubs, &v->plan->s, &res.stubs);
	int r = 0;
	if (v->failed) {
		*e = v->failure;
		r = -1;
	} else if (v->exited) {
		res.exit_status =
		        WIFSIGNALED(v->status) ? 128 + WTERMSIG(v->status) : WEXITSTATUS(v->status);
		res.user_us = to_us(v->usage.ru_utime);
		res.sys_us = to_us(v->usage.ru_stime);
		res.max_rss_kib = v->usage.ru_maxrss;
		step_result_encode(&res, reply);
	} else if (v->killed) {
		r = err_set(e, ERR_CANCELLED, "cancelled");
	} else if (WIFSIGNALED(init_status)) {
		r = err_set(e, ERR_SANDBOX,
		        "the step's process 1 was killed by signal %d from outside%s",
		        WTERMSIG(init_status),
		        WTERMSIG(init_status) != SIGKILL ? ""
		        : v->plan->s.cgroup.memory > 0   ? "; the step may have taken more memory "
		                                           "than its limit"
		                                         : "; the machine may be out of memory");
	} else {
		r = err_set(e, ERR_SANDBOX, "the step's process 1 ended without a word (status %d)",
		        WEXITSTATUS(init_status));
	}
	step_result_release(&res);
	return r;
}

// From the step's first process to its last.
static int supervise(struct supervisor *v, struct buf *reply, struct err *e)
{
	struct step_spec *s = &v->plan->s;
	if (s->network == STEP_NET_PASTA &&
	        network_start(&v->network, v->plan->forward_dns, v->signals, e) < 0)
		return -1;
	if (cgroup_is_asked(&s->cgroup) && cgroup_make(&s->cgroup, &v->cgroup, e) < 0)
		return -1;
	if (start_init(v, e) < 0)
		return -1;
	// Only init and command shall keep the ends of pipes open that the reader of output waits
	// for.
	close(s->stdin_fd);
	close(s->stdout_fd);
	close(s->stderr_fd);
	close_fd(&s->probe.output_fd);
	close_fd(&s->probe.status_fd);
	listen_to(v);
	// The socket can end before the last process of the step has.
	int status = 0;
	wait_for_init(v, &status);
	int r = conclude(v, status, reply, e);
	stub_list_release(&v->stubs);
	return r;
}

int step_job(const void *payload, size_t n, const int *fds, size_t n_fds, struct buf *reply,
        struct err *e)
{
	static struct step_plan plan;
	if (step_decode(&plan, payload, n, fds, n_fds, e) < 0 || fill_files(&plan, e) < 0)
		return -1;
	struct supervisor v = {.plan = &plan, .network = NETWORK_NONE};
	sigset_t term;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	v.signals = signalfd(-1, &term, SFD_CLOEXEC);
	if (v.signals < 0)
		return err_sys(e, "make a signal descriptor");
	int r = supervise(&v, reply, e);
	network_stop(&v.network);
	cgroup_remove(&v.cgroup);
	close(v.signals);
	sigprocmask(SIG_UNBLOCK, &term, NULL); // whoever goes on is cancelled as any job
	return r;
}
