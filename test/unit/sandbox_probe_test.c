// SPDX-License-Identifier: Apache-2.0
// A second command beside the first: where it runs, as whom and with which rights, what comes back,
// and that it disturbs nothing.
#include "sandbox_fixture.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>

struct beside {
	struct step_spec s;
	struct outcome *o;
	pthread_t thread;
	int requests, status, output;
};

static void *run_first(void *arg)
{
	struct beside *b = arg;
	b->o = run_in(&b->s, "echo first >/dev/shm/mine; exec sleep 100");
	return NULL;
}

// Both ends of the pipes are this process's: what it does not use it only closes at the end.
static void begin(struct beside *b, uint32_t uid, const char *const *probe)
{
	static int requests[2], status[2], output[2];
	must(pipe2(requests, O_CLOEXEC), "pipe");
	must(pipe2(status, O_CLOEXEC), "pipe");
	must(pipe2(output, O_CLOEXEC | O_NONBLOCK), "pipe");
	*b = (struct beside){.s = plain_step(),
	        .requests = requests[1],
	        .status = status[0],
	        .output = output[0]};
	b->s.uid = uid;
	b->s.forward_signals = true;
	b->s.signal_fd = requests[0];
	b->s.probe = (struct step_probe){probe, output[1], status[1]};
	assert_int_equal(pthread_create(&b->thread, NULL, run_first, b), 0);
}

static void request(struct beside *b, int what)
{
	assert_int_equal(write(b->requests, &what, sizeof what), sizeof what);
}

static int answer(struct beside *b)
{
	int status;
	struct pollfd p = {.fd = b->status, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(read(b->status, &status, sizeof status), sizeof status);
	return status;
}

static void end(struct beside *b)
{
	request(b, SIGTERM);
	pthread_join(b->thread, NULL);
	check_run(b->o, 128 + SIGTERM, "");
	close(b->requests);
	close(b->status);
	close(b->output);
	close(b->s.signal_fd);
	close(b->s.probe.output_fd);
	close(b->s.probe.status_fd);
}

static void check_output(struct beside *b, const char *want)
{
	char text[4096];
	ssize_t n = read(b->output, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	assert_string_equal(text, want);
}

static void in_the_same_place_with_the_same_rights(void **state)
{
	static const struct {
		uint32_t uid;
		const char *out;
	} rows[] = {
	        {0, "0 first CapPrm: 00000000a80425fb CapBnd: 00000000a80425fb Seccomp: 2\n"},
	        {1000, "1000 first CapPrm: 0000000000000000 CapBnd: 00000000a80425fb Seccomp: 2\n"},
	};
	static const char *const probe[] = {"sh", "-c",
	        "until [ -e /dev/shm/mine ]; do :; done; cat; kill -0 2 2>/dev/null || exit 8; "
	        "echo $(id -u) $(cat /dev/shm/mine) $(grep -E '^(CapPrm|CapBnd|Seccomp:)' "
	        "/proc/self/status)",
	        NULL};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct beside b;
		begin(&b, rows[i].uid, probe);
		request(&b, STEP_PROBE_START);
		assert_int_equal(answer(&b), 0);
		check_output(&b, rows[i].out);
		end(&b);
	}
}

static void as_often_as_asked(void **state)
{
	static const char *const probe[] = {"sh", "-c", "echo x >>/n; exit $(wc -l </n)", NULL};
	struct beside b;
	begin(&b, 0, probe);
	for (int i = 1; i <= 3; i++) {
		request(&b, STEP_PROBE_START);
		assert_int_equal(answer(&b), i);
	}
	end(&b);
}

static void what_cannot_be_run_is_a_failed_probe(void **state)
{
	static const struct {
		const char *name;
		int status;
		const char *out;
	} rows[] = {
	        {"no-such", 127, "exec: \"no-such\": executable file not found in $PATH\n"},
	        {"/etc", 126, "exec: \"/etc\": is a directory\n"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const probe[] = {rows[i].name, NULL};
		struct beside b;
		begin(&b, 0, probe);
		request(&b, STEP_PROBE_START);
		assert_int_equal(answer(&b), rows[i].status);
		check_output(&b, rows[i].out);
		end(&b);
	}
}

static void killed_with_its_children(void **state)
{
	static const char *const probe[] = {"sh", "-c", "echo begun; sleep 100; echo over", NULL};
	struct beside b;
	begin(&b, 0, probe);
	request(&b, STEP_PROBE_KILL); // there is none yet
	request(&b, STEP_PROBE_START);
	request(&b, STEP_PROBE_START); // there is one already
	struct pollfd p = {.fd = b.output, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 10000), 1);
	request(&b, STEP_PROBE_KILL);
	assert_int_equal(answer(&b), 128 + SIGKILL);
	check_output(&b, "begun\n");
	end(&b);
}

static void without_one_nothing_is_started(void **state)
{
	struct beside b;
	begin(&b, 0, NULL);
	request(&b, STEP_PROBE_START);
	request(&b, STEP_PROBE_KILL);
	end(&b);
}

static const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_the_same_place_with_the_same_rights),
        cmocka_unit_test(as_often_as_asked),
        cmocka_unit_test(what_cannot_be_run_is_a_failed_probe),
        cmocka_unit_test(killed_with_its_children),
        cmocka_unit_test(without_one_nothing_is_started),
};

SANDBOX_TEST_MAIN(tests)
