// SPDX-License-Identifier: Apache-2.0
// The walk over the graph: first, in one thread, every step whose inputs are known is looked up;
// only if something is missing do threads, holder and network come into being, and run what is
// ready side by side.
#include "base/cancel.h"
#include "base/pool.h"
#include "exec/exec-int.h"
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { JOBS_LEAST = 4, JOBS_MOST = 64 };

void step_input(struct exec *x, int step, struct rootfs *ret)
{
	*ret = (struct rootfs){0};
	if (step >= 0)
		rootfs_copy(ret, &x->states[step].root);
}

static void emit(struct exec *x, const struct step *s, enum event_kind kind, int64_t duration,
        const char *text)
{
	event_emit(x->req->sink, &(struct event){.kind = kind,
	                                 .step = s->id,
	                                 .name = s->name,
	                                 .duration_ns = duration,
	                                 .text = text,
	                                 .line = s->pos.line});
}

// ---- what a step needs

static bool source_done(const struct exec *x, const struct file_source *f)
{
	return f->kind != FROM_STEP || x->states[f->step].state == STEP_DONE;
}

static bool is_ready(const struct exec *x, const struct step *s)
{
	if (s->parent >= 0 && x->states[s->parent].state != STEP_DONE)
		return false;
	if (s->kind == STEP_COPY)
		return source_done(x, &s->copy.from);
	for (size_t i = 0; s->kind == STEP_RUN && i < s->run.n_mounts; i++)
		if (!source_done(x, &s->run.mounts[i].from))
			return false;
	return true;
}

// ---- one step

static int finish(struct exec *x, const struct step *s, const struct digest *layer, struct err *e)
{
	struct step_state *st = &x->states[s->id];
	step_input(x, s->parent, &st->root);
	return rootfs_push(&x->engine, &st->root, layer, e) || store_lease_add(x->store, layer, e)
	               ? -1
	               : 0;
}

// 1: found in the store and done.
static int look_up(struct exec *x, const struct step *s, struct err *e)
{
	struct step_state *st = &x->states[s->id];
	struct step_record r = {0};
	struct layer_info info;
	int found = store_step_get(x->store, &st->key, &r, e);
	if (found == 1 && !store_layer_get(x->store, &r.diff_id, &info))
		found = 0;
	if (found == 1) {
		st->created = (struct timestamp){r.created_sec, r.created_nsec};
		st->duration_ns = r.duration_ns;
		st->cached = !st->ran;
		step_plan_drop(st);
		if (finish(x, s, &r.diff_id, e))
			found = -1;
	}
	step_record_release(&r);
	return found;
}

static int at_step(const struct step *s, struct err *e)
{
	if (!e->pos.line)
		e->pos = s->pos;
	return -1;
}

// Computes the key and looks it up. 1 done, 0 has to run, -1.
static int prepare(struct exec *x, const struct step *s, struct err *e)
{
	struct step_state *st = &x->states[s->id];
	st->looked_up = true;
	if (s->kind == STEP_IMAGE) {
		st->cached = true;
		return rootfs_of_image(&x->engine, &s->image->config, &st->root, e) ? at_step(s, e)
		                                                                    : 1;
	}
	if (step_key(x, s, st, e))
		return at_step(s, e);
	int found = s->no_cache && !st->ran ? 0 : look_up(x, s, e);
	if (!found)
		explain_miss(x, s);
	return found < 0 ? at_step(s, e) : found;
}

static int make_layer(struct exec *x, const struct step *s, struct digest *ret, struct err *e)
{
	switch (s->kind) {
	case STEP_RUN:
		return run_run(x, s, ret, e);
	case STEP_COPY:
		return copy_run(x, s, ret, e);
	default:
		return workdir_run(x, s, ret, e);
	}
}

static int record(struct exec *x, const struct step *s, const struct digest *layer, struct err *e)
{
	struct step_state *st = &x->states[s->id];
	struct step_record r = {
	        .has_layer = true,
	        .diff_id = *layer,
	        .created_sec = st->created.sec,
	        .created_nsec = st->created.nsec,
	        .duration_ns = st->duration_ns,
	        .components = st->components,
	        .name = (char *)(uintptr_t)s->name,
	};
	return store_step_put(x->store, &st->key, &r, e);
}

static bool in_result(const struct exec *x, const struct step *s)
{
	for (size_t k = 0; k < x->graph->n_results; k++)
		for (int i = x->graph->results[k].step; i >= 0; i = x->graph->steps[i]->parent)
			if (i == s->id)
				return true;
	return false;
}

static int execute(struct exec *x, const struct step *s, struct err *e)
{
	struct step_state *st = &x->states[s->id];
	struct digest layer;
	int64_t begun = clock_ns();
	if (make_layer(x, s, &layer, e))
		return at_step(s, e);
	st->duration_ns = clock_ns() - begun;
	st->ran = true;
	st->created = x->graph->has_epoch ? (struct timestamp){x->graph->epoch, 0} : time_now();
	if (record(x, s, &layer, e) || finish(x, s, &layer, e))
		return at_step(s, e);
	if (x->req->layer_made)
		x->req->layer_made(x->req->layer_made_arg, &layer, in_result(x, s));
	return 0;
}

