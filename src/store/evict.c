// SPDX-License-Identifier: Apache-2.0
// Choosing what goes: the parts that nobody holds, those of the least value first. A value is what
// a byte would cost to have again, in seconds, and halves for every week that nobody asked for it.
// So the forms of a layer that are made from another one go before the layer does, and a large
// layer that a step makes in a second goes before a small one that takes minutes.

#include "base/err.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "store/prune-int.h"
#include "store/usage_filter.h"
#include <math.h>
#include <stdio.h>

// Bytes a second: unpacking, inflating, compressing, fetching, filling a cache, reading a context
// for its index; and the seconds of a step that did not say.
#define SPEED_UNPACK 300e6
#define SPEED_INFLATE 200e6
#define SPEED_COMPRESS 50e6
#define SPEED_FETCH 10e6
#define SPEED_STEP 20e6
#define SPEED_CACHE 5e6
#define SPEED_CONTEXT 2e6
#define SECONDS_LOST 60
#define HALF_LIFE (7 * 86400.0)
#define BLOCK 4096

// ---- what it would cost

static bool has_part(const struct usage_record *r, enum usage_kind kind)
{
	return r->kinds >> kind & 1;
}

static double step_seconds(const struct usage_record *r, double bytes)
{
	return r->cost_ns > 0 ? (double)r->cost_ns / 1e9 : 1 + bytes / SPEED_STEP;
}

static double tar_seconds(const struct usage_record *r, double bytes)
{
	if (!r->can_be_had)
		return step_seconds(r, bytes);
	return bytes / (has_part(r, USAGE_BLOB) ? SPEED_INFLATE : SPEED_FETCH);
}

// One of ours is compressed again; one that came from an archive is lost.
static double blob_seconds(const struct usage_record *r, double bytes)
{
	if (r->is_elsewhere)
		return bytes / SPEED_FETCH;
	return !r->can_be_had && has_part(r, USAGE_TAR) ? bytes / SPEED_COMPRESS
	                                                : SECONDS_LOST + step_seconds(r, bytes);
}

static double seconds_of(const struct usage *u, const struct usage_part *p)
{
	const struct usage_record *r = &u->records[p->record];
	double bytes = (double)p->bytes;
	switch (p->kind) {
	case USAGE_TREE:
		return bytes / SPEED_UNPACK;
	case USAGE_TAR:
	case USAGE_INDEX:
		return tar_seconds(r, bytes);
	case USAGE_BLOB:
		return blob_seconds(r, bytes);
	case USAGE_CACHE:
		return bytes / SPEED_CACHE;
	default:
		return bytes / SPEED_CONTEXT;
	}
}

// What no step, no base and no process would find is of no value.
static bool is_unneeded(const struct usage_record *r)
{
	return r->holders.n == 0 && r->type != USAGE_CACHE_MOUNT && r->type != USAGE_SOURCE_LOCAL;
}

static double value_of(const struct usage *u, const struct usage_part *p, int64_t now)
{
	const struct usage_record *r = &u->records[p->record];
	double age = (double)(now - r->used);
	if (is_unneeded(r))
		return 0;
	return seconds_of(u, p) / (double)(p->bytes + BLOCK) * exp2(-fmax(age, 0) / HALF_LIFE);
}

// ---- which may go

// An index goes with its tar, for neither is of use without the other.
static bool is_candidate(
        const struct usage *u, const struct usage_part *p, const struct prune_options *o)
{
	const struct usage_record *r = &u->records[p->record];
	if (p->held || (r->type == USAGE_INTERNAL && !o->internal && !is_unneeded(r)))
		return false;
	if (p->kind == USAGE_INDEX && has_part(r, USAGE_TAR))
		return false;
	return !o->filter || usage_filter_matches(o->filter, r);
}

static int by_value(const void *a, const void *b)
{
	const struct choice *x = a, *y = b;
	return x->value < y->value ? -1 : x->value > y->value;
}

static size_t candidates(const struct usage *u, const struct prune_options *o, struct choice *ret)
{
	int64_t now = time_now().sec;
	size_t n = 0;
	for (size_t i = 0; i < u->n_parts; i++)
		if (is_candidate(u, &u->parts[i], o))
			ret[n++] = (struct choice){i, value_of(u, &u->parts[i], now)};
	qsort(ret, n, sizeof(*ret), by_value);
	return n;
}

// The part and what goes with it. Returns the bytes.
static uint64_t take(const struct usage *u, size_t part, struct choices *ret)
{
	const struct usage_part *p = &u->parts[part];
	uint64_t bytes = p->bytes;
	ret->v[ret->n++] = part;
	for (size_t i = 0; p->kind == USAGE_TAR && i < u->n_parts; i++)
		if (u->parts[i].record == p->record && u->parts[i].kind == USAGE_INDEX) {
			ret->v[ret->n++] = i;
			bytes += u->parts[i].bytes;
		}
	return bytes;
}

void choose_unneeded(const struct usage *u, struct choices *ret)
{
	ret->v = xcalloc(u->n_parts + 1, sizeof(*ret->v));
	for (size_t i = 0; i < u->n_parts; i++)
		if (!u->parts[i].held && is_unneeded(&u->records[u->parts[i].record]))
			ret->v[ret->n++] = i;
}

void choose(
        const struct usage *u, const struct prune_options *o, uint64_t excess, struct choices *ret)
{
	struct choice *all = xcalloc(u->n_parts + 1, sizeof(*all));
	size_t n = candidates(u, o, all);
	uint64_t freed = 0;
	ret->v = xcalloc(u->n_parts + 1, sizeof(*ret->v));
	for (size_t i = 0; i < n && freed < excess; i++)
		freed += take(u, all[i].part, ret);
	free(all);
}

// ---- as people read it

static const char *how_again(const struct usage_record *r, enum usage_kind kind)
{
	if (kind == USAGE_TREE)
		return "can be unpacked again";
	if (kind == USAGE_BLOB)
		return r->is_elsewhere                            ? "can be fetched again"
		       : !r->can_be_had && has_part(r, USAGE_TAR) ? "can be compressed again"
		                                                  : NULL;
	if (kind != USAGE_TAR && kind != USAGE_INDEX)
		return NULL;
	if (r->can_be_had)
		return has_part(r, USAGE_BLOB) ? "can be inflated again" : "can be fetched again";
	return NULL;
}

char *why_it_goes(const struct usage *u, const struct usage_part *p)
{
	const struct usage_record *r = &u->records[p->record];
	if (is_unneeded(r))
		return xstrdup("no name, no step and no process needs it");
	const char *again = how_again(r, p->kind);
	char age[TIME_TEXT] = "at an unknown time";
	auto_buf struct buf text = {0};
	if (r->used > 0)
		time_age((struct timestamp){r->used, 0}, age);
	if (again)
		buf_printf(&text, "%s, ", again);
	else if (r->cost_ns > 0)
		buf_printf(&text, "took %.1f s, ", (double)r->cost_ns / 1e9);
	buf_printf(&text, "last used %s", age);
	return buf_steal(&text);
}
