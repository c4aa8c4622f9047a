// SPDX-License-Identifier: Apache-2.0
// What belongs to the process: events, fault points, cancellation. Cases that change it run in a
// child.
#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/event.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct recorder {
	struct event_sink sink;
	struct event last;
	char text[4096];
	int count;
};

static void record(struct event_sink *self, const struct event *ev)
{
	struct recorder *r = (struct recorder *)self;
	r->last = *ev;
	r->count++;
	snprintf(r->text, sizeof(r->text), "%.*s", (int)ev->len, ev->text ? ev->text : "");
}

static void test_events(void **state)
{
	struct recorder r = {.sink.emit = record};
	event_note(&r.sink, "hello %d", 5);
	assert_int_equal(r.last.kind, EVENT_NOTE);
	assert_int_equal(r.last.step, -1);
	assert_string_equal(r.text, "hello 5");
	event_warn(&r.sink, 12, "%s", "careful");
	assert_int_equal(r.last.kind, EVENT_WARN);
	assert_int_equal(r.last.line, 12);
	assert_true(llabs(r.last.at_ns - clock_real_ns()) < 60000000000);
	event_emit(&r.sink,
	        &(struct event){.kind = EVENT_STEP_LOG, .text = "abc", .len = 2, .at_ns = 7});
	assert_string_equal(r.text, "ab");
	assert_int_equal(r.last.at_ns, 7);
	event_emit(&r.sink, &(struct event){.kind = EVENT_STEP_START});
	assert_int_equal(r.count, 4);
	event_note(NULL, "nobody listens");
	int64_t a = clock_ns(), b = clock_ns();
	assert_true(b >= a && a > 0);
}

static int in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

// Bit i is set if the i-th pass failed with ENOSPC.
static int five_passes(void)
{
	int failed = 0;
	for (int i = 0; i < 5; i++) {
		errno = 0;
		int r = fault_point("store.rename");
		failed |= (r == -1 && errno == ENOSPC) << i;
		if (fault_point("store.other") || fault_point("store.rename2"))
			return 99;
	}
	return failed;
}

static void test_faults(void **state)
{
	static const struct {
		const char *spec;
		int signal, exit;
	} rows[] = {
	        {"", 0, 0},
	        {"store.rename:3:enospc", 0, 1 << 2},
	        {"store.rename:1:enospc", 0, 1},
	        {"store.rename:3", SIGKILL, 0},
	        {"store.rename:9", 0, 0},
	        {"store.rename", 0, 0},
	        {"store:1", 0, 0},
	        {"none:1", 0, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		setenv("HEW_FAULT", rows[i].spec, 1);
		int status = in_child(five_passes);
		if (WIFSIGNALED(status) ? WTERMSIG(status) != rows[i].signal
		                        : rows[i].signal || WEXITSTATUS(status) != rows[i].exit)
			fail_msg("%s: %#x", rows[i].spec, (unsigned)status);
	}
	unsetenv("HEW_FAULT");
}

static void test_fault_trace(void **state)
{
	char name[] = "/tmp/base-fault-XXXXXX";
	auto_fd int fd = mkstemp(name);
	struct err e;
	auto_buf struct buf got = {0};
	setenv("HEW_FAULT_TRACE", name, 1);
	assert_int_equal(in_child(five_passes), 0);
	unsetenv("HEW_FAULT_TRACE");
	assert_int_equal(fs_read_fd(fd, 4096, &got, &e), 0);
	assert_true(
	        str_has_prefix(got.p, "store.rename\nstore.other\nstore.rename2\nstore.rename\n"));
	unlink(name);
}

static bool readable(void)
{
	struct pollfd p = {.fd = cancel_fd(), .events = POLLIN};
	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

static int cancel_by_signal(void)
{
	struct err e = ERR_INIT;
	int ends[2];
	signal(SIGHUP, SIG_IGN); // as nohup does
	if (cancel_fd() != -1 || cancel_install(&e) || cancel_requested() || readable() ||
	        cancel_check(&e))
		return 1;
	raise(SIGHUP);
	if (cancel_requested())
		return 2;
	errno = EXDEV;
	raise(SIGTERM);
	if (errno != EXDEV || !cancel_requested() || cancel_signal() != SIGTERM || !readable() ||
	        !readable())
		return 3;
	raise(SIGINT); // the first one counts
	if (cancel_signal() != SIGTERM || cancel_check(&e) != -1 || e.kind != ERR_CANCELLED)
		return 4;
	if (!(fcntl(cancel_fd(), F_GETFD) & FD_CLOEXEC))
		return 5;
	if (pipe2(ends, O_CLOEXEC) || close(ends[0]) || write(ends[1], "x", 1) != -1 ||
	        errno != EPIPE)
		return 6;
	for (int i = 0; i < 1000; i++) // an eventfd that is full must not block a handler
		cancel_trigger(SIGINT);
	return 0;
}

static int cancel_without_handlers(void)
{
	cancel_trigger(SIGINT);
	return cancel_signal() == SIGINT ? 0 : 1;
}

static void test_cancel(void **state)
{
	assert_int_equal(in_child(cancel_by_signal), 0);
	assert_int_equal(in_child(cancel_without_handlers), 0);
	assert_false(cancel_requested());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_events),
	        cmocka_unit_test(test_faults),
	        cmocka_unit_test(test_fault_trace),
	        cmocka_unit_test(test_cancel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
