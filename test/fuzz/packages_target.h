// SPDX-License-Identifier: Apache-2.0
// Feeds one scanner of src/packages: whatever a file holds, what is found can be kept and read
// back.
#pragma once

#include "packages/packages-int.h"
#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void scan_bytes(
        enum file_kind kind, const char *path, const uint8_t *data, size_t size)
{
	auto_package_set struct package_set set = {0}, again = {0};
	auto_buf struct buf json = {0}, second = {0}, url = {0};
	struct scan s = {.set = &set, .path = path};
	struct content c = {.fd = -1, .data = (const char *)data, .size = size};
	struct err e = ERR_INIT;
	if (scan_file(&s, kind, &c, &e))
		assert(e.kind != ERR_NONE && e.msg[0]);
	packages_write(&set, &json);
	if (json.n > DOCUMENT_MAX)
		return;
	e = ERR_INIT;
	assert(packages_read(buf_cstr(&json), json.n, &again, &e) == 0);
	packages_write(&again, &second);
	assert(again.n_packages == set.n_packages);
	for (size_t i = 0; i < set.n_packages; i++)
		package_url(&set.packages[i], &(struct release){.id = "x", .version = "1"}, &url);
}

#define SCANNER_TARGET(kind, path)                                   \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) \
	{                                                            \
		scan_bytes(kind, path, data, size);                  \
		return 0;                                            \
	}

// The first byte chooses one of several kinds.
struct scanner_choice {
	enum file_kind kind;
	const char *path;
};
#define SCANNER_TARGETS(...)                                                             \
	static const struct scanner_choice choices[] = {__VA_ARGS__};                    \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                     \
	{                                                                                \
		if (size == 0)                                                           \
			return 0;                                                        \
		const struct scanner_choice *c = &choices[data[0] % ARRAY_LEN(choices)]; \
		scan_bytes(c->kind, c->path, data + 1, size - 1);                        \
		return 0;                                                                \
	}
