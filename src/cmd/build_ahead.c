// SPDX-License-Identifier: Apache-2.0
#include "cmd/build_ahead.h"

#include "base/cancel.h"
#include "base/mem.h"
#include "base/pool.h"
#include "exec/build.h"
#include "subject/image_packages.h"

struct look {
	struct session *session;
	struct digest layer;
};

static void look_into(void *arg)
{
	auto_free struct look *l = arg;
	if (!cancel_requested())
		image_packages_keep(l->session, &l->layer);
}

static void layer_made(void *arg, const struct digest *layer, bool in_result)
{
	const struct build_ahead *a = arg;
	if (a->next)
		a->next(a->next_arg, layer, in_result);
	if (!a->pool || !in_result)
		return;
	struct look *l = xcalloc(1, sizeof(*l));
	*l = (struct look){a->session, *layer};
	pool_add(a->pool, look_into, l);
}

void build_ahead_begin(struct build_ahead *a, struct session *s, struct build_request *r)
{
	*a = (struct build_ahead){s, pool_new(1), r->layer_made, r->layer_made_arg};
	r->layer_made = layer_made;
	r->layer_made_arg = a;
}

void build_ahead_end(struct build_ahead *a)
{
	pool_free(a->pool);
	a->pool = NULL;
}
