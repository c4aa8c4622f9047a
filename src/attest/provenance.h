// SPDX-License-Identifier: Apache-2.0
// How an image was made, as an in-toto predicate: SLSA provenance v1 (https://slsa.dev/spec/v1.1)
// or v0.2, with the fields that BuildKit fills (its docs/attestations/slsa-definitions.md). Nothing
// secret is in it: values are never given of secrets, and all text is scrubbed.
#pragma once

#include "attest/scrub.h"
#include "base/timefmt.h"
#include "graph/graph.h"

struct layer_said {
	struct digest diff_id;
	uint64_t size; // of the tar
};

// Something from outside that is no image: a repository's commit, a server's file.
struct provenance_source {
	char *uri;             // without credentials
	const char *algorithm; // "sha1", "sha256"; a constant
	char hex[129];
};

// What is known of a build. Borrowed, all of it.
struct provenance {
	const struct graph *graph;
	const struct provenance_source *sources;
	size_t n_sources;
	bool context_is_remote; // the first source is the context
	bool has_local;         // files of this machine went in
	const char *path;       // of the Dockerfile, in its context
	struct str text;        // the Dockerfile
	const struct strv *build_args, *labels, *build_contexts; // "K=V"
	const char *target;                                      // NULL: the last stage
	bool no_cache;
	const char *id; // of the build
	struct timestamp began, ended;
	// Layer i of those that a step brought: an image all of its, another at most one. False:
	// there is none.
	bool (*layer_of)(void *arg, int step, size_t i, struct layer_said *ret);
	void *arg;
	const struct scrub *scrub;
};

struct provenance_options {
	bool min, v02, reproducible;
	const char *builder_id; // NULL: none
};
void provenance_write(
        const struct provenance *p, const struct provenance_options *o, struct buf *out);
