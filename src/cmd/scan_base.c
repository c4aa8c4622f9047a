// SPDX-License-Identifier: Apache-2.0
// What of the findings is the base image's, and how many would go with another tag of it that is in
// the store. A flaw counts once for a source package.
#include "base/err.h"
#include "base/mem.h"
#include "cmd/scan_run.h"
#include "cmd/session.h"
#include "image/reference.h"
#include <stdio.h>
#include <string.h>

#define TAGS_MAX 50 // that are looked into

// ---- base and own

static void put_counts(struct ui_table *t, const char *what, const struct flaw_set *set)
{
	static const enum severity order[] = {SEVERITY_CRITICAL, SEVERITY_HIGH, SEVERITY_MEDIUM,
	        SEVERITY_LOW, SEVERITY_NEGLIGIBLE, SEVERITY_UNKNOWN};
	char cells[ARRAY_LEN(order) + 2][24];
	const char *row[ARRAY_LEN(order) + 3] = {what};
	size_t fixable = 0;
	for (size_t k = 0; k < ARRAY_LEN(order); k++) {
		size_t n = 0;
		for (size_t i = 0; i < set->n; i++)
			n += set->v[i].finding->severity == order[k];
		snprintf(cells[k + 2], sizeof(cells[k]), "%zu", n);
	}
	for (size_t i = 0; i < set->n; i++)
		fixable += set->v[i].finding->fixed != NULL;
	snprintf(cells[0], sizeof(cells[0]), "%zu", set->n);
	snprintf(cells[1], sizeof(cells[1]), "%zu", fixable);
	for (size_t k = 0; k < ARRAY_LEN(cells); k++)
		row[k + 1] = cells[k];
	ui_table_row(t, row);
}

static void put_split(const struct scanned *t, const struct flaw_set *base,
        const struct flaw_set *own, struct buf *out)
{
	static const char *const heads[] = {"LAYERS", "FLAWS", "FIXABLE", "CRITICAL", "HIGH",
	        "MEDIUM", "LOW", "NEGLIGIBLE", "UNKNOWN"};
	struct ui_table *table = ui_table_new(heads, ARRAY_LEN(heads));
	auto_free char *name =
	        t->found.base ? xasprintf("base (%s)", t->found.base) : xstrdup("base");
	put_counts(table, name, base);
	put_counts(table, "own", own);
	ui_table_text(table, out);
	ui_table_free(table);
}

// ---- other tags

struct candidate {
	char *name;
	size_t n, gone, new; // flaws: all, those of the base that it lacks, those the base lacks
};

static int candidate_cmp(const void *va, const void *vb)
{
	const struct candidate *a = va, *b = vb;
	return a->n != b->n ? (a->n > b->n) - (a->n < b->n) : strcmp(a->name, b->name);
}

// "debian:12" and "debian:13-slim" are tags of one repository.
static bool same_repository(const char *a, const char *b)
{
	auto_reference struct reference ra = {0}, rb = {0};
	struct err ignored = ERR_INIT;
	return !reference_parse(a, &ra, &ignored) && !reference_parse(b, &rb, &ignored) &&
	       !strcmp(ra.domain, rb.domain) && !strcmp(ra.repository, rb.repository);
}

static int look_at(struct session *s, const struct scan_ask *a, const struct scan_work *w,
        const struct image_row *row, const struct flaw_set *base, struct candidate *ret)
{
	auto_scanned struct scanned other = {0};
	auto_scan struct scan scan = {0};
	auto_flaws struct flaw_set flaws = {0};
	struct err skipped = ERR_INIT;
	struct platform host = platform_host();
	struct image_row one = *row;
	if (narrow_image(s->store, &host, &one, &skipped) ||
	        scanned_of_image(s, row->name, &one.manifest, &other, &skipped) ||
	        scan_silently(a, w, other.packages, &scan, &skipped))
		return -1;
	flaw_set_make(&flaws, &scan, 0, SIZE_MAX);
	*ret = (struct candidate){.name = short_name(row->name),
	        .n = flaws.n,
	        .gone = flaw_set_lacks(&flaws, base),
	        .new = flaw_set_lacks(base, &flaws)};
	return 0;
}

static void put_candidates(
        const struct scanned *t, const struct candidate *v, size_t n, struct buf *out)
{
	static const char *const heads[] = {"INSTEAD OF THE BASE", "FLAWS", "REMOVES", "ADDS"};
	struct ui_table *table = ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < n; i++) {
		char cells[3][24];
		snprintf(cells[0], sizeof(cells[0]), "%zu", v[i].n);
		snprintf(cells[1], sizeof(cells[1]), "%zu", v[i].gone);
		snprintf(cells[2], sizeof(cells[2]), "%zu", v[i].new);
		ui_table_row(table, (const char *const[]){v[i].name, cells[0], cells[1], cells[2]});
	}
	buf_putc(out, '\n');
	if (n)
		ui_table_text(table, out);
	else if (t->found.base)
		buf_printf(out, "no other tag of %s is in the store\n", t->found.base);
	else
		buf_puts(out, "the base image has no name in the store: 'hew pull' it, and others "
		              "to compare with\n");
	ui_table_free(table);
}

static int compare_tags(struct session *s, const struct scan_ask *a, const struct scanned *t,
        const struct scan_work *w, const struct flaw_set *base, struct buf *out, struct err *e)
{
	struct image_list all = {0};
	struct candidate found[TAGS_MAX];
	size_t n = 0;
	if (t->found.base && store_image_list(s->store, &all, e))
		return -1;
	for (size_t i = 0; i < all.n && n < TAGS_MAX; i++) {
		auto_free char *name = all.v[i].name ? short_name(all.v[i].name) : NULL;
		if (name && strcmp(name, t->found.base) != 0 &&
		        same_repository(name, t->found.base) &&
		        !look_at(s, a, w, &all.v[i], base, &found[n]))
			n++;
	}
	image_list_release(&all);
	if (n)
		qsort(found, n, sizeof(*found), candidate_cmp);
	put_candidates(t, found, n, out);
	for (size_t i = 0; i < n; i++)
		free(found[i].name);
	return 0;
}

int scan_base(struct session *s, const struct scan_ask *a, const struct scanned *t,
        struct scan_work *w, struct buf *out, struct err *e)
{
	auto_flaws struct flaw_set base = {0}, own = {0};
	if (t->kind != REPORT_IMAGE)
		return err_set(e, ERR_USAGE, "--base: %s is no image", t->name);
	flaw_set_make(&base, &w->scan, 0, t->found.base_layers);
	flaw_set_make(&own, &w->scan, t->found.base_layers, SIZE_MAX);
	put_split(t, &base, &own, out);
	return compare_tags(s, a, t, w, &base, out, e);
}
