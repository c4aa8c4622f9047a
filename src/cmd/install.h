// SPDX-License-Identifier: Apache-2.0
// What hew install does beside the names.
#pragma once

#include <stdbool.h>

struct err;

struct install_options {
	bool user, force;
};

enum install_there { THERE_NOTHING, THERE_OURS, THERE_OTHER };

// Moves what is not hew's aside if that was asked for, else is the error that says so; and moves
// it back, if there is any.
int install_make_way(
        const char *dir, const char *file, const struct install_options *o, struct err *e);
void install_bring_back(const char *dir, const char *file);
// The error of errno, with what to do if rights are missing.
int install_cannot(const char *verb, const char *path, bool user, struct err *e);

// The shells' files of completion for hew, where all shells look or, for user, that user's.
int install_completion(bool user, bool remove, struct err *e);

// hew's man pages. named: what stays is told of.
int install_man(const struct install_options *o, struct err *e);
int uninstall_man(const struct install_options *o, bool named, struct err *e);

// Whether RUN works for users without rights here: says what is missing; as root writes a profile
// for the program where AppArmor wants one. program: its absolute path.
int install_prepare_machine(const char *program, struct err *e);
int install_forget_machine(struct err *e); // takes that profile away
