// SPDX-License-Identifier: Apache-2.0
// Which refs a token is for.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "actions/actions-int.h"
#include "base/base64.h"
#include "base/mem.h"

static char *token_of(const char *claims)
{
	auto_buf struct buf text = {0};
	buf_puts(&text, "e30.");
	base64_encode(&text, claims, strlen(claims));
	buf_puts(&text, ".c2ln");
	return buf_steal(&text);
}

static void check(const char *token, const char *readable, const char *writable)
{
	auto_strv struct strv refs = {0};
	auto_free char *own = NULL;
	auto_buf struct buf joined = {0};
	token_scopes(token, &refs, &own);
	for (size_t i = 0; i < refs.n; i++)
		buf_printf(&joined, "%s%s", i ? " " : "", refs.v[i]);
	assert_string_equal(buf_cstr(&joined), readable);
	assert_string_equal(own ? own : "none", writable ? writable : "none");
}

static void of_its_claim(void **state)
{
	static const struct {
		const char *claims, *readable, *writable;
	} rows[] = {
	        {"{\"ac\":\"[{\\\"Scope\\\":\\\"refs/heads/main\\\",\\\"Permission\\\":3}]\"}",
	                "refs/heads/main", "refs/heads/main"},
	        // the one that is written to comes first
	        {"{\"ac\":\"[{\\\"Scope\\\":\\\"a\\\",\\\"Permission\\\":1},"
	         "{\\\"Scope\\\":\\\"b\\\",\\\"Permission\\\":3},"
	         "{\\\"Scope\\\":\\\"c\\\",\\\"Permission\\\":1}]\"}",
	                "b a c", "b"},
	        {"{\"ac\":\"[{\\\"Scope\\\":\\\"a\\\",\\\"Permission\\\":1}]\"}", "a", NULL},
	        {"{\"ac\":\"[{\\\"Scope\\\":7},{\\\"Permission\\\":3},7]\"}",
	                "refs/heads/topic refs/heads/base", "refs/heads/topic"},
	        {"{\"ac\":\"{\"}", "refs/heads/topic refs/heads/base", "refs/heads/topic"},
	        {"[]", "refs/heads/topic refs/heads/base", "refs/heads/topic"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *token = token_of(rows[i].claims);
		check(token, rows[i].readable, rows[i].writable);
	}
}

static void of_none(void **state)
{
	static const char *const bad[] = {"", ".", "..", "a.b", "a.!.c", "opaque"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		check(bad[i], "refs/heads/topic refs/heads/base", "refs/heads/topic");
	unsetenv("GITHUB_REF");
	unsetenv("GITHUB_BASE_REF");
	check("opaque", "", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(of_its_claim),
	        cmocka_unit_test(of_none),
	};
	setenv("GITHUB_REF", "refs/heads/topic", 1);
	setenv("GITHUB_BASE_REF", "base", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
