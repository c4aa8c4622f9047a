// SPDX-License-Identifier: Apache-2.0
// The holder: requests of every size, side by side; children that die; cancellation; and that
// whatever ends hew or the holder, no process and no mount outlives them.
#include "sandbox_fixture.h"

#include "base/event.h"
#include "sandbox/holder-int.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

static int echo_job(
        const void *p, size_t n, const int *fds, size_t n_fds, struct buf *reply, struct err *e)
{
	buf_add(reply, p, n);
	return 0;
}

static int fail_job(
        const void *p, size_t n, const int *fds, size_t n_fds, struct buf *reply, struct err *e)
{
	return err_set(e, ERR_SPACE, "no room for %.*s", (int)n, (const char *)p);
}

static int die_job(
        const void *p, size_t n, const int *fds, size_t n_fds, struct buf *reply, struct err *e)
{
	if (*(const char *)p == 'k')
		kill(getpid(), SIGKILL);
	_exit(3);
	return 0;
}

static int sleep_job(
        const void *p, size_t n, const int *fds, size_t n_fds, struct buf *reply, struct err *e)
{
	while (pause() < 0)
		continue;
	return 0;
}

// Device and inode of every descriptor, so that order and identity are seen.
static int fds_job(
        const void *p, size_t n, const int *fds, size_t n_fds, struct buf *reply, struct err *e)
{
	for (size_t i = 0; i < n_fds; i++) {
		struct stat st;
		if (fstat(fds[i], &st) < 0)
			return err_sys(e, "fstat");
		buf_printf(reply, "%llu ", (unsigned long long)st.st_size);
	}
	return 0;
}

static int self_job(
        const void *p, size_t n, const int *fds, size_t n_fds, struct buf *reply, struct err *e)
{
	struct statvfs st;
	auto_fd int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (exe < 0 || fstatvfs(exe, &st) < 0)
		return err_sys(e, "look at the program");
	char link[256] = "";
	(void)!readlink("/proc/self/exe", link, sizeof link - 1);
	buf_printf(reply, "%d", (st.f_flag & ST_RDONLY) != 0 || strstr(link, "memfd:") != NULL);
	return 0;
}

static int call(const char *job, const void *p, size_t n, struct buf *reply, struct err *e)
{
	return holder_call(fx.holder, job, p, n, NULL, 0, -1, reply, e);
}

static void payloads_of_all_sizes(void **state)
{
	static const size_t sizes[] = {0, 1, 4096, 300000, HOLDER_PAYLOAD_MAX};
	char *data = xmalloc(HOLDER_PAYLOAD_MAX + 1);
	for (size_t i = 0; i <= HOLDER_PAYLOAD_MAX; i++)
		data[i] = (char)(i * 2654435761u >> 13);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		auto_buf struct buf reply = {0};
		struct err e = ERR_INIT;
		if (call("echo", data, sizes[i], &reply, &e) < 0)
			fail_msg("%zu bytes: %s", sizes[i], e.msg);
		assert_int_equal(reply.n, sizes[i]);
		if (sizes[i])
			assert_memory_equal(reply.p, data, sizes[i]);
	}
	struct err e = ERR_INIT;
	assert_int_equal(call("echo", data, HOLDER_PAYLOAD_MAX + 1, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_SANDBOX);
	free(data);
}

