// SPDX-License-Identifier: Apache-2.0
#include "cmd/build_preflight.h"

#include "base/cancel.h"
#include "base/event.h"
#include "base/mem.h"
#include "image/reference.h"
#include "registry/registry.h"

// Of several names in a repository one is enough.
static int add_name(struct preflight *p, struct strv *to, const char *name, struct err *e)
{
	auto_reference struct reference ref = {0};
	if (reference_parse(name, &ref, e))
		return -1;
	auto_free char *repository = reference_name(&ref);
	if (strv_has(&p->repositories, repository))
		return 0;
	strv_add(&p->repositories, repository);
	strv_add(to, name);
	return 0;
}

static int add_names(struct preflight *p, const struct strv *names, struct err *e)
{
	for (size_t i = 0; i < names->n; i++)
		if (add_name(p, &p->names, names->v[i], e))
			return -1;
	return 0;
}

static int collect(struct preflight *p, const struct build_request *r,
        const struct output_spec *specs, size_t n, const struct build_caches *caches, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		bool pushes = specs[i].type == OUTPUT_REGISTRY || specs[i].push;
		if (pushes && (add_names(p, &r->tags, e) || add_names(p, &specs[i].names, e)))
			return -1;
	}
	for (size_t i = 0; i < caches->n_to; i++)
		if (caches->to[i].type == CACHE_REGISTRY &&
		        add_name(p, &p->caches, caches->to[i].ref, e))
			return -1;
	return 0;
}

static int check(struct preflight *p, const char *name, struct err *e)
{
	auto_reference struct reference ref = {0};
	return reference_parse(name, &ref, e) || registry_check_push(p->registry, &ref, e) ? -1 : 0;
}

static void *ask(void *arg)
{
	struct preflight *p = arg;
	cancel_with(&p->stop);
	for (size_t i = 0; !p->rc && i < p->names.n; i++)
		p->rc = check(p, p->names.v[i], &p->err);
	for (size_t i = 0; !p->rc && i < p->caches.n; i++) {
		struct err e = ERR_INIT;
		if (check(p, p->caches.v[i], &e) && e.kind != ERR_CANCELLED)
			event_warn(p->sink, 0, "the cache will not be written: %s", e.msg);
	}
	return NULL;
}

static void join(struct preflight *p)
{
	if (p->running)
		pthread_join(p->thread, NULL);
	p->running = false;
}

static int wait_for_answers(void *arg, struct err *e)
{
	struct preflight *p = arg;
	join(p);
	if (p->rc)
		*e = p->err;
	return p->rc;
}

int preflight_start(struct preflight *p, struct session *s, struct build_request *r,
        const struct output_spec *specs, size_t n, const struct build_caches *caches, struct err *e)
{
	if (collect(p, r, specs, n, caches, e))
		return -1;
	if (!p->names.n && !p->caches.n)
		return 0;
	p->registry = session_registry(s, e);
	p->sink = session_sink(s);
	if (!p->registry)
		return -1;
	p->running = pthread_create(&p->thread, NULL, ask, p) == 0; // else the push tells
	r->before_run = wait_for_answers;
	r->before_run_arg = p;
	return 0;
}

void preflight_end(struct preflight *p, bool failed)
{
	atomic_store(&p->stop, failed);
	join(p);
	strv_release(&p->names);
	strv_release(&p->caches);
	strv_release(&p->repositories);
}
