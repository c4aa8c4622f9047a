// SPDX-License-Identifier: Apache-2.0
// A chain view over layers of the store.
#pragma once

#include "image/digest.h"
#include "layer/view.h"

struct err;
struct store;

// diff_ids: bottom first; each must have its index and its tar in the store (ERR_NOT_FOUND). Tars
// are opened when the first byte is asked for. The view owns what it needs but the store, and must
// go before the store is closed. NULL on failure.
struct view *stored_view(struct store *s, const struct digest *diff_ids, size_t n, struct err *e);
