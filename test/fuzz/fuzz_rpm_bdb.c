// SPDX-License-Identifier: Apache-2.0
// rpm's database in Berkeley DB.
#include "packages_target.h"

SCANNER_TARGET(FILE_RPM_BDB, "var/lib/rpm/Packages")
