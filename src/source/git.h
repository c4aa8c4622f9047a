// SPDX-License-Identifier: Apache-2.0
// Git repositories through the git program. A name is settled to a commit by asking the server; the
// files of a commit become a layer of the store, with a record, so that a commit is fetched once.
#pragma once

#include "dockerfile/git_ref.h"
#include "image/digest.h"

struct err;
struct event_sink;
struct store;

struct git_request {
	struct store *store;
	struct event_sink *sink; // is told of a fetch, which may take long; may be NULL
	const struct git_ref *ref;
	bool keep_git_dir;
	const char *authorization; // of http(s): the header's value; NULL: none
	const char *agent;         // path of an ssh agent's socket; NULL: the user's own
};

struct git_commit {
	char id[65];
	char *name; // "refs/heads/main", "refs/tags/v1"; NULL: it was given by its id
};
void git_commit_release(struct git_commit *c);
// Asks the server unless the id was given. ERR_NOT_FOUND if there is no such ref; ERR_CORRUPT if
// it is not the commit it was said to be.
int git_resolve(const struct git_request *q, struct git_commit *ret, struct err *e);
// What the files of the commit depend on, as the request wants them.
struct hash git_key(const struct git_request *q, const struct git_commit *c);
// The layer with the files at its top, owned by root.
int git_fetch(
        const struct git_request *q, const struct git_commit *c, struct digest *ret, struct err *e);
