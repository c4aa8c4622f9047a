// SPDX-License-Identifier: Apache-2.0
// Programs and libraries in ELF, for other rooms. The bytes are hostile: every read is checked.
#pragma once

#include <stdint.h>

struct content;

// Bytes that strip would take away: the table of symbols and its names, what a debugger reads. 0 of
// what is no program or library, or is damaged.
uint64_t elf_symbols(const struct content *c);
