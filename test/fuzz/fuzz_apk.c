// SPDX-License-Identifier: Apache-2.0
// apk's database.
#include "packages_target.h"

SCANNER_TARGET(FILE_APK, "lib/apk/db/installed")
