// SPDX-License-Identifier: Apache-2.0
// Where an image can be, in the words of skopeo: a registry, an OCI layout as a folder or a tar, a
// docker archive, this machine's store.
#pragma once

#include "image/reference.h"

struct err;

enum place_kind {
	PLACE_REGISTRY,
	PLACE_OCI,
	PLACE_OCI_ARCHIVE,
	PLACE_DOCKER_ARCHIVE,
	PLACE_STORE,
};
struct place {
	enum place_kind kind;
	char *text;           // as it was given
	char *path;           // of a folder or file; "-": standard input or output; else NULL
	char *name;           // OCI: what the image is called there; store: as typed; NULL: none
	struct reference ref; // registry, docker archive; store, if the name is one
	bool has_ref;
};
#define auto_place __attribute__((cleanup(place_release)))
void place_release(struct place *p);
// docker://NAME or NAME, oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME],
// store:NAME. ERR_USAGE.
int place_parse(const char *text, struct place *ret, struct err *e);
// NAME is in the store unless a place is said. Whether one is:
bool place_is_said(const char *text);
