// SPDX-License-Identifier: Apache-2.0
// Where a push goes, and the pushing of one blob or one document.
#pragma once

#include "registry/client.h"

struct push_target {
	struct registry *r;
	struct endpoint *ep;
	const char *domain; // as in references; borrowed
	char *name;         // domain/repository
	int step;
};
// HEAD, mount, else upload; fetched first if only another registry has it. Thread-safe.
int push_blob(struct push_target *t, const struct descriptor *d, struct err *e);
// under: a tag or a digest. *ret_linked: the registry says that it lists the document among the
// referrers of its subject.
int put_manifest(struct push_target *t, const struct manifest_bytes *m, const char *under,
        bool *ret_linked, struct err *e);
// Where the registry does not do that: enters a document that has a subject into the index under
// the tag that stands for the subject's referrers (distribution-spec 1.1, "Referrers Tag Schema").
int referrers_add(struct push_target *t, const struct manifest_bytes *m, struct err *e);
