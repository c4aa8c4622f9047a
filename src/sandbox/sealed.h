// SPDX-License-Identifier: Apache-2.0
// Executing the holder again from a place that cannot be written.
#pragma once

#include <stdbool.h>

struct err;

// Returns on failure only. facts and outer_root are what sealed_is gives back on the other side.
int sealed_exec(unsigned facts, const char *outer_root, struct err *e);
// Whether this process came out of sealed_exec. Takes the mark out of the environment.
// *ret_outer_root lives as long as the process.
bool sealed_is(unsigned *ret_facts, const char **ret_outer_root);
