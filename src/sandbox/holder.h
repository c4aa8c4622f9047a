// SPDX-License-Identifier: Apache-2.0
// The holder: one small single-threaded process that owns the user and mount namespace in which
// files have the image's ids. hew itself (threads, network, database) never enters a namespace.
//
// It is hew again, re-executed (so that it may be started at any time, threads or not), and is
// spoken to over a socketpair. Every request is served by a child it forks, so requests run side by
// side; the child answers on a channel of its own. When hew is gone, however it went, the socket
// closes; the holder kills every child, and with it each namespace, mount and process, and exits.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct holder;

#define HOLDER_PAYLOAD_MAX (16u << 20)
#define HOLDER_FDS_MAX 1024 // a step passes up to 500 lower directories and its binds

// What a child of the holder can be asked to do. Rooms above register their own (src/exec/jobs.c);
// the table is the same in both processes because both are the same program.
struct holder_job {
	const char *name;
	// Runs in the child, single-threaded, in the holder's namespaces, with the descriptors
	// passed. Fills reply (malloc'ed by buf) and returns 0, or -1 with *e set, which the caller
	// of holder_call gets.
	int (*fn)(const void *payload, size_t n, const int *fds, size_t n_fds, struct buf *reply,
	        struct err *e);
};

// Starts it; NULL with *e set. The rung is found out here (sandbox/rung.h).
struct holder *holder_start(struct err *e);
// Closes the socket, waits until the holder and all its children are gone. NULL is fine.
void holder_stop(struct holder *h);
// Thread-safe; blocks until the job is done and appends its reply. fds stay the caller's. When
// cancel_requested(), or once cancel_fd (-1: none) becomes readable, the child is killed and, of a
// step, all its processes: ERR_CANCELLED.
int holder_call(struct holder *h, const char *job, const void *payload, size_t n, const int *fds,
        size_t n_fds, int cancel_fd, struct buf *reply, struct err *e);
// The holder's main(): called by main.c when argv[0] is HOLDER_ARGV0. Returns its exit status.
#define HOLDER_ARGV0 "hew-holder"
int holder_main(const struct holder_job *jobs, size_t n_jobs);
