// SPDX-License-Identifier: Apache-2.0
// WWW-Authenticate (RFC 9110 section 11.6.1) and token scopes ("repository:NAME:pull,push").
#pragma once

#include "base/buf.h"

enum challenge_kind { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge {
	enum challenge_kind kind;
	char *realm, *service, *scope, *error; // NULL if not said
};
#define auto_challenge __attribute__((cleanup(challenge_release)))
void challenge_release(struct challenge *c);
// The best challenge of one header value, which may hold several: Bearer, Basic, else NONE.
void challenge_parse(const char *header, struct challenge *ret);
// Adds scopes, separated by blanks, to the set: actions of the same resource are united, in the
// order of their coming.
void scope_add_list(struct strv *set, const char *scopes);
// "repository:NAME:ACTIONS" into the set.
void scope_add_repository(struct strv *set, const char *repository, const char *actions);
