// SPDX-License-Identifier: Apache-2.0
// A process that has the user's streams, or a terminal of its own beside theirs, until it ends; the
// signals that reach hew are passed on to it. The one way in which hew run, hew shell and hew build
// --on-error run something.
#pragma once

#include "base/err.h"
#include <stdbool.h>

struct health_options;
struct holder;
struct step_probe;
struct step_spec;
struct strv;

struct foreground {
	bool tty;     // a terminal of its own, if standard input is one
	int terminal; // where what is written to that goes
	// Beside it this is run, and decides; NULL: nothing.
	const struct health_options *health;
};
struct foreground_result {
	int status;     // exit status of the process
	bool unhealthy; // then why
	struct err why;
};
// spec: all but streams and signals. It cannot be cancelled but through the process.
int foreground_run(struct holder *h, struct step_spec *spec, const struct foreground *how,
        struct foreground_result *ret, struct err *e);
// What programs on a terminal ask for, unless env says it.
void foreground_env(struct strv *env);
