// SPDX-License-Identifier: Apache-2.0
// What verbs open and close around their work: store, registry client, progress.
#pragma once

#include "store/store.h"
#include "ui/ui.h"
#include <stdbool.h>

struct platform;
struct registry;

struct session {
	struct store *store;
	struct registry *registry; // opened by the first session_registry
	struct ui *ui;
	bool insecure;
};
#define auto_session __attribute__((cleanup(session_close)))
// create: make the store if there is none. Otherwise a missing store is ERR_NOT_FOUND.
int session_open(struct session *s, bool create, struct err *e);
int session_look(struct session *s, struct err *e); // STORE_ROWS
void session_close(struct session *s);
struct registry *session_registry(void *session, struct err *e); // NULL on failure; the session's
struct event_sink *session_sink(struct session *s);
// What is printed next is no progress. A client that tells of it goes with it.
void session_end_progress(struct session *s, bool failed);
// An engine over the session's store; the caller releases it.
struct engine;
void session_engine(struct session *s, struct engine *ret);
