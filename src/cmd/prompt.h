// SPDX-License-Identifier: Apache-2.0
// A question to whoever sits at the terminal.
#pragma once

#include <stdbool.h>

struct buf;
struct err;

// One line of standard input, without its end; "" if there is none. The question is shown on
// standard error if that is a terminal's. hide: what is typed is not shown. A signal that ends hew
// ends the wait: ERR_CANCELLED, with the terminal as it was.
int prompt_line(const char *question, bool hide, struct buf *ret, struct err *e);
