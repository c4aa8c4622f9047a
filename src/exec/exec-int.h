// SPDX-License-Identifier: Apache-2.0
// What the files of this room share: the state of one build while it runs.
//
// Lock order: exec.lock (step states, the ready list) is never held across a step's work, a call of
// the store or an event.
#pragma once

#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "context/local.h"
#include "exec/build.h"
#include "exec/build_log.h"
#include "graph/graph.h"
#include "layer/writer.h"
#include "lock/lock.h"
#include "rootfs/rootfs.h"
#include "rootfs/users.h"
#include "sandbox/step.h"
#include "store/store.h"
#include <pthread.h>
#include <stdatomic.h>

struct git_commit;
struct provenance_source;
struct reference;
struct remote; // remote.c
struct ssh_agent;
struct run_state;

// What a COPY or ADD brings, before it is known where it lands (copy_plan.c).
struct copy_item {
	const char *rel; // below the source's top; "" is the top itself; part of en.path
	bool has_links;  // items after it are hard links to it
	// The mode is as --chmod has it; link: rel of the hard link's target, or NULL.
	struct entry en;
	struct view *view; // where the bytes are
	const char *data;  // inline file, view == NULL
};
struct copy_source {
	// Items of COPY_ARCHIVE and COPY_REMOTE come with copy_plan_fetch; a remote one is one of
	// the others then.
	enum { COPY_FILE, COPY_DIR, COPY_ARCHIVE, COPY_REMOTE } kind;
	char *name; // base name as matched
	struct copy_item *items;
	size_t n, cap;
	struct entry file;     // COPY_ARCHIVE: itself
	struct remote *remote; // COPY_REMOTE, or what was; owned
	struct view *owned;    // what the items are of, if it is not the plan's view
};
struct copy_plan {
	struct copy_source *sources;
	size_t n, cap;
	struct view *root; // stage or image copied from; owned
};

// Why a step is not in the store (explain.c).
enum miss_kind {
	MISS_NONE,
	MISS_FIRST, // nothing it could be compared with
	MISS_ASKED, // --no-cache
	MISS_LOST,  // its record is here, its layer is not
	MISS_FILE,  // what is copied
	MISS_VALUE, // a word of the instruction, a variable
	MISS_BASE,  // the image in FROM
	MISS_BELOW, // the result of the step it follows
};
struct miss {
	enum miss_kind kind;
	char *text;                     // a sentence for people
	char *subject, *before, *after; // file or component and both its values, or NULL
	int cause;                      // MISS_BELOW: that step; else -1
};

// What a mount of a RUN takes from a context or a step.
struct mounted_layer {
	bool is_set, is_dir; // is_set: it is a layer
	struct digest layer;
	struct hash content; // as the key counts it
};

#define BUILD_ID 13 // of twelve hex digits

struct step_state {
	enum { STEP_WAITING, STEP_RUNNING, STEP_DONE } state;
	bool cached, looked_up;
	bool ran, told; // in an earlier pass: not cached, whatever the store says now
	struct rootfs root;
	struct hash key;
	struct timestamp created;
	int64_t duration_ns;
	int64_t began_ns, took_ns; // of this build's work on it; clock_ns
	char *components;          // JSON of the key
	// Of a COPY or ADD that has to run: what its key was made of is what it copies.
	struct copy_plan plan;
	bool has_plan;
	struct miss miss;
	struct step_list selections; // records that its key was made of (selection.c)
	// Parallel to the mounts of a RUN. First what its key was made of; once they are made, what
	// they show.
	struct mounted_layer *mounted; // NULL: none, or there is no key yet
};

struct named_context {
	char *name;  // NULL: the main context
	char *value; // folder, URL or image as it was given
	bool is_folder, is_remote;
	char *ignore_name;
	struct ignore *ignore;
	struct view *view; // NULL: an image, not needed yet, or (the main one) none at all
};

