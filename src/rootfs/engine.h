// SPDX-License-Identifier: Apache-2.0
// What making a root filesystem takes: the store, and, opened when one first needs them, the
// registry client and the holder. One for everything that a verb runs.
#pragma once

#include "sandbox/holder.h"
#include "sandbox/rung.h"
#include "store/store.h"
#include <pthread.h>

struct err;
struct event_sink;
struct platform;
struct registry;
struct step_emulator;

// Opens the registry client; it stays its owner's.
typedef struct registry *(*registry_opener)(void *arg, struct err *e);

struct engine {
	struct store *store;     // NULL: nothing can be kept; for plans alone
	struct event_sink *sink; // may be NULL
	registry_opener open_registry;
	void *open_registry_arg;
	struct rung_choice rung;
	int stop_fd; // readable once what is under way is to end; -1: never; the caller's
	// with lock held:
	struct registry *registry;
	struct holder *holder;
	struct engine_emulator *emulators;
	pthread_mutex_t lock;
};
// What the caller sets beforehand (store, sink, open_registry, stop_fd) stays.
void engine_init(struct engine *g);
void engine_release(struct engine *g); // stops the holder and all it runs
struct registry *engine_registry(struct engine *g, struct err *e); // NULL on failure
struct holder *engine_holder(struct engine *g, struct err *e);

// What a step needs so that programs for p run in it: nothing, or an emulator, which stays the
// engine's. ERR_SANDBOX: this machine cannot, and what helps.
int engine_emulate(
        struct engine *g, const struct platform *p, struct step_emulator *ret, struct err *e);

// Deletes what lies in the store's trash, whoever it belongs to; for when nobody waits.
void engine_reap(struct store *s);

// What a folder takes up, whoever its files belong to; a struct usage_helper's. arg: the engine.
void engine_measure(void *engine, int dirfd, const char *name, uint64_t *ret);

// What the holder can be asked to do on behalf of this room.
extern const struct holder_job engine_jobs[];
extern const size_t engine_n_jobs;
