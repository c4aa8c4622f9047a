// SPDX-License-Identifier: Apache-2.0
// Steps at a terminal (`hew run -it`), and what rung_probe says of the machine.
#include "sandbox_fixture.h"

#include "sandbox/rung.h"

#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>

struct terminal {
	int master, slave;
	const char *type; // written to the master once `ready` has been read
	char out[4096];
	size_t n;
};

static void open_terminal(struct terminal *t, const char *type)
{
	memset(t, 0, sizeof *t);
	t->type = type;
	t->master = must(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), "posix_openpt");
	must(grantpt(t->master), "grantpt");
	must(unlockpt(t->master), "unlockpt");
	char name[64];
	assert_int_equal(ptsname_r(t->master, name, sizeof name), 0);
	t->slave = must(open(name, O_RDWR | O_NOCTTY | O_CLOEXEC), name);
}

static void *talk(void *arg)
{
	struct terminal *t = arg;
	for (;;) {
		ssize_t n = read(t->master, t->out + t->n, sizeof t->out - 1 - t->n);
		if (n <= 0)
			return NULL;
		t->n += (size_t)n;
		if (t->type && strstr(t->out, "ready")) {
			(void)!write(t->master, t->type, strlen(t->type));
			t->type = NULL;
		}
	}
}

static int run_at(struct terminal *t, uint32_t uid, const char *line)
{
	struct step_spec s = plain_step();
	const char *const argv[] = {"sh", "-c", line, NULL};
	s.argv = argv;
	s.uid = uid;
	s.tty = true;
	s.stdin_fd = s.stdout_fd = s.stderr_fd = t->slave;
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, talk, t), 0);
	struct step_result res = {0};
	struct err e = ERR_INIT;
	int r = step_run(fx.holder, &s, -1, &res, &e);
	close(t->slave);
	pthread_join(thread, NULL);
	close(t->master);
	if (r < 0)
		fail_msg("%s", e.msg);
	return res.exit_status;
}

static void it_is_the_step_s_own(void **state)
{
	static const uint32_t users[] = {0, 1000};
	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		struct terminal t;
		open_terminal(&t, NULL);
		int status = run_at(&t, users[i],
		        "test -t 0 && test -t 1 && echo by-name > /dev/tty && "
		        "test -c /dev/console && echo out > /dev/stdout");
		assert_int_equal(status, 0);
		assert_string_equal(t.out, "by-name\r\nout\r\n");
	}
}

static void interrupt_reaches_the_foreground(void **state)
{
	struct terminal t;
	open_terminal(&t, "\x03");
	assert_int_equal(run_at(&t, 0, "echo ready; sleep 100"), 128 + 2);
}

static void input_is_read(void **state)
{
	struct terminal t;
	open_terminal(&t, "word\n");
	assert_int_equal(run_at(&t, 0, "echo ready; read x; test \"$x\" = word && exit 4"), 4);
}

static void probe_finds_root(void **state)
{
	struct rung_report r;
	rung_probe(&r);
	assert_int_equal(r.rung, RUNG_ROOT);
	assert_true(r.overlay && r.seccomp && r.kernel[0]);
	assert_string_equal(rung_name(r.rung), "R0 root");
	assert_string_equal(rung_name((enum rung)99), "unknown");
}

static void probe_as_somebody_else(void **state)
{
	int p[2];
	must(pipe2(p, O_CLOEXEC), "pipe");
	if (fork() == 0) {
		if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
			_exit(1);
		prctl(PR_SET_DUMPABLE, 1); // lost with the ids; it owns /proc/self
		struct rung_report r;
		rung_probe(&r);
		(void)!write(p[1], &r, sizeof r);
		_exit(0);
	}
	struct rung_report r;
	assert_int_equal(read(p[0], &r, sizeof r), sizeof r);
	assert_true(r.rung != RUNG_ROOT);
	assert_true(strstr(r.why, "does not run as root") != NULL);
	print_message("%s: %s\n", rung_name(r.rung), r.why);
	close(p[0]);
	close(p[1]);
}

static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_step_s_own),
        cmocka_unit_test(interrupt_reaches_the_foreground),
        cmocka_unit_test(input_is_read),
        cmocka_unit_test(probe_finds_root),
        cmocka_unit_test(probe_as_somebody_else),
};

SANDBOX_TEST_MAIN(tests)
