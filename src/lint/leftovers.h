// SPDX-License-Identifier: Apache-2.0
// Words that a Dockerfile and an image share: what package managers leave behind, and what is only
// for building. For the rules of this room, and for src/size, which finds the files themselves.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LEFTOVER_PATHS 5

struct leftover {
	const char *name; // "apt lists"
	// Folders, relative, NULL-terminated. One below root/ stands for that of every user.
	const char *paths[LEFTOVER_PATHS];
	const char *advice; // what to write instead
};
const struct leftover *leftover_at(size_t i); // NULL beyond the last
const struct leftover *leftover_find(const char *name);

// A package of a distribution that compiles others: "gcc-12", "libpq-dev", "build-base".
bool package_is_build_tool(const char *name);
