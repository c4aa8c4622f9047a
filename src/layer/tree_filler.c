// SPDX-License-Identifier: Apache-2.0
// Writing many small files is half making them, which has to be done in order, and half bytes and
// attributes, which need not: those are done by other threads, on descriptors.
#include "layer/tree-int.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/pool.h"
#include <pthread.h>

enum {
	THREADS = 3,
	QUEUE = 128, // files that are open meanwhile
	TAKE = 8,    // at once, so that the lock is not what takes the time
};

struct task {
	struct entry en;
	int fd;
	uint64_t offset;
};

struct tree_filler {
	const struct tree *tree;
	int src_fd;
	pthread_t threads[THREADS];
	size_t n_threads;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct task queue[QUEUE]; // a ring
	size_t first, n;
	bool end, failed;
	struct err error;
};

static int fill(const struct tree_filler *f, uint8_t *small, struct task *t, struct err *e)
{
	auto_fd int fd = t->fd;
	return tree_fill_file(f->tree, small, &t->en, fd, f->src_fd, t->offset, e);
}

// With the lock held: tasks for one turn, none at the end.
static size_t take(struct tree_filler *f, struct task out[static TAKE])
{
	while (f->n == 0 && !f->end)
		pthread_cond_wait(&f->changed, &f->lock);
	size_t n = f->n < TAKE ? f->n : TAKE;
	for (size_t i = 0; i < n; i++)
		out[i] = f->queue[(f->first + i) % QUEUE];
	f->first = (f->first + n) % QUEUE;
	f->n -= n;
	return n;
}

static void *work(void *arg)
{
	struct tree_filler *f = arg;
	struct task tasks[TAKE];
	size_t n;
	auto_free uint8_t *small = xmalloc(TREE_SMALL_FILE);
	pthread_mutex_lock(&f->lock);
	while ((n = take(f, tasks)) > 0) {
		struct err e = ERR_INIT;
		int rc = 0;
		pthread_cond_broadcast(&f->changed);
		pthread_mutex_unlock(&f->lock);
		for (size_t i = 0; i < n; i++)
			rc |= fill(f, small, &tasks[i], rc ? &(struct err){0} : &e);
		pthread_mutex_lock(&f->lock);
		if (rc && !f->failed) {
			f->failed = true;
			f->error = e;
		}
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

// Without a thread to be had, files are filled by whoever puts them.
struct tree_filler *tree_filler_new(const struct tree *t, int src_fd)
{
	struct tree_filler *f = xcalloc(1, sizeof(*f));
	size_t threads = cpu_count() < THREADS ? cpu_count() : THREADS;
	f->tree = t;
	f->src_fd = src_fd;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	while (f->n_threads < threads &&
	        pthread_create(&f->threads[f->n_threads], NULL, work, f) == 0)
		f->n_threads++;
	return f;
}

int tree_filler_put(
        struct tree_filler *f, const struct entry *en, int fd, uint64_t offset, struct err *e)
{
	struct task t = {*en, fd, offset};
	if (f->n_threads == 0)
		return fill(f, f->tree->copy, &t, e);
	pthread_mutex_lock(&f->lock);
	while (f->n == QUEUE)
		pthread_cond_wait(&f->changed, &f->lock);
	f->queue[(f->first + f->n++) % QUEUE] = t;
	pthread_cond_broadcast(&f->changed);
	bool failed = f->failed;
	if (failed)
		*e = f->error;
	pthread_mutex_unlock(&f->lock);
	return failed ? -1 : 0;
}

int tree_filler_end(struct tree_filler *f, struct err *e)
{
	if (!f)
		return 0;
	pthread_mutex_lock(&f->lock);
	f->end = true;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	for (size_t i = 0; i < f->n_threads; i++)
		pthread_join(f->threads[i], NULL);
	int rc = f->failed ? -1 : 0;
	if (rc)
		*e = f->error;
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->changed);
	free(f);
	return rc;
}
