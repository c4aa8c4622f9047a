// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"
#include "base/mem.h"
#include "cmd/report.h"
#include "report/rows.h"
#include <string.h>

void reported_flaws_release(struct reported_flaws *f)
{
	flaw_set_release(&f->set);
	scan_release(&f->scan);
	scan_work_release(&f->work);
	arena_release(&f->arena);
	free(f->rows);
	*f = (struct reported_flaws){0};
}

int reported_flaws_open(const char *db, struct reported_flaws *f, struct err *e)
{
	const struct scan_ask ask = {.db = db};
	if (!scan_begin(&ask, &f->work, e)) {
		f->done = true;
		return 0;
	}
	if (e->kind != ERR_NOT_FOUND || db)
		return -1;
	*e = ERR_INIT;
	return 0;
}

static enum page_severity severity_of(enum severity s)
{
	switch (s) {
	case SEVERITY_CRITICAL:
		return PAGE_CRITICAL;
	case SEVERITY_HIGH:
		return PAGE_HIGH;
	case SEVERITY_MEDIUM:
		return PAGE_MEDIUM;
	case SEVERITY_LOW:
		return PAGE_LOW;
	case SEVERITY_NEGLIGIBLE:
		return PAGE_NEGLIGIBLE;
	default:
		return PAGE_UNRATED;
	}
}

static const char *place_of(struct arena *a, const struct scanned *t, size_t layer)
{
	const struct report_layer *l = layer < t->config.n_diff_ids ? &t->layers[layer] : NULL;
	if (!l)
		return NULL;
	if (l->line)
		return arena_printf(a, "%s:%d", l->dockerfile, l->line);
	return l->base ? "base image" : arena_printf(a, "layer %zu", layer + 1);
}

static void put_row(struct reported_flaws *f, const struct scanned *t, const struct report_row *row,
        struct page_flaw *ret)
{
	const struct finding *g = row->first;
	auto_free char *name = report_row_name(row);
	*ret = (struct page_flaw){.severity = severity_of(g->severity),
	        .name = finding_name(g),
	        .package = arena_strdup(&f->arena, name),
	        .version = g->version,
	        .fixed = g->fixed,
	        .status = g->status == ADVISORY_AFFECTED || g->status == ADVISORY_FIXED
	                          ? NULL
	                          : advisory_status_name(g->status),
	        .title = g->flaw->title,
	        .place = place_of(&f->arena, t, g->package->layer),
	        .exploited = *g->flaw->known_exploited != '\0'};
}

int reported_flaws_find(const struct reported_flaws *by, const struct scanned *t,
        struct reported_flaws *f, struct page_flaws *ret, struct err *e)
{
	const struct scan_ask ask = {0};
	*ret = (struct page_flaws){0};
	if (!by->done) {
		ret->none =
		        "there is no advisory database on the machine that made this page; 'hew db "
		        "update' fetches one.";
		return 0;
	}
	if (scan_silently(&ask, &by->work, t->packages, &f->scan, e))
		return -1;
	f->done = true;
	flaw_set_make(&f->set, &f->scan, 0, SIZE_MAX);
	struct report_row *rows = NULL;
	char day[TIME_TEXT];
	ret->n = report_rows(&f->scan, false, &rows);
	f->rows = xcalloc(ret->n + 1, sizeof(*f->rows));
	for (size_t i = 0; i < ret->n; i++)
		put_row(f, t, &rows[i], &f->rows[i]);
	free(rows);
	for (size_t i = 0; i < f->scan.n; i++)
		ret->hidden += f->scan.v[i].hidden != NULL;
	time_format((struct timestamp){f->scan.data_time, 0}, day);
	ret->data = arena_strndup(&f->arena, day, strcspn(day, "T"));
	ret->v = f->rows;
	return 0;
}
