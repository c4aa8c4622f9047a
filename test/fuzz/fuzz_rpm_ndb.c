// SPDX-License-Identifier: Apache-2.0
// rpm's own database.
#include "packages_target.h"

SCANNER_TARGET(FILE_RPM_NDB, "var/lib/rpm/Packages.db")
