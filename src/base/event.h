// SPDX-License-Identifier: Apache-2.0
// What happens during long work, told to whoever shows it. Emitters never print; src/ui renders.
// A sink is called from any thread; it must lock for itself and return quickly.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

enum event_kind {
	EVENT_STEP_PLANNED, // a step exists: id, name
	EVENT_STEP_START,
	EVENT_STEP_LOG, // text/len: output of the step; stream 1 or 2
	EVENT_STEP_CACHED,
	EVENT_STEP_DONE,   // duration in ns
	EVENT_STEP_FAILED, // text: the reason
	EVENT_STEP_CANCELLED,
	EVENT_PROGRESS, // id of the step, text = what ("sha256:.. pulling"), current/total bytes
	EVENT_WARN,     // text; line if known
	EVENT_NOTE,     // text: one line for people
};

struct event {
	enum event_kind kind;
	int step;         // -1: belongs to no step
	const char *name; // step name, e.g. "[builder 2/5] RUN npm ci"
	const char *text; // need not be NUL-terminated when len is set
	size_t len;
	int stream, line;
	uint64_t current, total;    // total 0: unknown
	int64_t at_ns, duration_ns; // CLOCK_REALTIME / elapsed
};

struct event_sink {
	void (*emit)(struct event_sink *self, const struct event *ev);
};
void event_emit(struct event_sink *s, const struct event *ev); // s may be NULL; fills at_ns if 0
void event_note(struct event_sink *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void event_warn(struct event_sink *s, int line, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
// A step that is one call: returns when it began, and ends by what came of it (NULL: all is well).
int64_t event_step_begin(struct event_sink *s, int step, const char *name);
void event_step_end(struct event_sink *s, int step, int64_t began, const struct err *failure);
int64_t clock_ns(void);      // CLOCK_MONOTONIC
int64_t clock_real_ns(void); // CLOCK_REALTIME
