// SPDX-License-Identifier: Apache-2.0
// Platform specifiers, their normal form, and which platform serves which.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "image/platform.h"
#include <string.h>

static void test_parse(void **state)
{
	static const struct {
		const char *input, *want; // want NULL: refused
	} rows[] = {
	        {"linux/amd64", "linux/amd64"},
	        {"linux/x86_64", "linux/amd64"},
	        {"Linux/X86-64", "linux/amd64"},
	        {"linux/amd64/v1", "linux/amd64"},
	        {"linux/amd64/v3", "linux/amd64/v3"},
	        {"linux/aarch64", "linux/arm64"},
	        {"linux/arm64/v8", "linux/arm64"},
	        {"linux/arm64/v9", "linux/arm64/v9"},
	        {"linux/arm", "linux/arm/v7"},
	        {"linux/arm/7", "linux/arm/v7"},
	        {"linux/arm/v6", "linux/arm/v6"},
	        {"linux/armhf", "linux/arm/v7"},
	        {"linux/armel", "linux/arm/v6"},
	        {"linux/i386", "linux/386"},
	        {"macos/arm64", "darwin/arm64"},
	        {"arm64", "linux/arm64"},
	        {"riscv64", "linux/riscv64"},
	        {"linux/unheard-of", "linux/unheard-of"},
	        {"windows(10.0.17763)/amd64", "windows/amd64"},
	        {"", NULL},
	        {"/", NULL},
	        {"linux/", NULL},
	        {"linux//v7", NULL},
	        {"linux/arm/v7/x", NULL},
	        {"linux/*", NULL},
	        {"toaster", NULL},
	        {"linux/a b", NULL},
	        {"windows(1+win32k)/amd64", NULL},
	        {"linux/abcdefghijklmnopqrstuvwxyz", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct platform p;
		struct err e = ERR_INIT;
		char text[80];
		int r = platform_parse(rows[i].input, &p, &e);
		if (!rows[i].want) {
			assert_int_equal(r, -1);
			assert_true(e.kind == ERR_USAGE || e.kind == ERR_UNSUPPORTED);
			continue;
		}
		assert_int_equal(r, 0);
		platform_text(&p, text);
		assert_string_equal(text, rows[i].want);
	}
}

static void test_host(void **state)
{
	struct platform host = platform_host(), local, linux_only;
	struct err e = ERR_INIT;
	assert_string_equal(host.os, "linux");
	assert_true(host.arch[0] != '\0');
	assert_int_equal(platform_parse("local", &local, &e), 0);
	assert_true(platform_eq(&host, &local));
	assert_int_equal(platform_parse("linux", &linux_only, &e), 0);
	assert_true(platform_eq(&host, &linux_only));
}

static void test_os_version(void **state)
{
	struct platform p;
	struct err e = ERR_INIT;
	assert_int_equal(platform_parse("windows(10.0.17763)/amd64", &p, &e), 0);
	assert_string_equal(p.os_version, "10.0.17763");
}

// `have` in falling order; what is not listed must not match.
static void test_match(void **state)
{
	static const struct {
		const char *wanted, *have[8], *never[4];
	} rows[] = {
	        {"linux/amd64", {"linux/amd64", "linux/386"}, {"linux/amd64/v2", "linux/arm64"}},
	        {"linux/amd64/v3", {"linux/amd64/v3", "linux/amd64/v2", "linux/amd64", "linux/386"},
	                {"linux/amd64/v4", "windows/amd64"}},
	        {"linux/386", {"linux/386"}, {"linux/amd64"}},
	        {"linux/arm/v7", {"linux/arm/v7", "linux/arm/v6", "linux/arm/v5"},
	                {"linux/arm/v8", "linux/arm64"}},
	        {"linux/arm/v6", {"linux/arm/v6", "linux/arm/v5"}, {"linux/arm/v7", "linux/arm"}},
	        {"linux/arm64", {"linux/arm64/v8", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6"},
	                {"linux/arm64/v9", "linux/amd64"}},
	        {"linux/arm64/v9.1",
	                {"linux/arm64/v9.1", "linux/arm64/v9", "linux/arm64/v8.6", "linux/arm64",
	                        "linux/arm/v7"},
	                {"linux/arm64/v9.2", "linux/arm64/v8.7"}},
	        {"linux/s390x", {"linux/s390x"}, {"linux/amd64"}},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct platform wanted, have;
		struct err e = ERR_INIT;
		int last = 1 << 30;
		assert_int_equal(platform_parse(rows[i].wanted, &wanted, &e), 0);
		for (size_t j = 0; j < 8 && rows[i].have[j]; j++) {
			assert_int_equal(platform_parse(rows[i].have[j], &have, &e), 0);
			int score = platform_match(&wanted, &have);
			assert_true(score > 1 && score < last);
			last = score;
		}
		for (size_t j = 0; j < 4 && rows[i].never[j]; j++) {
			assert_int_equal(platform_parse(rows[i].never[j], &have, &e), 0);
			assert_int_equal(platform_match(&wanted, &have), 0);
		}
	}
}

static void test_text_without_os(void **state)
{
	struct platform none = {0};
	char text[80];
	platform_text(&none, text);
	assert_string_equal(text, "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_parse),
	        cmocka_unit_test(test_host),
	        cmocka_unit_test(test_os_version),
	        cmocka_unit_test(test_match),
	        cmocka_unit_test(test_text_without_os),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
