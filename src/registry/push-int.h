// SPDX-License-Identifier: Apache-2.0
// Where a push goes, and the pushing of one blob.
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
