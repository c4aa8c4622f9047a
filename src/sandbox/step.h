// SPDX-License-Identifier: Apache-2.0
// One process run in a root filesystem: specification in, exit status out. Used for RUN and for
// `hew run`. The same code on every rung.
#pragma once

#include "base/buf.h"
#include "sandbox/cgroup.h"
#include <stdbool.h>
#include <stdint.h>

struct err;
struct holder;

enum step_network {
	STEP_NET_HOST,
	STEP_NET_NONE,  // loopback only
	STEP_NET_PASTA, // its own, with the outside through pasta(1)
};

struct step_mount {
	enum {
		STEP_BIND,  // from source_fd (directory or file)
		STEP_TMPFS, // size bytes (0: half of memory), mode
		STEP_FILE,  // a small file with `data`, tmpfs-backed: secrets, heredoc scripts
		// `source` in what n_lowers directories, from source_fd on and top first, show
		// together. If it is not read_only, an empty upper and a work directory follow
		// them: what is written goes there.
		STEP_OVERLAY,
	} type;
	// Absolute; created if missing. Links are followed inside the root.
	const char *target;
	int source_fd; // STEP_BIND, STEP_OVERLAY: index into step_spec.bind_fds
	size_t n_lowers;
	const char *source; // links in it are followed inside
	bool read_only;
	bool own; // STEP_BIND: the source gets uid, gid and mode first
	uint64_t size;
	uint32_t mode, uid, gid; // of what is mounted; mode 0 of a tmpfs: that of
	// the directory it covers, 1777 where there is none
	const void *data;
	size_t data_len;
};

bool step_ulimit_is_known(const char *name);
struct step_ulimit {
	const char *name;   // "nofile"
	int64_t soft, hard; // -1: unlimited
};

// A second command that can be run beside the first, by the same user, in the same place and with
// the same rights: a health check. It is started only when asked for.
struct step_probe {
	const char *const *argv; // NULL: there is none
	int output_fd;           // takes what it writes; it reads from /dev/null
	int status_fd;           // takes an int for each that has ended, as exit_status is
};

// A static program that runs those of another processor.
struct step_emulator {
	const char *arch; // as images call it; NULL: there is nothing to emulate
	int fd;
};

// What signal_fd takes besides numbers of signals. One probe runs at a time: a request for another
// is dropped.
enum step_request { STEP_PROBE_START = -1, STEP_PROBE_KILL = -2 };

struct step_spec {
	// Root: overlay of lowers (top first, descriptors of directories) with upper and work; or,
	// n_lowers == 0 and upper >= 0: the upper alone.
	const int *lowers;
	size_t n_lowers;       // O_PATH directory descriptors
	int upper, work;       // descriptors of empty directories; -1: read-only root
	bool volatile_overlay; // no syncs
	// NULL-terminated; argv[0] is looked up in the PATH of env if it has no '/'.
	const char *const *argv;
	const char *const *env; // NULL-terminated "K=V"
	const char *cwd;        // absolute; created 0755 root if missing
	const char *hostname;   // NULL: "buildkitsandbox"
	uint32_t uid, gid;
	const uint32_t *groups;
	size_t n_groups;
	enum step_network network;
	struct step_mount *mounts;
	size_t n_mounts;
	const int *bind_fds;
	size_t n_bind_fds;               // what STEP_BIND.source_fd indexes
	const char *hosts, *resolv_conf; // contents; NULL: generated from the host's
	const char *more_hosts;          // lines below generated hosts; NULL: none
	const struct step_ulimit *ulimits;
	size_t n_ulimits;
	// hosts and resolv.conf can be written and /etc/hostname is mounted too, as `docker run`
	// does. A build leaves it false: BuildKit mounts both read-only and no hostname file.
	bool etc_writable;
	uint64_t shm_size; // 0: 64 MiB
	struct cgroup_spec cgroup;
	struct step_emulator emulator;
	bool insecure; // --security=insecure: all capabilities, no seccomp, no masks
	int stdin_fd, stdout_fd, stderr_fd; // >= 0
	bool tty;                // stdio is a terminal: new session, controlling terminal
	bool forward_signals;    // `hew run`: signals reach the process instead of killing the step
	int signal_fd;           // with forward_signals: a pipe of signal numbers (int); else -1
	struct step_probe probe; // needs signal_fd
};

struct step_result {
	int exit_status; // 0-255, or 128+n when killed by signal n
	bool killed;     // by us, on cancellation
	int64_t user_us, sys_us, max_rss_kib;
	// Mount points that had to be made in the upper and are still empty stubs there: relative
	// paths, to be left out of the layer. (Where the kernel let us, they are removed already.)
	struct strv stubs;
};
void step_result_release(struct step_result *r);

// Blocks. Exit status != 0 is not an error here; -1 means that the process could not be run
// (ERR_SANDBOX: what the machine refuses; ERR_STEP: argv[0] or cwd does not exist, with docker's
// words).
int step_run(struct holder *h, const struct step_spec *s, int cancel_fd, struct step_result *ret,
        struct err *e);
// The job that holder_main must know: {"step", step_job}.
int step_job(const void *payload, size_t n, const int *fds, size_t n_fds, struct buf *reply,
        struct err *e);

// For a job of the caller's own that runs a step and goes on with what it left: the request's bytes
// and descriptors, and what step_job() answers to them.
void step_encode(const struct step_spec *s, struct buf *out);
size_t step_count_fds(const struct step_spec *s);
void step_list_fds(const struct step_spec *s, int *out);
int step_result_decode(struct step_result *ret, const void *p, size_t n, struct err *e);
