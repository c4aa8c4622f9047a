// SPDX-License-Identifier: Apache-2.0
// Filling in what every event carries (time, length of the text), and the two clocks.
#include "base/event.h"

#include "base/err.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_ns(void)
{
	return now(CLOCK_MONOTONIC);
}

int64_t clock_real_ns(void)
{
	return now(CLOCK_REALTIME);
}

void event_emit(struct event_sink *s, const struct event *ev)
{
	if (!s)
		return;
	struct event copy = *ev;
	if (!copy.at_ns)
		copy.at_ns = clock_real_ns();
	if (copy.text && !copy.len)
		copy.len = strlen(copy.text);
	s->emit(s, &copy);
}

__attribute__((format(printf, 4, 0))) static void emit_text(
        struct event_sink *s, enum event_kind kind, int line, const char *fmt, va_list ap)
{
	char text[2048];
	vsnprintf(text, sizeof(text), fmt, ap);
	event_emit(s, &(struct event){.kind = kind, .step = -1, .text = text, .line = line});
}

void event_note(struct event_sink *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	emit_text(s, EVENT_NOTE, 0, fmt, ap);
	va_end(ap);
}

void event_warn(struct event_sink *s, int line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	emit_text(s, EVENT_WARN, line, fmt, ap);
	va_end(ap);
}

int64_t event_step_begin(struct event_sink *s, int step, const char *name)
{
	event_emit(s, &(struct event){.kind = EVENT_STEP_START, .step = step, .name = name});
	return clock_ns();
}

void event_step_end(struct event_sink *s, int step, int64_t began, const struct err *failure)
{
	enum event_kind how = !failure                         ? EVENT_STEP_DONE
	                      : failure->kind == ERR_CANCELLED ? EVENT_STEP_CANCELLED
	                                                       : EVENT_STEP_FAILED;
	event_emit(s, &(struct event){.kind = how,
	                      .step = step,
	                      .text = failure ? failure->msg : NULL,
	                      .duration_ns = clock_ns() - began});
}
