// SPDX-License-Identifier: Apache-2.0
// Blobs that no repository has. A source of a blob is a repository, or the name of another place,
// "gha:HOST", which has no slash. Whoever knows such a place enters it as an origin; it tells where
// a blob is at this moment, and the registry client fetches it from there as from any server:
// bounded, verified, gone on with when it is cut.
#pragma once

#include "image/digest.h"

struct err;
struct http;
struct registry;

struct blob_origin {
	const char *scheme; // of the sources it is for, without the colon
	// A URL that needs no credentials besides. ERR_NOT_FOUND: it does not have the blob. Caller
	// frees. From any thread.
	int (*locate)(
	        struct blob_origin *self, const struct digest *d, char **ret_url, struct err *e);
	void (*free)(struct blob_origin *self);
	struct blob_origin *next;
};
void registry_add_origin(struct registry *r, struct blob_origin *o); // the client's from now on
// The first one of that scheme after this one (NULL: of all), or NULL.
struct blob_origin *registry_origin(
        struct registry *r, const char *scheme, const struct blob_origin *after);
// Is it the name of another place than a repository?
bool source_is_origin(const char *source);
// For requests to such places: its connections, its patience.
struct http *registry_http(struct registry *r);
