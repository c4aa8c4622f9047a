// SPDX-License-Identifier: Apache-2.0
// Text for eyes that should see no secret: values that are known to be one, what is assigned to a
// name that says so, credentials in URLs, and what looks like a token by its beginning.
#pragma once

#include "base/redact.h"

struct scrub {
	struct redactor known;
};
// The value is borrowed. One that says nothing ("true"), or is too short to be told from what is
// met by chance, is not looked for.
void scrub_hide(struct scrub *s, const char *value, size_t n);
// What can be shown of a text. Caller frees.
char *scrub_text(const struct scrub *s, const char *text, size_t n);
// The same of the value of a name. Caller frees.
char *scrub_value(const struct scrub *s, const char *name, const char *value);
