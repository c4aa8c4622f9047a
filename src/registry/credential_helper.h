// SPDX-License-Identifier: Apache-2.0
// docker-credential-* programs (docker/docker-credential-helpers): get, store, erase.
#pragma once

struct buf;
struct err;

enum helper_answer {
	HELPER_OK,
	HELPER_NONE,    // it has no credentials for the server
	HELPER_MISSING, // there is no such program on PATH
};
// Runs docker-credential-<suffix> <verb> with `input` on its standard input; what it prints is
// bounded. Returns an enum helper_answer, or -1 with *e set if it failed otherwise.
int credential_helper_run(
        const char *suffix, const char *verb, const char *input, struct buf *ret, struct err *e);
