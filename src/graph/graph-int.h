// SPDX-License-Identifier: Apache-2.0
// What the files of this room share: the state of a stage while its instructions are walked.
#pragma once

#include "base/map.h"
#include "dockerfile/expand.h"
#include "graph/graph.h"

// What the outline needs to know of a build argument.
struct arg_info {
	const char *name, *value, *doc;
	struct pos pos;
	struct strv deps; // of a global one: those its default mentions
};

struct declared_arg {
	const char *key, *value; // value NULL: declared without one and not given
	size_t at; // its place in `vars`, or how many of them it is not among: they are never moved
};

struct stage_state {
	bool done, busy;
	int rootfs; // step, -1 scratch
	struct platform platform;
	struct image_config config;
	int *history_steps; // parallel to config.history
	size_t cap_history;
	size_t n_base_history;
	struct strv vars;          // ARG and ENV as RUN sees them, the last writer wins
	struct strv step_env;      // the same as the last step got it: the graph's
	struct declared_arg *args; // in order of declaration, for history
	size_t n_args, cap_args;
	struct map args_at; // name -> its place, counted from 1; of the first n_args_at
	size_t n_args_at;
	bool cmd_set; // CMD in this very stage
	bool no_cache;
	const char *display;       // "builder", "stage-1", "" if there is only one unnamed stage
	int index, total, counter; // counter of the [n/total] in names
	struct dockerfile *df;
	// for the checks
	bool workdir_set, unknown_base;
	const struct instr *last_cmd, *last_entrypoint, *last_health;
	// for the outline: stages this one is made from, arguments its FROM mentions or that it
	// declares, those with a value of its own, secrets and sockets
	int *needs;
	size_t n_needs;
	struct strv used;
	struct map used_at; // the same as a set
	struct arg_info *own;
	size_t n_own;
	struct map own_at; // name -> its place, counted from 1
	struct outline_entry *secrets, *sockets;
	size_t n_secrets, n_sockets;
};

struct builder {
	struct graph *g;
	struct dockerfile *df;
	const struct graph_options *o;
	const struct platform *target; // of this walk over the stages
	struct strv globals;           // global ARGs and platform arguments
	struct stage_state *states;
	int depth;
	struct arg_info *global_args;
	struct map global_at; // name -> its place, counted from 1
	size_t n_global_args, n_hints;
	const char *epoch; // what --build-arg SOURCE_DATE_EPOCH means; NULL: as it was given
	struct map images; // "PLATFORM NAME" -> its step
	struct map unique; // what earlier walks made, by what it does (unique.c)
	size_t copied;     // bytes outside the arena: history, command lines, what stages pass on
};

// graph.c: an instruction of a few bytes may come to as much as all before it together. Fails once
// it is too much.
int check_size(const struct builder *b, const struct instr *in, struct err *e);

// epoch.c: the graph's epoch, and the argument as a number
int epoch_settle(struct builder *b, struct err *e);

// stage.c
int stage_build(struct builder *b, size_t index, struct err *e);
// From the stage's working directory: absolute and clean, in the graph's arena.
const char *stage_path(struct builder *b, const struct stage_state *s, const char *path);
struct step *step_add(struct builder *b, struct stage_state *s, enum step_kind kind,
        const struct instr *in, bool on_build);
void step_release(struct step *s);
// What `COPY --from=name` or `--mount=from=name` means; builds the stage or resolves the image.
int source_find(struct builder *b, struct stage_state *s, const struct instr *in, const char *from,
        bool allow_index, struct file_source *ret, struct err *e);

// unique.c
// The step that was added last and is complete, or, if it does what one of an earlier platform
// does, that one in its place.
struct step *step_unique(struct builder *b, struct step *last);

// check.c: BuildKit's checks of FROM lines and instructions
struct undefined { // variables that one word used in vain
	struct builder *b;
	struct stage_state *s;
	const struct instr *in;
	struct strv names;
};
void undefined_note(void *undefined, const char *name);
void undefined_report(struct undefined *u); // and releases
int check_froms(struct builder *b, struct err *e);
void check_once(struct builder *b, const struct instr *in, const struct instr **last);
void check_shell_form(struct builder *b, const struct stage_state *s, const struct instr *in);
void check_secret(struct builder *b, const struct instr *in, const char *key);
void check_legacy(struct builder *b, const struct instr *in);
void check_workdir(
        struct builder *b, struct stage_state *s, const struct instr *in, const char *path);
void check_image(struct builder *b, const struct instr *in, const char *ref,
        const struct platform *want, const struct graph_image *image);
void check_source(struct builder *b, const struct instr *in, const char *source);

// outline.c
void outline_used(struct stage_state *s, const char *name);
void outline_arg(struct stage_state *s, const struct instr *in, const struct key_value *kv,
        const char *value);
void outline_need(struct builder *b, struct stage_state *s, const struct instr *in,
        const struct run_mount *m);
void outline_from(struct stage_state *s, int stage);
void outline_make(struct builder *b, int target);
void outline_release(struct stage_state *s);

// vars.c
const char *build_arg(const struct builder *b, const char *key); // NULL if it is not given
int vars_globals(struct builder *b, struct err *e);
// The global arguments as they are without --build-arg. The caller releases *ret.
int vars_defaults(struct builder *b, struct strv *ret, struct err *e);
// u may be NULL: nothing is said of undefined variables.
struct expand_env vars_env(struct stage_state *s, struct undefined *u);
// Expands word with the variables of the stage; allocated in the graph's arena.
int vars_expand(struct builder *b, struct stage_state *s, const struct instr *in, const char *word,
        const char **ret, struct err *e);
// What RUN sees of a declared argument, for history.
const char *vars_declared(struct stage_state *s, struct declared_arg *a);
int vars_arg(struct builder *b, struct stage_state *s, const struct instr *in, struct err *e);
// Sets an argument to what is given for it, or to its default if it has one.
int vars_default(struct builder *b, struct strv *vars, const struct instr *in,
        const struct key_value *kv, const char *given, struct err *e);
void vars_proxy(const struct builder *b, struct strv *ret);

// meta.c: instructions that only edit the configuration
int meta_dispatch(struct builder *b, struct stage_state *s, const struct instr *in, struct err *e);
// Command line with the shell in front, as RUN, CMD and ENTRYPOINT use it.
void shell_prepend(const struct image_config *c, const struct instr *in, struct strv *ret);
void history_add(struct builder *b, struct stage_state *s, const char *created_by, int step);

// run.c, copy.c
int run_dispatch(struct builder *b, struct stage_state *s, const struct instr *in, bool on_build,
        struct err *e);
int copy_dispatch(struct builder *b, struct stage_state *s, const struct instr *in, bool on_build,
        struct err *e);
int workdir_dispatch(struct builder *b, struct stage_state *s, const struct instr *in,
        bool on_build, struct err *e);
