// SPDX-License-Identifier: Apache-2.0
// A database on its way: compressed by zstd, as the one layer of an OCI artifact, and back into its
// place.
#pragma once

#include <stdbool.h>

struct err;

#define MT_ADVISORIES "application/vnd.hew.advisories.v1+sqlite+zstd"
#define MT_ADVISORIES_CONFIG "application/vnd.hew.advisories.config.v1+json"

// The same file gives the same bytes. Written from where out_fd stands.
int advisories_pack(const char *path, int out_fd, struct err *e);
// Checks what lies in a file, packed or not (gzip, xz and plain too), and puts it in place of the
// database at path. older: even if its data is. 1: done; 0: what is there is newer.
int advisories_install(int fd, const char *path, bool older, struct err *e);

// Where the database at a path came from, in a file beside it; an import forgets it.
struct advisory_origin {
	char *from; // as it was asked for: a reference, a URL
	char *mark; // what it was then: a manifest's digest, an ETag; "" if nobody said
};
void advisory_origin_release(struct advisory_origin *o);
#define auto_advisory_origin __attribute__((cleanup(advisory_origin_release)))
// Both NULL if nothing is known.
void advisory_origin_read(const char *path, struct advisory_origin *ret);
int advisory_origin_write(const char *path, const struct advisory_origin *o, struct err *e);
void advisory_origin_forget(const char *path);
