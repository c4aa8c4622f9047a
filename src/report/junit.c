// SPDX-License-Identifier: Apache-2.0
// JUnit's XML, which every CI shows as tests: a suite for each kind of package that is there, a row
// in it a test that failed, or, if a filter hid it, was skipped. A kind without rows has one test
// that passed: Jenkins takes a report without tests for an error.
#include "base/xml.h"
#include "report/report-int.h"
#include "report/rows.h"

struct rows {
	struct report_row *v;
	size_t n;
};

static void put_attribute(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, " %s=\"", name);
	xml_text(out, text, strlen(text));
	buf_putc(out, '"');
}

static enum package_type type_of(const struct report_row *row)
{
	return row->first->package->package->type;
}

static void put_failure(struct buf *out, const struct report *r, const struct report_row *row)
{
	const struct finding *f = row->first;
	auto_free char *name = report_row_name(row);
	auto_buf struct buf claim = {0}, text = {0};
	put_claim(&claim, name, f->version ? f->version : f->package->package->version, f);
	if (f->flaw->title && *f->flaw->title)
		buf_printf(&text, "%s\n", f->flaw->title);
	buf_printf(&text, "%s\n", buf_cstr(&claim));
	put_file_and_layer(&text, r, f);
	buf_putc(&text, '\n');
	put_flaw_url(&text, flaw_name(f));
	buf_puts(out, "<failure");
	put_attribute(out, "type", severity_word(f->severity));
	put_attribute(out, "message", buf_cstr(&claim));
	buf_putc(out, '>');
	xml_text(out, text.p, text.n);
	buf_puts(out, "</failure>");
}

static void put_case(struct buf *out, const struct report *r, const struct report_row *row)
{
	const struct finding *f = row->first;
	const char *version = f->version ? f->version : f->package->package->version;
	// Without a count: a test is known again by its name.
	const char *name = f->name ? f->name : f->package->package->name;
	auto_free char *class = xasprintf("%s-%s", name, version ? version : "");
	struct source_place at = source_place_of(r, f);
	buf_puts(out, "    <testcase");
	put_attribute(out, "classname", class);
	put_attribute(out, "name", flaw_name(f));
	if (at.line) {
		auto_free char *path = xstrndup(at.path, at.n);
		put_attribute(out, "file", path);
		buf_printf(out, " line=\"%d\"", at.line);
	}
	buf_putc(out, '>');
	if (f->hidden) {
		buf_puts(out, "<skipped");
		put_attribute(out, "message", f->hidden);
		buf_puts(out, "/>");
	} else {
		put_failure(out, r, row);
	}
	buf_puts(out, "</testcase>\n");
}

static void put_suite(
        struct buf *out, const struct report *r, const struct rows *rows, enum package_type type)
{
	const char *name = package_type_name(type);
	size_t all = 0, skipped = 0;
	for (size_t i = 0; i < rows->n; i++) {
		all += type_of(&rows->v[i]) == type;
		skipped += type_of(&rows->v[i]) == type && rows->v[i].first->hidden;
	}
	buf_puts(out, "  <testsuite");
	put_attribute(out, "name", name);
	buf_printf(out, " tests=\"%zu\" failures=\"%zu\" skipped=\"%zu\">\n", all ? all : 1,
	        all - skipped, skipped);
	for (size_t i = 0; i < rows->n; i++)
		if (type_of(&rows->v[i]) == type)
			put_case(out, r, &rows->v[i]);
	if (!all)
		buf_printf(
		        out, "    <testcase classname=\"%s\" name=\"no findings left\"/>\n", name);
	buf_puts(out, "  </testsuite>\n");
}

void report_junit(const struct report *r, struct buf *out)
{
	bool there[PACKAGE_MAVEN + 1] = {false};
	auto_free struct report_row *v = NULL;
	struct rows rows = {.n = r->scan ? report_rows(r->scan, r->show_hidden, &v) : 0};
	rows.v = v;
	for (size_t i = 0; r->scan && i < r->packages->n; i++)
		there[r->packages->v[i].package->type] = true;
	buf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
	put_attribute(out, "name", r->name);
	buf_puts(out, ">\n");
	for (size_t t = 0; t < ARRAY_LEN(there); t++)
		if (there[t])
			put_suite(out, r, &rows, (enum package_type)t);
	buf_puts(out, "</testsuites>\n");
}
