// SPDX-License-Identifier: Apache-2.0
// Image references as docker reads them (distribution/reference): a short name gets docker.io and
// library/, a missing tag is :latest where a tag is needed.
#pragma once

#include "image/digest.h"
#include <stdbool.h>

struct err;

struct reference {
	char *domain;     // "docker.io", "127.0.0.1:5000"
	char *repository; // "library/node"
	char *tag;        // NULL if a digest was given without a tag
	bool has_digest;
	struct digest digest;
};
#define auto_reference __attribute__((cleanup(reference_release)))

// ERR_USAGE with the reason ("must be lower case", ...). "name", "name:tag", "name@sha256:..",
// "name:tag@sha256:..". No tag and no digest: tag becomes "latest".
int reference_parse(const char *s, struct reference *ret, struct err *e);
void reference_release(struct reference *r);
// Full form: docker.io/library/node:20[@sha256:...]. Caller frees.
char *reference_text(const struct reference *r);
// As people write it: node:20. Caller frees.
char *reference_familiar(const struct reference *r);
// docker.io/library/node, without tag or digest. Caller frees.
char *reference_name(const struct reference *r);
