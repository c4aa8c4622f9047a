// SPDX-License-Identifier: Apache-2.0
// Commands tried in a stored image for whoever wants to know what they say. A trial has a root
// filesystem of its own, in which its commands run one after another; what they write to their
// streams is kept, all else is thrown away. Trials on one ground may run at the same time.
#pragma once

#include "base/buf.h"
#include "sandbox/step.h"
#include <stdbool.h>
#include <stdint.h>

struct engine;
struct err;
struct image_config;
struct rootfs;

#define TRIAL_OUTPUT_MAX (4u << 20) // bytes of each stream that are kept

struct trial_options {
	const char *user;           // NULL: the image's
	const struct strv *volumes; // "HOST:PATH[:ro]"; NULL: none
	enum step_network network;
	bool privileged; // all capabilities, no seccomp
};

// What trials have in common: the layers as trees, the user, what is mounted. Borrows g and c.
struct trial_ground;
struct trial_ground *trial_ground_open(struct engine *g, const struct image_config *c,
        const struct rootfs *root, const struct trial_options *o, struct err *e);
void trial_ground_free(struct trial_ground *d); // NULL is fine

struct trial_output {
	int status;
	bool timed_out; // then it was killed, and has no status
	bool cut;       // it wrote more than is kept
	struct buf out, err;
};
void trial_output_release(struct trial_output *o);

struct trial;
struct trial *trial_open(struct trial_ground *d, struct err *e);
// env: all of it, but for PATH and HOME if it has none. until: on clock_ns(); 0: for ever.
// ERR_STEP: there is no such command.
struct trial_command {
	const char *const *argv; // NULL-terminated
	const struct strv *env;
	int64_t until;
};
int trial_run(
        struct trial *t, const struct trial_command *c, struct trial_output *ret, struct err *e);
void trial_close(struct trial *t); // NULL is fine
