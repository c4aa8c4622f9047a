// SPDX-License-Identifier: Apache-2.0
// The summary of a job: a table of what was made, and the steps that took longest. All of it is in
// the build's record but what came after: push and scan.
#include "cmd/build_summary.h"

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/build_scan.h"
#include "exec/build.h"
#include "report/report.h"
#include "ui/ui.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUMMARY_MAX (900u << 10) // GitHub takes a megabyte a step
#define SLOWEST 5
#define NAME_SHOWN 100

static void put_row(struct buf *out, const char *head, const char *value)
{
	buf_printf(out, "| %s | ", head);
	report_markdown_text(out, value);
	buf_puts(out, " |\n");
}

static void put_result(struct buf *out, const struct jn *record, const struct digest *pushed)
{
	char text[DIGEST_TEXT], size[24];
	const struct jn *names = jn_get(record, "names");
	for (size_t i = 0; i < jn_len(names); i++)
		put_row(out, "Name", jn_str(jn_at(names, i)));
	if (!digest_is_zero(pushed)) {
		digest_text(pushed, text);
		put_row(out, "Pushed as", text);
	}
	if (!jn_get(record, "image_id"))
		return;
	put_row(out, "Image", jn_get_str(record, "image_id"));
	size_format((uint64_t)jn_int(jn_get(record, "image_size"), 0), size);
	put_row(out, "Size", size);
}

static void put_counts(struct buf *out, const struct jn *record, const struct build_scan *scan)
{
	buf_printf(out, "| Steps cached | %lld of %lld |\n| Time | %.1f s |\n",
	        (long long)jn_int(jn_get(record, "n_cached"), 0),
	        (long long)jn_int(jn_get(record, "n_steps"), 0),
	        (double)jn_int(jn_get(record, "duration_ns"), 0) / 1e9);
	if (scan->wanted && scan->n_packages)
		buf_printf(out, "| Flaws | %zu left of %zu, in %zu packages |\n", scan->n_left,
		        scan->n_found, scan->n_packages);
}

static int64_t took(const struct jn *step)
{
	return jn_int(jn_get(step, "duration_ns"), 0);
}

// The next slower ones after those below `than`; equal ones in their order.
static const struct jn *next_slowest(const struct jn *steps, const struct jn *than)
{
	const struct jn *best = NULL;
	bool passed = false;
	for (size_t i = 0; i < jn_len(steps); i++) {
		const struct jn *s = jn_at(steps, i);
		bool follows = !than || took(s) < took(than) || (took(s) == took(than) && passed);
		if (follows && took(s) > 0 && (!best || took(s) > took(best)))
			best = s;
		passed |= s == than;
	}
	return best;
}

static void put_steps(struct buf *out, const struct jn *steps)
{
	const struct jn *s = next_slowest(steps, NULL);
	if (!s)
		return;
	buf_puts(out,
	        "\n<details><summary>What took longest</summary>\n\n| Step | Time |\n|---|---:|\n");
	for (int i = 0; s && i < SLOWEST; i++, s = next_slowest(steps, s)) {
		const char *name = jn_get_str(s, "name");
		auto_free char *cut = xstrndup(name ? name : "", NAME_SHOWN);
		buf_puts(out, "| ");
		report_markdown_text(out, cut);
		buf_printf(out, " | %.1f s |\n", (double)took(s) / 1e9);
	}
	buf_puts(out, "\n</details>\n");
}

static void append(const char *path, const struct buf *text)
{
	struct stat st;
	auto_fd int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	        (uint64_t)st.st_size + text->n > SUMMARY_MAX)
		return;
	if (write(fd, text->p, text->n) < 0)
		return; // the build is what counts
}

static int failed_line(const struct jn *steps)
{
	for (size_t i = 0; i < jn_len(steps); i++) {
		const char *state = jn_get_str(jn_at(steps, i), "state");
		if (state && !strcmp(state, "failed"))
			return (int)jn_int(jn_get(jn_at(steps, i), "line"), 0);
	}
	return 0;
}

static void write_summary(const struct jn *record, const struct build_scan *scan,
        const struct digest *pushed, const struct err *failure)
{
	const char *path = getenv("GITHUB_STEP_SUMMARY");
	auto_buf struct buf out = {0};
	if (!path || !*path)
		return;
	buf_printf(&out, "### hew build%s\n\n", failure ? ": failed" : "");
	if (failure) {
		report_markdown_text(&out, failure->msg);
		buf_puts(&out, "\n\n");
	}
	buf_puts(&out, "| | |\n|---|---|\n");
	if (!failure)
		put_result(&out, record, pushed);
	put_counts(&out, record, scan);
	put_steps(&out, jn_get(record, "steps"));
	buf_putc(&out, '\n');
	append(path, &out);
}

void build_summary(struct ui *ui, const struct build_result *b, const struct build_scan *scan,
        const struct digest *pushed, const struct err *failure)
{
	struct err ignored = ERR_INIT;
	if (!b->record)
		return;
	auto_jdoc struct jdoc *d = jdoc_parse(b->record, strlen(b->record), &ignored);
	const struct jn *record = d ? jdoc_root(d) : NULL;
	const char *file = jn_get_str(record, "dockerfile");
	if (file && *file == '/')
		ui_source(ui, file);
	if (record)
		write_summary(record, scan, pushed, failure);
	ui_section_end(ui);
	if (failure)
		ui_error_at(ui, failed_line(jn_get(record, "steps")), failure);
}
