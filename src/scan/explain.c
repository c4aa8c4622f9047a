// SPDX-License-Identifier: Apache-2.0
// Why a flaw is or is not a package's: for each record the ranges, what was compared, what follows.
#include "scan/scan-int.h"

#include "base/err.h"
#include <string.h>

struct explaining {
	struct advisories *db;
	const char *flaw;
	struct questions questions;
	struct buf *out;
	struct err *e;
};

// --- sentences ---------------------------------------------------------------------------------

// "from 1.0 to before 2.0"
static void put_range(struct buf *b, const struct advisory_range *r)
{
	bool single = r->introduced && r->last_affected && !strcmp(r->introduced, r->last_affected);
	if (single) {
		buf_printf(b, "version %s", r->introduced);
		return;
	}
	if (!r->introduced && !r->fixed && !r->last_affected) {
		buf_puts(b, "all versions");
		return;
	}
	buf_puts(b, "versions");
	if (r->introduced)
		buf_printf(b, " from %s", r->introduced);
	if (r->fixed)
		buf_printf(b, " before %s", r->fixed);
	if (r->last_affected)
		buf_printf(b, " up to %s", r->last_affected);
}

static void put_ranges(struct buf *b, const struct advisory_range *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_puts(b, i ? ", " : "");
		put_range(b, &r[i]);
	}
	if (r->status != ADVISORY_AFFECTED && r->status != ADVISORY_FIXED)
		buf_printf(b, " [%s]", advisory_status_name(r->status));
	if (r->note)
		buf_printf(b, " (\"%s\")", r->note);
}

static const char *word_of(enum verdict v)
{
	static const char *const words[] = {
	        [VERDICT_NO] = "not affected",
	        [VERDICT_YES] = "affected",
	        [VERDICT_BEFORE] = "not affected",
	        [VERDICT_AFTER] = "not affected",
	        [VERDICT_UNKNOWN] = "not known",
	        [VERDICT_UNTAGGED] = "not known",
	        [VERDICT_UNDECIDED] = "not known",
	};
	return words[v];
}

static void put_reason(
        struct buf *b, const struct advisory_range *r, enum verdict v, const struct err *why)
{
	switch (v) {
	case VERDICT_YES:
		if (r->fixed)
			buf_printf(b, "it is before %s", r->fixed);
		else if (r->last_affected)
			buf_printf(b, "it is not after %s", r->last_affected);
		else
			buf_puts(b, "no version that mends it is known");
		return;
	case VERDICT_BEFORE:
		buf_printf(b, "it is before %s, where it was introduced", r->introduced);
		return;
	case VERDICT_AFTER:
		if (r->fixed)
			buf_printf(b, "it is not before %s", r->fixed);
		else
			buf_printf(b, "it is after %s", r->last_affected);
		return;
	case VERDICT_UNKNOWN:
		buf_puts(b, why->msg);
		return;
	case VERDICT_UNTAGGED:
		buf_puts(b, "the version was made up from a commit and says nothing of releases");
		return;
	case VERDICT_UNDECIDED:
		buf_puts(b, "the publisher has not looked into it yet");
		return;
	case VERDICT_NO:
		return;
	}
}

// Of the ranges of a record the one that decides: the one it lies in, else the last it is behind,
// else any.
static size_t deciding(const struct advisory_range *r, size_t n, const struct question *q,
        enum version_scheme s, enum verdict *ret, struct err *e)
{
	size_t best = 0;
	*ret = VERDICT_NO;
	for (size_t i = 0; i < n; i++) {
		struct err why = ERR_INIT;
		enum verdict v = range_verdict(&r[i], q, s, &why);
		if (*ret == VERDICT_YES || (i && v == VERDICT_BEFORE))
			continue;
		best = i;
		*ret = v;
		*e = why;
	}
	return best;
}

static void put_package(struct buf *b, const struct question *q)
{
	const struct package *x = q->found->package;
	buf_printf(b, "%s %s (%s", x->name, x->version, q->found->path);
	if (strcmp(x->name, q->name) != 0 || strcmp(x->version, q->version) != 0)
		buf_printf(b, ", from %s %s", q->name, q->version);
	buf_puts(b, "): ");
}

static int put_line(struct explaining *x, const struct question *q, const struct advisory_range *r,
        size_t n, struct err *e)
{
	const struct place *p = &x->questions.places[q->place];
	struct err why = ERR_INIT;
	enum verdict v;
	size_t at = deciding(r, n, q, p->scheme, &v, &why);
	put_package(x->out, q);
	buf_printf(x->out, "%s: ", word_of(v));
	if (advisories_record(x->db, r->record, x->out, e))
		return -1;
	buf_printf(x->out, " (%s%s%s) names ", p->eco.name, *p->eco.release ? " " : "",
	        p->eco.release);
	put_ranges(x->out, r, n);
	buf_printf(x->out, " of %s; ", q->name);
	put_reason(x->out, &r[at], v, &why);
	buf_putc(x->out, '\n');
	return 0;
}

// --- which flaws -------------------------------------------------------------------------------

// 1: it goes by that name.
static int is_named(struct explaining *x, const struct advisory_range *r, struct err *e)
{
	auto_advisory_flaw struct advisory_flaw f = {0};
	auto_buf struct buf record = {0};
	if (advisories_flaw(x->db, r->flaw, &f, e) ||
	        advisories_record(x->db, r->record, &record, e))
		return -1;
	for (size_t i = 0; i < f.n_names; i++)
		if (str_ieq(f.names[i], x->flaw))
			return 1;
	return str_ieq(buf_cstr(&record), x->flaw);
}

static int explain_name(struct explaining *x, const struct question *q, size_t n,
        const struct advisory_ranges *r, struct err *e)
{
	for (size_t i = 0, k; i < r->n; i = k) {
		for (k = i; k < r->n && r->v[k].flaw == r->v[i].flaw &&
		            r->v[k].record == r->v[i].record;)
			k++;
		int named = is_named(x, &r->v[i], e);
		if (named < 0)
			return -1;
		for (size_t p = 0; named && p < n; p++)
			if (put_line(x, &q[p], &r->v[i], k - i, e))
				return -1;
	}
	return 0;
}

int scan_explain(struct advisories *db, const struct package_list *l, const char *flaw,
        struct buf *ret, struct err *e)
{
	struct explaining x = {.db = db, .flaw = flaw, .out = ret};
	auto_questions struct questions q = {0};
	questions_make(l, &q);
	x.questions = q;
	for (size_t i = 0, n; i < q.n; i += n) {
		auto_advisory_ranges struct advisory_ranges r = {0};
		const struct place *p = &q.places[q.v[i].place];
		n = questions_alike(&q, i);
		if (advisories_ranges(db, p->eco.name, p->eco.release, q.v[i].key, &r, e) ||
		        explain_name(&x, &q.v[i], n, &r, e))
			return -1;
	}
	return 0;
}
