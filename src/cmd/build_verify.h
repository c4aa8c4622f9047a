// SPDX-License-Identifier: Apache-2.0
// hew build --verify: the build once more, from nothing but its bases, and what came out otherwise.
#pragma once

struct build_request;
struct build_result;
struct err;
struct session;

// Builds in a store of its own, of which nothing is kept. With SOURCE_DATE_EPOCH all must be the
// same, without it all but times. ERR_DIFFERS after telling the session's listeners what differs.
int build_verify(struct session *s, const struct build_request *r, const struct build_result *first,
        struct err *e);
