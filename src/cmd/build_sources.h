// SPDX-License-Identifier: Apache-2.0
// The options of `hew build` that say where files come from.
#pragma once

#include "base/buf.h"

struct build_request;
struct err;

// PATH and --file. text: takes a Dockerfile that came from standard input, and must outlive *r.
int build_take_context(const char *context, const char *file, struct buf *text,
        struct build_request *r, struct err *e);
// --ssh default|ID[=SOCKET|KEY[,KEY...]]
int build_take_ssh(const struct strv *specs, struct build_request *r, struct err *e);