static void descriptors_in_order(void **state)
{
	enum { N = 700 };
	int fds[N];
	auto_buf struct buf reply = {0}, want = {0};
	for (int i = 0; i < N; i++) {
		fds[i] = must(
		        openat(fx.dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), "tmpfile");
		must(ftruncate(fds[i], i), "truncate");
		buf_printf(&want, "%d ", i);
	}
	struct err e = ERR_INIT;
	if (holder_call(fx.holder, "fds", "", 0, fds, N, -1, &reply, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(buf_cstr(&reply), buf_cstr(&want));
	for (int i = 0; i < N; i++)
		close(fds[i]);
}

static void failures_are_told(void **state)
{
	static const struct {
		const char *job, *payload;
		enum err_kind kind;
		const char *msg;
	} rows[] = {
	        {"fail", "you", ERR_SPACE, "no room for you"},
	        {"none", "", ERR_SANDBOX, "the sandbox holder knows no job 'none'"},
	        {"die", "k", ERR_SANDBOX,
	                "the sandbox process for 'die' was killed by signal 9 (Killed)"},
	        {"die", "e", ERR_SANDBOX,
	                "the sandbox process for 'die' ended without an answer (status 3)"},
	        {"step", "rubbish", ERR_SANDBOX, "a step arrived damaged in the sandbox holder"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		auto_buf struct buf reply = {0};
		int r = call(rows[i].job, rows[i].payload, strlen(rows[i].payload), &reply, &e);
		assert_int_equal(r, -1);
		assert_string_equal(e.msg, rows[i].msg);
		assert_int_equal(e.kind, rows[i].kind);
	}
}

static void program_is_write_protected(void **state)
{
	auto_buf struct buf reply = {0};
	struct err e = ERR_INIT;
	if (call("self", "", 0, &reply, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(buf_cstr(&reply), "1");
	// Nobody talks the holder out of it by the environment.
	setenv(HOLDER_SEALED_ENV, "1", 1);
	struct holder *h = holder_start(&e);
	unsetenv(HOLDER_SEALED_ENV);
	assert_non_null(h);
	buf_reset(&reply);
	assert_int_equal(holder_call(h, "self", "", 0, NULL, 0, -1, &reply, &e), 0);
	assert_string_equal(buf_cstr(&reply), "1");
	holder_stop(h);
}

// NULL if all went well.
static void *many_calls(void *arg)
{
	for (int i = 0; i < 20; i++) {
		auto_buf struct buf reply = {0};
		struct err e = ERR_INIT;
		auto_free char *text = xasprintf("%p %d", arg, i);
		if (call("echo", text, strlen(text), &reply, &e) < 0 ||
		        strcmp(buf_cstr(&reply), text) != 0)
			return arg;
	}
	return NULL;
}

static void threads_call_side_by_side(void **state)
{
	pthread_t t[8];
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(
		        pthread_create(&t[i], NULL, many_calls, (void *)(uintptr_t)(i + 1)), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		void *r = &t;
		pthread_join(t[i], &r);
		assert_null(r);
	}
}

// How many processes have `word` as an argument.
static int count_processes(const char *word)
{
	int n = 0;
	auto_dir DIR *d = opendir("/proc");
	for (struct dirent *de; (de = readdir(d));) {
		if (de->d_name[0] < '0' || de->d_name[0] > '9')
			continue;
		auto_free char *path = xasprintf("/proc/%s/cmdline", de->d_name);
		auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
		char text[512];
		ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
		if (len > 0 && memmem(text, (size_t)len, word, strlen(word)))
			n++;
	}
	return n;
}

static bool becomes(const char *word, int want)
{
	for (int i = 0; i < 500; i++) {
		if (count_processes(word) == want)
			return true;
		usleep(10000);
	}
	return false;
}

static int count_mounts(void)
{
	struct err e = ERR_INIT;
	auto_buf struct buf text = {0};
	if (fs_read_file(AT_FDCWD, "/proc/self/mountinfo", 8 << 20, &text, &e) < 0)
		fail_msg("%s", e.msg);
	return memmem(text.p, text.n, fx.dir, strlen(fx.dir)) != NULL;
}

struct sleeper {
	char word[32];
	int cancel[2];
	struct outcome o;
	pthread_t thread;
	struct holder *holder;
};

static void *run_sleeper(void *arg)
{
	struct sleeper *sl = arg;
	struct step_spec s = plain_step();
	auto_free char *line =
	        xasprintf("sleep %s & busybox setsid sleep %s & wait", sl->word, sl->word);
	const char *const argv[] = {"sh", "-c", line, NULL};
	auto_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	s.argv = argv;
	s.stdin_fd = s.stdout_fd = s.stderr_fd = null;
	sl->o.r = step_run(sl->holder, &s, sl->cancel[0], &sl->o.res, &sl->o.e);
	return NULL;
}

static void start_sleeper(struct sleeper *sl, struct holder *h)
{
	static int serial;
	memset(sl, 0, sizeof *sl);
	sl->holder = h;
	snprintf(sl->word, sizeof sl->word, "7%d%d", (int)getpid(), serial++);
	must(pipe2(sl->cancel, O_CLOEXEC), "pipe");
	assert_int_equal(pthread_create(&sl->thread, NULL, run_sleeper, sl), 0);
	// The shell's own line and both sleeps.
	if (!becomes(sl->word, 3))
		fail_msg("the step did not start: %s", sl->o.e.msg);
}

static void cancellation_leaves_no_process(void **state)
{
	struct sleeper sl;
	start_sleeper(&sl, fx.holder);
	int64_t at = clock_ns();
	must((int)write(sl.cancel[1], "x", 1), "write");
	pthread_join(sl.thread, NULL);
	// Not "soon": when the call returns, they are gone.
	assert_int_equal(count_processes(sl.word), 0);
	assert_int_equal(sl.o.r, -1);
	assert_int_equal(sl.o.e.kind, ERR_CANCELLED);
	assert_true(clock_ns() - at < INT64_C(2000000000));
	check_run(run("echo next"), 0, "next");
}

static void any_job_can_be_cancelled(void **state)
{
	int p[2];
	must(pipe2(p, O_CLOEXEC), "pipe");
	close(p[1]); // hang-up counts
	struct err e = ERR_INIT;
	assert_int_equal(holder_call(fx.holder, "sleep", "", 0, NULL, 0, p[0], NULL, &e), -1);
	assert_int_equal(e.kind, ERR_CANCELLED);
	close(p[0]);
}

static void signals_are_forwarded(void **state)
{
	int p[2], out[2];
	must(pipe2(p, O_CLOEXEC), "pipe");
	must(pipe2(out, O_CLOEXEC), "pipe");
	auto_fd int null = must(open("/dev/null", O_RDWR | O_CLOEXEC), "/dev/null");
	struct step_spec s = plain_step();
	const char *const argv[] = {"sh", "-c",
	        "trap 'echo got; exit 9' TERM; echo ready; while :; do sleep 0.05; done", NULL};
	s.argv = argv;
	s.forward_signals = true;
	s.signal_fd = p[0];
	s.stdin_fd = s.stderr_fd = null;
	s.stdout_fd = out[1];
	int sig = SIGTERM;
	// In the pipe before there is a process to get it: only delivered once the command exists,
	// which may be before its trap; so wait for the word in a child.
	pid_t pid = fork();
	if (pid == 0) {
		char text[8];
		close(out[1]);
		(void)!read(out[0], text, sizeof text);
		(void)!write(p[1], &sig, sizeof sig);
		_exit(0);
	}
	struct step_result res = {0};
	struct err e = ERR_INIT;
	if (step_run(fx.holder, &s, -1, &res, &e) < 0)
		fail_msg("%s", e.msg);
	waitpid(pid, NULL, 0);
	assert_int_equal(res.exit_status, 9);
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(out[i]);
	}
}

// As hew: a holder, a step in it; the process is then killed the hard way.
static void victim(struct sleeper *sl)
{
	struct err e = ERR_INIT;
	sl->holder = holder_start(&e);
	if (!sl->holder)
		_exit(1);
	run_sleeper(sl);
	_exit(0);
}

static void kill_9_leaves_nothing(void **state)
{
	struct sleeper sl = {.cancel = {-1, -1}};
	snprintf(sl.word, sizeof sl.word, "8%d", (int)getpid());
	pid_t pid = fork();
	if (pid == 0)
		victim(&sl);
	assert_true(becomes(sl.word, 3));
	assert_int_equal(count_mounts(), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(becomes(sl.word, 0));
	assert_int_equal(count_mounts(), 0);
}

static pid_t child_of(pid_t parent)
{
	auto_free char *path = xasprintf("/proc/%d/task/%d/children", (int)parent, (int)parent);
	FILE *f = fopen(path, "re");
	int pid = 0;
	if (!f || fscanf(f, "%d", &pid) != 1)
		pid = 0;
	if (f)
		fclose(f);
	return pid;
}

static void the_holder_s_death_is_told(void **state)
{
	struct err e = ERR_INIT;
	pid_t mother = fork();
	if (mother == 0) {
		// A process whose only child is the holder, so that it is found.
		struct sleeper sl = {0};
		sl.holder = holder_start(&e);
		snprintf(sl.word, sizeof sl.word, "9%d", (int)getppid());
		sl.cancel[0] = -1;
		pthread_create(&sl.thread, NULL, run_sleeper, &sl);
		if (!becomes(sl.word, 3))
			_exit(10);
		kill(child_of(getpid()), SIGKILL);
		pthread_join(sl.thread, NULL);
		if (sl.o.r != -1 || sl.o.e.kind != ERR_SANDBOX)
			_exit(11);
		if (holder_call(sl.holder, "echo", "", 0, NULL, 0, -1, NULL, &e) == 0)
			_exit(12);
		holder_stop(sl.holder);
		_exit(becomes(sl.word, 0) ? 0 : 13);
	}
	int status;
	waitpid(mother, &status, 0);
	assert_int_equal(status, 0);
}

static void stop_waits_for_the_end(void **state)
{
	struct err e = ERR_INIT;
	struct holder *h = holder_start(&e);
	assert_non_null(h);
	struct sleeper sl;
	start_sleeper(&sl, h);
	holder_stop(h);
	assert_int_equal(count_processes(sl.word), 0);
	pthread_join(sl.thread, NULL);
	assert_int_equal(sl.o.r, -1);
	holder_stop(NULL);
}

static void *run_steps(void *arg)
{
	int i = (int)(intptr_t)arg;
	auto_free char *u = xasprintf("pu%d", i);
	auto_free char *w = xasprintf("pw%d", i);
	auto_fd int upper = make_dir(u);
	auto_fd int work = make_dir(w);
	auto_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	auto_free char *line = xasprintf("exit %d", i);
	const char *const argv[] = {"sh", "-c", line, NULL};
	static const char *const env[] = {TEST_PATH, NULL};
	struct step_spec s = {.lowers = &fx.lower,
	        .n_lowers = 1,
	        .upper = upper,
	        .work = work,
	        .argv = argv,
	        .env = env,
	        .cwd = "/",
	        .signal_fd = -1,
	        .stdin_fd = null,
	        .stdout_fd = null,
	        .stderr_fd = null};
	struct step_result res = {0};
	struct err e = ERR_INIT;
	int r = step_run(fx.holder, &s, -1, &res, &e);
	return (void *)(intptr_t)(r < 0 ? -1 : res.exit_status);
}

static void steps_run_side_by_side(void **state)
{
	pthread_t t[12];
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, run_steps, (void *)(intptr_t)i), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		void *r;
		pthread_join(t[i], &r);
		assert_int_equal((intptr_t)r, i);
	}
}

static const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads_of_all_sizes),
        cmocka_unit_test(descriptors_in_order),
        cmocka_unit_test(failures_are_told),
        cmocka_unit_test(program_is_write_protected),
        cmocka_unit_test(threads_call_side_by_side),
        cmocka_unit_test(steps_run_side_by_side),
        cmocka_unit_test(cancellation_leaves_no_process),
        cmocka_unit_test(any_job_can_be_cancelled),
        cmocka_unit_test(signals_are_forwarded),
        cmocka_unit_test(kill_9_leaves_nothing),
        cmocka_unit_test(the_holder_s_death_is_told),
        cmocka_unit_test(stop_waits_for_the_end),
};

SANDBOX_TEST_MAIN(tests, {"echo", echo_job}, {"fail", fail_job}, {"die", die_job},
        {"sleep", sleep_job}, {"fds", fds_job}, {"self", self_job})
