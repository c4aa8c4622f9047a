// SPDX-License-Identifier: Apache-2.0
// Where hew build is to push to is asked, beside everything that comes before the first step,
// whether it would let the push in: nobody waits for a build that could never arrive.
#pragma once

#include "cmd/build_cache.h"
#include "output/output.h"
#include <pthread.h>
#include <stdatomic.h>

struct preflight {
	struct registry *registry;
	struct event_sink *sink;
	struct strv names;        // one of each repository that the image goes to
	struct strv caches;       // of those only warned
	struct strv repositories; // of all of them
	struct strv denied;       // repositories of caches that are not to be pushed to
	pthread_t thread;
	bool running;
	atomic_bool stop;
	int rc;
	struct err err;
};
// Begins to ask, if anything is to be pushed. A request whose steps have to run waits for the
// answers.
int preflight_start(struct preflight *p, struct session *s, struct build_request *r,
        const struct output_spec *specs, size_t n, const struct build_caches *caches,
        struct err *e);
// Waits for the answers: repositories that no cache can be pushed to, which has been said. The
// preflight's own.
const struct strv *preflight_denied(struct preflight *p);
// The answers do not matter any more. failed: they are not waited for.
void preflight_end(struct preflight *p, bool failed);
