// SPDX-License-Identifier: Apache-2.0
// A step inside the holder. Three processes, each the parent of the next:
//
//   supervisor  the holder's child for the request: outside of all namespaces of the step; holds
//               the reply channel, kills on cancellation, takes stubs out of the upper directory
//   init        process 1 of the step: builds the mounts, installs the filter, forwards signals,
//               reaps
//   command     process 2: drops ids and capabilities, executes
//
// init and command report to the supervisor on one seqpacket socket. It ends when both are gone.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "sandbox/cgroup-int.h"
#include "sandbox/step.h"

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>

// A decoded specification: pointers lead into the payload and the arena, descriptors are this
// process's.
struct step_plan {
	struct step_spec s;
	struct arena arena;
	char *hosts, *resolv_conf; // what the files will say, never NULL after step_plan_fill
	bool forward_dns;          // the resolver is on the host's loopback: pasta passes it on
};

int step_decode(struct step_plan *p, const void *payload, size_t n, const int *fds, size_t n_fds,
        struct err *e);
void step_result_encode(const struct step_result *r, struct buf *out);

enum report_kind { REPORT_FAILED, REPORT_STUB, REPORT_PARENT, REPORT_EXIT };
#define REPORT_PATH_MAX 4096
struct report {
	enum report_kind kind;
	union {
		struct err failed;
		// REPORT_STUB: made at `path` below the root, which had nothing there.
		// REPORT_PARENT: the directory a stub was made in: its time before and after.
		struct {
			bool is_dir;
			struct timespec before, after;
			char path[REPORT_PATH_MAX];
		} stub;
		struct {
			int status; // as waitpid gives it
			struct rusage usage;
		} exit;
	};
};

// A fork into new namespaces.
pid_t step_clone(unsigned long flags, int *ret_pidfd);

// network.c: STEP_NET_PASTA. Puts the calling process, the supervisor, into a network namespace and
// pasta beside it. Whether it failed or not, network_stop afterwards ends all of it.
struct network {
	pid_t pid;
	int pidfd; // readable when pasta has ended
	int word, said;
};
#define NETWORK_NONE ((struct network){.pidfd = -1, .word = -1, .said = -1})
int network_start(struct network *n, bool forward_dns, int cancel, struct err *e);
void network_stop(struct network *n);
int network_failed(const struct network *n, struct err *e);

// Process 1. Does not return.
struct init_context {
	const struct step_plan *plan;
	const struct cgroup *cgroup; // to enter first; without parts: none
	int report;                  // seqpacket to the supervisor
};
_Noreturn void step_init_main(const struct init_context *c);
// None is ignored or blocked any more: what is executed from here expects that.
void step_reset_signals(void);

// Process 2: returns only with *e set, when there is no program to be that process.
int step_command_exec(const struct step_plan *p, struct err *e);
// Limits that cannot be raised as far as asked become as high as they can.
int step_apply_ulimits(const struct step_plan *p, struct err *e);

// After the step: takes stubs that are still empty out of the upper directory, so that mount points
// never show in the layer. What cannot be removed is added to left.
struct stub_list {
	struct report *v;
	size_t n, cap;
};
void stub_list_add(struct stub_list *l, const struct report *r);
void stub_list_release(struct stub_list *l);
void stubs_remove(const struct stub_list *l, const struct step_spec *s, struct strv *left);
