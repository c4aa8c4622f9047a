// SPDX-License-Identifier: Apache-2.0
// The cache service of GitHub Actions, and whatever speaks like it: entries with a key that are
// written once and can be read by some git refs. Two versions: v2 tells by small JSON calls where
// in a blob store an entry lies, v1 takes the bytes itself.
//
// Only the service sees the token; the blob store is spoken to through URLs that are signed.
// Nothing of either is ever in an error's text.
#pragma once

#include "base/buf.h"
#include "image/digest.h"

struct err;
struct registry;

struct actions; // one service with one token; thread-safe

struct actions_options {
	const char *url; // of the service
	bool v2;
	const char *token;
	int64_t timeout_ns; // how long all of an import or of an export may take
};
// The client for them: the registry client's, which also fetches blobs through it; one for each
// service and token.
struct actions *actions_get(struct registry *r, const struct actions_options *o, struct err *e);
// What stands for it as a source of blobs: "gha:HOST".
const char *actions_source(const struct actions *a);
// The git refs whose entries the token can read, the one that it writes to first.
const struct strv *actions_readable(const struct actions *a);
// The one whose entries it writes, or NULL: it can only read.
const char *actions_writable(const struct actions *a);

// How long the service may be waited for: until what is said here, by clock_ns(). brief: only for
// moments, because what fails is tried again later.
struct patience {
	int64_t until_ns;
	bool brief;
	int tries, busy; // in a row: that failed; that were one too many for the service
};
struct patience actions_patience(const struct actions *a); // from now on
bool patience_ended(const struct patience *p);

// The key of a blob's entry, BuildKit's: what either has sent the other finds.
#define ACTIONS_KEY 128
void actions_blob_key(const struct digest *d, char ret[static ACTIONS_KEY]);

// A document that is replaced: an entry "NAME#N" each time. 1 found, 0 not, -1. Saving one that is
// the newest already does nothing.
int actions_load(struct actions *a, const char *name, size_t max, struct patience *p,
        uint64_t *ret_number, struct buf *ret, struct err *e);
int actions_save(struct actions *a, const char *name, const struct buf *data, size_t max,
        struct patience *p, struct err *e);
int actions_has(struct actions *a, const struct digest *d, struct patience *p,
        struct err *e); // 1, 0, -1
// A blob that is not there yet, in large blocks side by side. What another job began and did not
// end, so that nobody can read or write it, is sent under a name beside it.
struct actions_blob {
	const struct digest *digest;
	int fd; // the file; read by several threads
	uint64_t size;
	void (*sent)(void *arg, uint64_t bytes); // so many more; from any thread; may be NULL
	void *arg;
};
int actions_send(
        struct actions *a, const struct actions_blob *b, struct patience *p, struct err *e);