struct exec {
	struct engine engine; // its stop_fd: an eventfd, readable once a step has failed
	struct store *store;  // the engine's
	const struct build_request *req;
	struct graph *graph;
	struct dockerfile *df;
	struct step_state *states;
	struct named_context *contexts;
	size_t n_contexts;
	// The main context turned out to be a Dockerfile and nothing else.
	struct buf dockerfile_text;
	bool has_dockerfile_text;
	// What came from outside and is no image, in the order of first use; under lock.
	struct provenance_source *sources;
	size_t n_sources;
	struct ssh_agent **agents; // parallel to req->ssh; when first needed, under agents_lock
	pthread_mutex_t agents_lock;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stop;
	atomic_bool stopping; // the same, for whoever does not hold the lock
	bool again;           // a step needs a layer that turned out to be gone: another pass
	struct err first_err;
	int failed_step;
	bool keep_graph;   // it is the caller's
	char id[BUILD_ID]; // of the build
	const char *path;  // of the Dockerfile
	struct lock pins;  // of hew.lock; empty unless it is to be kept to
	int64_t time, begun_ns;
	struct build_log *log;        // NULL: none is kept
	struct run_state *failed_run; // with lock held: kept for a shell; NULL
};

// ---- contexts.c
// The main context; before the Dockerfile is read, which may be in it. dockerfile: its path, if it
// is a file of this machine.
int context_open_main(struct exec *x, const char *dockerfile, struct err *e);
int contexts_open_named(struct exec *x, struct err *e);
void contexts_close(struct exec *x);
struct named_context *context_find(struct exec *x, const char *name); // NULL name: main
// As FROM names it: "alpine" also means docker.io/library/alpine:latest, and one for that platform
// ("name::linux/arm64") comes first.
struct named_context *context_match(struct exec *x, const char *name, const struct platform *p);
int context_need(struct exec *x, struct named_context *c, struct err *e); // fetches its files

// ---- chmod.c: octal or symbolic (u=rwX,go=rX)
int chmod_parse_check(const char *spec, struct err *e);
uint32_t chmod_apply(const char *spec, uint32_t mode, bool is_dir);

// ---- copy_plan.c
void copy_plan_release(struct copy_plan *p);
int copy_plan_make(struct exec *x, const struct step *s, struct copy_plan *ret, struct err *e);
void step_plan_drop(struct step_state *st);
// For a key an archive is its bytes and a repository its commit; this makes them files.
int copy_plan_fetch(struct exec *x, const struct step *s, struct copy_plan *p, struct err *e);
struct copy_source *copy_plan_add(struct copy_plan *p, const char *name);
struct copy_item *copy_source_add(
        struct copy_source *s, const char *rel, const struct entry *en, struct view *v);

// ---- remote.c: archives, URLs, git repositories
int archive_is(struct view *from, const struct entry *en, struct err *e); // 1, 0, -1
// Of a file with known content: other bytes than those are ERR_CONTEXT with sys ESTALE.
struct view *archive_view(struct exec *x, struct view *from, const struct entry *en, struct err *e);
// Adds the source if it is a URL or a repository. 1 done, 0 it is none, -1.
int remote_source(
        struct exec *x, const struct step *s, const char *text, struct copy_plan *p, struct err *e);
void remote_free(struct remote *r); // NULL is fine
const struct hash *remote_id(const struct remote *r);
bool remote_is_file(const struct remote *r); // and no repository
// Sets kind and owned.
int remote_fetch(struct exec *x, const struct step *s, struct copy_source *src, struct err *e);
struct view *remote_git_context(struct exec *x, const char *text, bool keep_git_dir, struct err *e);
struct download;
int remote_download(struct exec *x, const char *url, const struct digest *pinned, int step,
        struct download *ret, struct err *e);
// The files of a download that is an archive: 1; 0: it is none; -1.
int remote_archive(struct exec *x, const struct download *d, struct view **ret, struct err *e);
// When a repository's commit or a server's file was made: 1; 0: nothing says so; -1. is_context:
// as git_ref_is has it.
int remote_time(struct exec *x, const char *url, bool is_context, int64_t *ret, struct err *e);
// A downloaded file alone in a folder.
struct view *remote_file_view(
        struct exec *x, const struct download *d, const char *name, struct err *e);

// ---- pins.c: what hew.lock says, and what is to be said there
// Reads hew.lock, if it is to be kept to.
int pins_open(struct exec *x, const char *dockerfile, struct err *e);
// What an image name stands for; sets the digest of ref. 1; 0: whatever it stands for now; -1.
int pin_image(struct exec *x, struct reference *ref, struct err *e);
// The same of what ADD names.
int pin_url(struct exec *x, const char *url, struct digest *ret, struct err *e);
int pin_git(struct exec *x, const char *text, struct git_commit *ret, struct err *e);
// What it turned out to be.
int pin_found_url(struct exec *x, const char *url, const struct digest *d, struct err *e);
int pin_found_git(struct exec *x, const char *text, const struct git_commit *c, struct err *e);
// Settles all that ADD names.
int pins_settle(struct exec *x, struct err *e);

