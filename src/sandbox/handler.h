// SPDX-License-Identifier: Apache-2.0
// An emulator that the kernel starts for programs of another processor, registered for one step
// alone: since Linux 6.7 a user namespace has handlers of its own (binfmt_misc). So nothing is
// registered on the machine, and no right over it is needed.
#pragma once

#include <stdbool.h>

struct err;
struct step_emulator;

// Whether this kernel has that. Tried in a child.
bool handlers_usable(void);
// Both are for a step's init. Its emulator, from a mount that cannot be
// written: root of a step gets hold of the program that runs it through /proc. Before the step's
// mounts are made.
int handler_emulator(const struct step_emulator *m, struct err *e);
// After that: puts the calling process into a user namespace in which ids are what they were, and
// the emulator at the service of all that runs there. Gives back a descriptor that keeps it there.
int handler_enter(const char *arch, int emulator, struct err *e);
