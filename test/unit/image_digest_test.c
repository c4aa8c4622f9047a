// SPDX-License-Identifier: Apache-2.0
// Digests: what is one, what is refused and how.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "image/config.h"
#include "image/digest.h"
#include <string.h>

#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_parse(void **state)
{
	static const struct {
		const char *input;
		enum err_kind want;
		const char *says;
	} rows[] = {
	        {EMPTY, ERR_NONE, NULL},
	        {"sha256:" HEX64, ERR_NONE, NULL},
	        {NULL, ERR_CORRUPT, "missing"},
	        {"", ERR_CORRUPT, "missing"},
	        {HEX64, ERR_CORRUPT, "not a digest"},
	        {"sha256:", ERR_CORRUPT, "64"},
	        {"sha256:" HEX64 "0", ERR_CORRUPT, "64"},
	        {"sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
	                ERR_CORRUPT, "lower-case"},
	        {"sha256:g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	                ERR_CORRUPT, "64"},
	        {"SHA256:" HEX64, ERR_CORRUPT, "not a digest"},
	        {"sha512:" HEX64 HEX64, ERR_UNSUPPORTED, "sha512"},
	        {"sha256 :" HEX64, ERR_CORRUPT, "not a digest"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct digest d = {0};
		struct err e = ERR_INIT;
		int r = digest_parse(rows[i].input, &d, &e);
		assert_int_equal(r, rows[i].want == ERR_NONE ? 0 : -1);
		if (r == 0) {
			char text[DIGEST_TEXT], hex[HASH_HEX];
			digest_text(&d, text);
			assert_string_equal(text, rows[i].input);
			digest_hex(&d, hex);
			assert_string_equal(hex, rows[i].input + 7);
			continue;
		}
		assert_int_equal(e.kind, rows[i].want);
		assert_non_null(strstr(e.msg, rows[i].says));
		assert_true(digest_is_zero(&d));
	}
}

static void test_of(void **state)
{
	struct digest empty, parsed, other = digest_of("a", 1);
	struct err e = ERR_INIT;
	empty = digest_of("", 0);
	assert_int_equal(digest_parse(EMPTY, &parsed, &e), 0);
	assert_true(digest_eq(&empty, &parsed));
	assert_false(digest_eq(&empty, &other));
	assert_false(digest_is_zero(&empty));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_parse),
	        cmocka_unit_test(test_of),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
