// SPDX-License-Identifier: Apache-2.0
// hew build --scan, --sbom: the packages of a layer are looked for once it is written, while later
// steps run.
#pragma once

#include "image/digest.h"
#include <stdbool.h>

struct build_request;
struct pool;
struct session;

struct build_ahead {
	struct session *session;
	struct pool *pool; // NULL: nothing is looked for
	// Whom the request tells of layers, too.
	void (*next)(void *arg, const struct digest *layer, bool in_result);
	void *next_arg;
};
// The request's layer_made comes here first; a has to outlive the build.
void build_ahead_begin(struct build_ahead *a, struct session *s, struct build_request *r);
// Waits for what is being looked into. May be called again, and without a begin.
void build_ahead_end(struct build_ahead *a);
