// SPDX-License-Identifier: Apache-2.0
// Build records as people read them; for hew why and hew build --dry-run.
#pragma once

#include <stdbool.h>

struct err;
// which: a line or a part of a name, NULL: all that ran; all: the cached ones too. On stdout.
int build_record_print(const char *json, const char *which, bool all, struct err *e);
