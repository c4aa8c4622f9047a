// SPDX-License-Identifier: Apache-2.0
// CVSS vectors: a score is one, and the severity is its.
#include "advisory/cvss.h"
#include "base/err.h"
#include "base/mem.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct cvss c;
	auto_free char *text = xstrndup((const char *)data, size);
	if (cvss_score(text, &c, &e)) {
		assert(e.kind == ERR_CORRUPT);
		return 0;
	}
	assert(c.score >= 0 && c.score <= 100 && c.severity != SEVERITY_UNKNOWN);
	assert((c.score == 0) == (c.severity == SEVERITY_NEGLIGIBLE));
	return 0;
}
