// SPDX-License-Identifier: Apache-2.0
// Statements, and images as package URLs.
#include "attest/attest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "image/reference.h"

#define HEX "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" // sha256 of "hello"

static void test_purl(void **state)
{
	static const struct {
		const char *name, *platform, *want;
	} rows[] = {
	        {"alpine:3.17", "linux/amd64", "pkg:docker/alpine@3.17?platform=linux%2Famd64"},
	        {"alpine", "linux/arm/v7", "pkg:docker/alpine@latest?platform=linux%2Farm%2Fv7"},
	        {"me/app:1", "linux/amd64", "pkg:docker/me/app@1?platform=linux%2Famd64"},
	        {"localhost:5000/a/b:1", "linux/amd64",
	                "pkg:docker/localhost:5000/a/b@1?platform=linux%2Famd64"},
	        {"alpine:3@sha256:" HEX, "linux/amd64",
	                "pkg:docker/alpine@3?digest=sha256:" HEX "&platform=linux%2Famd64"},
	        {"alpine@sha256:" HEX, "linux/amd64",
	                "pkg:docker/alpine?digest=sha256:" HEX "&platform=linux%2Famd64"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_reference struct reference ref = {0};
		struct platform p;
		struct err e = ERR_INIT;
		assert_int_equal(reference_parse(rows[i].name, &ref, &e), 0);
		assert_int_equal(platform_parse(rows[i].platform, &p, &e), 0);
		auto_free char *got = image_purl("docker", &ref, &p);
		assert_string_equal(got, rows[i].want);
	}
}

static void test_statement(void **state)
{
	static const struct {
		const char *type, *want;
	} rows[] = {
	        {"https://spdx.dev/Document",
	                "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"https:/"
	                "/"
	                "spdx.dev/Document\",\"subject\":[{\"name\":\"a\",\"digest\":{\"sha256\":"
	                "\"" HEX "\"}},{\"name\":\"b\",\"digest\":{\"sha256\":\"" HEX
	                "\"}}],\"predicate\":{\"x\":1}}"},
	        {PREDICATE_PROVENANCE_V02,
	                "{\"_type\":\"https://in-toto.io/Statement/v0.1\",\"predicateType\":"
	                "\"https://slsa.dev/provenance/v0.2\",\"subject\":[{\"name\":\"a\","
	                "\"digest\":{\"sha256\":\"" HEX
	                "\"}},{\"name\":\"b\",\"digest\":{\"sha256\":"
	                "\"" HEX "\"}}],\"predicate\":{\"x\":1}}"},
	};
	struct hash h = hash_bytes("hello", 5);
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct attestation_list l = {0};
		auto_subjects struct subject_list about = {0};
		auto_buf struct buf out = {0};
		struct attestation *a = attestation_list_add(&l);
		a->predicate_type = rows[i].type;
		buf_puts(&a->predicate, "{\"x\":1}");
		subject_list_add(&about, xstrdup("a"), &h);
		subject_list_add(&about, xstrdup("b"), &h);
		attestation_statement(a, &about, &out);
		assert_string_equal(buf_cstr(&out), rows[i].want);
		attestation_list_release(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_purl),
	        cmocka_unit_test(test_statement),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
