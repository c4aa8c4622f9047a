// SPDX-License-Identifier: Apache-2.0
// Findings as a table for people, and what they come to.
#include "base/mem.h"
#include "cmd/scan_run.h"
#include "report/rows.h"
#include "subject/kin.h"
#include "ui/ui.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define INSTRUCTION_WIDTH 60

static const char *severity_colour(enum severity s)
{
	switch (s) {
	case SEVERITY_CRITICAL:
		return "1;31";
	case SEVERITY_HIGH:
		return "31";
	case SEVERITY_MEDIUM:
		return "33";
	case SEVERITY_LOW:
		return "36";
	default:
		return "2";
	}
}

// ---- cells

const char *finding_name(const struct finding *f)
{
	return f->flaw->n_names ? f->flaw->names[0] : f->record;
}

static const char *fixed_cell(const struct finding *f)
{
	if (f->fixed)
		return f->fixed;
	return f->status == ADVISORY_AFFECTED || f->status == ADVISORY_FIXED
	               ? "-"
	               : advisory_status_name(f->status);
}

static char *flaw_cell(const struct finding *f)
{
	return xasprintf("%s%s", finding_name(f), *f->flaw->known_exploited ? " (exploited)" : "");
}

static char *origin_cell(const struct report *r, const struct report_row *row)
{
	if (row->first->package->layer >= r->n_layers)
		return xstrdup(row->first->package->path ? row->first->package->path : "-");
	const struct report_layer *l = &r->layers[row->first->package->layer];
	auto_free char *text = instruction_short(l->created_by, INSTRUCTION_WIDTH);
	if (l->dockerfile && l->line)
		return xasprintf("%s:%d %s", l->dockerfile, l->line, text);
	if (l->base && r->base)
		return xasprintf("%s: %s", r->base, text);
	return xstrdup(*text ? text : "-");
}

static void put_row(struct ui_table *t, const struct report *r, const struct report_row *row,
        const struct scan_table *how)
{
	const struct finding *f = row->first;
	auto_free char *package = report_row_name(row), *flaw = flaw_cell(f),
	               *origin = origin_cell(r, row);
	const char *layer = row->first->package->layer >= r->n_layers    ? "-"
	                    : r->layers[row->first->package->layer].base ? "base"
	                                                                 : "own";
	const char *hidden = f->hidden ? f->hidden : "";
	ui_table_row(t, how->all ? (const char *const[]){package, f->version, fixed_cell(f),
	                                   severity_name(f->severity), flaw, hidden, layer, origin}
	                         : (const char *const[]){package, f->version, fixed_cell(f),
	                                   severity_name(f->severity), flaw, layer, origin});
	if (how->colour)
		ui_table_paint(t, 3, severity_colour(f->severity));
}

// ---- what it comes to

static void put_counts(const struct report_row *rows, size_t n, struct buf *out)
{
	size_t counts[SEVERITY_CRITICAL + 1] = {0};
	const char *sep = "";
	for (size_t i = 0; i < n; i++)
		counts[rows[i].first->severity]++;
	for (int s = SEVERITY_CRITICAL; s >= SEVERITY_UNKNOWN; s--) {
		const char *name = severity_name((enum severity)s);
		if (!counts[s])
			continue;
		buf_printf(out, "%s%zu ", sep, counts[s]);
		for (; *name; name++)
			buf_putc(out, *name >= 'A' && *name <= 'Z' ? (char)(*name + 32) : *name);
		sep = ", ";
	}
}

// "hidden: 3 unimportant, 2 .trivyignore": by reason, the most first.
struct reason {
	const char *text;
	size_t n;
};

static int reason_cmp(const void *va, const void *vb)
{
	const struct reason *a = va, *b = vb;
	return a->n != b->n ? (a->n < b->n) - (a->n > b->n) : strcmp(a->text, b->text);
}

static void put_hidden(const struct report_row *rows, size_t n, struct buf *out)
{
	struct reason reasons[32];
	size_t n_reasons = 0, total = 0;
	for (size_t i = 0; i < n; i++) {
		const char *why = rows[i].first->hidden;
		size_t k = 0;
		if (!why)
			continue;
		total++;
		while (k < n_reasons && strcmp(reasons[k].text, why) != 0)
			k++;
		if (k == n_reasons && n_reasons < ARRAY_LEN(reasons))
			reasons[n_reasons++] = (struct reason){why, 0};
		if (k < n_reasons)
			reasons[k].n++;
	}
	if (!total)
		return;
	qsort(reasons, n_reasons, sizeof(*reasons), reason_cmp);
	buf_printf(out, "hidden: %zu (", total);
	for (size_t i = 0; i < n_reasons; i++) {
		buf_printf(out, "%s%zu ", i ? ", " : "", reasons[i].n);
		ui_escape(reasons[i].text, strlen(reasons[i].text), out);
	}
	buf_puts(out, "): --all shows them\n");
}

static void put_summary(
        const struct report *r, const struct report_row *shown, size_t n, struct buf *out)
{
	struct report_row *every;
	size_t fixable = 0, n_every = report_rows(r->scan, true, &every);
	for (size_t i = 0; i < n; i++)
		fixable += shown[i].first->fixed != NULL;
	ui_escape(r->name, strlen(r->name), out);
	buf_printf(out, ": %zu package%s, ", r->packages->n, r->packages->n == 1 ? "" : "s");
	if (n) {
		buf_printf(out, "%zu flaw%s: ", n, n == 1 ? "" : "s");
		put_counts(shown, n, out);
		buf_printf(out, "; %zu can be fixed\n", fixable);
	} else {
		buf_puts(out, !r->packages->n ? "nothing to look up\n"
		              : r->scan->has_release && r->scan->release.coverage != ADVISORY_KNOWN
		                      ? "no flaws known, but nothing is known of its release\n"
		                      : "no flaws known\n");
	}
	put_hidden(every, n_every, out);
	free(every);
}

void scan_table(const struct report *r, const struct scan_table *how, struct buf *out)
{
	static const char *const heads[] = {
	        "PACKAGE", "INSTALLED", "FIXED", "SEVERITY", "FLAW", "LAYER", "FROM"};
	static const char *const heads_all[] = {
	        "PACKAGE", "INSTALLED", "FIXED", "SEVERITY", "FLAW", "HIDDEN", "LAYER", "FROM"};
	struct report_row *rows, *counted;
	size_t n = report_rows(r->scan, how->all, &rows);
	size_t n_counted = report_rows(r->scan, false, &counted);
	struct ui_table *t = how->all ? ui_table_new(heads_all, ARRAY_LEN(heads_all))
	                              : ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < n; i++)
		put_row(t, r, &rows[i], how);
	if (n) {
		ui_table_text(t, out);
		buf_putc(out, '\n');
	}
	put_summary(r, counted, n_counted, out);
	ui_table_free(t);
	free(rows);
	free(counted);
}
