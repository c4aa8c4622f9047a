// SPDX-License-Identifier: Apache-2.0
// Reading JSON from outside, and writing with the bytes of Go's encoding/json.
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct jdoc *parse(const char *text)
{
	struct err e;
	struct jdoc *d = jdoc_parse(text, strlen(text), &e);
	if (!d)
		fail_msg("%s: %s", text, e.msg);
	return d;
}

static void test_refused(void **state)
{
	static const char *const rows[] = {"", " ", "{", "{}x", "{\"a\":1,}", "[1,]", "nul", "'a'",
	        "{a:1}", "01", "+1", ".5", "\"\\u0000\"", "{\"a\\u0000b\":1}", "\"\xff\"",
	        "\"\xed\xa0\x80\"", "\"\\ud800\"", "\"\x01\"", "9223372036854775808",
	        "-9223372036854775809", "1e999", "{\"size\":99999999999999999999}",
	        "\xef\xbb\xbf{}", "NaN", "// c\n1"};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		auto_jdoc struct jdoc *d = jdoc_parse(rows[i], strlen(rows[i]), &e);
		if (d || e.kind != ERR_CORRUPT || !*e.msg)
			fail_msg("'%s' was not refused", rows[i]);
	}
}

static void test_bounds(void **state)
{
	struct err e = ERR_INIT;
	auto_buf struct buf b = {0};
	for (size_t i = 0; i < 100000; i++)
		buf_putc(&b, '[');
	assert_null(jdoc_parse(b.p, b.n, &e));
	assert_int_equal(e.kind, ERR_CORRUPT);
	buf_reset(&b);
	while (b.n <= JSON_MAX)
		buf_puts(&b, "          ");
	assert_null(jdoc_parse(b.p, b.n, &e));
	assert_non_null(strstr(e.msg, "at most"));
	auto_jdoc struct jdoc *d = jdoc_parse("[1]garbage", 3, &e); // the length counts, not a NUL
	assert_non_null(d);
}

static void test_types(void **state)
{
	auto_jdoc struct jdoc *d =
	        parse("{\"s\":\"t\",\"i\":-7,\"b\":true,\"n\":null,\"a\":[1,\"x\",[]],"
	              "\"o\":{},\"r\":1.5,\"s\":\"last\"}");
	const struct jn *o = jdoc_root(d), *a = jn_get(o, "a");
	assert_string_equal(jn_get_str(o, "s"), "last"); // of two the last, as in Go
	assert_int_equal(jn_int(jn_get(o, "i"), 3), -7);
	assert_int_equal(jn_int(jn_get(o, "r"), 3), 3);
	assert_int_equal(jn_int(jn_get(o, "s"), 3), 3);
	assert_true(jn_bool(jn_get(o, "b"), false));
	assert_true(jn_bool(jn_get(o, "i"), true));
	assert_true(jn_is_null(jn_get(o, "n")) && jn_is_null(NULL) && !jn_is_null(o));
	assert_true(jn_is_array(a) && !jn_is_object(a) && !jn_is_string(a) && !jn_is_array(NULL));
	assert_int_equal(jn_len(a), 3);
	assert_int_equal(jn_len(o), 7);
	assert_int_equal(jn_len(jn_get(o, "s")), 0);
	assert_int_equal(jn_len(NULL), 0);
	assert_string_equal(jn_str(jn_at(a, 1)), "x");
	assert_null(jn_at(a, 3));
	assert_null(jn_at(o, 0));
	assert_null(jn_get(a, "s"));
	assert_null(jn_get(NULL, "s"));
	assert_null(jn_get_str(o, "i"));
	assert_null(jn_get_str(o, "none"));
	auto_strv struct strv list = {0};
	jn_str_list(a, &list);
	jn_str_list(o, &list);
	jn_str_list(NULL, &list);
	assert_int_equal(list.n, 1);
}

static void collect(const struct jn *o, struct buf *out, int depth)
{
	const char *key;
	const struct jn *value;
	for (size_t i = 0; jn_member(o, i, &key, &value); i++) {
		buf_printf(out, "%s ", key);
		if (depth)
			collect(jn_is_object(value) ? value : o, out, depth - 1);
	}
}

static void test_members(void **state)
{
	auto_jdoc struct jdoc *d = parse("{\"z\":{\"y\":1,\"x\":2},\"a\":3,\"m\":{\"q\":4}}");
	auto_buf struct buf out = {0};
	const char *key;
	const struct jn *value;
	collect(jdoc_root(d), &out, 1); // a loop inside a loop over the same object too
	assert_string_equal(out.p, "z y x a z a m m q ");
	assert_true(jn_member(jdoc_root(d), 2, &key, &value)); // in any order
	assert_string_equal(key, "m");
	assert_true(jn_member(jdoc_root(d), 1, &key, &value));
	assert_string_equal(key, "a");
	assert_false(jn_member(jdoc_root(d), 3, &key, &value));
	assert_false(jn_member(NULL, 0, &key, &value));
}

// What a walk remembers must not outlive its document, whose address the next one may get.
static void test_members_of_new_documents(void **state)
{
	for (int i = 0; i < 100; i++) {
		auto_free char *text = xasprintf("{\"a%d\":1,\"b%d\":2,\"c%d\":3}", i, i, i);
		auto_free char *want = xasprintf("b%d", i);
		auto_jdoc struct jdoc *d = parse(text);
		const char *key;
		const struct jn *value;
		assert_true(jn_member(jdoc_root(d), 1, &key, &value));
		assert_string_equal(key, want);
	}
}

