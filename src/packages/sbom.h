// SPDX-License-Identifier: Apache-2.0
// Packages by their URLs, and those that a document names: CycloneDX 1.2 to 1.6 and SPDX 2.2
// and 2.3 as JSON, of any tool.
#pragma once

#include "packages/packages.h"

// The inverse of package_url: a purl of a type that is known here, in any tool's spelling of epoch,
// distro and source. Texts go into the set; the version is NULL if the purl has none, the release
// is that of where it is installed. 0: of another type, 1, -1: no purl.
int package_of_url(const char *url, struct package_set *set, struct package *ret,
        struct release *release, struct err *e);
// Fills a set; what it cannot understand is one warning for each kind. ERR_CORRUPT.
int packages_of_sbom(const char *json, size_t n, struct package_set *ret, struct err *e);
