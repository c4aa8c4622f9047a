// SPDX-License-Identifier: Apache-2.0
// --cache-from and --cache-to of hew build. What goes wrong with a cache is warned of and fails no
// build; only a value that cannot be understood does, and Ctrl-C.
#pragma once

#include "cache/cache.h"
#include "exec/build.h"
#include "session/session.h"

struct build_caches {
	struct cache_spec *from, *to;
	size_t n_from, n_to;
	const struct platform *platforms; // of the build
	size_t n_platforms;
	char *scope;                 // of a service, where none is given: that of this image
	struct cache_sender *sender; // while the steps run
};
void build_caches_release(struct build_caches *c);
int build_caches_parse(struct build_caches *c, const struct strv *from, const struct strv *to,
        struct session *s, struct err *e);
// A scope of its own for what is built here, so that the builds of one workflow do not take each
// other's cache away: by the image's name, the context, Dockerfile, target and platforms.
void build_caches_scope(struct build_caches *c, const struct build_request *r);
// Is cache data to be put into the image? 1, 0, -1: BUILDKIT_INLINE_CACHE is no truth value.
int build_caches_inline(const struct build_caches *c, const struct strv *build_args, struct err *e);
int build_caches_import(const struct build_caches *c, struct session *s, struct err *e);
// Layers are sent from now on while the request's steps run; not during what follows, and the
// export goes on with it.
void build_caches_send(struct build_caches *c, struct session *s, struct build_request *r);
// The layers of the result that only a service has: they are fetched, because whoever uses the
// image next, another step of the job, has no token for it.
int build_caches_keep(struct session *s, const struct step_list *steps, struct err *e);
// After a failure: were layers of these steps gone that an output needed? Then they are forgotten,
// and the build may be tried again. 1, 0, -1.
int build_caches_lost(
        struct session *s, const struct step_list *steps, const struct err *why, struct err *e);
// step: first free id of the build's events. denied: repositories that nothing is sent to.
int build_caches_export(struct build_caches *c, struct session *s, const struct build_result *built,
        const struct strv *denied, int step, struct err *e);

// Adds records of cache mounts, each as a layer that is made now. One that others use is waited
// for, or left out with a warning. used: those that have changed; of the others what was imported
// does. NULL: any may have.
struct engine;
struct mount_choice {
	const struct strv *ids, *used;
	bool wait;
};
int mounts_collect(
        struct session *s, const struct mount_choice *m, struct step_list *ret, struct err *e);
