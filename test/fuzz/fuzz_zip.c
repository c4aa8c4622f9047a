// SPDX-License-Identifier: Apache-2.0
// Zip archives: every member of the directory is taken out, as long as there is enough.
#include "base/err.h"
#include "base/zip.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct str bytes = {(const char *)data, size};
	struct zip_source source = zip_source_memory(&bytes);
	auto_zip struct zip *z = NULL;
	struct zip_member m;
	int rc;
	if (zip_open(&source, &z, &e)) {
		assert(e.kind == ERR_CORRUPT);
		return 0;
	}
	while ((rc = zip_next(z, &m, &e)) > 0) {
		auto_buf struct buf content = {0};
		if (zip_extract(z, &m, 1 << 20, &content, &e) == 0)
			assert(content.n == m.size);
	}
	assert(rc == 0 || e.kind == ERR_CORRUPT);
	return 0;
}
