// SPDX-License-Identifier: Apache-2.0
// Files of http(s) servers, kept as blobs of the store with a record of the ETag they came with:
// what the server still has, or a checksum vouches for, is not fetched again.
#pragma once

#include "image/digest.h"

struct err;
struct registry;
struct store;

struct download_request {
	struct store *store;
	const char *url;
	const char *authorization;   // header value; NULL: what the URL says
	const char *auth_name;       // of the secret it came from: other eyes may see another file
	const struct digest *pinned; // NULL: whatever is there
	int step;                    // of events
	// Opens the client when the network is first needed.
	struct registry *(*registry)(void *arg, struct err *e);
	void *arg;
};

struct download {
	struct digest digest; // of the blob
	uint64_t size;
	int64_t modified; // seconds since the epoch; 0: not said
};
// ERR_CORRUPT if it is not what is pinned.
int download_run(const struct download_request *q, struct download *ret, struct err *e);
