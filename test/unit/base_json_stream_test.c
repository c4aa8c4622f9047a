// SPDX-License-Identifier: Apache-2.0
// Elements of JSON streams: where they lie and what they are, whatever pieces the bytes come in.
#include "base/err.h"
#include "base/json_stream.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct pieces {
	const char *p;
	size_t left, piece;
};

static ssize_t read_piece(void *arg, void *p, size_t n, struct err *e)
{
	struct pieces *s = arg;
	size_t part = s->piece < s->left ? s->piece : s->left;
	assert_true(part <= n);
	memcpy(p, s->p, part);
	s->p += part;
	s->left -= part;
	return (ssize_t)part;
}

// "key.key@line=raw|" of every element, and the failure's message.
static void list(const char *text, size_t depth, size_t max, size_t piece, struct buf *ret)
{
	struct err e = ERR_INIT;
	struct json_element el;
	struct pieces s = {text, strlen(text), piece};
	auto_json_stream struct json_stream *js =
	        json_stream_new(&(struct json_stream_source){read_piece, &s}, depth, max);
	int rc;
	while ((rc = json_stream_next(js, &el, &e)) > 0) {
		for (size_t i = 0; i < el.depth; i++)
			buf_printf(ret, "%s%s", i ? "." : "", el.keys[i] ? el.keys[i] : "-");
		buf_printf(ret, "@%zu=", el.line);
		buf_add(ret, el.raw.p, el.raw.n);
		buf_puts(ret, el.too_long ? "!|" : "|");
	}
	if (rc < 0)
		buf_puts(ret, e.msg);
}

static const struct {
	const char *text;
	size_t depth;
	const char *want;
} rows[] = {
        {"{\"a\": 1, \"b\": [2, 3]}", 0, "@1={\"a\":1,\"b\":[2,3]}|"},
        {"{\"a\": 1,\n \"b\": [2, 3]}", 1, "a@1=1|b@2=[2,3]|"},
        {"{\"a\": 1,\n \"b\": [2,\n 3]}", 2, "a@1=1|b.-@2=2|b.-@3=3|"},
        {"[{\"x\\\"y\": {\"z\": \"}]\\\\\"}}]", 2, "-.x\"y@1={\"z\":\"}]\\\\\"}|"},
        {"[{\"x\": {\"z\": null}}]", 3, "-.x.z@1=null|"},
        {" 7 ", 2, "@1=7|"},
        {"{}", 1, ""},
        {"{\"a\":{},\"b\":[]}", 2, ""},
        {"{\"a\":{},\"b\":[]}", 1, "a@1={}|b@1=[]|"},
        {"", 1, "line 1: not valid JSON: it ends within a value"},
        {"[1,\n]", 1, "-@1=1|line 2: not valid JSON: a bracket that nothing opened"},
        {"[1 2]", 1, "-@1=1|line 1: not valid JSON: a comma is missing"},
        {"{\"a\" 1}", 1, "line 1: not valid JSON: a name without a value"},
        {"{a:1}", 1, "line 1: not valid JSON: a name is missing"},
        {"{\"a\":1} x", 1, "a@1=1|line 1: not valid JSON: something behind its end"},
        {"[\"a\nb\"]", 1, "line 1: not valid JSON: a line ends within a string"},
};

static void test_elements(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t piece = 1; piece < 20; piece += 6) {
			auto_buf struct buf got = {0};
			list(rows[i].text, rows[i].depth, 1000, piece, &got);
			assert_string_equal(buf_cstr(&got), rows[i].want);
		}
}

static void test_limits(void **state)
{
	auto_buf struct buf text = {0}, got = {0};
	(void)state;
	buf_puts(&text, "{\"long\": \"");
	for (int i = 0; i < 5000; i++)
		buf_putc(&text, 'a');
	buf_puts(&text, "\", \"short\": 1}");
	list(buf_cstr(&text), 1, 10, 4096, &got);
	assert_string_equal(buf_cstr(&got), "long@1=!|short@1=1|");
	// a million brackets need no memory
	buf_reset(&text);
	buf_reset(&got);
	for (int i = 0; i < 1000000; i++)
		buf_putc(&text, '[');
	list(buf_cstr(&text), 1, 10, 4096, &got);
	assert_string_equal(buf_cstr(&got), "line 1: not valid JSON: it ends within a value");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_elements),
	        cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
