// SPDX-License-Identifier: Apache-2.0
// Process 2 of a step, up to the execve: session, terminal, limits, directory, ids, capabilities,
// and which file argv[0] means. Runs under the filter already and inside the new root; from here
// every refusal is the user's to read, in docker's words where docker has them.
#include "base/fs.h"
#include "sandbox/caps.h"
#include "sandbox/foreign.h"
#include "sandbox/rung-int.h"
#include "sandbox/step-int.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// A working directory that is outside the root would be a hole into the host (CVE-2024-21626); the
// kernel says "(unreachable)" then. Magic links are never followed on the way, so this is the
// second bolt.
static int check_inside(const char *cwd, struct err *e)
{
	char real[PATH_MAX];
	if (syscall(SYS_getcwd, real, sizeof real) < 0 || real[0] != '/')
		return err_set(e, ERR_SANDBOX,
		        "working directory '%s' is not inside the root filesystem", cwd);
	return 0;
}

static int enter_directory(const char *cwd, bool *ret_denied, struct err *e)
{
	*ret_denied = false;
	auto_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd int fd = fs_open_in_root(root, cwd, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd >= 0 && fchdir(fd) == 0)
		return check_inside(cwd, e);
	*ret_denied = errno == EACCES;
	return err_set(e, ERR_STEP, "chdir to cwd (\"%s\") failed: %s", cwd, strerror(errno));
}

static int no_such_id(const char *what, uint32_t id, struct err *e)
{
	if (errno != EINVAL)
		return err_sys(e, "become %s %u", what, id);
	return err_set(e, ERR_SANDBOX,
	        "become %s %u: the user namespace has no such id: more subordinate ids are needed "
	        "(a line with 65536 of them in /etc/subuid and /etc/subgid)",
	        what, id);
}

static int set_ids(const struct step_spec *s, struct err *e)
{
	// The raw calls: glibc's wrappers signal all threads, of which there are none.
	if (!rung_traits()->no_groups && syscall(SYS_setgroups, s->n_groups, s->groups) < 0)
		return err_sys(e, "set the supplementary groups");
	if (syscall(SYS_setresgid, s->gid, s->gid, s->gid) < 0)
		return no_such_id("group", s->gid, e);
	// Leaving uid 0 empties the permitted and effective sets; the bounding set stays docker's.
	if (syscall(SYS_setresuid, s->uid, s->uid, s->uid) < 0)
		return no_such_id("user", s->uid, e);
	// The memory is still shared with process 1, and changing ids may have opened it
	// (fs.suid_dumpable).
	prctl(PR_SET_DUMPABLE, 0);
	return 0;
}

static int take_rights(const struct step_spec *s, struct err *e)
{
	uint64_t keep = s->insecure ? caps_permitted() : caps_docker();
	if (caps_bound(keep, e) < 0)
		return -1;
	bool denied;
	// First as root, who may enter what the user may not; then as the user, as runc does.
	int entered = enter_directory(s->cwd, &denied, e);
	if (entered < 0 && !denied)
		return -1;
	if (set_ids(s, e) < 0)
		return -1;
	if (caps_set(keep, e) < 0)
		return -1;
	return entered < 0 ? enter_directory(s->cwd, &denied, e) : 0;
}

// What Go's LookPath asks of a file: not a directory, and executable for us.
static int check_program(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return EACCES;
	return 0;
}

static const char *env_path(const char *const *env)
{
	for (; *env; env++)
		if (!strncmp(*env, "PATH=", 5))
			return *env + 5;
	return "";
}

// As docker words it; the errno tells who runs it for an exit status of their own (127, 126).
static int not_run(struct err *e, int why, const char *name, const char *text)
{
	err_set(e, ERR_STEP, "exec: \"%s\": %s", name, text);
	e->sys = why;
	return -1;
}

static int find_program(const char *name, const char *const *env, struct buf *ret, struct err *e)
{
	if (strchr(name, '/')) {
		int why = check_program(name);
		auto_free char *text =
		        why == EISDIR   ? xstrdup("is a directory")
		        : why == EACCES ? xstrdup("permission denied")
		        : why == ENOENT ? xasprintf("stat %s: no such file or directory", name)
		                        : xasprintf("stat %s: %s", name, strerror(why));
		if (why)
			return not_run(e, why, name, text);
		buf_puts(ret, name);
		return 0;
	}
	auto_strv struct strv dirs = {0};
	strv_split(&dirs, env_path(env), ':');
	for (size_t i = 0; i < dirs.n; i++) {
		// An empty or relative entry would run what lies in the working directory; Go
		// refuses too.
		if (dirs.v[i][0] != '/')
			continue;
		buf_reset(ret);
		buf_printf(ret, "%s/%s", dirs.v[i], name);
		if (check_program(ret->p) == 0)
			return 0;
	}
	return not_run(e, ENOENT, name, "executable file not found in $PATH");
}

static int not_for_us(const char *path, struct err *e)
{
	char head[20];
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof head);
	const char *arch = n < 0 ? NULL : foreign_arch_of(head, (size_t)n);
	if (arch)
		return err_set(e, ERR_STEP,
		        "exec %s: exec format error: it is a program for %s, which this machine "
		        "does not run for an image of another platform",
		        path, arch);
	return err_set(e, ERR_STEP,
	        "exec %s: exec format error: it is neither a program that this machine knows nor a "
	        "script that begins with '#!'",
	        path);
}

int step_command_exec(const struct step_plan *p, struct err *e)
{
	const struct step_spec *s = &p->s;
	setsid();
	if (s->tty && ioctl(0, TIOCSCTTY, 0) < 0)
		return err_sys(e, "make the terminal the step's own");
	if (step_apply_ulimits(p, e) < 0 || take_rights(s, e) < 0)
		return -1;
	auto_buf struct buf path = {0};
	if (find_program(s->argv[0], s->env, &path, e) < 0)
		return -1;
	execve(path.p, (char *const *)(uintptr_t)s->argv, (char *const *)(uintptr_t)s->env);
	if (errno == ENOEXEC)
		return not_for_us(path.p, e);
	const char *why = errno == ENOENT ? "no such file or directory (its interpreter is missing)"
	                                  : strerror(errno);
	return err_set(e, ERR_STEP, "exec %s: %s", path.p, why);
}
