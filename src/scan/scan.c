// SPDX-License-Identifier: Apache-2.0
// Packages in, findings out: one look-up for each name, then of the flaws that matter names and
// severity, each read once.
#include "scan/scan-int.h"

#include "base/err.h"
#include "base/map.h"
#include "base/timefmt.h"
#include <stdio.h>
#include <string.h>

#define WARNINGS_MAX 100

// A finding while flaws are numbers.
struct hit {
	struct finding f;
	int64_t flaw, record, rated; // rated: the record with the publisher's word; 0: none
};

struct matching {
	struct advisories *db;
	const struct package_list *list;
	struct scan *scan;
	struct questions questions;
	struct hit *v;
	size_t n, cap;
	struct map told; // warnings
};

void scan_release(struct scan *s)
{
	for (size_t i = 0; i < s->n_flaws; i++)
		advisory_flaw_release(&s->flaws[i]);
	free(s->flaws);
	free(s->v);
	strv_release(&s->warnings);
	arena_release(&s->arena);
	*s = (struct scan){0};
}

static void matching_release(struct matching *m)
{
	questions_release(&m->questions);
	map_release(&m->told);
	free(m->v);
}
#define auto_matching __attribute__((cleanup(matching_release)))

static void warn(struct matching *m, const char *text)
{
	if (map_has(&m->told, text))
		return;
	map_set(&m->told, text, m);
	if (m->told.n < WARNINGS_MAX)
		strv_add(&m->scan->warnings, text);
	else if (m->told.n == WARNINGS_MAX)
		strv_add(&m->scan->warnings, "and more warnings, which are not shown");
}

// --- what the database knows -------------------------------------------------------------------

static void warn_coverage(struct matching *m, const char *what, const struct advisory_release *r)
{
	if (r->coverage == ADVISORY_KNOWN)
		return;
	auto_free char *text = xasprintf("the database knows nothing of %s: no findings does not "
	                                 "mean no flaws",
	        what);
	warn(m, text);
}

static void check_end_of_life(
        struct matching *m, const char *what, const struct advisory_release *r)
{
	char today[TIME_TEXT];
	time_format(time_now(), today);
	m->scan->is_over = *r->end_of_life && strncmp(r->end_of_life, today, 10) < 0;
	if (!m->scan->is_over)
		return;
	auto_free char *text = xasprintf("%s is at its end of life since %s: new flaws are neither "
	                                 "looked for nor fixed",
	        what, r->end_of_life);
	warn(m, text);
}

static int check_distribution(struct matching *m, const struct place *p, bool known, struct err *e)
{
	auto_buf struct buf what = {0};
	const struct release *r = &m->list->release;
	struct scan *s = m->scan;
	const char *remark = place_remark(r);
	s->has_release = true;
	s->release.coverage = ADVISORY_UNKNOWN_ECOSYSTEM;
	if (known && advisories_release(m->db, p->eco.name, p->eco.release, &s->release, e))
		return -1;
	if (m->questions.unclear) {
		auto_free char *text = xasprintf("of %zu packages of modules it is not known of "
		                                 "which stream they are: their flaws are not found",
		        m->questions.unclear);
		warn(m, text);
	}
	place_release_name(r, &what);
	warn_coverage(m, buf_cstr(&what), &s->release);
	check_end_of_life(m, buf_cstr(&what), &s->release);
	if (remark) {
		auto_free char *text = xasprintf("%s %s", buf_cstr(&what), remark);
		warn(m, text);
	}
	return 0;
}

static int check_places(struct matching *m, struct err *e)
{
	const struct questions *q = &m->questions;
	for (enum package_type t = PACKAGE_DEB; t <= PACKAGE_MAVEN; t++) {
		const struct place *p = &q->places[t];
		struct advisory_release r;
		if (!q->count[t])
			continue;
		if (p->distribution) {
			if (check_distribution(m, p, q->known[t], e))
				return -1;
			continue;
		}
		if (advisories_release(m->db, p->eco.name, "", &r, e))
			return -1;
		warn_coverage(m, p->eco.name, &r);
	}
	return 0;
}

// --- matching ----------------------------------------------------------------------------------

struct telling {
	struct matching *m;
	struct err *e;
	int rc;
};

