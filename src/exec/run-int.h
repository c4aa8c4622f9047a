// SPDX-License-Identifier: Apache-2.0
// What the files of RUN share.
#pragma once

#include "exec/exec-int.h"
#include "exec/redact.h"
#include "rootfs/jobs.h"
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
	struct step_mount *mounts;
	size_t n_mounts;
	int *binds;
	size_t n_binds;
	struct held_cache *caches;
	size_t n_caches;
	struct ssh_forward **forwards; // to ssh agents
	size_t n_forwards, n_ssh;      // n_ssh: mounts seen
	struct strv scratch;           // directories to trash afterwards
	struct strv env;
	struct redactor redactor; // the step's secrets
	struct user_ids user;
	struct arena arena;
	bool committed;
};

// run_mounts.c
int run_add_mounts(struct run_state *r, struct err *e);
void run_mounts_release(struct run_state *r);
