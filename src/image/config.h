// SPDX-License-Identifier: Apache-2.0
// The image configuration (OCI image-spec config.md plus docker's fields), parsed and written as
// BuildKit writes it: compact, top-level members sorted by name, Go's struct order below, map keys
// sorted, empty members left out. Members hew does not know are dropped from built images and kept
// in images that merely pass through (their bytes are never rewritten).
#pragma once

#include "base/buf.h"
#include "base/timefmt.h"
#include "image/digest.h"
#include "image/platform.h"
#include <stdint.h>

struct err;

#define CONFIG_MAX (8u << 20)
#define CONFIG_LIST_MAX 10000 // entries of Env, Labels, history, ...

struct healthcheck {
	struct strv test; // {"NONE"}, {"CMD", ...}, {"CMD-SHELL", "..."}; n == 0: not set
	int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns;
	int retries;
};

struct history {
	struct timestamp created;
	bool has_created;
	char *created_by, *author, *comment; // NULL if absent
	bool empty_layer;
};

// NULL-able lists know whether they were present; in writing, `[]` and null are both left out, as
// Go's omitempty does.
struct image_config {
	struct platform platform;
	struct timestamp created;
	bool has_created;
	char *author;
	char *user, *working_dir, *stop_signal; // NULL if absent
	struct strv env;                        // order kept
	struct strv cmd, entrypoint, shell;
	bool has_cmd, has_entrypoint, has_shell;
	struct strv exposed_ports; // "80/tcp", sorted, unique
	struct strv volumes;       // sorted, unique
	struct strv labels;        // "key=value", sorted by key
	struct strv on_build;
	struct healthcheck health;
	bool has_health;
	bool args_escaped;
	struct digest *diff_ids;
	size_t n_diff_ids;
	struct history *history;
	size_t n_history;
	// BuildKit's "moby.buildkit.cache.v0", base64 as it stands there: how these layers were
	// made. Not copied: it says nothing of an image that is made from this one.
	char *inline_cache;
};
#define auto_config __attribute__((cleanup(image_config_release)))
void image_config_release(struct image_config *c);
void image_config_copy(struct image_config *dst, const struct image_config *src);
// Null and missing members are the same. ERR_CORRUPT names the member that is of another type or
// too long. The platform is kept as written.
int image_config_parse(const char *p, size_t n, struct image_config *ret, struct err *e);
// Without has_created the time of the last history entry that has one is written, if there is one.
void image_config_write(const struct image_config *c, struct buf *out);
struct history *image_config_add_history(struct image_config *c); // zeroed
void image_config_add_diff_id(struct image_config *c, const struct digest *d);
// Sorted-list helpers for labels, ports, volumes. A label's key holds no '='.
void image_config_set_label(struct image_config *c, const char *key, const char *value);
void image_config_add_port(struct image_config *c, const char *port);
void image_config_add_volume(struct image_config *c, const char *path);
