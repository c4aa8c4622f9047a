// SPDX-License-Identifier: Apache-2.0
// What the files of RUN share.
#pragma once

#include "base/redact.h"
#include "exec/exec-int.h"
#include "rootfs/jobs.h"
#include "run/mount_list.h"
#include "sandbox/step.h"

struct ssh_forward;

// A cache mount as this step has it.
struct held_cache {
	const char *id; // of the mount
	int sharing;
	char *name; // in the store: differs from the id for one who is to have it alone
	struct store_lock *lock;
};

// Everything one RUN holds open; released whatever happened.
struct run_state {
	struct exec *x;
	const struct step *step;
	int *lowers; // top first
	size_t n_lowers;
	struct upper_dirs upper;
	int tar, index; // of the layer that the upper becomes
	struct commit_reply made;
	struct mount_list mounts;
	struct held_cache *caches;
	size_t n_caches;
	struct ssh_forward **forwards; // to ssh agents
	size_t n_forwards, n_ssh;      // n_ssh: mounts seen
	struct strv env;
	struct redactor redactor; // the step's secrets
	struct user_ids user;
	struct step_emulator emulator;
	struct arena arena;
	struct rootfs below;
	bool moved; // a mount shows other files than those of the key
	bool committed;
	struct err failure; // of one that is kept for a shell
};
// All but streams and signals; borrows from r.
void run_spec(struct run_state *r, struct step_spec *ret);

// run.c
void run_state_free(struct run_state *r); // NULL is fine

// run_shell.c: takes one that failed, if there is to be a shell in it.
bool run_keep_failed(struct run_state *r, const struct err *why);

// run_mounts.c
int run_add_mounts(struct run_state *r, struct err *e);
void run_mounts_release(struct run_state *r);
