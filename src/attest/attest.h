// SPDX-License-Identifier: Apache-2.0
// What is said of an image beside it: predicates of in-toto statements
// (https://github.com/in-toto/attestation). Whoever makes one, of provenance or of what is in an
// image, gives a predicate; outputs make statements of them about what they write.
#pragma once

#include "base/buf.h"
#include "image/digest.h"
#include "image/platform.h"

#define PREDICATE_PROVENANCE_V1 "https://slsa.dev/provenance/v1"
#define PREDICATE_PROVENANCE_V02 "https://slsa.dev/provenance/v0.2"
#define PREDICATE_SPDX "https://spdx.dev/Document"
#define MT_IN_TOTO "application/vnd.in-toto+json"

struct reference;

struct attestation {
	const char *predicate_type; // a constant
	const char *file;           // its name beside plain files: "provenance.json"; borrowed
	bool inline_only;           // for images, not for plain files
	char platform[80];          // of the one image that it is about; "": of each
	struct buf predicate;       // JSON
};
struct attestation_list {
	struct attestation *v;
	size_t n;
};
void attestation_list_release(struct attestation_list *l);
struct attestation *attestation_list_add(struct attestation_list *l); // zeroed; the list's

// What a statement is about: each a name and the sha256 of it.
struct subject {
	char *name;
	struct hash digest;
};
struct subject_list {
	struct subject *v;
	size_t n, cap;
};
#define auto_subjects __attribute__((cleanup(subject_list_release)))
void subject_list_release(struct subject_list *l);
void subject_list_add(struct subject_list *l, char *take_name, const struct hash *digest);

// The statement, as JSON.
void attestation_statement(
        const struct attestation *a, const struct subject_list *about, struct buf *out);
// An image's name as a package URL: "pkg:docker/node@20?platform=linux%2Famd64". type: "docker", or
// "oci" for one that came from no registry. Caller frees.
char *image_purl(const char *type, const struct reference *ref, const struct platform *p);
