// SPDX-License-Identifier: Apache-2.0
// A stored (or pulled) image run once: the same sandbox as RUN, its changes thrown away.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "image/digest.h"
#include "image/platform.h"
#include "rootfs/engine.h"
#include "run/foreground.h"
#include "sandbox/step.h"
#include <stdbool.h>
#include <stdint.h>

struct image_row;

// What is shown somewhere in a root filesystem that is given layer by layer. Changes are thrown
// away.
struct shown_mount {
	enum { SHOWN_LAYERS, SHOWN_CACHE, SHOWN_TMPFS, SHOWN_FILE } kind;
	const char *target;
	const char *source;          // SHOWN_LAYERS: what of them
	const struct digest *layers; // bottom first
	size_t n_layers;
	bool read_only;
	const char *id;   // SHOWN_CACHE: of the cache mount
	uint64_t size;    // SHOWN_TMPFS; 0: as usual
	uint32_t mode;    // the same
	const char *data; // SHOWN_FILE
};
// In place of an image. Borrowed.
struct run_root {
	struct platform platform; // without an os: this machine's
	const struct digest *layers;
	size_t n_layers;
	const struct shown_mount *mounts;
	size_t n_mounts;
};

struct run_request {
	const char *image;               // as the user called it
	const struct image_row *row;     // what that is in the store; borrowed
	const struct run_root *root;     // NULL: that image
	struct strv command;             // overrides CMD; empty with a root: a shell that is there
	struct strv env, volumes, tmpfs; // "K=V", "host:container[:ro]", "path"
	const char *workdir, *user, *entrypoint, *hostname;
	bool has_entrypoint, read_only, tty;
	enum step_network network;
	bool check;               // its HEALTHCHECK decides, then it is stopped
	int64_t check_timeout_ns; // 0: by the image's own timing
	const char *stop_signal;  // NULL: the image's, or SIGTERM
	int64_t stop_timeout_ns;  // from then until SIGKILL
	struct event_sink *sink;
	registry_opener registry;
	void *registry_arg;
};
void run_request_release(struct run_request *r);
int image_run(
        struct store *s, const struct run_request *r, struct foreground_result *ret, struct err *e);
// Of a process's environment, what it does not say: PATH, HOME.
void process_defaults(struct strv *env, const char *home);
