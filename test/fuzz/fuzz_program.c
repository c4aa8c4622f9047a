// SPDX-License-Identifier: Apache-2.0
// ELF: build information of Go, crates of Rust, symbols.
#include "packages/elf.h"
#include "packages_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct content c = {.fd = -1, .data = (const char *)data, .size = size};
	scan_bytes(FILE_PROGRAM, "usr/bin/a", data, size);
	assert(elf_symbols(&c) <= size);
	return 0;
}
