// SPDX-License-Identifier: Apache-2.0
// One queue, one lock, one condition. Workers take no signals: these belong to the main thread.
// The ordered map keeps a ring of `window` flags; whoever calls it is the one thread that calls
// done().
#include "base/pool.h"

#include "base/cancel.h"
#include "base/err.h"
#include "base/mem.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

struct job {
	struct job *next;
	void (*fn)(void *);
	void *arg;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct job *head, **tail;
	bool closing;
	size_t n;
	pthread_t threads[];
};

size_t cpu_count(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		return (size_t)CPU_COUNT(&set);
	long n = sysconf(_SC_NPROCESSORS_ONLN); // more processors than the set holds
	return n < 1 ? 1 : (size_t)n;
}

static void *work(void *arg)
{
	struct pool *p = arg;
	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (!p->head && !p->closing)
			pthread_cond_wait(&p->work, &p->lock);
		struct job *j = p->head;
		if (!j)
			break;
		p->head = j->next;
		if (!p->head)
			p->tail = &p->head;
		pthread_mutex_unlock(&p->lock);
		j->fn(j->arg);
		free(j);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct pool *pool_new(size_t threads)
{
	size_t n = threads ? threads : cpu_count();
	struct pool *p = xcalloc(1, sizeof(*p) + n * sizeof(pthread_t));
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	p->tail = &p->head;
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t i = 0; i < n; i++)
		if (pthread_create(&p->threads[p->n], NULL, work, p) == 0)
			p->n++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!p->n)
		abort(); // no thread at all: nothing could ever run
	return p;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->n; i++)
		pthread_join(p->threads[i], NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->work);
	free(p);
}

void pool_add(struct pool *p, void (*fn)(void *), void *arg)
{
	struct job *j = xmalloc(sizeof(*j));
	*j = (struct job){.fn = fn, .arg = arg};
	pthread_mutex_lock(&p->lock);
	*p->tail = j;
	p->tail = &j->next;
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
}

size_t pool_size(const struct pool *p)
{
	return p->n;
}

// ---- each

struct each {
	const struct pool_each *work;
	atomic_size_t next;
	atomic_bool stop;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	size_t running;
	bool failed;
	struct err *e; // of the first failure
};

static void each_failed(struct each *s, const struct err *e)
{
	pthread_mutex_lock(&s->lock);
	if (!s->failed)
		*s->e = *e;
	s->failed = true;
	pthread_mutex_unlock(&s->lock);
	atomic_store(&s->stop, true);
}

static void each_worker(void *arg)
{
	struct each *s = arg;
	cancel_with(&s->stop);
	for (;;) {
		size_t i = atomic_fetch_add(&s->next, 1);
		struct err e = ERR_INIT;
		if (i >= s->work->n || atomic_load(&s->stop))
			break;
		if (s->work->fn(s->work->arg, i, &e))
			each_failed(s, &e);
	}
	pthread_mutex_lock(&s->lock);
	s->running--;
	pthread_cond_signal(&s->ended);
	pthread_mutex_unlock(&s->lock);
}

static void each_wait(struct each *s)
{
	struct err ignored = ERR_INIT;
	pthread_mutex_lock(&s->lock);
	while (s->running) {
		cancel_wait(&s->ended, &s->lock);
		if (cancel_check(&ignored))
			atomic_store(&s->stop, true);
	}
	pthread_mutex_unlock(&s->lock);
}

int pool_run_each(const struct pool_each *work, struct err *e)
{
	struct each s = {.work = work, .e = e};
	size_t threads = work->n < work->threads ? work->n : work->threads;
	if (threads <= 1) {
		for (size_t i = 0; i < work->n; i++)
			if (cancel_check(e) || work->fn(work->arg, i, e))
				return -1;
		return 0;
	}
	pthread_mutex_init(&s.lock, NULL);
	pthread_cond_init(&s.ended, NULL);
	struct pool *p = pool_new(threads);
	s.running = threads;
	for (size_t i = 0; i < threads; i++)
		pool_add(p, each_worker, &s);
	each_wait(&s);
	pool_free(p);
	pthread_mutex_destroy(&s.lock);
	pthread_cond_destroy(&s.ended);
	if (s.failed)
		return -1;
	return cancel_check(e);
}

// ---- ordered map

struct ordered {
	const struct pool_ordered *o;
	size_t window;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool *finished; // ring of `window`
	size_t started, done, running;
	bool failed;
	size_t failed_at; // of several failures the first in order is told
	struct err err;
};

struct ordered_job {
	struct ordered *r;
	size_t i;
};

static void fail(struct ordered *r, size_t i, const struct err *e)
{
	if (!r->failed || i < r->failed_at) {
		r->err = *e;
		r->failed_at = i;
	}
	r->failed = true;
}

static void run_one(void *arg)
{
	struct ordered_job *j = arg;
	struct ordered *r = j->r;
	struct err e = ERR_INIT;
	pthread_mutex_lock(&r->lock);
	bool skip = r->failed && r->failed_at < j->i;
	pthread_mutex_unlock(&r->lock);
	int result = skip ? 0 : cancel_check(&e) || r->o->fn(r->o->arg, j->i, &e) ? -1 : 0;
	pthread_mutex_lock(&r->lock);
	if (result)
		fail(r, j->i, &e);
	r->finished[j->i % r->window] = true;
	r->running--;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->lock);
	free(j);
}

static void start_more(struct pool *p, struct ordered *r)
{
	while (!r->failed && r->started < r->o->n && r->started - r->done < r->window) {
		struct ordered_job *j = xmalloc(sizeof(*j));
		*j = (struct ordered_job){r, r->started};
		r->finished[r->started % r->window] = false;
		r->started++;
		r->running++;
		pool_add(p, run_one, j);
	}
}

// In order up to the first failure; what comes before it is done even if it was slower.
static void collect(struct pool *p, struct ordered *r)
{
	while (r->done < (r->failed ? r->failed_at : r->o->n)) {
		struct err e = ERR_INIT;
		size_t i = r->done;
		start_more(p, r);
		if (!r->finished[i % r->window]) {
			pthread_cond_wait(&r->changed, &r->lock);
			continue;
		}
		pthread_mutex_unlock(&r->lock);
		int result = r->o->done(r->o->arg, i, &e);
		pthread_mutex_lock(&r->lock);
		if (result)
			fail(r, i, &e);
		r->done++;
	}
	while (r->running) // they use r
		pthread_cond_wait(&r->changed, &r->lock);
}

int pool_run_ordered(struct pool *p, const struct pool_ordered *o, struct err *e)
{
	struct ordered r = {.o = o, .window = o->window ? o->window : 1};
	if (r.window > o->n)
		r.window = o->n ? o->n : 1;
	r.finished = xcalloc(r.window, sizeof(bool));
	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.changed, NULL);
	pthread_mutex_lock(&r.lock);
	collect(p, &r);
	pthread_mutex_unlock(&r.lock);
	pthread_mutex_destroy(&r.lock);
	pthread_cond_destroy(&r.changed);
	free(r.finished);
	if (r.failed)
		*e = r.err;
	return r.failed ? -1 : 0;
}
