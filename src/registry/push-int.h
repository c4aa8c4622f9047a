// SPDX-License-Identifier: Apache-2.0
// Where a push goes, and the pushing of one blob or one document.
#pragma once

#include "registry/client.h"

struct push_target {
	struct registry *r;
	struct endpoint *ep;
	const char *domain; // as in references; borrowed
	char *name;         // domain/repository
	int step;
	bool relay;                 // what is not in the store need not get there
	struct push_counts *counts; // NULL: nobody counts
	pthread_mutex_t *lock;      // over counts
};

// The sending of one blob (push_upload.c).
struct upload {
	struct push_target *t;
	const struct descriptor *d;
	char digest[DIGEST_TEXT];
	char *what;                // for messages
	char *location;            // of the running upload, NULL if there is none
	uint64_t sent;             // bytes that it has
	uint64_t piece, piece_min; // of one PATCH; piece 0: one PUT
	bool doubted;              // the registry has found another digest once
	bool is_pipe;              // what is sent can be sent once
	bool refused;              // a 401 in mid-upload: a new token has been got for it
	int fd;
	struct progress progress;
};
int upload_call(struct upload *u, struct api_call *c, struct http_response *rs, struct err *e);
// Where the answer says that the upload goes on.
int upload_located(struct upload *u, const struct http_response *rs, struct err *e);
// An upload that a mount has begun is used.
int upload_begin(struct upload *u, struct err *e);
// Sends the blob that fd has.
int upload_run(struct upload *u, int fd, struct err *e);
// Sends what comes out of a pipe, into what has begun. 1: failed, but may work with a new pipe and
// a new beginning.
int upload_pipe(struct upload *u, int fd, struct http_response *rs, struct err *e);

// HEAD, mount, else upload; fetched first, or relayed, if only another registry has it.
// Thread-safe.
int push_blob(struct push_target *t, const struct descriptor *d, struct err *e);
// under: a tag or a digest. *ret_linked: the registry says that it lists the document among the
// referrers of its subject.
int put_manifest(struct push_target *t, const struct manifest_bytes *m, const char *under,
        bool *ret_linked, struct err *e);
// Where the registry does not do that: enters a document that has a subject into the index under
// the tag that stands for the subject's referrers (distribution-spec 1.1, "Referrers Tag Schema").
int referrers_add(struct push_target *t, const struct manifest_bytes *m, struct err *e);
