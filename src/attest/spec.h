// SPDX-License-Identifier: Apache-2.0
// Which attestations a build is to make: --attest, --provenance and --sbom, read as buildx reads
// them.
#pragma once

#include <stdbool.h>

struct err;

struct attest_spec {
	bool provenance, sbom; // wanted
	bool provenance_given, sbom_given;
	// of the provenance
	bool min;                  // mode=min; else max, as in BuildKit
	bool v02;                  // version=v0.2; else v1
	bool reproducible;         // what the user says of the build
	bool inline_only;          // for images, not for plain files
	char *builder_id;          // NULL: none
	char *file;                // NULL: provenance.json
	char *generator;           // of the SBOM: an image; NULL: none was named
	bool form_given, as_index; // form=index: beside the image in an index; else as referrers
};
#define auto_attest_spec __attribute__((cleanup(attest_spec_release)))
void attest_spec_release(struct attest_spec *s);
// One --attest: "type=provenance,mode=max". ERR_USAGE; the same type twice is one, too.
int attest_spec_add(struct attest_spec *s, const char *text, struct err *e);
// --provenance or --sbom, by its type: "true", "false", or the fields of --attest without a type.
int attest_spec_add_short(struct attest_spec *s, const char *type, const char *text, struct err *e);
