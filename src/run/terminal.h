// SPDX-License-Identifier: Apache-2.0
// `hew run -t`: a terminal of the process's own, with a thread that carries bytes between it and
// the user's. The user's is never handed in: it is the controlling terminal of their session, so
// the process could not have it as its own, and a process that holds it could type into the shell
// that comes after (TIOCSTI).
#pragma once

struct err;
struct terminal;

// Takes standard input, which is a terminal, over into raw mode until terminal_close. out: where
// what the process writes goes. It has no size before the first terminal_resize.
struct terminal *terminal_open(int out, struct err *e);
int terminal_slave(const struct terminal *t);   // what the process gets as 0, 1 and 2
void terminal_resize(const struct terminal *t); // to the user's size; safe in a signal handler
// Once the process has ended: what it wrote last is carried over first. NULL is fine.
void terminal_close(struct terminal *t);
