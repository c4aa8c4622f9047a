// SPDX-License-Identifier: Apache-2.0
// Decompression ahead of its reader: one thread fills a small ring of buffers, the reader hashes,
// writes and parses what it takes out. Inflating costs about twice all the rest, so two threads are
// enough.
#include "layer/import-int.h"

#include "base/cancel.h"
#include "base/err.h"
#include <pthread.h>
#include <stdatomic.h>

#define PIECE ((size_t)512 << 10)
#define PIECES 4

struct inflate_pipe {
	struct inflater *z;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint8_t *data[PIECES];
	size_t n[PIECES];
	size_t head, tail; // pieces taken and filled so far
	bool holding;      // the reader has piece head - 1
	atomic_bool stop;
	bool end, failed, alone;
	struct err error;
};

static void *fill_ahead(void *arg)
{
	struct inflate_pipe *p = arg;
	cancel_with(&p->stop); // a stream may go on for long without a byte to give
	while (true) {
		pthread_mutex_lock(&p->lock);
		while (!p->stop && p->tail - p->head + p->holding >= PIECES)
			pthread_cond_wait(&p->changed, &p->lock);
		bool stop = p->stop;
		size_t slot = p->tail % PIECES;
		pthread_mutex_unlock(&p->lock);
		if (stop)
			return NULL;
		if (!p->data[slot])
			p->data[slot] = xmalloc(PIECE);
		size_t n = 0;
		ssize_t got = 1;
		struct err e = ERR_INIT;
		while (n < PIECE && got > 0) {
			got = inflater_read(p->z, p->data[slot] + n, PIECE - n, &e);
			n += got > 0 ? (size_t)got : 0;
		}
		pthread_mutex_lock(&p->lock);
		p->n[slot] = n;
		p->tail += n > 0;
		p->end = got == 0;
		if (got < 0) {
			p->failed = true;
			p->error = e;
		}
		pthread_cond_signal(&p->changed);
		pthread_mutex_unlock(&p->lock);
		if (got <= 0)
			return NULL;
	}
}

struct inflate_pipe *inflate_pipe_new(struct inflater *z)
{
	struct inflate_pipe *p = xcalloc(1, sizeof(*p));
	p->z = z;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	p->data[0] = xmalloc(PIECE); // the others when the first pass comes to them
	p->alone = pthread_create(&p->thread, NULL, fill_ahead, p) != 0;
	return p;
}

void inflate_pipe_free(struct inflate_pipe *p)
{
	if (!p)
		return;
	if (!p->alone) {
		pthread_mutex_lock(&p->lock);
		atomic_store(&p->stop, true);
		pthread_cond_signal(&p->changed);
		pthread_mutex_unlock(&p->lock);
		pthread_join(p->thread, NULL);
	}
	for (int i = 0; i < PIECES; i++)
		free(p->data[i]);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

int inflate_pipe_next(struct inflate_pipe *p, const uint8_t **ret, size_t *ret_n, struct err *e)
{
	if (p->alone) { // no thread to be had: read here
		ssize_t n = inflater_read(p->z, p->data[0], PIECE, e);
		*ret = p->data[0];
		*ret_n = n > 0 ? (size_t)n : 0;
		return n < 0 ? -1 : 0;
	}
	pthread_mutex_lock(&p->lock);
	p->holding = false;
	pthread_cond_signal(&p->changed);
	int rc = 0;
	while (rc == 0 && p->head == p->tail && !p->end && !p->failed) {
		cancel_wait(&p->changed, &p->lock);
		rc = cancel_check(e);
	}
	bool have = p->head != p->tail;
	size_t slot = p->head % PIECES;
	if (have) {
		p->head++;
		p->holding = true;
	}
	bool failed = p->failed && !have;
	pthread_mutex_unlock(&p->lock);
	if (failed)
		*e = p->error;
	if (failed || rc != 0)
		return -1;
	*ret = have ? p->data[slot] : NULL;
	*ret_n = have ? p->n[slot] : 0;
	return 0;
}
