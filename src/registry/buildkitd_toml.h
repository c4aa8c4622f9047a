// SPDX-License-Identifier: Apache-2.0
// What BuildKit's buildkitd.toml says of registries: mirrors, http, insecure. Authorities and
// client certificates are not read there: certs.d is for them.
#pragma once

#include "registry/registries_conf.h"

// Adds the rules of a file's text, in place of those with the same prefix.
int buildkitd_toml_parse(const char *p, size_t n, struct registries_conf *c, struct err *e);
