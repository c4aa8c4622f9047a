// SPDX-License-Identifier: Apache-2.0
// `hew run --check`: beside the command of an image its HEALTHCHECK is run, again and again, until
// it succeeds or time is over. Then the command is stopped.
//
// docker waits a whole interval before each check, for it watches over days. Here the first comes
// at once and the others a second apart, or less: whoever is well is known to be soon. Nobody is
// called unhealthy before docker would do so, unless that takes longer than HEALTH_TIMEOUT_NS.
#pragma once

#include "sandbox/step.h"
#include <stdbool.h>
#include <stdint.h>

struct err;
struct event_sink;
struct health;
struct healthcheck;

#define HEALTH_TIMEOUT_NS INT64_C(30000000000) // beyond the start period

struct health_options {
	const struct healthcheck *check;
	int64_t timeout_ns; // until it has to be healthy; 0: by the check's own timing
	int stop_signal;
	int64_t stop_timeout_ns; // from then until SIGKILL
	struct event_sink *sink;
};

// requests: where the step's signal_fd reads from; borrowed. NULL with *e set if there is no thread
// to be had. Checks begin with the step.
struct health *health_begin(const struct health_options *o, int requests, struct err *e);
// Descriptors of the probe; they are health's.
void health_descriptors(const struct health *h, struct step_probe *ret);
// Once the command has ended (status: how), or, not started, could not even begin. True if it was
// healthy before; else *ret_why says why not, and what the last check wrote was shown. Frees h.
bool health_end(struct health *h, int status, bool started, struct err *ret_why);
