// SPDX-License-Identifier: Apache-2.0
// The options of `hew build` that say how a RUN is run and what accompanies the image: buildx's,
// with its names and meanings. What needs a daemon is taken with a note.
#pragma once

#include "base/buf.h"
#include "cmd/build_limits.h"

struct build_request;
struct err;

struct build_flags {
	struct strv hosts, ulimits, allow, resources, attests, annotations;
	const char *network, *shm_size, *sbom, *provenance, *print, *on_error, *scan, *max_size;
	struct build_limits limits;
};
void build_flags_release(struct build_flags *f);
int build_flags_take(struct build_flags *f, struct build_request *r, struct err *e);
