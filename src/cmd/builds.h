// SPDX-License-Identifier: Apache-2.0
// The parts of hew builds.
#pragma once

#include <stdbool.h>

struct err;
struct record;
struct store;
struct strv;

// ---- builds_list.c
// filters: "status=failed", "name=PATTERN".
int builds_list(struct store *s, const struct strv *filters, bool json, bool quiet, struct err *e);

// ---- builds_log.c: what the build said, as plain progress or as lines of JSON; on stdout
int builds_log(struct store *s, const struct record *r, bool json, struct err *e);