// Runs a step that was not in the store; an equal one under way elsewhere, in this process or
// another, is waited for and its result taken.
static int run_step(struct exec *x, const struct step *s, struct err *e)
{
	struct step_state *st = &x->states[s->id];
	struct store_lock *lock = store_lock_hash(x->store, "step", &st->key, e);
	if (!lock)
		return -1;
	int found = s->no_cache && !st->ran ? 0 : look_up(x, s, e);
	int r = found < 0 ? -1 : found ? 0 : execute(x, s, e);
	store_unlock(lock);
	return r;
}

// ---- layers that turn out to be gone

// Made by a step that was found in the store, and not to be had any more. With the lock held, or
// with one thread.
static size_t list_lost(const struct exec *x, const struct digest **ret)
{
	size_t n = 0;
	for (size_t i = 0; i < x->graph->n_steps; i++) {
		const struct step_state *st = &x->states[i];
		if (x->graph->steps[i]->kind != STEP_IMAGE && st->state == STEP_DONE &&
		        st->cached && st->root.n)
			ret[n++] = &st->root.layers[st->root.n - 1];
	}
	return n;
}

static bool is_lost(struct exec *x, const struct digest *layer)
{
	auto_free char *where = store_layer_lost(x->store, layer);
	return where;
}

// A step that failed for want of such a layer: those that make it run again.
static bool may_go_on(struct exec *x, const struct err *e)
{
	auto_free const struct digest **layers = xcalloc(x->graph->n_steps + 1, sizeof(*layers));
	if (e->kind == ERR_CANCELLED || e->kind == ERR_SPACE)
		return false;
	pthread_mutex_lock(&x->lock);
	size_t n = list_lost(x, layers); // what is done stays as it is
	pthread_mutex_unlock(&x->lock);
	for (size_t i = 0; i < n; i++)
		if (is_lost(x, layers[i]))
			return true;
	return false;
}

static int forget_lost(struct exec *x, struct err *e)
{
	auto_free const struct digest **layers = xcalloc(x->graph->n_steps + 1, sizeof(*layers));
	size_t n = list_lost(x, layers);
	for (size_t i = 0; i < n; i++) {
		auto_free char *where = store_layer_lost(x->store, layers[i]);
		if (!where)
			continue;
		event_warn(x->req->sink, 0, "a layer is gone from %s: what makes it runs again",
		        where);
		if (store_layer_forget(x->store, layers[i], e))
			return -1;
	}
	return 0;
}

static void reset(struct exec *x)
{
	for (size_t i = 0; i < x->graph->n_steps; i++) {
		struct step_state *st = &x->states[i];
		st->state = STEP_WAITING;
		st->cached = st->looked_up = false;
		rootfs_release(&st->root);
		step_plan_drop(st);
		step_list_release(&st->selections);
		free(steal_ptr(&st->components));
	}
}

// ---- first pass: no threads

static int done_now(struct exec *x, const struct step *s)
{
	struct step_state *st = &x->states[s->id];
	st->state = STEP_DONE;
	if (!st->told)
		emit(x, s, EVENT_STEP_CACHED, 0, NULL);
	st->told = true;
	return 0;
}

static int first_pass(struct exec *x, size_t *ret_missing, struct err *e)
{
	*ret_missing = 0;
	for (size_t i = 0; i < x->graph->n_steps; i++) {
		const struct step *s = x->graph->steps[i];
		if (!x->again)
			emit(x, s, EVENT_STEP_PLANNED, 0, NULL);
		if (!is_ready(x, s)) {
			++*ret_missing;
			continue;
		}
		int r = prepare(x, s, e);
		if (r < 0 && !may_go_on(x, e)) {
			x->stop = true;
			x->failed_step = s->id;
			emit(x, s, EVENT_STEP_FAILED, 0, e->msg);
		}
		if (r < 0)
			return -1;
		if (r)
			done_now(x, s);
		else
			++*ret_missing;
	}
	return 0;
}

// ---- second pass: workers

static const struct step *take_ready(struct exec *x)
{
	for (size_t i = 0; i < x->graph->n_steps; i++) {
		const struct step *s = x->graph->steps[i];
		if (x->states[i].state == STEP_WAITING && is_ready(x, s)) {
			x->states[i].state = STEP_RUNNING;
			return s;
		}
	}
	return NULL;
}

static bool all_done(const struct exec *x)
{
	for (size_t i = 0; i < x->graph->n_steps; i++)
		if (x->states[i].state != STEP_DONE)
			return false;
	return true;
}

