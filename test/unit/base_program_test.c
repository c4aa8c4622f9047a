// SPDX-License-Identifier: Apache-2.0
// Other programs: what they print, how they end, and that nothing of them stays.
#include "base/cancel.h"
#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const environment[] = {"PATH=/usr/bin:/bin", "A=b", NULL};

static int sh(const char *script, size_t max, struct process_output *ret, struct err *e)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	struct process_spec s = {.argv = argv, .env = environment, .dir = -1, .output_max = max};
	return process_run(&s, ret, e);
}

static void test_output_and_status(void **state)
{
	static const struct {
		const char *script, *out, *err;
		int status;
	} rows[] = {
	        {"echo a; echo b >&2; exit 3", "a\n", "b\n", 3},
	        {"cat; echo $A${HOME-unset}", "bunset\n", "", 0}, // its input is empty
	        {"kill -9 $$", "", "", 137},
	        {"umask; kill -l >/dev/null; kill -PIPE $$", "0022\n", "", 141},
	        {"sleep 100 & exit 0", "", "", 0}, // what it leaves does not keep us waiting
	        {"test -t 0 || test -e /dev/tty && (: </dev/tty) 2>/dev/null || echo no tty",
	                "no tty\n", "", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_process_output struct process_output o = {0};
		struct err e = ERR_INIT;
		mode_t before = umask(077);
		int rc = sh(rows[i].script, 1000, &o, &e);
		umask(before);
		if (rc)
			fail_msg("%s: %s", rows[i].script, e.msg);
		assert_string_equal(buf_cstr(&o.out), rows[i].out);
		assert_string_equal(buf_cstr(&o.err), rows[i].err);
		assert_int_equal(o.status, rows[i].status);
	}
}

static void test_input(void **state)
{
	static const char *const lines[] = {"cat; echo", "head -c 3 >&2; cat", "true"};
	static const char *const outs[] = {"some input\n", "e input", ""};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		auto_process_output struct process_output o = {0};
		struct err e = ERR_INIT;
		const char *const argv[] = {"sh", "-c", lines[i], NULL};
		struct process_spec s = {.argv = argv,
		        .env = environment,
		        .dir = -1,
		        .output_max = 100,
		        .input = "some input"};
		assert_int_equal(process_run(&s, &o, &e), 0);
		assert_string_equal(buf_cstr(&o.out), outs[i]);
	}
}

static void test_start_fails(void **state)
{
	const char *const none[] = {"hew-no-such-program", NULL};
	const char *const not_one[] = {"/etc/passwd", NULL};
	struct process_output o = {0};
	struct err e = ERR_INIT;
	struct process_spec s = {.argv = none, .env = environment, .dir = -1};
	assert_int_equal(process_run(&s, &o, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	s.argv = not_one;
	assert_int_equal(process_run(&s, &o, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	char script[] = "/tmp/hew-unit-XXXXXX";
	int fd = mkstemp(script);
	assert_int_equal(write(fd, "#!/nonexistent/x\n", 17), 17);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	const char *const broken[] = {script, NULL};
	s.argv = broken;
	assert_int_equal(process_run(&s, &o, &e), -1);
	assert_int_equal(e.sys, ENOENT);
	unlink(script);
}

static void test_output_is_bounded(void **state)
{
	struct process_output o = {0};
	struct err e = ERR_INIT;
	assert_int_equal(sh("yes", 1 << 20, &o, &e), -1);
	assert_non_null(strstr(e.msg, "more than 1048576 bytes"));
	assert_int_equal(sh("yes | head -c 100000 >&2; exit 0", 10, &o, &e), 0);
	assert_int_equal(o.err.n, 16384);
	process_output_release(&o);
}

static void test_directory(void **state)
{
	struct process_output o = {0};
	struct err e = ERR_INIT;
	int dir = open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *const argv[] = {"pwd", NULL};
	struct process_spec s = {.argv = argv, .env = environment, .dir = dir, .output_max = 100};
	assert_int_equal(process_run(&s, &o, &e), 0);
	assert_string_equal(buf_cstr(&o.out), "/usr\n");
	process_output_release(&o);
	close(dir);
}

// True once it runs no more: who has to reap it may take long.
static bool is_gone(pid_t pid)
{
	char path[32], stat[256];
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (int i = 0; i < 5000; i++) {
		FILE *f = fopen(path, "re");
		if (!f)
			return true;
		const char *line = fgets(stat, sizeof(stat), f),
		           *end = line ? strrchr(line, ')') : NULL;
		fclose(f);
		if (!end || end[2] == 'Z' || end[2] == 'X')
			return true;
		usleep(1000);
	}
	return false;
}

static struct process *start_two(pid_t *ret, struct err *e)
{
	const char *const argv[] = {"sh", "-c", "sleep 100 & echo $!; wait", NULL};
	struct process_spec s = {.argv = argv, .env = environment, .dir = -1};
	auto_buf struct buf line = {0};
	struct process *p = process_start(&s, e);
	assert_non_null(p);
	assert_int_equal(process_first_line(p, &line, e), 0);
	*ret = (pid_t)strtol(buf_cstr(&line), NULL, 10);
	return p;
}

static void test_stop(void **state)
{
	struct err e = ERR_INIT;
	pid_t child;
	struct process *p = start_two(&child, &e);
	assert_int_equal(kill(child, 0), 0);
	process_stop(p);
	assert_true(is_gone(child));
}

static void test_first_line_of_a_failure(void **state)
{
	const char *const argv[] = {"sh", "-c", "echo no >&2; exit 4", NULL};
	struct process_spec s = {.argv = argv, .env = environment, .dir = -1};
	struct err e = ERR_INIT;
	auto_buf struct buf line = {0};
	struct process *p = process_start(&s, &e);
	assert_int_equal(process_first_line(p, &line, &e), -1);
	assert_string_equal(e.msg, "'sh' ends with status 4: no\n");
	process_stop(p);
}

static void test_we_are_killed(void **state)
{
	int pipe_fds[2];
	pid_t child = 0;
	assert_int_equal(pipe(pipe_fds), 0);
	pid_t parent = fork();
	if (parent == 0) {
		struct err e = ERR_INIT;
		start_two(&child, &e);
		(void)!write(pipe_fds[1], &child, sizeof(child));
		kill(getpid(), SIGKILL);
	}
	waitpid(parent, NULL, 0);
	assert_int_equal(read(pipe_fds[0], &child, sizeof(child)), sizeof(child));
	assert_true(is_gone(child));
}

static void test_cancelled(void **state)
{
	pid_t child = fork();
	if (child == 0) {
		struct err e = ERR_INIT;
		struct process_output o = {0};
		if (cancel_install(&e))
			_exit(1);
		pid_t killer = fork();
		if (killer == 0) {
			usleep(100000);
			kill(getppid(), SIGINT);
			_exit(0);
		}
		int64_t began = clock_ns();
		int rc = sh("sleep 100", 10, &o, &e);
		_exit(rc == -1 && e.kind == ERR_CANCELLED && clock_ns() - began < 5000000000 ? 0
		                                                                             : 2);
	}
	int status;
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_output_and_status),
	        cmocka_unit_test(test_input),
	        cmocka_unit_test(test_start_fails),
	        cmocka_unit_test(test_output_is_bounded),
	        cmocka_unit_test(test_directory),
	        cmocka_unit_test(test_stop),
	        cmocka_unit_test(test_first_line_of_a_failure),
	        cmocka_unit_test(test_we_are_killed),
	        cmocka_unit_test(test_cancelled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
