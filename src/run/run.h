// SPDX-License-Identifier: Apache-2.0
// A stored (or pulled) image run once: the same sandbox as RUN, its changes thrown away.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "rootfs/engine.h"
#include "sandbox/step.h"
#include <stdbool.h>
#include <stdint.h>

struct image_row;

struct run_request {
	const char *image;               // as the user called it
	const struct image_row *row;     // what that is in the store; borrowed
	struct strv command;             // overrides CMD
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
struct run_result {
	int status; // exit status of the process
	bool unhealthy;
	struct err why;
};
int image_run(struct store *s, const struct run_request *r, struct run_result *ret, struct err *e);