// Of a version that is none one line is enough; of a bound that is none, whose it is.
static void tell_unclear(
        void *arg, const struct advisory_range *r, const struct question *q, const char *why)
{
	struct telling *t = arg;
	struct err own = ERR_INIT;
	auto_buf struct buf record = {0};
	if (version_check(t->m->questions.places[q->place].scheme, q->version, &own))
		buf_puts(&record, "any advisory");
	else if (!t->rc && advisories_record(t->m->db, r->record, &record, t->e))
		t->rc = -1;
	if (t->rc)
		return;
	auto_free char *text = xasprintf(
	        "%s %s is not compared with %s: %s", q->name, q->version, buf_cstr(&record), why);
	warn(t->m, text);
}

static char *keep(struct matching *m, const char *text)
{
	return text ? arena_strdup(&m->scan->arena, text) : NULL;
}

static char *join(struct matching *m, const struct strv *fixed)
{
	auto_buf struct buf b = {0};
	for (size_t i = 0; i < fixed->n; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", fixed->v[i]);
	return fixed->n ? keep(m, buf_cstr(&b)) : NULL;
}

static struct hit hit_of(struct matching *m, const struct question *q, const struct answer *a)
{
	const struct place *p = &m->questions.places[q->place];
	const struct advisory_range *r = a->range;
	enum advisory_status open = r->status == ADVISORY_FIXED ? ADVISORY_AFFECTED : r->status;
	return (struct hit){
	        .flaw = r->flaw,
	        .record = r->record,
	        .rated = a->rated ? a->rated->record : 0,
	        .f = {.severity = a->severity,
	                .severity_source = a->rated && p->distribution ? p->publisher : NULL,
	                .published = a->rated != NULL,
	                .status = a->fixed.n ? ADVISORY_FIXED : open,
	                .fixed = join(m, &a->fixed),
	                .note = keep(m, r->note),
	                .ecosystem = keep(m, p->eco.name),
	                .release = keep(m, p->eco.release),
	                .name = keep(m, q->name),
	                .version = keep(m, q->version),
	                .introduced = keep(m, r->introduced),
	                .last_affected = keep(m, r->last_affected)},
	};
}

static void add_hit(struct matching *m, struct hit h, const struct found_package *f)
{
	if (m->n == m->cap) {
		m->cap = m->cap ? 2 * m->cap : 64;
		m->v = xreallocarray(m->v, m->cap, sizeof(*m->v));
	}
	h.f.package = f;
	m->v[m->n++] = h;
}

static int match_version(struct matching *m, const struct question *q, size_t n,
        const struct advisory_ranges *r, struct err *e)
{
	struct telling t = {.m = m, .e = e};
	const struct unclear u = {tell_unclear, &t};
	enum version_scheme scheme = m->questions.places[q->place].scheme;
	for (size_t i = 0, k; i < r->n; i = k) {
		for (k = i; k < r->n && r->v[k].flaw == r->v[i].flaw;)
			k++;
		auto_answer struct answer a;
		answer_make(&r->v[i], k - i, q, scheme, &u, &a);
		if (!a.range)
			continue;
		struct hit h = hit_of(m, q, &a);
		for (size_t p = 0; p < n; p++)
			add_hit(m, h, q[p].found);
	}
	return t.rc;
}

static int match_name(struct matching *m, const struct question *q, size_t n, struct err *e)
{
	auto_advisory_ranges struct advisory_ranges r = {0};
	const struct place *p = &m->questions.places[q->place];
	if (advisories_ranges(m->db, p->eco.name, p->eco.release, q->key, &r, e))
		return -1;
	for (size_t i = 0, k; r.n && i < n; i = k) {
		for (k = i + 1; k < n && question_is_same(&q[i], &q[k]);)
			k++;
		if (match_version(m, &q[i], k - i, &r, e))
			return -1;
	}
	return 0;
}

static int match_all(struct matching *m, struct err *e)
{
	const struct questions *q = &m->questions;
	for (size_t i = 0, n; i < q->n; i += n) {
		n = questions_alike(q, i);
		if (match_name(m, &q->v[i], n, e))
			return -1;
	}
	return 0;
}

// --- flaws -------------------------------------------------------------------------------------

static const char *copy_text(struct arena *a, const char *text)
{
	return text ? arena_strdup(a, text) : NULL;
}

// Into the scan's arena: of hundreds of flaws each has little to say.
static struct advisory_flaw copy_flaw(struct arena *a, const struct advisory_flaw *f)
{
	struct advisory_flaw ret = *f;
	const char **names = arena_alloc(a, (f->n_names + 1) * sizeof(*names));
	struct advisory_rating *ratings = arena_alloc(a, (f->n_ratings + 1) * sizeof(*ratings));
	for (size_t i = 0; i < f->n_names; i++)
		names[i] = arena_strdup(a, f->names[i]);
	for (size_t i = 0; i < f->n_ratings; i++) {
		ratings[i] = f->ratings[i];
		ratings[i].source = copy_text(a, f->ratings[i].source);
		ratings[i].vector = copy_text(a, f->ratings[i].vector);
	}
	ret.names = names;
	ret.ratings = ratings;
	ret.title = copy_text(a, f->title);
	ret.arena = (struct arena){0};
	return ret;
}

static int by_flaw(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;
	return (x->flaw > y->flaw) - (x->flaw < y->flaw);
}

static int read_flaws(struct matching *m, struct err *e)
{
	struct scan *s = m->scan;
	if (m->n)
		qsort(m->v, m->n, sizeof(*m->v), by_flaw);
	s->flaws = xcalloc(m->n + 1, sizeof(*s->flaws));
	for (size_t i = 0; i < m->n; i++) {
		auto_advisory_flaw struct advisory_flaw f = {0};
		if (!i || m->v[i].flaw != m->v[i - 1].flaw) {
			if (advisories_flaw(m->db, m->v[i].flaw, &f, e))
				return -1;
			s->flaws[s->n_flaws++] = copy_flaw(&s->arena, &f);
		}
		m->v[i].f.flaw = &s->flaws[s->n_flaws - 1];
	}
	return 0;
}

static int name_record(
        struct matching *m, int64_t record, const char **ret, struct buf *b, struct err *e)
{
	buf_reset(b);
	if (advisories_record(m->db, record, b, e))
		return -1;
	*ret = keep(m, buf_cstr(b));
	return 0;
}

// "GHSA-1234": "ghsa".
static char *source_of(struct arena *a, const char *record)
{
	char *source = arena_strndup(a, record, strcspn(record, "-"));
	for (char *p = source; *p; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p | 32) : *p;
	return source;
}

// The publisher's word for the package, else the first rating of the flaw that says anything.
static void rate(struct finding *f)
{
	for (size_t i = 0; f->severity == SEVERITY_UNKNOWN && i < f->flaw->n_ratings; i++) {
		const struct advisory_rating *r = &f->flaw->ratings[i];
		f->severity = r->vector ? r->cvss.severity : r->severity;
		f->severity_source = f->severity == SEVERITY_UNKNOWN ? NULL : r->source;
	}
}

static int complete(struct matching *m, struct hit *h, struct err *e)
{
	auto_buf struct buf b = {0};
	struct finding *f = &h->f;
	const char *rated = NULL;
	if (name_record(m, h->record, &f->record, &b, e) ||
	        (h->rated && !f->severity_source && name_record(m, h->rated, &rated, &b, e)))
		return -1;
	if (rated)
		f->severity_source = source_of(&m->scan->arena, rated);
	rate(f);
	return 0;
}

static int by_severity(const void *pa, const void *pb)
{
	const struct finding *a = pa, *b = pb;
	const struct package *p = a->package->package, *q = b->package->package;
	if (a->severity != b->severity)
		return a->severity > b->severity ? -1 : 1;
	int order = strcmp(p->name, q->name);
	if (!order)
		order = strcmp(p->version, q->version);
	if (!order)
		order = strcmp(a->package->path, b->package->path);
	if (!order)
		order = strcmp(a->flaw->names[0], b->flaw->names[0]);
	return order ? order : (a->package > b->package) - (a->package < b->package);
}

static int finish(struct matching *m, struct err *e)
{
	struct scan *s = m->scan;
	s->v = xcalloc(m->n + 1, sizeof(*s->v));
	for (size_t i = 0; i < m->n; i++) {
		if (complete(m, &m->v[i], e))
			return -1;
		s->v[s->n++] = m->v[i].f;
	}
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_severity);
	return 0;
}

int scan_packages(
        struct advisories *db, const struct package_list *l, struct scan *ret, struct err *e)
{
	auto_matching struct matching m = {.db = db, .list = l, .scan = ret};
	*ret = (struct scan){.data_time = advisories_time(db)};
	questions_make(l, &m.questions);
	if (!check_places(&m, e) && !match_all(&m, e) && !read_flaws(&m, e) && !finish(&m, e))
		return 0;
	scan_release(ret);
	return -1;
}
