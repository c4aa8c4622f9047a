// SPDX-License-Identifier: Apache-2.0
// Keys out of the bytes that a terminal sends: UTF-8, control characters, and the sequences of
// ECMA-48 as xterm, the Linux console, tmux and rxvt send them. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_kind {
	KEY_NONE,  // a sequence that means nothing here
	KEY_CHAR,  // a printable character
	KEY_CTRL,  // c: 'a' to 'z', ' ', '\\', ']', '^', '_'
	KEY_ENTER, // Ctrl+M, too: a terminal sends the same
	KEY_TAB,
	KEY_BACK_TAB,
	KEY_ESCAPE,
	KEY_BACKSPACE,
	KEY_DELETE,
	KEY_UP,
	KEY_DOWN,
	KEY_LEFT,
	KEY_RIGHT,
	KEY_HOME,
	KEY_END,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
};

struct key {
	enum key_kind kind;
	uint32_t c;
};

// The first key of n bytes; how many it takes. 0: more has to come, which cannot be if `ended`:
// then what is there is taken as it is. An ESC ahead of a character is a key of its own.
size_t key_read(const char *text, size_t n, bool ended, struct key *ret);
