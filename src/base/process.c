// SPDX-License-Identifier: Apache-2.0
// hew -> supervisor -> program. The supervisor leads the session and polls two descriptors: the end
// of a pipe that hew holds open as long as the program is wanted, and a pidfd of the program. Both
// end in kill(0): the whole process group, itself included. Between fork and exec there are system
// calls and prepared data only, for other threads may hold any lock.
#include "base/process.h"

#include "base/cancel.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STDERR_MAX (16u << 10)

// Where descriptors are in the supervisor.
enum { FD_ALIVE = 3, FD_STATUS, FD_DIR, FD_END };

struct launch {
	const char *path;
	char *const *argv, *const *env;
	int fds[FD_END]; // -1: none
};

struct verdict {
	int failed; // errno of what kept the program from starting, or 0
	int status; // as of waitpid
};

struct process {
	pid_t supervisor;
	int alive, status, out, err;
	char *name;
};

// ---- after fork

static void tell(int failed, int status)
{
	struct verdict v = {failed, status};
	(void)!write(FD_STATUS, &v, sizeof(v));
}

static _Noreturn void become(const struct launch *l)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	umask(022);
	if (l->fds[FD_DIR] >= 0 && fchdir(FD_DIR) == 0)
		close(FD_DIR);
	else if (l->fds[FD_DIR] >= 0)
		goto failed;
	close(FD_ALIVE);
	fcntl(FD_STATUS, F_SETFD, FD_CLOEXEC);
	execve(l->path, l->argv, l->env);
failed:
	tell(errno, 0);
	_exit(127);
}

// Moves the descriptors to their places by way of high numbers, so that none is overwritten first.
static bool place_fds(const struct launch *l)
{
	int high[FD_END];
	for (int i = 0; i < FD_END; i++) {
		high[i] = l->fds[i] < 0 ? -1 : fcntl(l->fds[i], F_DUPFD, 64);
		if (l->fds[i] >= 0 && high[i] < 0)
			return false;
	}
	for (int i = 0; i < FD_END; i++)
		if (high[i] >= 0 && dup2(high[i], i) < 0)
			return false;
	int first = l->fds[FD_DIR] < 0 ? FD_DIR : FD_END;
	return syscall(SYS_close_range, first, ~0u, 0) == 0;
}

static void default_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD};
	struct sigaction sa = {.sa_handler = SIG_DFL};
	sigset_t none;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void supervise(const struct launch *l)
{
	int status = 0;
	if (setsid() < 0 || !place_fds(l)) // kill(0) must not reach further than this session
		_exit(127);
	default_signals();
	pid_t child = _Fork();
	if (child == 0)
		become(l);
	int pidfd = child < 0 ? -1 : (int)syscall(SYS_pidfd_open, child, 0);
	struct pollfd p[2] = {{FD_ALIVE, POLLIN, 0}, {pidfd, POLLIN, 0}};
	if (pidfd < 0)
		tell(errno, 0);
	while (pidfd >= 0) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents) // hew is gone or has had enough
			break;
		if (p[1].revents && waitpid(child, &status, 0) == child) {
			tell(0, status);
			break;
		}
	}
	kill(0, SIGKILL);
	_exit(127);
}

// ---- starting

static bool is_program(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

// Caller frees; NULL if there is none.
static char *find_program(const char *name)
{
	if (strchr(name, '/'))
		return is_program(name) ? xstrdup(name) : NULL;
	const char *path = getenv("PATH");
	auto_strv struct strv dirs = {0};
	strv_split(&dirs, path && *path ? path : "/usr/local/bin:/usr/bin:/bin", ':');
	for (size_t i = 0; i < dirs.n; i++) {
		char *full = xasprintf("%s/%s", dirs.v[i], name);
		if (dirs.v[i][0] == '/' && is_program(full)) // never from where we happen to be
			return full;
		free(full);
	}
	return NULL;
}

static int make_pipe(int *read_end, int *write_end, struct err *e)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe");
	*read_end = fds[0];
	*write_end = fds[1];
	return 0;
}

// A file: a program that does not read it blocks nobody.
static int open_input(const char *text, struct err *e)
{
	auto_fd int fd =
	        text ? memfd_create("input", MFD_CLOEXEC) : open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, text ? "make a memory file" : "open '/dev/null'");
	if (text && fs_pwrite_all(fd, text, strlen(text), 0, e) < 0)
		return -1;
	return steal_fd(&fd);
}

static int launch(struct process *p, const struct process_spec *s, const char *path, struct err *e)
{
	auto_fd int in = open_input(s->input, e);
	auto_fd int alive = -1, status = -1, out = -1, err = -1;
	if (in < 0)
		return -1;
	if (make_pipe(&alive, &p->alive, e) || make_pipe(&p->status, &status, e) ||
	        make_pipe(&p->out, &out, e) || make_pipe(&p->err, &err, e))
		return -1;
	struct launch l = {
	        .path = path,
	        .argv = (char *const *)(uintptr_t)s->argv,
	        .env = (char *const *)(uintptr_t)s->env,
	        .fds = {in, out, err, alive, status, s->dir},
	};
	p->supervisor = _Fork();
	if (p->supervisor == 0)
		supervise(&l);
	return p->supervisor < 0 ? err_sys(e, "start '%s'", p->name) : 0;
}

