// SPDX-License-Identifier: Apache-2.0
// The parts of hew browse.
#pragma once

#include "base/err.h"
#include "browse/browser.h"
#include "layer/chain.h"
#include "subject/size_image.h"
#include <pthread.h>
#include <stdatomic.h>

struct session;

// An image whose layers can be looked into, and what is found out of it meanwhile. It stays where
// it is.
struct browsed {
	struct session *session;
	struct engine engine;
	struct size_image of;
	char digest[DIGEST_TEXT]; // of the manifest
	struct browse_image image;
	struct browse_layer *layers;
	struct layer_index **indexes;
	struct strv digests; // of layers, as text
	struct tar_source source;
	int *tars; // opened when a file's bytes are asked for
	// browse_waste.c
	pthread_t thread;
	bool is_searching;
	atomic_bool stop;
	int found_fd; // readable once the search has ended; -1: none was begun
	int failed;
	struct err why;
	struct browse_waste *waste;
	struct arena texts;
	struct browse_figures figures;
};

// ---- browse_image.c
// Fetches what is not here. name, and session, stay open.
int browsed_open(struct session *s, const char *name, const char *platform, bool silent,
        struct browsed *ret, struct err *e);
void browsed_release(struct browsed *b);

// ---- browse_waste.c
// In a thread of its own: packages have to be looked for in files, and people look already.
int waste_search_begin(struct browsed *b, struct err *e);
// After found_fd became readable: what was found. On failure only that, in b->why.
const struct browse_figures *waste_search_result(struct browsed *b);
// Ends one that is under way, too.
void waste_search_end(struct browsed *b);

// ---- browse_extract.c
// Writes a file of the view into the working directory, under its own name; never over another.
// says: what was written, or why nothing was; one line.
void extract_file(struct view *v, const struct entry *en, struct buf *says);
