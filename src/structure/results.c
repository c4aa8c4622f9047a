// SPDX-License-Identifier: Apache-2.0
// What came of tests, and the documents that tell of it: JSON of the shape that
// container-structure-test prints (Go's encoding of its SummaryObject), and JUnit's XML.
#include "structure/structure.h"

#include "base/err.h"
#include "base/json.h"
#include "base/xml.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SUITE "container-structure-test.test"

void test_result_release(struct test_result *r)
{
	free(r->name);
	strv_release(&r->errors);
	buf_release(&r->out);
	buf_release(&r->err);
	*r = (struct test_result){0};
}

void test_results_release(struct test_results *r)
{
	for (size_t i = 0; i < r->n; i++)
		test_result_release(&r->v[i]);
	free(r->v);
	*r = (struct test_results){0};
}

void test_result_fail(struct test_result *r, const char *fmt, ...)
{
	auto_buf struct buf text = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	strv_add(&r->errors, buf_cstr(&text));
}

size_t test_results_failed(const struct test_results *r)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n; i++)
		n += r->v[i].errors.n > 0;
	return n;
}

static int64_t all_ns(const struct test_results *r)
{
	int64_t ns = 0;
	for (size_t i = 0; i < r->n; i++)
		ns += r->v[i].ns;
	return ns;
}

// ---- JSON

// A document cannot hold NUL: what comes after it in a command's output is not lost for that.
static void without_nul(const struct buf *b, struct buf *ret)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->p[i])
			buf_putc(ret, b->p[i]);
		else
			buf_puts(ret, "\xef\xbf\xbd");
}

static void json_output(struct jw *w, const char *key, const struct buf *output)
{
	auto_buf struct buf text = {0};
	without_nul(output, &text);
	if (text.n)
		jw_kv(w, key, buf_cstr(&text));
}

static void json_result(struct jw *w, const struct test_result *r)
{
	jw_object(w);
	jw_kv(w, "Name", r->name);
	jw_kv_bool(w, "Pass", r->errors.n == 0);
	json_output(w, "Stdout", &r->out);
	json_output(w, "Stderr", &r->err);
	if (r->errors.n) {
		jw_key(w, "Errors");
		jw_array(w);
		for (size_t i = 0; i < r->errors.n; i++)
			jw_str(w, r->errors.v[i]);
		jw_array_end(w);
	}
	jw_kv_int(w, "Duration", r->ns);
	jw_object_end(w);
}

void test_results_json(const struct test_results *r, struct buf *out)
{
	struct jw w;
	size_t failed = test_results_failed(r);
	jw_begin(&w, out, 0);
	jw_object(&w);
	jw_kv_int(&w, "Pass", (int64_t)(r->n - failed));
	jw_kv_int(&w, "Fail", (int64_t)failed);
	jw_kv_int(&w, "Total", (int64_t)r->n);
	jw_kv_int(&w, "Duration", all_ns(r));
	if (r->n) {
		jw_key(&w, "Results");
		jw_array(&w);
		for (size_t i = 0; i < r->n; i++)
			json_result(&w, &r->v[i]);
		jw_array_end(&w);
	}
	jw_object_end(&w);
	buf_putc(out, '\n');
}

// ---- XML

static void xml_element(struct buf *out, const char *name, const char *text, size_t n)
{
	if (!n)
		return;
	buf_printf(out, "<%s>", name);
	xml_text(out, text, n);
	buf_printf(out, "</%s>", name);
}

static void xml_seconds(struct buf *out, int64_t ns)
{
	buf_printf(out, " time=\"%" PRId64 ".%09" PRId64 "\"", ns / 1000000000, ns % 1000000000);
}

static void xml_result(struct buf *out, const struct test_result *r)
{
	buf_puts(out, "<testcase name=\"");
	xml_text(out, r->name, strlen(r->name));
	buf_putc(out, '"');
	xml_seconds(out, r->ns);
	buf_putc(out, '>');
	for (size_t i = 0; i < r->errors.n; i++)
		xml_element(out, "failure", r->errors.v[i], strlen(r->errors.v[i]));
	xml_element(out, "system-out", r->out.p, r->out.n);
	xml_element(out, "system-err", r->err.p, r->err.n);
	buf_puts(out, "</testcase>");
}

static void xml_counts(struct buf *out, const struct test_results *r)
{
	buf_printf(out, " failures=\"%zu\" tests=\"%zu\"", test_results_failed(r), r->n);
	xml_seconds(out, all_ns(r));
}

void test_results_junit(const struct test_results *r, const char *suite, struct buf *out)
{
	suite = suite && *suite ? suite : SUITE;
	buf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><testsuites");
	xml_counts(out, r);
	buf_puts(out, "><testsuite name=\"");
	xml_text(out, suite, strlen(suite));
	buf_putc(out, '"');
	xml_counts(out, r);
	buf_putc(out, '>');
	for (size_t i = 0; i < r->n; i++)
		xml_result(out, &r->v[i]);
	buf_puts(out, "</testsuite></testsuites>\n");
}
