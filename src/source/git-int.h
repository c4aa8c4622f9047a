// SPDX-License-Identifier: Apache-2.0
// A repository of our own that lives as long as one request, and git run in it.
#pragma once

#include "base/buf.h"
#include "source/git.h"

struct repository {
	const struct git_request *q;
	char *rel;  // of the store's root: a temporary folder, the checkout
	char *path; // the same, absolute
	int dir;    // the same
	int config; // what stands for the user's configuration: a memory file
	struct strv env;
};
#define auto_repository __attribute__((cleanup(repository_close)))
#define REPOSITORY_NONE ((struct repository){.dir = -1, .config = -1})
int repository_open(struct repository *r, const struct git_request *q, struct err *e);
void repository_close(struct repository *r); // all of it goes
// Its own configuration names the remote, with a password or as people may see it.
int repository_set_remote(struct repository *r, const char *url, struct err *e);

// git with these arguments (ends with NULL). out: its standard output; may be NULL.
int git_run(struct repository *r, const char *const *args, struct buf *out, struct err *e);

// A checkout as a layer.
struct checkout {
	const char *subdir; // NULL: all
	bool keep_git_dir;  // else nothing called .git is taken
	bool has_mtime;     // of all files
	int64_t mtime;
};
int checkout_layer(
        struct repository *r, const struct checkout *c, struct digest *ret, struct err *e);
