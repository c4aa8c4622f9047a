// SPDX-License-Identifier: Apache-2.0
#include "exec/build_log.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include <pthread.h>
#include <string.h>

#define LINE_BYTES 8192 // a longer line is kept in pieces

struct log_step {
	struct buf lines[2]; // output and errors not yet ended by a newline
	struct buf tail;
	uint64_t head, left_out;
};

struct build_log {
	struct event_sink sink; // first: what emit is given is this
	struct event_sink *next;
	pthread_mutex_t lock;
	int64_t begun_ns;
	int fd; // -1: not begun, then held takes it; or given up
	bool begun;
	struct buf held;
	uint64_t heads;
	struct log_step *steps;
	size_t n_steps;
};

// ---- writing

// A log that cannot be written (the disk is full) ends there; the build goes on.
static void put(struct build_log *l, const void *p, size_t n)
{
	struct err ignored = ERR_INIT;
	if (!l->begun) {
		buf_add(&l->held, p, n);
		return;
	}
	if (l->fd >= 0 && fs_write_all(l->fd, p, n, &ignored)) {
		close_fd(&l->fd);
		l->fd = -1;
	}
}

static void add_line(
        const struct build_log *l, struct buf *out, char kind, int step, const char *text, size_t n)
{
	buf_printf(out, "%c %d %lld ", kind, step, (long long)(clock_ns() - l->begun_ns) / 1000);
	buf_add(out, text, n);
	buf_putc(out, '\n');
}

// Text of several lines is as many of that kind.
static void put_text(struct build_log *l, char kind, int step, const char *p, size_t n)
{
	auto_buf struct buf out = {0};
	const char *end = p + n;
	do {
		const char *nl = n ? memchr(p, '\n', (size_t)(end - p)) : NULL;
		const char *stop = nl ? nl : end;
		add_line(l, &out, kind, step, p, (size_t)(stop - p));
		p = nl ? nl + 1 : end;
	} while (p < end);
	put(l, out.p, out.n);
}

// ---- output of steps

static struct log_step *step_of(struct build_log *l, int id)
{
	size_t n = (size_t)id + 1;
	if (id >= 0 && n > l->n_steps) {
		l->steps = xreallocarray(l->steps, n, sizeof(*l->steps));
		memset(l->steps + l->n_steps, 0, (n - l->n_steps) * sizeof(*l->steps));
		l->n_steps = n;
	}
	return id < 0 ? NULL : &l->steps[id];
}

// Lines at the front go, as whole ones.
static void keep_tail(struct log_step *s, const char *p, size_t n)
{
	buf_add(&s->tail, p, n);
	if (s->tail.n <= 2 * LOG_TAIL_BYTES)
		return;
	size_t drop = s->tail.n - LOG_TAIL_BYTES;
	const char *nl = memchr(s->tail.p + drop, '\n', s->tail.n - drop);
	drop = nl ? (size_t)(nl + 1 - s->tail.p) : s->tail.n;
	s->left_out += drop;
	memmove(s->tail.p, s->tail.p + drop, s->tail.n - drop);
	s->tail.n -= drop;
	s->tail.p[s->tail.n] = '\0';
}

static void put_output(struct build_log *l, struct log_step *s, const struct buf *lines)
{
	bool head = s->tail.n == 0 && s->head + lines->n <= LOG_HEAD_BYTES &&
	            l->heads + lines->n <= LOG_HEADS_BYTES;
	if (!lines->n)
		return;
	if (!head) {
		keep_tail(s, lines->p, lines->n);
		return;
	}
	s->head += lines->n;
	l->heads += lines->n;
	put(l, lines->p, lines->n);
}

static void take_output(struct build_log *l, struct log_step *s, const struct event *ev)
{
	auto_buf struct buf out = {0};
	int stream = ev->stream == 2;
	struct buf *line = &s->lines[stream];
	const char *p = ev->text;
	for (size_t n = ev->len; n > 0;) {
		const char *nl = memchr(p, '\n', n);
		size_t len = nl ? (size_t)(nl - p) : n;
		buf_add(line, p, len);
		if (nl || line->n > LINE_BYTES) {
			add_line(l, &out, stream ? 'e' : 'o', ev->step, line->p ? line->p : "",
			        line->n);
			buf_reset(line);
		}
		p += len + (nl != NULL);
		n -= len + (nl != NULL);
	}
	put_output(l, s, &out);
}

