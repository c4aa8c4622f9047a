// SPDX-License-Identifier: Apache-2.0
// Versions against ranges: is it affected, by which range, and what mends it.
#include "scan/scan-int.h"

#include "base/err.h"
#include <string.h>

// "v0.0.0-20240102030405-abcdefabcdef", or a version with such an end: of a commit, not of a tag.
static bool is_pseudo(const char *v)
{
	const char *dash = strrchr(v, '-');
	size_t digits = 0;
	if (!dash)
		return false;
	while (dash - digits > v && dash[-(ptrdiff_t)digits - 1] >= '0' &&
	        dash[-(ptrdiff_t)digits - 1] <= '9')
		digits++;
	return digits == 14 && strcspn(dash + 1, "+") == 12;
}

// The main module of a program built from a checkout without tags: its version is before all
// others, whatever was checked out.
static bool is_untagged(const struct question *q)
{
	const char *v = q->version + (*q->version == 'v');
	return (q->found->package->flags & PACKAGE_MAIN) &&
	       (!strncmp(v, "0.0.0-", 6) || !strcmp(v, "(devel)")) && (is_pseudo(v) || *v == '(');
}

static bool is_tag(const char *bound)
{
	return bound && !is_pseudo(bound);
}

// How two versions are compared: a version without its epoch with bounds without theirs.
struct order {
	enum version_scheme scheme;
	bool no_epoch;
};

static bool compares(
        const struct order *o, const char *v, const char *bound, int *order, struct err *e)
{
	*order = 0;
	if (!bound)
		return true;
	size_t digits = o->no_epoch ? strspn(bound, "0123456789") : 0;
	if (digits && bound[digits] == ':')
		bound += digits + 1;
	return !version_compare(o->scheme, v, bound, order, e);
}

static enum verdict place_in(
        const struct advisory_range *r, const char *version, const struct order *o, struct err *e)
{
	int from, fixed, last;
	if (!compares(o, version, r->introduced, &from, e) ||
	        !compares(o, version, r->fixed, &fixed, e) ||
	        !compares(o, version, r->last_affected, &last, e))
		return VERDICT_UNKNOWN;
	if (from < 0)
		return VERDICT_BEFORE;
	return (r->fixed && fixed >= 0) || (r->last_affected && last > 0) ? VERDICT_AFTER
	                                                                  : VERDICT_YES;
}

enum verdict range_verdict(const struct advisory_range *r, const struct question *q,
        enum version_scheme s, struct err *e)
{
	if (r->status == ADVISORY_UNDETERMINED)
		return VERDICT_UNDECIDED;
	if (is_untagged(q) &&
	        (is_tag(r->introduced) || is_tag(r->fixed) || is_tag(r->last_affected)))
		return VERDICT_UNTAGGED;
	return place_in(r, q->version, &(struct order){s, q->no_epoch}, e);
}

void answer_release(struct answer *a)
{
	strv_release(&a->fixed);
}

// Does this version of a record's fix still lie in a range of the flaw? One that another record
// leaves open says only that its author knew of no fix.
static bool is_mended(const struct advisory_range *r, size_t n, const struct advisory_range *by,
        enum version_scheme s)
{
	for (size_t i = 0; i < n; i++) {
		struct err e = ERR_INIT;
		bool open = !r[i].fixed && !r[i].last_affected;
		if (open && r[i].record != by->record)
			continue;
		if (r[i].status != ADVISORY_UNDETERMINED &&
		        place_in(&r[i], by->fixed, &(struct order){s, false}, &e) == VERDICT_YES)
			return false;
	}
	return true;
}

static void insert(struct strv *fixed, const char *version, enum version_scheme s)
{
	size_t at = 0;
	int order = -1;
	struct err e = ERR_INIT;
	while (at < fixed->n && !version_compare(s, fixed->v[at], version, &order, &e) && order < 0)
		at++;
	if (at < fixed->n && order == 0)
		return;
	strv_add(fixed, version);
	char *last = fixed->v[fixed->n - 1];
	memmove(&fixed->v[at + 1], &fixed->v[at], (fixed->n - 1 - at) * sizeof(*fixed->v));
	fixed->v[at] = last;
}

#define FIXED_MAX 16 // branches that a person would read

static void find_fixed(const struct advisory_range *r, size_t n, const struct question *q,
        enum version_scheme s, struct strv *fixed)
{
	for (size_t i = 0; i < n && fixed->n < FIXED_MAX; i++) {
		struct err e = ERR_INIT;
		int order = 0;
		const struct order o = {s, q->no_epoch};
		if (r[i].fixed && compares(&o, q->version, r[i].fixed, &order, &e) && order < 0 &&
		        is_mended(r, n, &r[i], s))
			insert(fixed, r[i].fixed, s);
	}
}

static bool mends(const struct answer *a, const struct advisory_range *r)
{
	return r->fixed && strv_has(&a->fixed, r->fixed);
}

void answer_make(const struct advisory_range *r, size_t n, const struct question *q,
        enum version_scheme s, const struct unclear *u, struct answer *ret)
{
	*ret = (struct answer){.severity = SEVERITY_UNKNOWN};
	for (size_t i = 0; i < n; i++) {
		struct err e = ERR_INIT;
		enum verdict v = range_verdict(&r[i], q, s, &e);
		if (v == VERDICT_UNKNOWN && u)
			u->tell(u->arg, &r[i], q, e.msg);
		if (v != VERDICT_YES)
			continue;
		if (!ret->range)
			find_fixed(r, n, q, s, &ret->fixed);
		if (!ret->range || (!mends(ret, ret->range) && mends(ret, &r[i])))
			ret->range = &r[i];
		if (r[i].severity > ret->severity) {
			ret->severity = r[i].severity;
			ret->rated = &r[i];
		}
	}
}
