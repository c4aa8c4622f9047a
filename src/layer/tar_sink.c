// SPDX-License-Identifier: Apache-2.0
// Where the bytes of a tar go: into its hash and its file. With a thread of its own, while the next
// piece is read and hashed by whoever writes the layer: files and tar have a SHA-256 each, which
// together cost more than reading. Two buffers change hands; the thread comes into being with the
// first piece that is not the last, so that small layers do without.
#include "layer/tar-int.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include <pthread.h>
#include <signal.h>

struct tar_sink {
	int fd;
	struct hasher *hash;
	uint64_t written;
	bool wants_thread, has_thread;

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct buf piece; // empty: the thread has nothing to do
	bool end, failed;
	struct err error;
};

struct tar_sink *tar_sink_new(int fd, bool threaded)
{
	struct tar_sink *s = xcalloc(1, sizeof(*s));
	s->fd = fd;
	s->hash = hasher_new();
	s->wants_thread = threaded;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	return s;
}

static int take(struct tar_sink *s, const struct buf *piece, struct err *e)
{
	hasher_add(s->hash, piece->p, piece->n);
	if (fault_point("layer.tar.write") < 0)
		return err_sys(e, "write layer");
	if (fs_pwrite_all(s->fd, piece->p, piece->n, (off_t)s->written, e) != 0)
		return err_wrap(e, "write layer");
	s->written += piece->n;
	return 0;
}

static void *work(void *arg)
{
	struct tar_sink *s = arg;
	pthread_mutex_lock(&s->lock);
	while (!s->failed) {
		while (s->piece.n == 0 && !s->end)
			pthread_cond_wait(&s->changed, &s->lock);
		if (s->piece.n == 0)
			break;
		pthread_mutex_unlock(&s->lock);
		struct err e = ERR_INIT;
		int rc = take(s, &s->piece, &e);
		pthread_mutex_lock(&s->lock);
		buf_reset(&s->piece);
		if (rc != 0) {
			s->failed = true;
			s->error = e;
		}
		pthread_cond_signal(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

// Signals are the main thread's.
static bool start_thread(struct tar_sink *s)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	s->has_thread = pthread_create(&s->thread, NULL, work, s) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	s->wants_thread = s->has_thread;
	return s->has_thread;
}

// Until the thread has nothing to do.
static int settle(struct tar_sink *s, struct err *e)
{
	while (s->piece.n > 0 && !s->failed)
		pthread_cond_wait(&s->changed, &s->lock);
	if (!s->failed)
		return 0;
	*e = s->error;
	return -1;
}

int tar_sink_put(struct tar_sink *s, struct buf *piece, struct err *e)
{
	if (piece->n == 0)
		return 0;
	if (!s->wants_thread || (!s->has_thread && !start_thread(s))) {
		int rc = take(s, piece, e);
		buf_reset(piece);
		return rc;
	}
	pthread_mutex_lock(&s->lock);
	int rc = settle(s, e);
	if (rc == 0) {
		struct buf empty = s->piece;
		s->piece = *piece;
		*piece = empty;
		pthread_cond_signal(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static void stop_thread(struct tar_sink *s)
{
	if (!s->has_thread)
		return;
	pthread_mutex_lock(&s->lock);
	s->end = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	s->has_thread = s->wants_thread = false;
}

int tar_sink_end(
        struct tar_sink *s, struct buf *last, struct hash *ret, uint64_t *ret_size, struct err *e)
{
	stop_thread(s);
	if (s->failed)
		*e = s->error;
	if (s->failed || take(s, last, e) != 0)
		return -1;
	*ret = hasher_end(s->hash);
	*ret_size = s->written;
	return 0;
}

void tar_sink_free(struct tar_sink *s)
{
	if (!s)
		return;
	stop_thread(s);
	hasher_free(s->hash);
	buf_release(&s->piece);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	free(s);
}
