// SPDX-License-Identifier: Apache-2.0
// What the tests of src/structure share.
#pragma once

#include "layer_fixture.h"

#include "image/config.h"
#include "structure/pattern.h"
#include "structure/structure.h"

#define HEAD "schemaVersion: 2.0.0\n"

static inline void must_read(struct structure *s, const char *text)
{
	struct err e = ERR_INIT;
	if (structure_read("t.yaml", text, strlen(text), s, &e))
		fail_msg("%s", e.msg);
}

// What went wrong, joined; "" if nothing did.
static inline char *errors_of(const struct test_result *r)
{
	struct buf b = {0};
	for (size_t i = 0; i < r->errors.n; i++)
		buf_printf(&b, "%s%s", i ? "|" : "", r->errors.v[i]);
	return buf_steal(&b);
}
