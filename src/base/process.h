// SPDX-License-Identifier: Apache-2.0
// Other programs, run so that nothing of them outlives us: each gets a session of its own (no
// terminal: nothing can ask for a password) under a supervisor that kills all of it when the
// program ends, when we have had enough, or when we are gone, even by SIGKILL.
#pragma once

#include "base/buf.h"
#include <stddef.h>

struct err;

struct process_spec {
	const char *const *argv; // NULL-terminated; argv[0] without '/' is looked up in our PATH
	const char *const *env;  // NULL-terminated: all of its environment
	int dir;                 // where it starts; -1: where we are
	size_t output_max;       // more than that on standard output is an error
	const char *input;       // what it can read; NULL: nothing
};

// The umask is 022. NULL on failure; ERR_NOT_FOUND if there is no such
// program.
struct process;
struct process *process_start(const struct process_spec *s, struct err *e);
// What it prints up to the first newline or its end, which is an error.
int process_first_line(struct process *p, struct buf *ret, struct err *e);
void process_stop(struct process *p); // kills it; NULL is fine

struct process_output {
	int status;     // of exit; 128 + n: killed by signal n
	struct buf out; // standard output
	struct buf err; // the first 16 KiB of standard error
};
#define auto_process_output __attribute__((cleanup(process_output_release)))
void process_output_release(struct process_output *o);
// Until it ends or we are cancelled. A status that is not 0 is no failure.
int process_run(const struct process_spec *s, struct process_output *ret, struct err *e);
