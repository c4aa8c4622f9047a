// SPDX-License-Identifier: Apache-2.0
// What verbs open and close around their work: store, registry client, progress.
#pragma once

#include "graph/graph.h"
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

// Full reference of what a person typed. Caller frees; NULL on failure (ERR_USAGE).
char *full_name(const char *text, struct err *e);
// As people write it: docker.io/library/node:20 -> node:20. Caller frees.
char *short_name(const char *full);
// Finds by name (short or full), id or digest, with a helpful message.
int find_image(struct store *s, const char *text, struct image_row *ret, struct err *e);
// Makes the row that of its image for a platform. 1: the index has one, but the store does not.
int narrow_image(
        struct store *s, const struct platform *want, struct image_row *row, struct err *e);
// The same of an image found, unless platform is NULL.
int find_image_for(struct store *s, const char *text, const char *platform, struct image_row *ret,
        struct err *e);
// Fetches an image and records it, as step `step` of the session's progress.
int pull_image(struct session *s, int step, const char *text, const struct platform *p,
        struct image_row *ret, struct err *e);
// Config (and manifest, unless NULL) of a stored image; of an index, of its image for this machine.
struct image_config;
int load_config(struct store *s, const struct image_row *row, struct image_config *ret,
        struct manifest *ret_manifest, struct err *e);
// "json" or a table: 1 json, 0 table, -1 anything else.
int format_is_json(const char *format, struct err *e);
// --network's word. That pasta is not there is told now, not by the first step.
int network_of(const char *word, enum net_mode *ret, struct err *e);
int need_args(const struct strv *args, size_t least, size_t most, const char *usage, struct err *e);
