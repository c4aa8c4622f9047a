// SPDX-License-Identifier: Apache-2.0
// dpkg's database and lists.
#include "packages_target.h"

SCANNER_TARGETS({FILE_DPKG_STATUS, "var/lib/dpkg/status"},
        {FILE_DPKG_LIST, "var/lib/dpkg/info/a.list"},
        {FILE_DPKG_SUMS, "var/lib/dpkg/status.d/a.md5sums"}, {FILE_RELEASE, "etc/os-release"})
