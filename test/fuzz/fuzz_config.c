// SPDX-License-Identifier: Apache-2.0
// Image configurations from a registry. What is accepted must be accepted again after it was
// written, with the same bytes the second time, and a copy must write the same.
#include "base/err.h"
#include "image/config.h"
#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_config struct image_config c = {0}, again = {0};
	auto_buf struct buf first = {0}, second = {0};
	struct err e = ERR_INIT;
	if (image_config_parse((const char *)data, size, &c, &e) < 0) {
		assert(e.kind != ERR_NONE && e.msg[0]);
		return 0;
	}
	image_config_write(&c, &first);
	assert(image_config_parse(first.p, first.n, &again, &e) == 0);
	image_config_copy(&c, &again);
	image_config_write(&c, &second);
	assert(first.n == second.n && memcmp(first.p, second.p, first.n) == 0);
	return 0;
}
