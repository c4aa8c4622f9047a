// SPDX-License-Identifier: Apache-2.0
// What the tests of the sandbox share: a root filesystem of busybox in a directory of its own, a
// holder, and run(), which gives exit status and output of a shell line. Everything needs root and
// busybox; without them a test says so and is skipped.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "sandbox/holder.h"
#include "sandbox/step.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSYBOX "/bin/busybox"
#define TEST_PATH "PATH=/usr/bin:/bin"

struct fixture {
	char dir[64];
	int dirfd, lower, upper, work;
	struct holder *holder;
	int serial;
};

static struct fixture fx;

__attribute__((unused)) static const char *why_not(void)
{
	if (geteuid() != 0)
		return "needs root";
	if (access(BUSYBOX, X_OK) < 0)
		return "needs busybox-static in " BUSYBOX;
	return NULL;
}

static int must(int r, const char *what)
{
	if (r < 0)
		fail_msg("%s: %s", what, strerror(errno));
	return r;
}

static int make_dir(const char *name)
{
	must(mkdirat(fx.dirfd, name, 0755), name);
	return must(openat(fx.dirfd, name, O_PATH | O_DIRECTORY | O_CLOEXEC), name);
}

__attribute__((unused)) static void put_file(
        int dir, const char *path, const char *text, mode_t mode)
{
	int fd = must(openat(dir, path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, mode), path);
	struct err e = ERR_INIT;
	assert_int_equal(fs_write_all(fd, text, strlen(text), &e), 0);
	must(fchmod(fd, mode), path);
	close(fd);
}

static void fill_rootfs(int root)
{
	static const char *const applets[] = {"sh", "true", "false", "cat", "echo", "id", "ls",
	        "mkdir", "touch", "pwd", "env", "sleep", "stat", "mknod", "mount", "hostname", "ps",
	        "kill", "wc", "readlink", "rm", "ip", "test", "dd", "head", "ln", "tty", "printf",
	        "chmod", "umask", "grep", "find", "cp", "sync", "mv", "seq"};
	struct err e = ERR_INIT;
	static const char *const dirs[] = {"bin", "etc", "proc", "sys", "dev", "tmp", "root"};
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		must(mkdirat(root, dirs[i], 0755), dirs[i]);
	auto_fd int from = must(open(BUSYBOX, O_RDONLY | O_CLOEXEC), BUSYBOX);
	auto_fd int to =
	        must(openat(root, "bin/busybox", O_CREAT | O_WRONLY | O_CLOEXEC, 0755), "busybox");
	struct stat st;
	must(fstat(from, &st), BUSYBOX);
	assert_int_equal(fs_copy_range(from, 0, to, (uint64_t)st.st_size, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(applets); i++) {
		auto_free char *link = xasprintf("bin/%s", applets[i]);
		must(symlinkat("busybox", root, link), link);
	}
}

__attribute__((unused)) static int fixture_open(void **state)
{
	snprintf(fx.dir, sizeof fx.dir, "/tmp/hew-sandbox-XXXXXX");
	if (!mkdtemp(fx.dir))
		return -1;
	fx.dirfd = must(open(fx.dir, O_PATH | O_DIRECTORY | O_CLOEXEC), fx.dir);
	fx.lower = make_dir("lower");
	fill_rootfs(fx.lower);
	struct err e = ERR_INIT;
	fx.holder = holder_start(&e);
	if (!fx.holder)
		fail_msg("holder_start: %s", e.msg);
	return 0;
}

__attribute__((unused)) static int fixture_close(void **state)
{
	struct err e = ERR_INIT;
	holder_stop(fx.holder);
	close(fx.dirfd);
	auto_fd int tmp = must(open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC), "/tmp");
	if (fs_remove_tree(tmp, fs_base_name(fx.dir), &e) < 0)
		fail_msg("%s", e.msg);
	return 0;
}

