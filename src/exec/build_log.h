// SPDX-License-Identifier: Apache-2.0
// What a build says, kept in a file while it goes on to whoever shows it: a sink before another
// one. Nothing is written until the build is known to run something (or to fail).
//
// A line each, "KIND STEP MICROSECONDS TEXT": s a step starts (its name), c it is cached (its
// name), o and e a line of its output and errors, d it is done (how many microseconds it took), f
// it failed, x it was cancelled, m so many bytes of its output were left out, n and w a note and a
// warning. A killed build leaves all but lines not ended yet. Of a step's output the beginning and
// the end are kept.
#pragma once

#include "base/event.h"
#include <stdbool.h>

#define LOG_HEAD_BYTES (1u << 20)   // of a step: the beginning
#define LOG_TAIL_BYTES (128u << 10) // and the end, or up to twice as much
#define LOG_HEADS_BYTES (16u << 20) // of all steps' beginnings

struct build_log;
struct build_log *build_log_new(struct event_sink *next); // NULL: nobody else listens
struct event_sink *build_log_sink(struct build_log *l);
// From here on it writes to the file, first what was held back. fd: taken; -1: there is none.
void build_log_begin(struct build_log *l, int fd);
bool build_log_has_begun(const struct build_log *l);
void build_log_free(struct build_log *l); // NULL is fine
