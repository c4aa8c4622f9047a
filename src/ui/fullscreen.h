// SPDX-License-Identifier: Apache-2.0
// The terminal that a program has to itself for a while: keys one by one, a screen of its own. It
// is given back as it was found however the process ends, but for SIGKILL, and when it is stopped.
// One at a time: signal handlers know it.
#pragma once

#include "base/buf.h"

struct err;

enum fullscreen_news {
	FULLSCREEN_INPUT = 1 << 0,   // bytes were appended
	FULLSCREEN_RESIZED = 1 << 1, // another size
	FULLSCREEN_RESUMED = 1 << 2, // it was in other hands: all has to be drawn anew
	FULLSCREEN_OTHER = 1 << 3,   // the caller's descriptor is readable
	FULLSCREEN_GONE = 1 << 4,    // nobody is there any more
};

// Standard input and output have to be one; ERR_USAGE if they are not, or are one that cannot place
// its cursor. instead: what to use then, for the message.
int fullscreen_check(const char *instead, struct err *e);
int fullscreen_open(struct err *e);
void fullscreen_close(void);
void fullscreen_size(int *ret_columns, int *ret_rows);
bool fullscreen_is_utf8(void); // by the locale's name
// Waits for news, at most so long; < 0: as long as it takes. Wakes up for cancel_fd() too, and for
// one more descriptor, -1: none. Returns a set of fullscreen_news, empty if none came.
int fullscreen_wait(int milliseconds, int other_fd, struct buf *input);
void fullscreen_write(const struct buf *bytes);
// As Ctrl+Z does: returns when the process goes on, FULLSCREEN_RESUMED.
int fullscreen_suspend(void);
