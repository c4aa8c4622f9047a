// SPDX-License-Identifier: Apache-2.0
// Output of a step without the values of its secrets: "***" stands in their place, however the
// bytes come in pieces. Each line of a value counts by itself, if it is long enough not to be met
// by chance.
#pragma once

#include "base/buf.h"

#define REDACT_LEAST 4   // bytes of a line
#define REDACT_LINES 256 // of all values; a step with more shows the rest
#define REDACT_MARK "***"

struct redactor {
	struct str lines[REDACT_LINES]; // views into the values
	size_t n;
};
void redactor_add(struct redactor *r, const char *value, size_t n);
// Appends to out what can be shown of what was held back and p; the rest is held back. End with n
// 0.
void redact(const struct redactor *r, struct buf *held, const char *p, size_t n, struct buf *out);
// The longest line that stands at p, of which all is there; 0 if none does.
size_t redactor_match(const struct redactor *r, const char *p, size_t n);

// Appends a text with "xxxxx" for the passwords that its URLs carry, and for a user alone where
// that may be one, as with http.
void redact_urls(const char *text, size_t n, struct buf *out);
// How long "user:password@" is after "://"; 0 if there is none.
size_t userinfo_length(const char *p, const char *end);