static void stop_all(struct exec *x, const struct step *s, const struct err *e)
{
	uint64_t one = 1;
	if (x->stop)
		return;
	x->stop = true;
	atomic_store(&x->stopping, true);
	x->first_err = *e;
	x->failed_step = s->id;
	(void)!write(x->engine.stop_fd, &one, sizeof(one));
}

// Work on one step without the lock.
static int work_on(struct exec *x, const struct step *s, struct err *e)
{
	struct step_state *st = &x->states[s->id];
	if (cancel_check(e))
		return -1;
	emit(x, s, EVENT_STEP_START, 0, NULL);
	if (!st->looked_up) {
		int r = prepare(x, s, e);
		if (r)
			return r < 0 ? -1 : 0;
	}
	return run_step(x, s, e);
}

static void tell(struct exec *x, const struct step *s, int r, int64_t took, const struct err *e)
{
	x->states[s->id].told = true;
	if (!r && x->states[s->id].cached)
		emit(x, s, EVENT_STEP_CACHED, 0, NULL);
	else if (!r)
		emit(x, s, EVENT_STEP_DONE, took, NULL);
	else
		emit(x, s, e->kind == ERR_CANCELLED ? EVENT_STEP_CANCELLED : EVENT_STEP_FAILED,
		        took, e->msg);
}

static void *worker(void *arg)
{
	struct exec *x = arg;
	// A failed step that is kept for a shell has its caches locked: nobody may wait for them.
	bool stops = x->req->shell_on_error;
	const atomic_bool *before = stops ? cancel_with(&x->stopping) : NULL;
	pthread_mutex_lock(&x->lock);
	while (!x->stop && !x->again && !all_done(x)) {
		const struct step *s = take_ready(x);
		if (!s) {
			pthread_cond_wait(&x->changed, &x->lock);
			continue;
		}
		pthread_mutex_unlock(&x->lock);
		struct err e = ERR_INIT;
		struct step_state *st = &x->states[s->id];
		st->began_ns = clock_ns();
		int r = work_on(x, s, &e);
		st->took_ns = clock_ns() - st->began_ns;
		bool again = r && may_go_on(x, &e);
		if (!again)
			tell(x, s, r, st->took_ns, &e);
		pthread_mutex_lock(&x->lock);
		if (again)
			x->again = true; // when the others that run are done
		else if (r)
			stop_all(x, s, &e);
		else
			x->states[s->id].state = STEP_DONE;
		pthread_cond_broadcast(&x->changed);
	}
	pthread_mutex_unlock(&x->lock);
	if (stops)
		cancel_with(before);
	return NULL;
}

// Steps wait for networks and disks as much as they compute: a few on the smallest machine.
static size_t count_jobs(const struct exec *x, size_t missing)
{
	size_t jobs = x->req->jobs > 0 ? (size_t)x->req->jobs : cpu_count();
	if (!x->req->jobs && jobs < JOBS_LEAST)
		jobs = JOBS_LEAST;
	jobs = jobs > missing ? missing : jobs;
	return jobs > JOBS_MOST ? JOBS_MOST : jobs;
}

static int run_missing(struct exec *x, size_t missing, struct err *e)
{
	size_t jobs = count_jobs(x, missing);
	close_fd(&x->engine.stop_fd); // of an earlier pass
	x->engine.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (x->engine.stop_fd < 0)
		return err_sys(e, "make an eventfd");
	pthread_t threads[JOBS_MOST];
	size_t n = 0;
	while (n + 1 < jobs && pthread_create(&threads[n], NULL, worker, x) == 0)
		n++;
	worker(x);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	if (!x->stop)
		return 0;
	*e = x->first_err;
	run_shell(x);
	return -1;
}

static int pass(struct exec *x, struct err *e)
{
	size_t missing;
	int r = first_pass(x, &missing, e);
	x->again = false;
	if (r)
		return may_go_on(x, e) ? 1 : -1;
	if (!missing || x->req->dry_run)
		return 0;
	if (x->req->before_run && x->req->before_run(x->req->before_run_arg, e))
		return -1;
	build_begin(x);
	return run_missing(x, missing, e) ? -1 : x->again;
}

// Each time over some record has gone, so there is an end.
int schedule(struct exec *x, struct err *e)
{
	int r;
	while ((r = pass(x, e)) > 0) {
		if (forget_lost(x, e))
			return -1;
		*e = ERR_INIT;
		reset(x);
		x->again = true;
	}
	return r;
}

static bool is_known(const struct step *s)
{
	return s->kind != STEP_IMAGE || !s->image->unknown;
}

void schedule_look(struct exec *x)
{
	for (size_t i = 0; i < x->graph->n_steps; i++) {
		const struct step *s = x->graph->steps[i];
		struct err ignored = ERR_INIT;
		if (is_known(s) && is_ready(x, s) && prepare(x, s, &ignored) == 1)
			x->states[s->id].state = STEP_DONE;
	}
}
