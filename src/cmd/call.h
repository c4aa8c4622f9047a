// SPDX-License-Identifier: Apache-2.0
// `hew build --call=METHOD`: questions about a Dockerfile, answered without running any of it, in
// the words and JSON of buildx.
#pragma once

#include <stdbool.h>

struct build_request;
struct err;
struct store;

struct build_call {
	enum { CALL_BUILD, CALL_CHECK, CALL_OUTLINE, CALL_TARGETS, CALL_DESCRIBE } kind;
	bool json;
	bool ignore_status; // what a check finds is no failure
};
// "METHOD[,format=text|json][,ignorestatus=BOOL]" in any order, as CSV; NULL: build. ERR_USAGE.
int build_call_parse(const char *text, struct build_call *ret, struct err *e);
// Prints the answer; the exit status, or -1. A check that finds something is 1.
int build_call_run(
        struct store *s, struct build_request *r, const struct build_call *call, struct err *e);
int build_call_describe(const struct build_call *call);
