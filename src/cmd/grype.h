// SPDX-License-Identifier: Apache-2.0
// What stands in for Grype.
#pragma once

#include "cmd/scan_run.h"

// Its JSON document. ---- grype_json.c
void grype_json(const struct report *r, struct buf *out);
