// SPDX-License-Identifier: Apache-2.0
// Images gathered for an archive: an OCI image layout, with docker's manifest.json on request.
#pragma once

#include "output/archive.h"
#include "output/output-int.h"

struct layout_image {
	struct descriptor root;
	struct strv names; // full references
	struct strv refs;  // names as they are to stand there
};

struct layout {
	const struct output_request *q;
	struct layout_image *images;
	size_t n;
	struct descriptor_list blobs; // each once
	struct map seen;              // hex of every blob
	bool docker;                  // with manifest.json; no image is an index then
	size_t held; // of one image: so many layers, from the bottom, the reader has
};
#define auto_layout __attribute__((cleanup(layout_release)))
void layout_release(struct layout *l);
// Adds an image under the names that are not empty; everything it needs is made present.
int layout_add(
        struct layout *l, const struct descriptor *root, const struct strv *names, struct err *e);
// The same under a name as it is ("1.0", "a/b:c"), or NULL: none.
int layout_add_as(struct layout *l, const struct descriptor *root, const char *ref, struct err *e);
// As a tar, front to back. fd is borrowed.
int layout_stream(struct layout *l, int fd, struct err *e);
// Around a change of the index.json in a folder: waits for whoever else changes it. A descriptor
// for layout_unlock; -1.
int layout_lock(int dir, struct err *e);
void layout_unlock(int dir, int fd);
// As a tar or into a folder; a layout that is in the folder already keeps what it has.
int layout_output(struct layout *l, const char *dest, bool tar, struct err *e);
