// SPDX-License-Identifier: Apache-2.0
// What of the findings is the base image's, and how many would go with another base: a tag of it
// that is in the store, or an image that was asked for. A flaw counts once for a source package.
#include "base/err.h"
#include "base/mem.h"
#include "cmd/scan_run.h"
#include "image/reference.h"
#include "session/images.h"
#include "session/session.h"
#include "ui/ui.h"
#include <stdio.h>
#include <string.h>

#define CANDIDATES_MAX 100 // that are looked into

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

struct comparing {
	struct session *session;
	const struct scan_ask *ask;
	const struct scanned *target;
	const struct scan_work *work;
	const struct flaw_set *base;
	struct candidate v[CANDIDATES_MAX];
	size_t n;
};

static void comparing_release(struct comparing *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->v[i].name);
}
#define auto_comparing __attribute__((cleanup(comparing_release)))

static int add_candidate(
        struct comparing *c, const char *name, const struct scanned *other, struct err *e)
{
	auto_scan struct scan scan = {0};
	auto_flaws struct flaw_set flaws = {0};
	if (scan_silently(c->ask, c->work, other->packages, &scan, e))
		return -1;
	flaw_set_make(&flaws, &scan, 0, SIZE_MAX);
	c->v[c->n++] = (struct candidate){.name = short_name(name),
	        .n = flaws.n,
	        .gone = flaw_set_lacks(&flaws, c->base),
	        .new = flaw_set_lacks(c->base, &flaws)};
	return 0;
}

// What cannot be looked into is left out: nobody has asked for it.
static void add_tag(struct comparing *c, const struct image_row *row)
{
	auto_scanned struct scanned other = {0};
	struct err skipped = ERR_INIT;
	struct platform host = platform_host();
	struct image_row one = *row;
	if (!narrow_image(c->session->store, &host, &one, &skipped) &&
	        !scanned_of_image(c->session, row->name, &one.manifest, &other, &skipped))
		(void)add_candidate(c, row->name, &other, &skipped);
}

static int add_instead(struct comparing *c, const char *name, struct err *e)
{
	auto_scanned struct scanned other = {0};
	const struct subject_ask place = {
	        .text = name, .platform = c->ask->target.platform, .silent = c->ask->quiet};
	if (scanned_open(c->session, &place, &other, e))
		return -1;
	if (other.kind != REPORT_IMAGE)
		return err_set(e, ERR_USAGE, "--instead %s: it is no image", name);
	return add_candidate(c, name, &other, e);
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
		buf_printf(out, "no other tag of %s is in the store; --instead names other bases\n",
		        t->found.base);
	else
		buf_puts(out, "the base image has no name in the store: 'hew pull' it; --instead "
		              "names others to compare with\n");
	ui_table_free(table);
}

static int add_tags(struct comparing *c, struct err *e)
{
	const char *base = c->target->found.base;
	struct image_list all = {0};
	if (base && store_image_list(c->session->store, &all, e))
		return -1;
	for (size_t i = 0; i < all.n && c->n < CANDIDATES_MAX / 2; i++) {
		auto_free char *name = all.v[i].name ? short_name(all.v[i].name) : NULL;
		if (name && strcmp(name, base) != 0 && same_repository(name, base))
			add_tag(c, &all.v[i]);
	}
	image_list_release(&all);
	return 0;
}

static int compare(struct comparing *c, struct buf *out, struct err *e)
{
	const struct strv *instead = c->ask->instead;
	if (add_tags(c, e))
		return -1;
	for (size_t i = 0; instead && i < instead->n && c->n < CANDIDATES_MAX; i++)
		if (add_instead(c, instead->v[i], e))
			return -1;
	if (c->n)
		qsort(c->v, c->n, sizeof(*c->v), candidate_cmp);
	put_candidates(c->target, c->v, c->n, out);
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
	auto_comparing struct comparing c = {
	        .session = s, .ask = a, .target = t, .work = w, .base = &base};
	return compare(&c, out, e);
}
