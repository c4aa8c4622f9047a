// SPDX-License-Identifier: Apache-2.0
// See relay.h. The last bytes are handed on only when length and digest are what they should be:
// an upload of anything else ends early, and no registry keeps it.

#include "registry/relay.h"

#include "base/cancel.h"
#include "base/fs.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct relay {
	struct blob_taker face;
	struct registry *r;
	const struct descriptor *d;
	const struct strv *sources;
	int step;
	int in, out;     // ends of the pipe, as the fetch and the upload see them
	struct buf held; // what came last
	struct hasher *hasher;
	uint64_t size;
	const atomic_bool *stop; // of the thread that uploads
	bool reader_gone, cut;   // cut: the source would have to begin again, which we cannot
	int rc;
	struct err err;
	pthread_t thread;
};

static uint64_t relay_size(struct blob_taker *t)
{
	return ((struct relay *)t)->size;
}

static int hand_on(struct relay *y, struct err *e)
{
	int rc = fs_write_all(y->in, y->held.p, y->held.n, e);
	buf_reset(&y->held);
	y->reader_gone = rc < 0;
	return rc < 0 ? err_wrap(e, "hand a blob on") : 0;
}

static int relay_write(struct blob_taker *t, const void *p, size_t n, struct err *e)
{
	struct relay *y = (struct relay *)t;
	if (hand_on(y, e) < 0)
		return -1;
	buf_add(&y->held, p, n);
	hasher_add(y->hasher, p, n);
	y->size += n;
	return 0;
}

static int relay_again(struct blob_taker *t, struct err *e)
{
	struct relay *y = (struct relay *)t;
	if (y->size == 0)
		return 0;
	y->cut = true;
	return err_set(e, ERR_NET, "the source cannot go on where it was cut");
}

static int relay_finish(struct blob_taker *t, const struct descriptor *d, struct err *e)
{
	struct relay *y = (struct relay *)t;
	struct digest got = {hasher_end(y->hasher)};
	char have[DIGEST_TEXT], want[DIGEST_TEXT];
	digest_text(&got, have);
	digest_text(&d->digest, want);
	if (!digest_eq(&got, &d->digest))
		return err_set(e, ERR_CORRUPT, "the content has digest %s, but %s was expected",
		        have, want);
	return hand_on(y, e);
}

static void *fetch(void *arg)
{
	struct relay *y = arg;
	cancel_with(y->stop);
	y->rc = blob_fetch_from(y->r, y->d, y->step, y->sources, &y->face, &y->err);
	close_fd(&y->in);
	return NULL;
}

static void relay_free(struct relay *y)
{
	close_fd(&y->in);
	close_fd(&y->out);
	buf_release(&y->held);
	hasher_free(y->hasher);
	free(y);
}

struct relay *relay_start(struct registry *r, const struct descriptor *d, int step,
        const struct strv *sources, int *ret_fd, struct err *e)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		err_sys(e, "make a pipe");
		return NULL;
	}
	struct relay *y = xcalloc(1, sizeof(*y));
	*y = (struct relay){.face = {relay_size, relay_write, relay_again, relay_finish},
	        .r = r,
	        .d = d,
	        .sources = sources,
	        .step = step,
	        .in = ends[1],
	        .out = ends[0],
	        .hasher = hasher_new()};
	y->stop = cancel_with(NULL);
	cancel_with(y->stop);
	errno = pthread_create(&y->thread, NULL, fetch, y);
	if (errno) {
		err_sys(e, "start a thread");
		relay_free(y);
		return NULL;
	}
	*ret_fd = y->out;
	return y;
}

int relay_end(struct relay *y, int rc, struct err *e)
{
	close_fd(&y->out);
	pthread_join(y->thread, NULL);
	if (rc != 0 && y->rc < 0 && !y->reader_gone) {
		*e = y->err;
		rc = y->cut ? 1 : -1;
	}
	relay_free(y);
	return rc;
}