// ---- ssh.c: --ssh and RUN --mount=type=ssh
// The agent of that id, opened if need be. 1, 0: not given, -1.
int ssh_find(struct exec *x, const char *id, struct ssh_agent **ret, struct err *e);
int ssh_agent_for_git(struct exec *x, const char **ret_path, struct err *e);
void ssh_close(struct exec *x);

// ---- copy_write.c: where it lands, and the layer
int copy_run(struct exec *x, const struct step *s, struct digest *ret, struct err *e);
int workdir_run(struct exec *x, const struct step *s, struct digest *ret, struct err *e);
struct layer_writer_options exec_writer_options(const struct exec *x);
// Writes a selection at the root of a layer of its own: what RUN --mount=type=bind shows.
int selection_layer(struct exec *x, const struct file_source *from, const char *path, int step,
        struct mounted_layer *ret, struct err *e);
// The context was changed after it was looked at: a file is another one (see layer/writer.h) or
// gone.
bool source_is_stale(const struct file_source *from, const struct err *e);

// ---- run.c
int run_run(struct exec *x, const struct step *s, struct digest *ret, struct err *e);

// ---- run_shell.c
// The shell of --on-error, once nothing else runs; if there is a step to have it in.
void run_shell(struct exec *x);

// ---- key.c
#define KEY_VERSION "4" // what was made under another one is not found
int step_key(struct exec *x, const struct step *s, struct step_state *st, struct err *e);
// Of a RUN, from what st->mounted says of its mounts.
void run_key(struct exec *x, const struct step *s, struct step_state *st);
struct view *source_view(
        struct exec *x, const struct file_source *from, int step, bool *ret_owned, struct err *e);

// ---- explain.c
// Of a step whose key is known and was not found, before it runs.
void explain_miss(struct exec *x, const struct step *s);
void miss_release(struct miss *m);
const char *miss_kind_name(enum miss_kind kind);

// ---- build_record.c
struct build_end {
	bool is_running;                   // it has not come to an end
	const struct build_result *result; // NULL: there is none
	const struct err *failure;         // NULL: all is well
};
// JSON; the caller's. A build of which all was cached gets its id here: equal ones have the same.
char *build_record(struct exec *x, const struct build_end *end);
void build_id_make(char out[static BUILD_ID]);

// ---- provenance.c
// A repository's commit or a server's file went into the build. uri: as may be shown.
void source_note(struct exec *x, const char *uri, const char *algorithm, const char *hex);
void sources_release(struct exec *x);
// The predicates that the request asks for. text: the Dockerfile.
void build_provenance(struct exec *x, const struct buf *text, struct build_result *ret);

// ---- selection.c: what a COPY takes, as its key counts it: one digest a source
struct selection {
	struct strv names;    // base name as matched; parallel to digests
	struct hash *digests; // of kind, paths, attributes and bytes
};
void selection_release(struct selection *s);
struct hash selection_digest(const struct selection *s);
struct hash copy_plan_digest(const struct copy_op *op, const struct copy_plan *p);
// If the files had to be looked at, *ret_plan is what was seen and *ret_has_plan is set.
int selection_read(struct exec *x, const struct step *s, struct selection *ret,
        struct copy_plan *ret_plan, bool *ret_has_plan, struct err *e);

// ---- resolve.c
struct graph_resolver *resolver_new(struct exec *x);
void resolver_free(struct graph_resolver *r);

// ---- build.c
bool dockerfile_is_in_view(struct exec *x);
void build_begin(struct exec *x); // something is going to run: record and log from here on

// ---- schedule.c
// The root filesystem that the step works on; a copy.
void step_input(struct exec *x, int step, struct rootfs *ret);
int schedule(struct exec *x, struct err *e);
// Finds what the store has of the steps; runs and fetches nothing.
void schedule_look(struct exec *x);

// ---- commit.c
int commit_images(struct exec *x, struct build_result *ret, struct err *e);
