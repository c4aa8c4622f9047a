// SPDX-License-Identifier: Apache-2.0
// Process 1 of a step. Builds what the command will see, closes everything else, installs the
// filter, starts the command as process 2, reaps whatever is left to it, and ends when the command
// does: the kernel then kills all that remains in the namespace.
//
// It is not dumpable, so that no process of the step can look into it, at its program or at its
// memory.
#include "base/fault.h"
#include "sandbox/caps.h"
#include "sandbox/handler.h"
#include "sandbox/mounts.h"
#include "sandbox/scope.h"
#include "sandbox/seccomp.h"
#include "sandbox/step-int.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

// Where the descriptors that process 1 keeps come to lie: the report socket and, if the step has
// them, the signal pipe, the probe's two and what holds the emulator.
enum { REPORT_FD = 3, SIGNAL_FD, PROBE_OUTPUT_FD, PROBE_STATUS_FD, HANDLER_FD, FIRST_FREE_FD };

static void send_report(int sock, const struct report *r)
{
	while (send(sock, r, sizeof *r, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static void report_failure(int sock, const struct err *e)
{
	static struct report r;
	r.kind = REPORT_FAILED;
	r.failed = *e;
	send_report(sock, &r);
}

static void die_with_supervisor(int report)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	// It may have died before that call. Its parent is in another namespace, so getppid() is
	// always 0; but the socket has no other end then.
	struct pollfd p = {.fd = report};
	if (poll(&p, 1, 0) > 0 && (p.revents & POLLHUP))
		_exit(1);
}

void step_reset_signals(void)
{
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool is_nameless_pipe(int fd)
{
	struct statfs fs;
	return fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC;
}

static int take_stdio(const struct step_spec *s, struct err *e)
{
	const int from[3] = {s->stdin_fd, s->stdout_fd, s->stderr_fd};
	for (int i = 0; i < 3; i++) {
		if (dup2(from[i], i) < 0)
			return err_sys(e, "set up descriptor %d of the step", i);
		struct stat st;
		if (fstat(i, &st))
			return err_sys(e, "look at descriptor %d of the step", i);
		if (S_ISDIR(st.st_mode)) // it would be a way into the host's files
			return err_set(e, ERR_USAGE,
			        "descriptor %d (0 is standard input) is a folder: a step gets "
			        "files, "
			        "pipes and terminals only",
			        i);
		// So that /dev/stdout can be opened by a user who is not root, as runc arranges it.
		// A terminal, file or named pipe of the host's keeps its owner.
		if (s->uid != 0 && (is_nameless_pipe(i) || (s->tty && isatty(i))))
			(void)!fchown(i, s->uid, st.st_gid);
	}
	return 0;
}

// Afterwards this process has 0 to 2, what it keeps from REPORT_FD on, and nothing of the host.
static int close_the_rest(const struct step_spec *s, int *report, int handler, struct err *e)
{
	int kept[] = {*report, s->signal_fd, s->probe.output_fd, s->probe.status_fd, handler};
	// First out of the way: one may lie where another goes.
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (kept[i] >= 0 && (kept[i] = fcntl(kept[i], F_DUPFD_CLOEXEC, FIRST_FREE_FD)) < 0)
			return err_sys(e, "copy a descriptor of process 1");
	*report = kept[0];
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (kept[i] < 0)
			close(REPORT_FD + (int)i);
		else if (dup3(kept[i], REPORT_FD + (int)i, O_CLOEXEC) < 0)
			return err_sys(e, "move a descriptor of process 1");
	*report = REPORT_FD;
	if (close_range(FIRST_FREE_FD, ~0u, 0) < 0)
		return err_sys(e, "close the host's descriptors");
	return 0;
}

static int loopback_up(struct err *e)
{
	auto_fd int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &ifr) < 0)
		return err_sys(e, "bring up the loopback interface");
	return 0;
}

// What the command will see, and in *ret_handler what runs it if the processor cannot.
static int set_up_files(const struct step_plan *p, int report, int *ret_handler, struct err *e)
{
	const struct step_spec *s = &p->s;
	auto_fd int emulator = s->emulator.arch ? handler_emulator(&s->emulator, e) : -1;
	if (s->emulator.arch && emulator < 0)
		return -1;
	umask(0);
	if (mounts_set_up(p, report, e) < 0)
		return -1;
	umask(022);
	if (s->emulator.arch && (*ret_handler = handler_enter(s->emulator.arch, emulator, e)) < 0)
		return -1;
	return 0;
}

static int set_up(const struct init_context *c, int *report, struct err *e)
{
	const struct step_spec *s = &c->plan->s;
	if (fault_point("sandbox.init") < 0)
		return err_sys(e, "set up the step's process 1");
	if (c->cgroup->n && cgroup_enter(c->cgroup, e) < 0)
		return -1;
	if (take_stdio(s, e) < 0)
		return -1;
	if (sethostname(s->hostname, strlen(s->hostname)) < 0)
		return err_sys(e, "set the host name '%s'", s->hostname);
	if (s->network != STEP_NET_HOST && loopback_up(e) < 0)
		return -1;
	int handler = -1;
	if (set_up_files(c->plan, *report, &handler, e) < 0)
		return -1;
	// Keys of the user who runs hew are not the step's. Kernels without keyrings need nothing.
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS &&
	        !s->insecure)
		return err_sys(e, "join a new session keyring");
	if (close_the_rest(s, report, handler, e) < 0)
		return -1;
	// After the mounts and before capabilities go: both take CAP_SYS_ADMIN.
	if (!s->insecure && s->network == STEP_NET_HOST)
		(void)scope_abstract_sockets();
	return s->insecure ? 0 : seccomp_install(e);
}

