// SPDX-License-Identifier: Apache-2.0
// What hew lint asks of the folder beside a Dockerfile.
#pragma once

#include "lint/lint.h"

struct ignore;

struct lint_context {
	int root; // -1: there is no folder
	struct ignore *ignore;
	char *found; // the last answer
};
void lint_context_init(struct lint_context *c, const char *folder, const char *dockerfile);
void lint_context_release(struct lint_context *c);
struct lint_options lint_context_options(struct lint_context *c);