// What was held back of a step that has ended.
static void end_output(struct build_log *l, struct log_step *s, int step)
{
	auto_buf struct buf out = {0};
	for (int i = 0; i < 2; i++) {
		if (s->lines[i].n)
			add_line(l, &out, i ? 'e' : 'o', step, s->lines[i].p, s->lines[i].n);
		buf_reset(&s->lines[i]);
	}
	put_output(l, s, &out);
	if (s->left_out) {
		auto_free char *n = xasprintf("%llu", (unsigned long long)s->left_out);
		put_text(l, 'm', step, n, strlen(n));
	}
	if (s->tail.n)
		put(l, s->tail.p, s->tail.n);
	buf_release(&s->tail);
	s->left_out = 0;
}

// ---- events

static void end_step(struct build_log *l, const struct event *ev, char kind)
{
	struct log_step *s = step_of(l, ev->step);
	auto_free char *took = xasprintf("%lld", (long long)ev->duration_ns / 1000);
	if (s)
		end_output(l, s, ev->step);
	if (kind == 'd')
		put_text(l, kind, ev->step, took, strlen(took));
	else
		put_text(l, kind, ev->step, ev->text ? ev->text : "", ev->text ? ev->len : 0);
}

static void take(struct build_log *l, const struct event *ev)
{
	const char *name = ev->name ? ev->name : "";
	struct log_step *s;
	switch (ev->kind) {
	case EVENT_STEP_START:
		put_text(l, 's', ev->step, name, strlen(name));
		return;
	case EVENT_STEP_CACHED:
		put_text(l, 'c', ev->step, name, strlen(name));
		return;
	case EVENT_STEP_LOG:
		s = step_of(l, ev->step);
		if (s)
			take_output(l, s, ev);
		return;
	case EVENT_STEP_DONE:
		end_step(l, ev, 'd');
		return;
	case EVENT_STEP_FAILED:
		end_step(l, ev, 'f');
		return;
	case EVENT_STEP_CANCELLED:
		end_step(l, ev, 'x');
		return;
	case EVENT_WARN:
	case EVENT_NOTE:
		put_text(l, ev->kind == EVENT_WARN ? 'w' : 'n', ev->step, ev->text, ev->len);
		return;
	default:
		return;
	}
}

static void emit(struct event_sink *sink, const struct event *ev)
{
	struct build_log *l = (struct build_log *)sink;
	pthread_mutex_lock(&l->lock);
	take(l, ev);
	pthread_mutex_unlock(&l->lock);
	event_emit(l->next, ev);
}

// ---- life

struct build_log *build_log_new(struct event_sink *next)
{
	struct build_log *l = xcalloc(1, sizeof(*l));
	*l = (struct build_log){
	        .sink = {.emit = emit}, .next = next, .begun_ns = clock_ns(), .fd = -1};
	pthread_mutex_init(&l->lock, NULL);
	return l;
}

struct event_sink *build_log_sink(struct build_log *l)
{
	return &l->sink;
}

void build_log_begin(struct build_log *l, int fd)
{
	pthread_mutex_lock(&l->lock);
	if (fault_point("exec.log.begin") < 0) {
		close_fd(&fd);
		fd = -1;
	}
	l->fd = fd;
	l->begun = true;
	put(l, l->held.p, l->held.n);
	buf_release(&l->held);
	pthread_mutex_unlock(&l->lock);
}

bool build_log_has_begun(const struct build_log *l)
{
	return l->begun;
}

void build_log_free(struct build_log *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n_steps; i++) {
		if (l->begun)
			end_output(l, &l->steps[i], (int)i);
		buf_release(&l->steps[i].lines[0]);
		buf_release(&l->steps[i].lines[1]);
		buf_release(&l->steps[i].tail);
	}
	free(l->steps);
	close_fd(&l->fd);
	buf_release(&l->held);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