// A fresh upper and work directory for the next step.
static void fresh_upper(void)
{
	auto_free char *upper = xasprintf("upper%d-%d", (int)getpid(), fx.serial);
	auto_free char *work = xasprintf("work%d-%d", (int)getpid(), fx.serial++);
	if (fx.upper > 0) {
		close(fx.upper);
		close(fx.work);
	}
	fx.upper = make_dir(upper);
	fx.work = make_dir(work);
}

// A step over lower/ with everything at its default; argv and env are the caller's to change.
__attribute__((unused)) static struct step_spec plain_step(void)
{
	static const char *const env[] = {TEST_PATH, NULL};
	static const char *const argv[] = {"true", NULL};
	fresh_upper();
	return (struct step_spec){.lowers = &fx.lower,
	        .n_lowers = 1,
	        .upper = fx.upper,
	        .work = fx.work,
	        .volatile_overlay = true,
	        .argv = argv,
	        .env = env,
	        .cwd = "/",
	        .signal_fd = -1};
}

struct outcome {
	int r; // of step_run
	struct step_result res;
	struct err e;
	char out[16384];
};

// Runs with stdin from /dev/null and both outputs into one pipe.
__attribute__((unused)) static struct outcome *run_step(struct step_spec *s)
{
	static struct outcome o;
	step_result_release(&o.res);
	memset(&o, 0, sizeof o);
	int p[2];
	must(pipe2(p, O_CLOEXEC), "pipe");
	auto_fd int null = must(open("/dev/null", O_RDONLY | O_CLOEXEC), "/dev/null");
	s->stdin_fd = null;
	s->stdout_fd = s->stderr_fd = p[1];
	o.r = step_run(fx.holder, s, -1, &o.res, &o.e);
	close(p[1]);
	size_t have = 0;
	for (ssize_t n; (n = read(p[0], o.out + have, sizeof o.out - 1 - have)) > 0;)
		have += (size_t)n;
	close(p[0]);
	while (have > 0 && o.out[have - 1] == '\n')
		o.out[--have] = '\0';
	return &o;
}

__attribute__((unused)) static struct outcome *run_in(struct step_spec *s, const char *line)
{
	const char *const argv[] = {"sh", "-c", line, NULL};
	s->argv = argv;
	return run_step(s);
}

// A shell line in a plain step.
__attribute__((unused)) static struct outcome *run(const char *line)
{
	struct step_spec s = plain_step();
	return run_in(&s, line);
}

__attribute__((unused)) static void check_run(struct outcome *o, int status, const char *out)
{
	if (o->r < 0)
		fail_msg("step_run: %s", o->e.msg);
	if (out && strcmp(o->out, out) != 0)
		fail_msg("output '%s', not '%s'", o->out, out);
	if (o->res.exit_status != status)
		fail_msg("status %d, not %d; output '%s'", o->res.exit_status, status, o->out);
}

__attribute__((unused)) static void check_refused(
        struct outcome *o, enum err_kind kind, const char *msg)
{
	if (o->r == 0)
		fail_msg("ran, with status %d and output '%s'", o->res.exit_status, o->out);
	assert_string_equal(o->e.msg, msg);
	assert_int_equal(o->e.kind, kind);
}

// The test is its own holder, as hew is.
#define SANDBOX_TEST_MAIN(tests, ...)                                                        \
	int main(int argc, char **argv)                                                      \
	{                                                                                    \
		static const struct holder_job jobs[] = {{"step", step_job}, ##__VA_ARGS__}; \
		if (argc > 0 && !strcmp(argv[0], HOLDER_ARGV0))                              \
			return holder_main(jobs, ARRAY_LEN(jobs));                           \
		if (why_not()) {                                                             \
			printf("1..0 # SKIP %s\n", why_not());                               \
			return 77;                                                           \
		}                                                                            \
		return cmocka_run_group_tests(tests, fixture_open, fixture_close);           \
	}
