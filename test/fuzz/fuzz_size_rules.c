// SPDX-License-Identifier: Apache-2.0
// The rules of a .dive-ci file: read, then held against figures that are no numbers, too.
#include "base/err.h"
#include "size/rules.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct size_rules r = size_rules_default();
	char why[SIZE_RULE_TEXT];
	if (size_rules_read(&r, (const char *)data, size, "x", &e)) {
		if (e.kind != ERR_USAGE || !*e.msg)
			abort();
		return 0;
	}
	const struct dive_figures figures[] = {{1, 0, 0, NAN}, {0, UINT64_MAX, 1, INFINITY}};
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < SIZE_RULES; k++)
			if (!size_rule_holds(&r, (enum size_rule_kind)k, &figures[i], why) && !*why)
				abort();
	return 0;
}
