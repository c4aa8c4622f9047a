// SPDX-License-Identifier: Apache-2.0
// Characters as Go sees them; see unicode.c.
#pragma once

#include "base/buf.h"

// A byte that is not UTF-8 decodes to RUNE_INVALID + byte, and utf8_put gives that byte back.
#define RUNE_INVALID 0x200000u
#define RUNE_MAX_LEN 4

uint32_t utf8_next(const char *p, size_t n, size_t *ret_len); // n > 0
size_t utf8_put(uint32_t c, char out[static RUNE_MAX_LEN]);
bool rune_is_space(uint32_t c);
bool rune_is_letter(uint32_t c);
bool rune_is_digit(uint32_t c);
struct str rune_trim_left(struct str s); // as strings.TrimLeftFunc(unicode.IsSpace)
struct str rune_trim(struct str s);      // as strings.TrimSpace

// ---- unicode_width.c: columns of a terminal, whatever the locale: 1, 2, 0 (combines with what is
// before it), or -1: shows nothing or changes how others show, and is to be escaped.
int rune_width(uint32_t c);
