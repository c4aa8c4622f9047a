// SPDX-License-Identifier: Apache-2.0
// Layers sent while the build still runs: one thread compresses what a step has made and sends it
// to the registries and services that the cache goes to. What fails here is no matter: the export
// sends what is missing, and tells. No lock is held across work.
#include "base/cancel.h"
#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "cache/cache-int.h"
#include "image/reference.h"
#include "registry/registry.h"
#include <pthread.h>
#include <stdatomic.h>

// What was begun later than that ago is given up when the export comes: it begins it again at once,
// and does not wait until the sender has tried a registry that does not answer for the last time.
#define WAIT_FROM_NS 5000000000

struct made {
	struct digest layer;
	bool in_result;
};

struct cache_sender {
	struct cache_request q;
	const struct cache_spec *specs;
	size_t n_specs;
	bool *failed; // of each: it is not tried again
	pthread_t thread;
	atomic_bool stop;         // what is under way ends too
	_Atomic int64_t began_ns; // with that
	atomic_bool at_service;   // an entry that is begun and given up could not be begun again
	pthread_mutex_t lock;
	pthread_cond_t changed;
	// with the lock held:
	bool closed;
	struct made *queue;
	size_t n, next;
};

static bool goes_early(const struct cache_spec *spec)
{
	return spec->type == CACHE_REGISTRY || spec->type == CACHE_GHA;
}

static int send_layer(struct cache_sender *s, const struct cache_spec *spec,
        const struct digest *layer, struct err *e)
{
	auto_reference struct reference ref = {0};
	struct output_request out = {.store = s->q.store, .step = -1};
	struct descriptor d = {0};
	struct registry *r = s->q.registry(s->q.registry_arg, e);
	struct actions *a = NULL;
	if (!r || (spec->type == CACHE_REGISTRY && reference_parse(spec->ref, &ref, e)) ||
	        (spec->type == CACHE_GHA && !(a = cache_gha_open(&s->q, spec, e))) ||
	        output_layer(&out, &spec->out, layer, &d, e))
		return -1;
	int rc = a ? cache_gha_send(a, s->q.store, &d, e) : registry_push_blob(r, &ref, &d, e);
	descriptor_release(&d);
	return rc;
}

static void send_made(struct cache_sender *s, const struct made *m)
{
	for (size_t i = 0; i < s->n_specs; i++) {
		const struct cache_spec *spec = &s->specs[i];
		struct err ignored = ERR_INIT;
		if (!goes_early(spec) || (!spec->max && !m->in_result) || s->failed[i])
			continue;
		atomic_store(&s->at_service, spec->type == CACHE_GHA);
		s->failed[i] = send_layer(s, spec, &m->layer, &ignored) < 0;
	}
}

static void *work(void *arg)
{
	struct cache_sender *s = arg;
	cancel_with(&s->stop);
	pthread_mutex_lock(&s->lock);
	while (!s->closed) {
		if (s->next == s->n) {
			pthread_cond_wait(&s->changed, &s->lock);
			continue;
		}
		const struct made m = s->queue[s->next++];
		pthread_mutex_unlock(&s->lock);
		atomic_store(&s->began_ns, clock_ns());
		send_made(s, &m);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

struct cache_sender *cache_sender_start(
        const struct cache_request *q, const struct cache_spec *specs, size_t n)
{
	bool any = false;
	struct err ignored = ERR_INIT;
	for (size_t i = 0; i < n; i++)
		any |= goes_early(&specs[i]);
	// opened here: the caller's function need not be safe to call from two threads
	if (!any || !q->registry(q->registry_arg, &ignored))
		return NULL;
	struct cache_sender *s = xcalloc(1, sizeof(*s));
	s->q = *q;
	s->specs = specs;
	s->n_specs = n;
	s->failed = xcalloc(n, sizeof(*s->failed));
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	if (pthread_create(&s->thread, NULL, work, s) == 0)
		return s;
	s->closed = true;
	s->n_specs = 0;
	cache_sender_end(s, false);
	return NULL;
}

void cache_sender_add(void *sender, const struct digest *layer, bool in_result)
{
	struct cache_sender *s = sender;
	pthread_mutex_lock(&s->lock);
	if (!s->closed) {
		s->queue = xreallocarray(s->queue, s->n + 1, sizeof(*s->queue));
		s->queue[s->n++] = (struct made){*layer, in_result};
		pthread_cond_signal(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
}

void cache_sender_pause(struct cache_sender *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->closed = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void cache_sender_end(struct cache_sender *s, bool stop)
{
	if (!s)
		return;
	cache_sender_pause(s);
	bool young = clock_ns() - atomic_load(&s->began_ns) < WAIT_FROM_NS;
	atomic_store(&s->stop, stop || (young && !atomic_load(&s->at_service)));
	if (s->n_specs)
		pthread_join(s->thread, NULL);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	free(s->failed);
	free(s->queue);
	free(s);
}
