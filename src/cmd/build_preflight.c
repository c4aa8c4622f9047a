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
	for (size_t i = 0; i < caches->n_to; i++) {
		const struct cache_spec *to = &caches->to[i];
		if (to->type == CACHE_REGISTRY &&
		        add_name(p, to->strict ? &p->names : &p->caches, to->ref, e))
			return -1;
	}
	return 0;
}

static int check(struct preflight *p, const char *name, struct err *e)
{
	auto_reference struct reference ref = {0};
	if (reference_parse(name, &ref, e))
		return -1;
	int rc = registry_check_push(p->registry, &ref, e);
	if (rc > 0) {
		event_warn(p->sink, 0, "whether the push will be let in is not known: %s", e->msg);
		*e = ERR_INIT;
	}
	return rc < 0 ? -1 : 0;
}

// What may pass is told when the cache is written, if it has not.
static void check_cache(struct preflight *p, const char *name)
{
	auto_reference struct reference ref = {0};
	struct err e = ERR_INIT;
	if (reference_parse(name, &ref, &e) || registry_check_push(p->registry, &ref, &e) >= 0 ||
	        e.kind == ERR_CANCELLED)
		return;
	event_warn(p->sink, 0, "the cache will not be written: %s", e.msg);
	strv_take(&p->denied, reference_name(&ref));
}

static void *ask(void *arg)
{
	struct preflight *p = arg;
	cancel_with(&p->stop);
	for (size_t i = 0; !p->rc && i < p->names.n; i++)
		p->rc = check(p, p->names.v[i], &p->err);
	for (size_t i = 0; !p->rc && i < p->caches.n; i++)
		check_cache(p, p->caches.v[i]);
	return NULL;
}

static void join(struct preflight *p)
{
	if (p->running)
		pthread_join(p->thread, NULL);
	p->running = false;
}

const struct strv *preflight_denied(struct preflight *p)
{
	if (p->caches.n)
		join(p);
	return &p->denied;
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
	strv_release(&p->denied);
}