static void process_free(struct process *p)
{
	close_fd(&p->alive); // the supervisor sees it
	while (p->supervisor > 0 && waitpid(p->supervisor, NULL, 0) < 0 && errno == EINTR)
		continue;
	close_fd(&p->status);
	close_fd(&p->out);
	close_fd(&p->err);
	free(p->name);
	free(p);
}

struct process *process_start(const struct process_spec *s, struct err *e)
{
	auto_free char *path = find_program(s->argv[0]);
	if (!path) {
		err_set(e, ERR_NOT_FOUND, "there is no program '%s' in PATH", s->argv[0]);
		return NULL;
	}
	struct process *p = xcalloc(1, sizeof(*p));
	*p = (struct process){0, -1, -1, -1, -1, xstrdup(s->argv[0])};
	if (launch(p, s, path, e) == 0)
		return p;
	process_free(p);
	return NULL;
}

void process_stop(struct process *p)
{
	if (p)
		process_free(p);
}

// ---- what it says

void process_output_release(struct process_output *o)
{
	buf_release(&o->out);
	buf_release(&o->err);
	*o = (struct process_output){0};
}

// Waits for one of the two, or for cancellation. -1 with *e set.
static int wait_for_output(struct pollfd p[3], struct err *e)
{
	if (cancel_check(e))
		return -1;
	p[2] = (struct pollfd){cancel_fd(), POLLIN, 0};
	if (poll(p, 3, 1000) < 0) {
		if (errno != EINTR)
			return err_sys(e, "wait for a program");
		p[0].revents = p[1].revents = 0;
	}
	return 0;
}

// Takes what there is; what exceeds max is dropped. 0: the end.
static ssize_t take(int fd, struct buf *into, size_t max, bool *ret_exceeds)
{
	char chunk[16384];
	ssize_t n = read(fd, chunk, sizeof(chunk));
	if (n < 0)
		return errno == EINTR ? 1 : 0;
	size_t room = max - into->n, some = (size_t)n < room ? (size_t)n : room;
	*ret_exceeds |= some < (size_t)n;
	buf_add(into, chunk, some);
	return n;
}

static int drain(struct process *p, size_t max, struct process_output *o, struct err *e)
{
	struct pollfd fds[3] = {{p->out, POLLIN, 0}, {p->err, POLLIN, 0}};
	bool exceeds = false, ignored = false;
	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		if (wait_for_output(fds, e))
			return -1;
		if (fds[0].revents && take(p->out, &o->out, max, &exceeds) == 0)
			fds[0].fd = -1;
		if (fds[1].revents && take(p->err, &o->err, STDERR_MAX, &ignored) == 0)
			fds[1].fd = -1;
		if (exceeds)
			return err_set(
			        e, ERR_FAIL, "'%s' prints more than %zu bytes", p->name, max);
	}
	return 0;
}

static int judge(struct process *p, int *ret_status, struct err *e)
{
	struct verdict v = {0};
	ssize_t n;
	while ((n = read(p->status, &v, sizeof(v))) < 0 && errno == EINTR)
		continue;
	if (n != sizeof(v))
		return err_set(e, ERR_FAIL, "'%s' was killed", p->name);
	errno = v.failed;
	if (v.failed)
		return err_sys(e, "start '%s'", p->name);
	*ret_status = WIFEXITED(v.status) ? WEXITSTATUS(v.status) : 128 + WTERMSIG(v.status);
	return 0;
}

int process_run(const struct process_spec *s, struct process_output *ret, struct err *e)
{
	struct process_output o = {0};
	struct process *p = process_start(s, e);
	if (!p)
		return -1;
	int r = drain(p, s->output_max, &o, e);
	if (!r)
		r = judge(p, &o.status, e);
	process_stop(p);
	if (r)
		process_output_release(&o);
	else
		*ret = o;
	return r;
}

int process_first_line(struct process *p, struct buf *ret, struct err *e)
{
	struct pollfd fds[3] = {{p->out, POLLIN, 0}, {-1, 0, 0}};
	bool exceeds = false;
	while (!ret->n || !memchr(ret->p, '\n', ret->n)) {
		if (wait_for_output(fds, e))
			return -1;
		if (fds[0].revents && take(p->out, ret, 4096, &exceeds) == 0) {
			struct process_output o = {0};
			int status = 0;
			bool ignored = false;
			while (take(p->err, &o.err, STDERR_MAX, &ignored) > 0)
				continue;
			if (judge(p, &status, e) == 0)
				err_set(e, ERR_FAIL, "'%s' ends with status %d: %.300s", p->name,
				        status, buf_cstr(&o.err));
			process_output_release(&o);
			return -1;
		}
		if (exceeds)
			return err_set(e, ERR_FAIL, "'%s' prints too much", p->name);
	}
	return 0;
}
