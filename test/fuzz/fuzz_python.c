// SPDX-License-Identifier: Apache-2.0
// Metadata of Python distributions, and lock files of Python and Rust.
#include "packages_target.h"

SCANNER_TARGETS({FILE_PYTHON, "a.dist-info/METADATA"},
        {FILE_PYTHON_REQUIREMENTS, "requirements.txt"}, {FILE_PIPFILE_LOCK, "Pipfile.lock"},
        {FILE_TOML_LOCK, "poetry.lock"}, {FILE_TOML_LOCK, "Cargo.lock"})
