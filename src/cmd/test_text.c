// SPDX-License-Identifier: Apache-2.0
// Results of structure tests for people: a line a test, and more of those that fail; or the text
// that container-structure-test prints, for scripts that look for its words.
#include "base/mem.h"
#include "cmd/test_run.h"
#include "ui/ui.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINES_SHOWN 20 // of what a command wrote, if its test fails
#define GREEN "32"
#define RED "31"
#define YELLOW "33"

static void paint(const struct test_text *x, const char *colour, const char *text)
{
	if (x->colour)
		fprintf(x->to, "\033[%sm%s\033[0m", colour, text);
	else
		fputs(text, x->to);
}

static void escaped(const struct test_text *x, const char *text, size_t n)
{
	auto_buf struct buf safe = {0};
	ui_escape(text, n, &safe);
	fputs(buf_cstr(&safe), x->to);
}

// "12ms", "3.4s"
static void duration(int64_t ns, char ret[32])
{
	if (ns < 1000000000)
		snprintf(ret, 32, "%" PRId64 "ms", ns / 1000000);
	else
		snprintf(ret, 32, "%.1fs", (double)ns / 1e9);
}

// ---- hew's own

static void output_lines(const struct test_text *x, const char *name, const struct buf *text)
{
	const char *p = text->n ? text->p : "", *end = p + text->n;
	int lines = 0;
	for (; p < end && lines < LINES_SHOWN; lines++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		auto_buf struct buf safe = {0};
		ui_clean_line(p, (size_t)((stop ? stop : end) - p), &safe);
		fprintf(x->to, "      %s: %s\n", name, buf_cstr(&safe));
		p = stop ? stop + 1 : end;
	}
	if (p < end)
		fprintf(x->to, "      %s: ... and %zu bytes more\n", name, (size_t)(end - p));
}

static void result_line(const struct test_text *x, const struct test_result *r)
{
	char took[32];
	bool passed = r->errors.n == 0;
	duration(r->ns, took);
	paint(x, passed ? GREEN : RED, passed ? "PASS" : "FAIL");
	fputs("  ", x->to);
	escaped(x, r->name, strlen(r->name));
	if (r->ns >= 1000000)
		fprintf(x->to, " (%s)", took);
	fputc('\n', x->to);
	for (size_t i = 0; i < r->errors.n; i++) {
		fputs("      ", x->to);
		escaped(x, r->errors.v[i], strlen(r->errors.v[i]));
		fputc('\n', x->to);
	}
	if (!passed) {
		output_lines(x, "stdout", &r->out);
		output_lines(x, "stderr", &r->err);
	}
}

static void end_line(const struct test_text *x, const struct test_results *all)
{
	size_t failed = test_results_failed(all);
	fprintf(x->to, "%s%zu test%s, %zu passed, %zu failed\n", all->n > 1 ? "\n" : "", all->n,
	        all->n == 1 ? "" : "s", all->n - failed, failed);
}

// ---- as container-structure-test prints it

static void ruler(const struct test_text *x, size_t n)
{
	while (n--)
		fputc('=', x->to);
	fputc('\n', x->to);
}

static void banner(const struct test_text *x, const char *file)
{
	auto_buf struct buf title = {0};
	const char *name = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
	buf_puts(&title, "====== Test file: ");
	ui_escape(name, strlen(name), &title);
	buf_puts(&title, " ======");
	fputc('\n', x->to);
	ruler(x, title.n);
	fprintf(x->to, "%s\n", buf_cstr(&title));
	ruler(x, title.n);
}

static void banner_stream(const struct test_text *x, const char *name, const struct buf *text)
{
	auto_buf struct buf whole = {0};
	if (!text->n)
		return;
	for (const char *p = text->p, *end = p + text->n; p < end;) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		ui_clean_line(p, (size_t)((stop ? stop : end) - p), &whole);
		buf_putc(&whole, '\n');
		p = stop ? stop + 1 : end;
	}
	fprintf(x->to, "%s: %s\n", name, buf_cstr(&whole));
}

static void banner_result(const struct test_text *x, const struct test_result *r)
{
	bool passed = r->errors.n == 0;
	fputs("=== RUN: ", x->to);
	escaped(x, r->name, strlen(r->name));
	fputc('\n', x->to);
	paint(x, passed ? GREEN : RED, passed ? "--- PASS" : "--- FAIL");
	fprintf(x->to, "\nduration: %.6fs\n", (double)r->ns / 1e9);
	banner_stream(x, "stdout", &r->out);
	banner_stream(x, "stderr", &r->err);
	for (size_t i = 0; i < r->errors.n; i++) {
		paint(x, YELLOW, "Error: ");
		escaped(x, r->errors.v[i], strlen(r->errors.v[i]));
		fputc('\n', x->to);
	}
}

static void banner_end(const struct test_text *x, const struct test_results *all)
{
	size_t failed = test_results_failed(all);
	int64_t ns = 0;
	for (size_t i = 0; i < all->n; i++)
		ns += all->v[i].ns;
	fputs("\n=====================================\n"
	      "============== RESULTS ==============\n"
	      "=====================================\n",
	        x->to);
	fprintf(x->to,
	        "Passes:      %zu\nFailures:    %zu\nDuration:    %.6fs\nTotal tests: %zu\n\n",
	        all->n - failed, failed, (double)ns / 1e9, all->n);
	paint(x, failed ? RED : GREEN, failed ? "FAIL" : "PASS");
	fputc('\n', x->to);
}

// ---- either

void test_text_file(const struct test_text *x, const char *file)
{
	if (x->banners) {
		banner(x, file);
		return;
	}
	escaped(x, file, strlen(file));
	fputs(":\n", x->to);
}

void test_text_result(const struct test_text *x, const struct test_result *r)
{
	if (x->banners)
		banner_result(x, r);
	else
		result_line(x, r);
	fflush(x->to); // a command that takes long may follow
}

void test_text_end(const struct test_text *x, const struct test_results *all)
{
	if (x->banners)
		banner_end(x, all);
	else
		end_line(x, all);
}
