// SPDX-License-Identifier: Apache-2.0
// What the times of a build come to: how long steps could have waited for each other, how many ran
// at once, and which chain of them decided how long it took.
#include "base/mem.h"
#include "page/page-int.h"
#include <string.h>

static int64_t end_of(const struct page_step *s)
{
	return s->has_time ? s->began_ns + s->took_ns : 0;
}

// What it waited for last, among all it needs, and when that was done. What took no time is looked
// through: a cached step may itself need one that ran. Steps come after what they need, so those
// are known already.
static void settle(const struct page_build *b, struct timeline *t, size_t i)
{
	const struct page_step *s = &b->steps[i];
	t->waited_for[i] = -1;
	for (size_t k = 0; k < s->n_needs; k++) {
		int need = s->needs[k];
		if (need < 0 || (size_t)need >= i)
			continue;
		bool timed = b->steps[need].has_time;
		int64_t done = timed ? end_of(&b->steps[need]) : t->ready_ns[need];
		int by = timed ? need : t->waited_for[need];
		if (by >= 0 && done > t->ready_ns[i]) {
			t->ready_ns[i] = done;
			t->waited_for[i] = by;
		}
	}
}

static void mark_chain(const struct page_build *b, struct timeline *t)
{
	int last = -1;
	for (size_t i = 0; i < b->n_steps; i++)
		if (b->steps[i].has_time &&
		        (last < 0 || end_of(&b->steps[i]) > end_of(&b->steps[last])))
			last = (int)i;
	for (; last >= 0; last = t->waited_for[last]) {
		t->in_chain[last] = true;
		t->chain_ns += b->steps[last].took_ns;
	}
}

static int earlier_first(const void *a, const void *b)
{
	const int64_t *x = a, *y = b; // time, then what changes: an end before a begin
	return x[0] != y[0] ? (x[0] > y[0]) - (x[0] < y[0]) : (x[1] > y[1]) - (x[1] < y[1]);
}

static size_t most_at_once(const struct page_build *b)
{
	auto_free int64_t(*edges)[2] = xcalloc(2 * b->n_steps + 1, sizeof(*edges));
	size_t n = 0;
	int64_t now = 0, most = 0;
	for (size_t i = 0; i < b->n_steps; i++) {
		if (!b->steps[i].has_time || !b->steps[i].took_ns)
			continue;
		edges[n][0] = b->steps[i].began_ns;
		edges[n++][1] = 1;
		edges[n][0] = end_of(&b->steps[i]);
		edges[n++][1] = -1;
	}
	if (n)
		qsort(edges, n, sizeof(*edges), earlier_first);
	for (size_t i = 0; i < n; i++) {
		now += edges[i][1];
		most = now > most ? now : most;
	}
	return (size_t)most;
}

void timeline_make(const struct page_build *b, struct timeline *ret)
{
	struct timeline t = {.span_ns = b->took_ns > 0 ? b->took_ns : 0};
	t.in_chain = xcalloc(b->n_steps + 1, sizeof(*t.in_chain));
	t.ready_ns = xcalloc(b->n_steps + 1, sizeof(*t.ready_ns));
	t.waited_for = xcalloc(b->n_steps + 1, sizeof(*t.waited_for));
	for (size_t i = 0; i < b->n_steps; i++) {
		const struct page_step *s = &b->steps[i];
		settle(b, &t, i);
		t.ran += !strcmp(s->state, "ran");
		t.cached += !strcmp(s->state, "cached");
		t.failed += !strcmp(s->state, "failed");
		t.busy_ns += s->has_time ? s->took_ns : 0;
		t.span_ns = end_of(s) > t.span_ns ? end_of(s) : t.span_ns;
	}
	t.most = most_at_once(b);
	mark_chain(b, &t);
	*ret = t;
}

void timeline_release(struct timeline *t)
{
	free(t->in_chain);
	free(t->ready_ns);
	free(t->waited_for);
	*t = (struct timeline){0};
}
