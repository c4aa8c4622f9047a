// SPDX-License-Identifier: Apache-2.0
// The waste of an image, looked for while people look through it.
#include "base/cancel.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/browse.h"
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void *search(void *arg)
{
	struct browsed *b = arg;
	uint64_t one = 1;
	cancel_with(&b->stop);
	b->failed = size_image_waste(b->session, &b->engine, &b->of, &b->why);
	(void)!write(b->found_fd, &one, sizeof(one));
	return NULL;
}

int waste_search_begin(struct browsed *b, struct err *e)
{
	b->found_fd = eventfd(0, EFD_CLOEXEC);
	if (b->found_fd < 0)
		return err_sys(e, "make an eventfd");
	errno = pthread_create(&b->thread, NULL, search, b);
	b->is_searching = errno == 0;
	return b->is_searching ? 0 : err_sys(e, "start a thread");
}

static void join(struct browsed *b)
{
	if (b->is_searching)
		pthread_join(b->thread, NULL);
	b->is_searching = false;
	close_fd(&b->found_fd);
	b->found_fd = -1;
}

static const char *what_text(struct browsed *b, const struct waste_finding *w)
{
	const char *kind = waste_kind_name(w->kind);
	if (w->kind == WASTE_DELETED || w->kind == WASTE_OVERWRITTEN || w->kind == WASTE_REPEATED)
		return arena_printf(&b->texts, "%s in layer %zu", kind, w->by + 1);
	if (w->original)
		return arena_printf(&b->texts, "%s of /%s", kind, w->original);
	if (w->package)
		return arena_printf(&b->texts, "%s, %s", kind, w->package);
	return kind;
}

const struct browse_figures *waste_search_result(struct browsed *b)
{
	join(b);
	b->figures = (struct browse_figures){.efficiency = -1};
	if (b->failed)
		return &b->figures;
	const struct waste_list *l = &b->of.waste;
	b->waste = xcalloc(l->n + 1, sizeof(*b->waste));
	for (size_t i = 0; i < l->n; i++)
		b->waste[i] = (struct browse_waste){.path = l->v[i].path,
		        .what = what_text(b, &l->v[i]),
		        .advice = l->v[i].advice,
		        .layer = l->v[i].layer,
		        .bytes = l->v[i].bytes,
		        .package = l->v[i].package};
	b->figures = (struct browse_figures){.efficiency = b->of.weight.dive.efficiency,
	        .wasted = b->of.weight.dive.wasted_bytes,
	        .waste = b->waste,
	        .n_waste = l->n};
	return &b->figures;
}

void waste_search_end(struct browsed *b)
{
	atomic_store(&b->stop, true);
	join(b);
	free(b->waste);
	arena_release(&b->texts);
}
