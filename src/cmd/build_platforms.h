// SPDX-License-Identifier: Apache-2.0
// `hew build --platform`: what is built for.
#pragma once

struct build_request;
struct err;
struct strv;

// Each of words is a list with commas. Without any: DOCKER_DEFAULT_PLATFORM, else this machine's.
int build_take_platforms(const struct strv *words, struct build_request *r, struct err *e);
