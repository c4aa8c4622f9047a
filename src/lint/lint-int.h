// SPDX-License-Identifier: Apache-2.0
// What the files of this room share: the walk over one Dockerfile, and shell scripts as lists of
// commands.
#pragma once

#include "base/buf.h"
#include "lint/lint.h"

// ---- shell.c: enough of the shell to know which commands a script runs

struct sh_word {
	const char *text; // quotes taken away; variables as they stand
	size_t at, end;   // in the file
};

// What stands before a command.
enum sh_join { SH_FIRST, SH_THEN, SH_AND, SH_OR, SH_PIPE };

struct sh_command {
	struct sh_word *words; // without assignments, redirections and sudo
	size_t n;
	const char *const *env; // "K=V" in front of it; NULL-terminated or NULL
	enum sh_join join;
	bool background, sudo, nested; // nested: in ( ), { } or after a keyword
};

struct sh_script {
	struct sh_command *v;
	size_t n, cap;
	bool comment;  // a # that hides the rest of a line
	bool odd;      // quotes or brackets that are not closed: nothing is to be appended
	bool dangling; // it ends in ";" or another that joins two commands: the same
	size_t end;    // behind the last character that is no blank
};

struct sh_input {
	const char *text; // the file
	size_t at, end;   // the script's part of it
	char escape;      // at the end of a line: the line goes on; comment lines there are none
	bool lines;       // a heredoc's body: a newline ends a command
	bool bare;        // no script: of the first words none is a shell's ("env")
};
void sh_parse(struct arena *a, const struct sh_input *in, struct sh_script *ret);
bool sh_is(const struct sh_command *c, const char *name);  // words[0], also by its path
bool sh_has(const struct sh_command *c, const char *word); // one of the others is it
// The first word after the name that is no option; NULL if there is none.
const struct sh_word *sh_verb(const struct sh_command *c);
bool sh_verb_is(const struct sh_command *c, const char *name, const char *verb);

// ---- lint.c: the walk

struct lint_run {
	const struct instr *in;
	struct sh_script script;
	bool can_append; // the script's last line is the instruction's
};

struct lint_stage {
	const struct stage *s;
	int parent;             // stage it is FROM, -1
	bool final;             // its files are in the image
	bool own_shell;         // SHELL is set to something that is no sh
	bool pipefail, errexit; // by SHELL
	struct lint_run *runs;
	size_t n_runs;
	const struct lint_run *installs; // the first that installs dependencies, or NULL
	// Of the stage and of those made from it, lines or 0:
	int needs_lists; // the last RUN that installs from package lists of another
	int last_run;    // the last RUN
};

struct lint {
	const struct dockerfile *d;
	struct str text;
	const struct lint_options *o;
	struct lint_report *r;
	struct arena *a;
	size_t *lines; // offset of every line
	size_t n_lines;
	const char *eol;
	struct lint_stage *stages;
	size_t n_stages;
	int last;           // the final stage
	struct instr **all; // every instruction, in the order of the file
	size_t n_all;
	// The instruction whose words were asked for last, and where the search for one goes on.
	const struct instr *words_of;
	struct sh_command words;
	size_t words_at;
	// The rule and the instruction that were asked of last, and whether it counts there.
	const struct instr *asked_of;
	const struct lint_rule *asked;
	bool counts;
};

// Adds a finding unless the file or the instruction silences the rule; NULL then.
struct lint_finding *lint_find(struct lint *l, const struct instr *in, const char *rule,
        struct pos pos, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void lint_edit(struct lint_finding *f, size_t at, size_t end, const char *text);
// Appends a command to the script of a RUN, in the layout of the instruction.
void lint_append(
        struct lint *l, struct lint_finding *f, const struct lint_run *run, const char *command);
size_t lint_line_at(const struct lint *l, int line); // offset; line counts from 1
// The value of a variable set by ENV in the stage or those below it, before `in`; NULL.
const char *lint_env(
        const struct lint *l, const struct lint_stage *s, const struct instr *in, const char *name);
bool lint_has_cache_mount(const struct instr *in, const char *path); // at or above it
// A cache mount that is not apt's: at a cache that some tool is told to use.
bool lint_has_other_cache_mount(const struct instr *in);

// packages.c, files.c, stages.c, layers.c, buildkit.c
void lint_summarise(struct lint *l);
void lint_packages(struct lint *l, struct lint_stage *s);
void lint_files(struct lint *l, struct lint_stage *s);
void lint_stage_rules(struct lint *l, struct lint_stage *s);
void lint_shell_rules(struct lint *l, struct lint_stage *s);
void lint_layers(struct lint *l);
void lint_buildkit(struct lint *l);
// A RUN that fetches what a file of the context lists.
bool lint_installs_dependencies(const struct sh_command *c);
