// SPDX-License-Identifier: Apache-2.0
// --attest, --provenance and --sbom of hew build: what is to be said of the image, and where.
#pragma once

#include "attest/attest.h"
#include "attest/provenance.h"
#include "attest/spec.h"

struct build_flags;
struct build_request;
struct build_result;
struct err;
struct session;

struct build_attest {
	struct attest_spec spec;
	struct provenance_options options[2]; // the request's; for the image, for the metadata file
	int of_image, of_metadata;            // which of them; -1: none
	struct buf *sboms;                    // one an image; NULL: not looked into
	size_t n_sboms;
	struct attestation_list list;
};
#define auto_build_attest __attribute__((cleanup(build_attest_release)))
void build_attest_release(struct build_attest *a);
// Tells the request what to make. metadata: there will be a metadata file.
int build_attest_take(struct build_attest *a, const struct build_flags *f, bool metadata,
        struct build_request *r, struct err *e);
// Finds out what is in the images, if that is to be said of them.
int build_attest_look(
        struct build_attest *a, struct session *s, const struct build_result *b, struct err *e);
// What the build made, for its outputs; *b keeps it until it is released.
const struct attestation_list *build_attest_list(
        struct build_attest *a, const struct build_result *b);
// For the metadata file: NULL if it is not to be there.
const struct buf *build_attest_metadata(const struct build_attest *a, const struct build_result *b);
