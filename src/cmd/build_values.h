// SPDX-License-Identifier: Apache-2.0
// The options of `hew build` that give names a value: arguments, contexts, secrets.
#pragma once

struct build_request;
struct err;
struct strv;

// --build-arg KEY[=VALUE]: without a value that of the environment, if there is one.
void build_take_args(const struct strv *specs, struct build_request *r);
// --build-context NAME=SOURCE
void build_take_contexts(const struct strv *specs, struct build_request *r);
// --secret id=ID[,src=FILE|env=VAR]
int build_take_secrets(const struct strv *specs, struct build_request *r, struct err *e);
