// SPDX-License-Identifier: Apache-2.0
// Where an engine may be.
#pragma once

#include "base/buf.h"

struct err;

// "unix:///path" or "tcp://host:port" of what is to be tried, in this order. *ret_given: somebody
// named the one there is.
int engine_endpoints(const char *context, struct strv *ret, bool *ret_given, struct err *e);
// The path of a unix:// endpoint that somebody listens on; NULL with *e set. Caller frees.
char *engine_socket(const char *endpoint, struct err *e);
