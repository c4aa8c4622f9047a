// SPDX-License-Identifier: Apache-2.0
// Three versions of a scheme: each equals itself, the answer turns around with the arguments, and
// what is before another is before all that this one is before, but in Maven's own rules.
#include "base/err.h"
#include "base/mem.h"
#include "version/version.h"
#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int compare(enum version_scheme s, const char *a, const char *b)
{
	struct err e = ERR_INIT;
	int order = 0;
	assert(version_compare(s, a, b, &order, &e) == 0);
	return (order > 0) - (order < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	enum version_scheme s = (enum version_scheme)(data[0] % (VERSION_GEM + 1));
	auto_free char *text = xstrndup((const char *)data + 1, size - 1);
	char *v[3] = {text, NULL, NULL};
	struct err e = ERR_INIT;
	for (int i = 1; i < 3; i++) {
		char *newline = strchr(v[i - 1], '\n');
		if (!newline)
			return 0;
		*newline = '\0';
		v[i] = newline + 1;
	}
	for (int i = 0; i < 3; i++) {
		if (version_check(s, v[i], &e)) {
			assert(e.kind == ERR_USAGE && e.msg[0]);
			return 0;
		}
	}
	int ab = compare(s, v[0], v[1]), bc = compare(s, v[1], v[2]), ac = compare(s, v[0], v[2]);
	assert(compare(s, v[0], v[0]) == 0 && compare(s, v[1], v[0]) == -ab);
	if (s == VERSION_MAVEN)
		return 0;
	if (ab == bc)
		assert(ac == ab);
	if (ab == 0)
		assert(ac == bc);
	if (bc == 0)
		assert(ac == ab);
	return 0;
}