struct command_start {
	const struct step_plan *plan;
	int report;
};

static int command_main(void *arg)
{
	const struct command_start *c = arg;
	struct err e = ERR_INIT;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	(void)step_command_exec(c->plan, &e);
	report_failure(c->report, &e);
	_exit(127);
}

// Standard descriptors are closed here (they are the command's alone), so /dev/null becomes 0. That
// a probe cannot be executed is a failed probe, not a failed step: it says so itself.
static int probe_main(void *arg)
{
	const struct command_start *c = arg;
	struct step_plan plan = *c->plan;
	struct err e = ERR_INIT;
	plan.s.argv = plan.s.probe.argv;
	plan.s.tty = false;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (open("/dev/null", O_RDONLY) == 0 && dup2(PROBE_OUTPUT_FD, 1) >= 0 &&
	        dup2(PROBE_OUTPUT_FD, 2) >= 0)
		(void)step_command_exec(&plan, &e);
	else
		(void)err_sys(&e, "set up the descriptors of a probe");
	dprintf(PROBE_OUTPUT_FD, "%s\n", e.msg);
	return e.sys == ENOENT ? 127 : 126; // clone makes it the exit status
}

// As vfork, which a copy of the page tables later would be a tenth of a step: process 1 waits here
// until the command is executed or has failed, and what is allocated on the way there stays its
// own.
static pid_t start(int (*fn)(void *), const struct step_plan *p, int report)
{
	static char stack[256 << 10] __attribute__((aligned(64)));
	struct command_start c = {.plan = p, .report = report};
#ifdef __SANITIZE_ADDRESS__
	// Who ran on it before was executed and never returned: what it marked is still marked.
	__asan_unpoison_memory_region(stack, sizeof stack);
#endif
	return clone(fn, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &c);
}

struct children {
	const struct step_plan *plan;
	int report;
	pid_t command, probe; // probe: 0 if none runs
};

static void end_probe(struct children *c, int status)
{
	c->probe = 0;
	status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	(void)!write(PROBE_STATUS_FD, &status, sizeof status);
}

static void start_probe(struct children *c)
{
	if (!c->plan->s.probe.argv || c->probe)
		return;
	c->probe = start(probe_main, c->plan, c->report);
	if (c->probe < 0)
		end_probe(c, 126 << 8);
}

static void take_request(struct children *c)
{
	int what;
	if (read(SIGNAL_FD, &what, sizeof what) != (ssize_t)sizeof what)
		return;
	if (what > 0 && what < NSIG)
		kill(c->command, what);
	else if (what == STEP_PROBE_START)
		start_probe(c);
	else if (what == STEP_PROBE_KILL && c->probe)
		kill(-c->probe, SIGKILL); // it leads a session of its own
}

// Returns when the command is gone, with its status; everybody else's children are reaped on the
// way.
static int reap_until_over(struct children *c, int chld)
{
	int signals = c->plan->s.signal_fd >= 0 ? SIGNAL_FD : -1;
	struct pollfd p[2] = {{.fd = chld, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents & POLLIN)
			take_request(c);
		else if (p[1].revents)
			p[1].fd = -1;
		if (!p[0].revents)
			continue;
		struct signalfd_siginfo si;
		(void)!read(chld, &si, sizeof si);
		int status;
		for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
			if (pid == c->command)
				return status;
			if (pid == c->probe)
				end_probe(c, status);
		}
	}
}

// What process 1 still needs: to pass on signals, and, if it may have to start another process as
// it started the first, the rights of that.
static int keep_few_rights(const struct step_spec *s, struct err *e)
{
	if (s->insecure)
		return 0;
	return caps_set(s->probe.argv ? caps_docker() : CAP_BIT(CAP_KILL), e);
}

static int watch_children(struct err *e)
{
	sigset_t chld;
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_SETMASK, &chld, NULL);
	int fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_sys(e, "make a signal descriptor in process 1") : fd;
}

static int run(const struct init_context *c, int *report, struct report *out, struct err *e)
{
	if (set_up(c, report, e) < 0)
		return -1;
	int chld = watch_children(e);
	if (chld < 0)
		return -1;
	struct children children = {.plan = c->plan, .report = *report};
	children.command = start(command_main, c->plan, *report);
	if (children.command < 0)
		return err_sys(e, "fork the step's command");
	// Standard descriptors are the command's alone: readers see the end when it and its
	// children close.
	close_range(0, 2, 0);
	if (keep_few_rights(&c->plan->s, e) < 0)
		return -1;
	out->kind = REPORT_EXIT;
	out->exit.status = reap_until_over(&children, chld);
	getrusage(RUSAGE_CHILDREN, &out->exit.usage);
	return 0;
}

_Noreturn void step_init_main(const struct init_context *c)
{
	int report = c->report;
	die_with_supervisor(report);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NAME, "hew-init");
	step_reset_signals();
	struct err e = ERR_INIT;
	static struct report out;
	if (run(c, &report, &out, &e) < 0)
		report_failure(report, &e);
	else
		send_report(report, &out);
	_exit(0);
}
