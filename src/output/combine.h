// SPDX-License-Identifier: Apache-2.0
// One index made of images that are in registries, as buildx's imagetools makes it: what several
// machines have built for a platform each becomes one name.
#pragma once

#include "image/annotation.h"
#include "image/reference.h"
#include "output/output.h"

struct combine_source {
	struct reference ref; // where it is: a repository, a tag or digest
	bool has_ref;
	struct descriptor said; // what it is to be called in the index, beyond its digest
	bool has_digest;        // said.digest counts
};
void combine_source_release(struct combine_source *s);
// "sha256:...", a name, or a descriptor as JSON. ERR_USAGE.
int combine_source_parse(const char *text, struct combine_source *ret, struct err *e);

struct combine {
	const struct output_request *q; // store, registry client; nothing else matters
	struct combine_source *sources; // each with a ref
	size_t n;
	const struct annotation_list *annotations; // of the index, and of entries in it
	const struct strv *platforms;              // only these; empty: all
	bool carbon_copy; // a single source that is no index stays what it is
};
// Enters the index, whose documents are then in the store or have sources. *ret_text is what it is.
int combine(const struct combine *c, struct buf *ret_text, struct descriptor *ret, struct err *e);
