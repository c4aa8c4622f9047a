// SPDX-License-Identifier: Apache-2.0
// What a verb is: a table of options (parsed, printed by --help, completed by the shell and
// compared with the man page by a test, all from the same rows) and a function.
#pragma once

#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>

struct err;

enum option_kind {
	OPT_FLAG,   // bool: --x, --x=true|false
	OPT_ON,     // bool: the opposite of --x, which is on unless --x=false
	OPT_STRING, // const char *: the last one wins
	OPT_LIST,   // struct strv: every one is kept
	OPT_INT,    // int64_t
	// Accepted for docker's sake and ignored, with a note; takes an argument if `arg` is set.
	OPT_NOTE,
};

struct option {
	const char *name; // "build-arg"
	char letter;      // 't', or 0
	enum option_kind kind;
	size_t offset;    // in the verb's struct
	const char *arg;  // "KEY=VALUE" for help; NULL for flags
	const char *help; // one line; NULL: hidden
	const char *why;  // OPT_NOTE: why it is ignored; NULL: it has no effect here
};

struct command {
	const char *name, *alias;     // alias: NULL or a second name
	const char *args;             // "[OPTIONS] PATH"
	const char *verbs;            // "ls show": its own, for completion; may be NULL
	const char *summary;          // one line
	const char *details;          // paragraphs shown by --help after the options; may be NULL
	const struct option *options; // ends with name == NULL
	size_t size;                  // of the verb's struct; zeroed before parsing
	bool keep_dashes;             // "--" is an argument too: what follows is another's
	bool stop_at_args; // options end at the first argument (`hew run IMAGE cmd --flag`)
	// Of another program that this verb stands in for:
	const char *env;    // "TRIVY_": options can be given as variables, too; NULL
	int failure_status; // of every failure; 0: that of its kind
	const char *page;   // whose man page tells of it; NULL: its own
	// Returns the exit status, or -1 with *e set, which the caller prints. opts: the verb's
	// struct; args: what is no option.
	int (*run)(void *opts, const struct strv *args, struct err *e);
	void (*release)(void *opts); // may be NULL
};

extern const struct command *const commands[]; // NULL-terminated; commands.c
const struct command *command_find(const char *name);
// Parses, handles --help, runs. Returns the exit status; prints errors.
int command_main(const struct command *c, int argc, char **argv);
// What was printed on stdout must have arrived: there too a disk can be full.
int command_flush(struct err *e);
int options_parse(const struct command *c, int argc, char **argv, void *opts, struct strv *args,
        bool *ret_help, struct err *e);
void command_help(const struct command *c, struct buf *out);
void commands_help(struct buf *out);

#define OPTION_END ((struct option){0})
