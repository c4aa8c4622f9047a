// SPDX-License-Identifier: Apache-2.0
// package.json and the lock files of npm, yarn and pnpm.
#include "packages_target.h"

SCANNER_TARGETS({FILE_NPM, "node_modules/a/package.json"}, {FILE_NPM_LOCK, "package-lock.json"},
        {FILE_YARN_LOCK, "yarn.lock"}, {FILE_PNPM_LOCK, "pnpm-lock.yaml"})
