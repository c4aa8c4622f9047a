// SPDX-License-Identifier: Apache-2.0
// rpm's database in SQLite.
#include "packages_target.h"

SCANNER_TARGET(FILE_RPM_SQLITE, "var/lib/rpm/rpmdb.sqlite")
