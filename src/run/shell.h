// SPDX-License-Identifier: Apache-2.0
// A shell for people, in a root filesystem that may have none.
#pragma once

struct err;
struct strv;
struct view;

// The command of the first that is there, bash before sh. ERR_NOT_FOUND.
int shell_find(struct view *root, struct strv *ret, struct err *e);
// Where the terminal can be written to: -1 if there is none, or nobody types on it.
int shell_terminal(void);
