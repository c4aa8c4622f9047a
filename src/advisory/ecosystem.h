// SPDX-License-Identifier: Apache-2.0
// Names of ecosystems, their releases and packages, as the database has them: those of the OSV
// schema, with the spellings that mean the same made one.
#pragma once

#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>

#define ECOSYSTEM_MAX 255

struct ecosystem {
	char name[ECOSYSTEM_MAX + 1];    // "Debian", "PyPI"
	char release[ECOSYSTEM_MAX + 1]; // "12", "3.19"; "" where there is none
};
// "Debian:12", "Alpine:v3.19", "Ubuntu:22.04:LTS", "npm". Red Hat's are by product: those that make
// up Enterprise Linux itself, "Red Hat:enterprise_linux:9::appstream", are the release "9". False:
// empty or too long.
bool ecosystem_parse(const char *text, struct ecosystem *ret);
// A release of Debian by number or code name: "bookworm" is "12". False: none, or too long a one.
bool ecosystem_debian(const char *release, struct ecosystem *ret);
// Distributions of rpm packages, whose advisories name flaws as related ones.
bool ecosystem_is_rpm(const char *name);
// Of distributions with modules (Red Hat's and those made of it) the records of a package of a
// module are under this name, appended: "php:8.2/php". module: with its stream, "php:8.2".
void package_module_name(const char *module, const char *name, struct buf *ret);
// The modules that the title of an advisory names, "Important: php:8.2 security update", as views
// into it. Returns how many, at most max.
size_t modules_of_title(const char *title, struct str *ret, size_t max);
// Whether a version is that of a package of some module: "8.2.30-1.module_el9.7.0+205+fe410f10".
bool version_is_modular(const char *version);
// A package's name as it is looked for, appended: PyPI by PEP 503, NuGet and Packagist in lower
// case, all others as they are.
void package_name(const char *ecosystem, const char *name, struct buf *ret);
