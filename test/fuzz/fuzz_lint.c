// SPDX-License-Identifier: Apache-2.0
// Any bytes as a Dockerfile for hew lint --fix: whatever the rules make of it, the edited file
// parses, has the same instructions, and ends without anything left to edit. Files that do not
// parse or convert are none of its business.
#include "base/buf.h"
#include "base/err.h"

#include "../unit/lint_fixture.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROUNDS 60

static bool is_plain(void *arg, const char *path)
{
	(void)arg;
	return path[0] != 'n';
}

static const struct lint_options options = {.is_plain = is_plain};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf text = {0}, shown = {0};
	buf_add(&text, data, size);
	auto_dockerfile struct dockerfile *first = NULL;
	for (int round = 0;; round++) {
		auto_lint_report struct lint_report r = {0};
		auto_buf struct buf next = {0};
		auto_dockerfile struct dockerfile *d =
		        lint_read(buf_cstr(&text), text.n, &options, &r);
		if (!d) {
			assert(round == 0);
			return 0;
		}
		assert(round == 0 || lint_same_shape(first, d));
		const struct lint_file f = {"x", &r};
		lint_print_sarif(&f, 1, "1", &shown);
		lint_print_text(&f, 1, &shown);
		buf_reset(&shown);
		if (lint_apply(&r, buf_cstr(&text), text.n, &next) == 0)
			return 0;
		assert(round < ROUNDS || text.n > 4096);
		if (round >= ROUNDS)
			return 0;
		if (!first)
			first = steal_ptr(&d);
		buf_reset(&text);
		buf_add(&text, next.p, next.n);
	}
}
