// SPDX-License-Identifier: Apache-2.0
// hew build --max-size: no output and no name for an image that weighs more than it may.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct build_request;
struct build_result;
struct err;
struct session;

struct build_size {
	bool wanted;
	uint64_t max; // bytes, unpacked
};
// NULL: not wanted. ERR_USAGE.
int build_size_parse(const char *text, struct build_size *ret, struct err *e);
// Weighs what was built, before an output changes it. ERR_TOO_LARGE, after the heaviest parts on
// standard error. Layers of the base image that are not here are fetched.
int build_size_check(const struct build_size *b, struct session *s, const struct build_request *r,
        const struct build_result *built, struct err *e);
