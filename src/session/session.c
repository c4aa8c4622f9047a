// SPDX-License-Identifier: Apache-2.0
#include "session/session.h"

#include "base/cancel.h"
#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "registry/registry.h"
#include "rootfs/engine.h"
#include "ui/ui.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int open_store(struct session *s, int flags, struct err *e)
{
	auto_free char *root = store_default_root();
	if (cancel_fd() < 0 && cancel_install(e))
		return -1;
	s->store = store_open(root, flags, e);
	if (!s->store && !(flags & STORE_CREATE) &&
	        (e->sys == EROFS || e->sys == EACCES)) // looking may be allowed
		s->store = store_open(root, STORE_READ_ONLY, e);
	return s->store ? 0 : -1;
}

int session_open(struct session *s, bool create, struct err *e)
{
	return open_store(s, create ? STORE_CREATE : 0, e);
}

int session_look(struct session *s, struct err *e)
{
	return open_store(s, STORE_ROWS, e);
}

void session_close(struct session *s)
{
	registry_free(s->registry);
	store_close(s->store);
	ui_free(s->ui);
	*s = (struct session){0};
}

struct event_sink *session_sink(struct session *s)
{
	return s->ui ? ui_sink(s->ui) : NULL;
}

void session_end_progress(struct session *s, bool failed)
{
	registry_free(s->registry);
	s->registry = NULL;
	ui_finish(s->ui, failed);
	ui_free(s->ui);
	s->ui = NULL;
}

struct registry *session_registry(void *session, struct err *e)
{
	struct session *s = session;
	struct registry_options o = {.insecure = s->insecure, .sink = session_sink(s)};
	if (!s->registry)
		s->registry = registry_new(s->store, &o, e);
	return s->registry;
}

void session_engine(struct session *s, struct engine *ret)
{
	*ret = (struct engine){.store = s->store,
	        .sink = session_sink(s),
	        .open_registry = session_registry,
	        .open_registry_arg = s,
	        .stop_fd = -1};
	engine_init(ret);
}
