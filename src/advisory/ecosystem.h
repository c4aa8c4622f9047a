// SPDX-License-Identifier: Apache-2.0
// Names of ecosystems, their releases and packages, as the database has them: those of the OSV
// schema, with the spellings that mean the same made one.
#pragma once

#include "base/buf.h"
#include <stdbool.h>

#define ECOSYSTEM_MAX 255

struct ecosystem {
	char name[ECOSYSTEM_MAX + 1];    // "Debian", "PyPI"
	char release[ECOSYSTEM_MAX + 1]; // "12", "3.19"; "" where there is none
};
// "Debian:12", "Alpine:v3.19", "Ubuntu:22.04:LTS", "npm". False: empty or too long.
bool ecosystem_parse(const char *text, struct ecosystem *ret);
// A release of Debian by number or code name: "bookworm" is "12". False: none, or too long a one.
bool ecosystem_debian(const char *release, struct ecosystem *ret);
// Distributions of rpm packages, whose advisories name flaws as related ones.
bool ecosystem_is_rpm(const char *name);
// A package's name as it is looked for, appended: PyPI by PEP 503, NuGet and Packagist in lower
// case, all others as they are.
void package_name(const char *ecosystem, const char *name, struct buf *ret);
