// SPDX-License-Identifier: Apache-2.0
// What hew install does beside the names.
#pragma once

#include <stdbool.h>

struct err;

// The shells' files of completion for hew, where all shells look or, for user, that user's.
int install_completion(bool user, bool remove, struct err *e);

// Whether RUN works for users without rights here: says what is missing; as root writes a profile
// for the program where AppArmor wants one. program: its absolute path.
int install_prepare_machine(const char *program, struct err *e);
int install_forget_machine(struct err *e); // takes that profile away
