// SPDX-License-Identifier: Apache-2.0
// A thread that asks process 1 of the step for probes and waits for what comes of them: a status
// through one pipe, output through another, and the end of everything through an eventfd.
#include "run/health.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "image/config.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define OUTPUT_MAX 4096          // as docker keeps of each
#define DEFAULT_NS (30 * SECOND) // docker's interval and timeout
#define DEFAULT_RETRIES 3        // docker's
#define KILL_NS (5 * SECOND)     // for a probe that was killed to be gone

struct health {
	struct health_options o;
	int requests, ended; // ended: readable once the command has
	int status[2], output[2];
	pthread_t thread;
	// The thread's until it is joined.
	int64_t begun_ns, took_ns;
	struct buf text; // of the last check
	int n, last;     // checks so far; status of the last
	bool late;       // it took too long
	bool healthy;
	bool command_ended; // by itself, before that was known
};

enum happened { TIME_IS_OVER, CHECK_ENDED, COMMAND_ENDED };

static int64_t min_ns(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t max_ns(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

// ---- what is waited for

static void request(const struct health *h, int what)
{
	(void)!write(h->requests, &what, sizeof(what));
}

static void take_output(struct health *h)
{
	char data[OUTPUT_MAX];
	ssize_t n = read(h->output[0], data, sizeof(data));
	if (n > 0 && h->text.n < OUTPUT_MAX)
		buf_add(&h->text, data, min_ns(n, (int64_t)(OUTPUT_MAX - h->text.n)));
}

static enum happened wait_until(struct health *h, int64_t until)
{
	for (;;) {
		int64_t left = until - clock_ns();
		struct pollfd p[] = {{.fd = h->output[0], .events = POLLIN},
		        {.fd = h->ended, .events = POLLIN}, {.fd = h->status[0], .events = POLLIN}};
		int64_t ms = left > 0 ? min_ns(left / 1000000 + 1, 60000) : 0;
		if (poll(p, ARRAY_LEN(p), (int)ms) < 0)
			continue;
		if (p[0].revents) // all that a check wrote comes before its status
			take_output(h);
		if (p[1].revents)
			return COMMAND_ENDED;
		if (p[2].revents &&
		        read(h->status[0], &h->last, sizeof(h->last)) == sizeof(h->last))
			return CHECK_ENDED;
		if (left <= 0)
			return TIME_IS_OVER;
	}
}

// ---- the checks

static int64_t interval_of(const struct healthcheck *c)
{
	return c->interval_ns ? c->interval_ns : DEFAULT_NS;
}

static int64_t timeout_of(const struct healthcheck *c)
{
	return c->timeout_ns ? c->timeout_ns : DEFAULT_NS;
}

// How long docker would take to give up.
static int64_t patience(const struct health_options *o)
{
	const struct healthcheck *c = o->check;
	int64_t each = min_ns(interval_of(c), HEALTH_TIMEOUT_NS), all = 0;
	if (o->timeout_ns)
		return o->timeout_ns;
	for (int i = c->retries ? c->retries : DEFAULT_RETRIES; i > 0 && all < HEALTH_TIMEOUT_NS;
	        i--)
		all += each;
	return min_ns(c->start_period_ns, INT64_MAX / 4) + min_ns(all, HEALTH_TIMEOUT_NS);
}

// A check that begins at the very end still gets a second.
static enum happened check_once(struct health *h, int64_t deadline)
{
	int64_t now = clock_ns();
	int64_t until = min_ns(now + min_ns(timeout_of(h->o.check), INT64_MAX / 4),
	        max_ns(deadline, now + SECOND));
	buf_reset(&h->text);
	request(h, STEP_PROBE_START);
	enum happened what = wait_until(h, until);
	h->late = what == TIME_IS_OVER;
	if (h->late) {
		request(h, STEP_PROBE_KILL);
		what = wait_until(h, clock_ns() + KILL_NS);
	}
	h->n++;
	h->healthy = what == CHECK_ENDED && !h->late && h->last == 0;
	return what;
}

static void stop(struct health *h)
{
	int64_t until = clock_ns() + min_ns(h->o.stop_timeout_ns, INT64_MAX / 4);
	enum happened what;
	request(h, h->o.stop_signal);
	do {
		what = wait_until(h, until);
	} while (what == CHECK_ENDED);
	if (what == TIME_IS_OVER)
		request(h, SIGKILL);
}

static void *watch(void *arg)
{
	struct health *h = arg;
	int64_t deadline = h->begun_ns + min_ns(patience(&h->o), INT64_MAX / 4);
	int64_t pause = min_ns(interval_of(h->o.check), SECOND);
	enum happened what;
	while ((what = check_once(h, deadline)) != COMMAND_ENDED && !h->healthy) {
		if (clock_ns() >= deadline)
			break;
		what = wait_until(h, min_ns(clock_ns() + pause, deadline));
		if (what == COMMAND_ENDED)
			break;
	}
	h->took_ns = clock_ns() - h->begun_ns;
	h->command_ended = what == COMMAND_ENDED;
	if (!h->command_ended)
		stop(h);
	return NULL;
}

// ---- both ends of it

static void release(struct health *h)
{
	for (size_t i = 0; i < 2; i++) {
		close_fd(&h->status[i]);
		close_fd(&h->output[i]);
	}
	close_fd(&h->ended);
	buf_release(&h->text);
	free(h);
}

struct health *health_begin(const struct health_options *o, int requests, struct err *e)
{
	struct health *h = xcalloc(1, sizeof(*h));
	*h = (struct health){.o = *o,
	        .requests = requests,
	        .status = {-1, -1},
	        .output = {-1, -1},
	        .begun_ns = clock_ns(),
	        .ended = eventfd(0, EFD_CLOEXEC)};
	if (h->ended < 0 || pipe2(h->status, O_CLOEXEC) < 0 || pipe2(h->output, O_CLOEXEC) < 0) {
		(void)err_sys(e, "make the pipes of a health check");
		release(h);
		return NULL;
	}
	errno = pthread_create(&h->thread, NULL, watch, h);
	if (errno) {
		(void)err_sys(e, "start a thread for health checks");
		release(h);
		return NULL;
	}
	return h;
}

void health_descriptors(const struct health *h, struct step_probe *ret)
{
	ret->output_fd = h->output[1];
	ret->status_fd = h->status[1];
}

// Of several lines the last says most.
static struct str last_line(const struct buf *text)
{
	size_t end = text->n;
	while (end && (text->p[end - 1] == '\n' || text->p[end - 1] == ' '))
		end--;
	size_t from = end;
	while (from && text->p[from - 1] != '\n')
		from--;
	return (struct str){text->p + from, min_ns((int64_t)(end - from), 200)};
}

static void explain(const struct health *h, int status, struct err *ret)
{
	struct str said = last_line(&h->text);
	auto_buf struct buf how = {0};
	if (h->late)
		buf_puts(&how, "took too long");
	else
		buf_printf(&how, "ended with status %d", h->last);
	if (said.n)
		buf_printf(&how, ": %.*s", (int)said.n, said.p);
	double seconds = (double)h->took_ns / 1e9;
	if (h->command_ended)
		(void)err_set(ret, ERR_FAIL,
		        "not healthy: the command ended with status %d after %.1fs", status,
		        seconds);
	else
		(void)err_set(ret, ERR_FAIL, "not healthy after %.1fs: check %d %s", seconds, h->n,
		        buf_cstr(&how));
}

bool health_end(struct health *h, int status, bool started, struct err *ret_why)
{
	uint64_t one = 1;
	(void)!write(h->ended, &one, sizeof(one));
	pthread_join(h->thread, NULL);
	bool healthy = h->healthy;
	if (healthy) {
		event_note(h->o.sink, "healthy after %.1fs", (double)h->took_ns / 1e9);
	} else if (started) {
		if (h->text.n)
			event_emit(h->o.sink, &(struct event){.kind = EVENT_NOTE,
			                              .step = -1,
			                              .text = h->text.p,
			                              .len = h->text.n});
		explain(h, status, ret_why);
	}
	release(h);
	return healthy;
}
