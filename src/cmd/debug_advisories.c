// SPDX-License-Identifier: Apache-2.0
// hew debug advisories: what the advisory database has for a package, as JSON.
#include "advisory/advisory.h"
#include "advisory/ecosystem.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/debug.h"
#include <stdio.h>

static const char *coverage_name(enum advisory_coverage c)
{
	return c == ADVISORY_KNOWN             ? "known"
	       : c == ADVISORY_UNKNOWN_RELEASE ? "unknown release"
	                                       : "unknown ecosystem";
}

static void print_ratings(struct jw *w, const struct advisory_flaw *f)
{
	jw_kv(w, "severity",
	        severity_name(f->n_ratings ? f->ratings[0].severity : SEVERITY_UNKNOWN));
	jw_key(w, "ratings");
	jw_array(w);
	for (size_t i = 0; i < f->n_ratings; i++) {
		const struct advisory_rating *r = &f->ratings[i];
		char score[24];
		snprintf(score, sizeof(score), "%d.%d", r->cvss.score / 10, r->cvss.score % 10);
		jw_object(w);
		jw_kv(w, "source", r->source);
		jw_kv(w, "severity", severity_name(r->severity));
		if (r->vector) {
			jw_kv(w, "vector", r->vector);
			jw_kv(w, "score", score);
		}
		jw_object_end(w);
	}
	jw_array_end(w);
}

static int print_flaw(struct jw *w, struct advisories *db, int64_t flaw, struct err *e)
{
	auto_advisory_flaw struct advisory_flaw f = {0};
	if (advisories_flaw(db, flaw, &f, e))
		return -1;
	jw_key(w, "names");
	jw_array(w);
	for (size_t i = 0; i < f.n_names; i++)
		jw_str(w, f.names[i]);
	jw_array_end(w);
	jw_kv(w, "title", f.title);
	jw_kv(w, "published", f.published);
	jw_kv(w, "modified", f.modified);
	jw_kv(w, "knownExploited", f.known_exploited);
	jw_kv_int(w, "epss", f.epss);
	jw_kv_int(w, "epssPercentile", f.percentile);
	print_ratings(w, &f);
	return 0;
}

static int print_range(
        struct jw *w, struct advisories *db, const struct advisory_range *r, struct err *e)
{
	auto_buf struct buf record = {0};
	if (advisories_record(db, r->record, &record, e))
		return -1;
	jw_object(w);
	jw_kv(w, "record", buf_cstr(&record));
	jw_kv(w, "introduced", r->introduced);
	jw_kv(w, "fixed", r->fixed);
	jw_kv(w, "lastAffected", r->last_affected);
	jw_kv(w, "status", advisory_status_name(r->status));
	jw_kv(w, "severity", severity_name(r->severity));
	jw_kv(w, "note", r->note);
	jw_object_end(w);
	return 0;
}

static int print_flaws(
        struct jw *w, struct advisories *db, const struct advisory_ranges *r, struct err *e)
{
	jw_key(w, "flaws");
	jw_array(w);
	for (size_t i = 0; i < r->n;) {
		int64_t flaw = r->v[i].flaw;
		jw_object(w);
		if (print_flaw(w, db, flaw, e))
			return -1;
		jw_key(w, "ranges");
		jw_array(w);
		for (; i < r->n && r->v[i].flaw == flaw; i++)
			if (print_range(w, db, &r->v[i], e))
				return -1;
		jw_array_end(w);
		jw_object_end(w);
	}
	jw_array_end(w);
	return 0;
}

int debug_advisories(const struct strv *args, struct err *e)
{
	auto_free char *path = advisories_default_path();
	auto_advisories struct advisories *db = NULL;
	auto_advisory_ranges struct advisory_ranges r = {0};
	struct advisory_release release;
	struct ecosystem eco;
	auto_buf struct buf out = {0};
	struct jw w;
	if (!ecosystem_parse(args->v[1], &eco))
		return err_set(e, ERR_USAGE, "not an ecosystem: '%s'", args->v[1]);
	if (advisories_open(path, &db, e) ||
	        advisories_release(db, eco.name, eco.release, &release, e) ||
	        advisories_ranges(db, eco.name, eco.release, args->v[2], &r, e))
		return -1;
	jw_begin(&w, &out, 2);
	jw_object(&w);
	jw_kv(&w, "coverage", coverage_name(release.coverage));
	jw_kv(&w, "codename", release.codename);
	jw_kv(&w, "endOfLife", release.end_of_life);
	if (print_flaws(&w, db, &r, e))
		return -1;
	jw_object_end(&w);
	puts(buf_cstr(&out));
	return 0;
}
