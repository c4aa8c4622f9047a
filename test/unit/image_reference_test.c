// SPDX-License-Identifier: Apache-2.0
// References: short and full forms, and what a refusal says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "image/reference.h"
#include <string.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHA "sha256:" HEX64

static void test_valid(void **state)
{
	static const struct {
		const char *input, *text, *familiar, *domain, *repository;
	} rows[] = {
	        {"node", "docker.io/library/node:latest", "node:latest", "docker.io",
	                "library/node"},
	        {"node:20", "docker.io/library/node:20", "node:20", "docker.io", "library/node"},
	        {"docker.io/node", "docker.io/library/node:latest", "node:latest", "docker.io",
	                "library/node"},
	        {"index.docker.io/library/node:1", "docker.io/library/node:1", "node:1",
	                "docker.io", "library/node"},
	        {"bitnami/redis", "docker.io/bitnami/redis:latest", "bitnami/redis:latest",
	                "docker.io", "bitnami/redis"},
	        {"docker.io/library/a/b:1", "docker.io/library/a/b:1", "library/a/b:1", "docker.io",
	                "library/a/b"},
	        {"node@" SHA, "docker.io/library/node@" SHA, "node@" SHA, "docker.io",
	                "library/node"},
	        {"node:20@" SHA, "docker.io/library/node:20@" SHA, "node:20@" SHA, "docker.io",
	                "library/node"},
	        {"localhost/x", "localhost/x:latest", "localhost/x:latest", "localhost", "x"},
	        {"localhost", "docker.io/library/localhost:latest", "localhost:latest", "docker.io",
	                "library/localhost"},
	        {"127.0.0.1:5000/a/b:t", "127.0.0.1:5000/a/b:t", "127.0.0.1:5000/a/b:t",
	                "127.0.0.1:5000", "a/b"},
	        {"[::1]:5000/x:1", "[::1]:5000/x:1", "[::1]:5000/x:1", "[::1]:5000", "x"},
	        {"[fe80::1]/x:1", "[fe80::1]/x:1", "[fe80::1]/x:1", "[fe80::1]", "x"},
	        {"reg.example.com/x", "reg.example.com/x:latest", "reg.example.com/x:latest",
	                "reg.example.com", "x"},
	        {"Foo/bar", "Foo/bar:latest", "Foo/bar:latest", "Foo", "bar"},
	        {"a__b/c---d.e_f:V1.0_x-y", "docker.io/a__b/c---d.e_f:V1.0_x-y",
	                "a__b/c---d.e_f:V1.0_x-y", "docker.io", "a__b/c---d.e_f"},
	        {"docker.io/foo.bar/baz:1", "docker.io/foo.bar/baz:1", "docker.io/foo.bar/baz:1",
	                "docker.io", "foo.bar/baz"},
	        {"x:_", "docker.io/library/x:_", "x:_", "docker.io", "library/x"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_reference struct reference r = {0}, again = {0};
		struct err e = ERR_INIT;
		assert_int_equal(reference_parse(rows[i].input, &r, &e), 0);
		assert_string_equal(r.domain, rows[i].domain);
		assert_string_equal(r.repository, rows[i].repository);
		auto_free char *text = reference_text(&r), *familiar = reference_familiar(&r);
		assert_string_equal(text, rows[i].text);
		assert_string_equal(familiar, rows[i].familiar);
		// The short form must name the same image.
		assert_int_equal(reference_parse(familiar, &again, &e), 0);
		auto_free char *round = reference_text(&again), *name = reference_name(&again);
		assert_string_equal(round, rows[i].text);
		assert_memory_equal(round, name, strlen(name));
	}
}

static void test_invalid(void **state)
{
	static const struct {
		const char *input, *says;
	} rows[] = {
	        {"", "empty"},
	        {"Node:20", "did you mean 'node:20'?"},
	        {"reg.example.com/My/App:V1", "did you mean 'reg.example.com/my/app:V1'?"},
	        {"https://reg.example.com/x", "did you mean 'reg.example.com/x'?"},
	        {"no de", "blank"},
	        {"n\xc3\xb6"
	         "de",
	                "not ASCII"},
	        {HEX64, "64 digits"},
	        {"node:", "no tag"},
	        {"node:a:b", "tag"},
	        {"node:-x", "does not begin"},
	        {"node:a/b", "not a port number"},
	        {"a//b", "empty part"},
	        {"/a", "empty part"},
	        {"a/", "empty part"},
	        {"a-", "separator"},
	        {"-a", "'-a'"},
	        {"a..b", "'.b'"},
	        {"a___b", "'_b'"},
	        {"a+b", "'+b'"},
	        {"foo_bar.com/x", "host name"},
	        {"-foo.com/x", "host name"},
	        {"foo..com/x", "host name"},
	        {"[::1/x", "not a port number"},
	        {"reg.example.com:http/x", "not a port number"},
	        {"node@sha256:abc", "64"},
	        {"node@sha512:" HEX64 HEX64, "sha512"},
	        {"node@", "digest is missing"},
	        {"node@" SHA "@" SHA, "64"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reference r = {0};
		struct err e = ERR_INIT;
		assert_int_equal(reference_parse(rows[i].input, &r, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		if (!strstr(e.msg, rows[i].says))
			fail_msg(
			        "'%s': '%s' does not say '%s'", rows[i].input, e.msg, rows[i].says);
		assert_null(r.domain);
	}
}

static void test_lengths(void **state)
{
	static const struct {
		const char *prefix;
		size_t fill;
		int want;
	} rows[] = {
	        {"x/", 253, 0},
	        {"x/", 254, -1},
	        {"", 247, 0},
	        {"", 248, -1},
	        {"x:", 128, 0},
	        {"x:", 129, -1},
	        {"x:", 100000, -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_reference struct reference r = {0};
		struct err e = ERR_INIT;
		size_t head = strlen(rows[i].prefix);
		auto_free char *s = xcalloc(1, head + rows[i].fill + 1);
		memcpy(s, rows[i].prefix, head);
		memset(s + head, 'a', rows[i].fill);
		assert_int_equal(reference_parse(s, &r, &e), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_valid),
	        cmocka_unit_test(test_invalid),
	        cmocka_unit_test(test_lengths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
