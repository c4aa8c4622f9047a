// SPDX-License-Identifier: Apache-2.0
#include "rootfs/engine.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "rootfs/emulate.h"
#include <fcntl.h>
#include <string.h>

void engine_init(struct engine *g)
{
	rung_choose(&g->rung);
	pthread_mutex_init(&g->lock, NULL);
}

void engine_release(struct engine *g)
{
	holder_stop(g->holder);
	g->holder = NULL;
	emulators_free(g->emulators);
	g->emulators = NULL;
	pthread_mutex_destroy(&g->lock);
}

struct registry *engine_registry(struct engine *g, struct err *e)
{
	pthread_mutex_lock(&g->lock);
	if (!g->registry)
		g->registry = g->open_registry(g->open_registry_arg, e);
	struct registry *r = g->registry;
	pthread_mutex_unlock(&g->lock);
	return r;
}

struct holder *engine_holder(struct engine *g, struct err *e)
{
	pthread_mutex_lock(&g->lock);
	if (!g->holder)
		g->holder = holder_start(e);
	struct holder *h = g->holder;
	pthread_mutex_unlock(&g->lock);
	return h;
}

// What a step of an ordinary user's made may belong to subordinate ids: only the holder, in whose
// namespace they are somebody, can delete it.
void engine_reap(struct store *s)
{
	struct rung_choice rung;
	struct err ignored = ERR_INIT;
	rung_choose(&rung);
	store_reap(s);
	if (!store_trash_is_foreign(s) || !rung.new_userns)
		return;
	auto_fd int trash = openat(store_root_fd(s), "trash", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct holder *h = trash < 0 ? NULL : holder_start(&ignored);
	auto_buf struct buf reply = {0};
	if (h)
		holder_call(h, "empty", NULL, 0, &trash, 1, -1, &reply, &ignored);
	holder_stop(h);
}

void engine_measure(void *engine, int dirfd, const char *name, uint64_t *ret)
{
	struct engine *g = engine;
	struct err ignored = ERR_INIT;
	auto_buf struct buf reply = {0};
	struct holder *h = g->rung.new_userns ? engine_holder(g, &ignored) : NULL;
	if (h &&
	        holder_call(h, "measure", name, strlen(name), &dirfd, 1, g->stop_fd, &reply,
	                &ignored) == 0 &&
	        reply.n == sizeof(*ret))
		memcpy(ret, reply.p, sizeof(*ret));
}