static void test_large_nested_walk(void **state)
{
	enum { N = 20000 };
	auto_buf struct buf b = {0};
	buf_putc(&b, '{');
	for (int i = 0; i < N; i++)
		buf_printf(&b, "%s\"k%d\":{\"a\":1}", i ? "," : "", i);
	buf_putc(&b, '}');
	auto_jdoc struct jdoc *d = parse(b.p);
	const char *key, *inner;
	const struct jn *value, *v;
	size_t n = 0;
	for (size_t i = 0; jn_member(jdoc_root(d), i, &key, &value); i++)
		for (size_t k = 0; jn_member(value, k, &inner, &v); k++)
			n++;
	assert_int_equal(n, N); // in a moment: quadratic would take minutes
}

static void test_dump(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
	        {" { \"b\" : [ 1 , 2.50 , null ] , \"a\" : { } } ",
	                "{\"b\":[1,2.5,null],\"a\":{}}"},
	        {"[0.1,1.0,-0.0,1e300,100000000000000000]",
	                "[0.1,1.0,-0.0,1e+300,100000000000000000]"},
	        {"\"\\u00e9\\/\\u003c\\u0007\"", "\"\xc3\xa9/\\u003c\\u0007\""},
	        {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
	        {"[]", "[]"},
	        {"true", "true"},
	        {"[false]", "[false]"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_jdoc struct jdoc *d = parse(rows[i].text);
		auto_buf struct buf out = {0};
		jn_dump(jdoc_root(d), &out);
		assert_string_equal(out.p, rows[i].want);
	}
	auto_buf struct buf out = {0};
	jn_dump(NULL, &out);
	assert_string_equal(out.p, "null");
}

// Expected texts are those of Go 1.22's json.Marshal.
static void test_quote(void **state)
{
	static const struct {
		const char *text, *html, *plain;
	} rows[] = {
	        {"", "\"\"", "\"\""},
	        {"a\"b\\c/", "\"a\\\"b\\\\c/\"", "\"a\\\"b\\\\c/\""},
	        {"<a & b>", "\"\\u003ca \\u0026 b\\u003e\"", "\"<a & b>\""},
	        {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"", "\"\\b\\f\\n\\r\\t\""},
	        {"\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\"", "\"\\u0001\\u001f\x7f\""},
	        {"\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", "\"\\u2028\\u2029\xe2\x80\xaa\"",
	                "\"\\u2028\\u2029\xe2\x80\xaa\""},
	        {"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\"",
	                "\"\xc3\xa9\xf0\x9f\x98\x80\""},
	        {"a\xff"
	         "b",
	                "\"a\\ufffdb\"", "\"a\\ufffdb\""},
	        {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"", "\"\\ufffd\\ufffd\\ufffd\""},
	        {"\xe2\x80", "\"\\ufffd\\ufffd\"", "\"\\ufffd\\ufffd\""},
	        {"\xef\xbf\xbd", "\"\xef\xbf\xbd\"", "\"\xef\xbf\xbd\""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int html = 0; html < 2; html++) {
			auto_buf struct buf out = {0};
			jw_quote(&out, rows[i].text, html);
			assert_string_equal(out.p, html ? rows[i].html : rows[i].plain);
		}
}

static void write_sample(struct jw *w, const struct jn *raw)
{
	jw_object(w);
	jw_kv(w, "s", "x<");
	jw_kv(w, "null", NULL);
	jw_key(w, "list");
	jw_array(w);
	jw_int(w, INT64_MIN);
	jw_null(w);
	jw_object(w);
	jw_object_end(w);
	jw_array(w);
	jw_array_end(w);
	jw_raw(w, raw);
	jw_array_end(w);
	jw_kv_int(w, "n", 5);
	jw_kv_bool(w, "t", true);
	jw_key(w, "f");
	jw_bool(w, false);
	jw_object_end(w);
}

static void test_writer(void **state)
{
	auto_jdoc struct jdoc *d = parse("{\"r\": [1]}");
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 0);
	write_sample(&w, jdoc_root(d));
	assert_string_equal(out.p,
	        "{\"s\":\"x\\u003c\",\"null\":null,\"list\":[-9223372036854775808,null,{},[],"
	        "{\"r\":[1]}],\"n\":5,\"t\":true,\"f\":false}");
	buf_reset(&out);
	jw_begin(&w, &out, 2);
	write_sample(&w, jdoc_root(d));
	assert_string_equal(out.p,
	        "{\n  \"s\": \"x\\u003c\",\n  \"null\": null,\n  \"list\": [\n"
	        "    -9223372036854775808,\n    null,\n    {},\n    [],\n    {\"r\":[1]}\n  ],\n"
	        "  \"n\": 5,\n  \"t\": true,\n  \"f\": false\n}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_bounds),
	        cmocka_unit_test(test_types),
	        cmocka_unit_test(test_members),
	        cmocka_unit_test(test_members_of_new_documents),
	        cmocka_unit_test(test_large_nested_walk),
	        cmocka_unit_test(test_dump),
	        cmocka_unit_test(test_quote),
	        cmocka_unit_test(test_writer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
