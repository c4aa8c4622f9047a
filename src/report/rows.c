// SPDX-License-Identifier: Apache-2.0
#include "report/rows.h"

#include "report/report-int.h"

static int by_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int by_row(const struct finding *a, const struct finding *b)
{
	int order = (int)b->severity - (int)a->severity;
	if (!order)
		order = by_text(a->ecosystem, b->ecosystem);
	if (!order)
		order = by_text(a->name, b->name);
	if (!order)
		order = by_text(a->version, b->version);
	if (!order)
		order = strcmp(flaw_name(a), flaw_name(b));
	if (!order)
		order = (a->package->layer > b->package->layer) -
		        (a->package->layer < b->package->layer);
	return order ? order : by_text(a->hidden, b->hidden);
}

static int compare(const void *a, const void *b)
{
	const struct report_row *x = a, *y = b;
	int order = by_row(x->first, y->first);
	return order ? order : (x->first > y->first) - (x->first < y->first);
}

size_t report_rows(const struct scan *s, bool hidden, struct report_row **ret)
{
	struct report_row *v = xcalloc(s->n + 1, sizeof(*v));
	size_t n = 0, rows = 0;
	for (size_t i = 0; i < s->n; i++) {
		if (hidden || !s->v[i].hidden)
			v[n++] = (struct report_row){&s->v[i], 1};
	}
	if (n)
		qsort(v, n, sizeof(*v), compare);
	for (size_t i = 0; i < n; i++) {
		if (rows && !by_row(v[rows - 1].first, v[i].first))
			v[rows - 1].n++;
		else
			v[rows++] = v[i];
	}
	*ret = v;
	return rows;
}

char *report_row_name(const struct report_row *row)
{
	const struct finding *f = row->first;
	const char *name = f->package->package->name, *source = f->name ? f->name : name;
	if (row->n > 1)
		return xasprintf("%s (%zu)", source, row->n);
	return strcmp(name, source) != 0 ? xasprintf("%s (%s)", name, source) : xstrdup(name);
}
