// SPDX-License-Identifier: Apache-2.0
// What the store keeps of a layer's packages.
#include "packages_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_package_set struct package_set set = {0};
	auto_buf struct buf out = {0};
	struct err e = ERR_INIT;
	if (packages_read((const char *)data, size, &set, &e)) {
		assert(e.kind != ERR_NONE && e.msg[0]);
		return 0;
	}
	packages_write(&set, &out);
	return 0;
}
