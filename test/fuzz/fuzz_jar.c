// SPDX-License-Identifier: Apache-2.0
// Java archives.
#include "packages_target.h"

SCANNER_TARGET(FILE_JAR, "opt/a-1.0.jar")
