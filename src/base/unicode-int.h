// SPDX-License-Identifier: Apache-2.0
// Tables of characters: ranges in their order, none touching another.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rune_range {
	uint32_t first, last;
};
bool rune_in_table(const struct rune_range *t, size_t n, uint32_t c);
#define RUNE_IN(t, c) rune_in_table(t, sizeof(t) / sizeof((t)[0]), c)
