// SPDX-License-Identifier: Apache-2.0
// The base images of a build, taken from one store to another: documents, and of each layer the
// form that is here, or where it can be had.
#pragma once

struct build_result;
struct err;
struct store;

int verify_bases(
        struct store *from, struct store *to, const struct build_result *built, struct err *e);
