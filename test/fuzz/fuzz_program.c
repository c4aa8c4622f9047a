// SPDX-License-Identifier: Apache-2.0
// ELF: build information of Go, crates of Rust.
#include "packages_target.h"

SCANNER_TARGET(FILE_PROGRAM, "usr/bin/a")
