// SPDX-License-Identifier: Apache-2.0
// Words of a command line that several verbs take.
#pragma once

#include "base/buf.h"
#include "graph/graph.h"

struct err;

// "json" or a table: 1 json, 0 table, -1 anything else.
int format_is_json(const char *format, struct err *e);
// --network's word. That pasta is not there is told now, not by the first step.
int network_of(const char *word, enum net_mode *ret, struct err *e);
int need_args(const struct strv *args, size_t least, size_t most, const char *usage, struct err *e);
