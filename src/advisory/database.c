// SPDX-License-Identifier: Apache-2.0
// Reading the database. The file never changes under us (a new one takes its name), so it is opened
// as immutable: no lock, no second file, pages mapped. It may come from elsewhere: no trigger, view
// or function of its schema is trusted.
#include "advisory/database-int.h"

#include "advisory/ecosystem.h"
#include "advisory/schema-int.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/timefmt.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VALUE_MAX (1 << 20) // no text of ours has more than a few hundred bytes
#define RANGES_MAX 200000   // of one package; Linux has some thousands in a release

const char *advisory_status_name(enum advisory_status s)
{
	static const char *const names[] = {"affected", "fixed", "no-dsa", "ignored", "postponed",
	        "undetermined", "end-of-life"};
	return (size_t)s < ARRAY_LEN(names) ? names[s] : "affected";
}

char *advisories_default_path(void)
{
	const char *named = getenv("HEW_DB"), *cache = getenv("XDG_CACHE_HOME"),
	           *home = getenv("HOME");
	if (named && *named)
		return xstrdup(named);
	if (geteuid() == 0)
		return xstrdup("/var/cache/hew/advisories.db");
	if (cache && *cache == '/')
		return xasprintf("%s/hew/advisories.db", cache);
	return xasprintf("%s/.cache/hew/advisories.db", home ? home : "");
}

// A path as SQLite's URI: '?', '#' and '%' mean something there.
static char *uri_of(const char *path)
{
	struct buf b = {0};
	buf_puts(&b, "file:");
	for (const char *p = path; *p; p++) {
		if (strchr("?#%", *p))
			buf_printf(&b, "%%%02X", (unsigned char)*p);
		else
			buf_putc(&b, *p);
	}
	buf_puts(&b, "?immutable=1");
	return buf_steal(&b);
}

static int check_format(struct advisories *db, const char *path, struct err *e)
{
	int64_t application = 0, format = 0;
	if (sql_int(&db->sql, e, &application, "PRAGMA application_id", "") ||
	        sql_int(&db->sql, e, &format, "PRAGMA user_version", ""))
		return -1;
	if (application != ADVISORY_APPLICATION_ID)
		return err_set(e, ERR_CORRUPT, "'%s' is no advisory database", path);
	if (format != ADVISORIES_FORMAT)
		return err_set(e, ERR_UNSUPPORTED,
		        "'%s' has format %d, this hew reads %d: make or fetch it again ('hew db "
		        "update')",
		        path, (int)format, ADVISORIES_FORMAT);
	return sql_int(&db->sql, e, &db->newest, "SELECT value FROM meta WHERE key='newest'", "");
}

int advisories_open(const char *path, struct advisories **ret, struct err *e)
{
	if (access(path, R_OK))
		return errno == ENOENT
		               ? err_set(e, ERR_NOT_FOUND,
		                         "no advisory database at '%s': get one with 'hew db "
		                         "update' or 'hew db import'",
		                         path)
		               : err_sys(e, "open '%s'", path);
	auto_advisories struct advisories *db = xcalloc(1, sizeof(*db));
	auto_free char *uri = uri_of(path);
	db->sql.what = "read the advisory database";
	if (sql_open(&db->sql, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, e))
		return -1;
	sqlite3_limit(db->sql.db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
	sqlite3_db_config(db->sql.db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->sql.db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db->sql.db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db->sql.db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	if (check_format(db, path, e))
		return -1;
	*ret = steal_ptr(&db);
	return 0;
}

void advisories_close(struct advisories *db)
{
	if (!db)
		return;
	sql_close(&db->sql);
	free(db);
}

void advisories_close_ptr(struct advisories **db)
{
	advisories_close(*db);
}

int64_t advisories_time(const struct advisories *db)
{
	return db->newest * 86400;
}

void advisory_date(int64_t day, char ret[static 11])
{
	char text[TIME_TEXT];
	ret[0] = '\0';
	if (day <= 0 || day > 2932896) // the year 9999
		return;
	time_format((struct timestamp){day * 86400, 0}, text);
	memcpy(ret, text, 10);
	ret[10] = '\0';
}

const char *advisory_text(struct arena *a, sqlite3_stmt *st, int column)
{
	const char *text = sql_text(st, column);
	return text ? arena_strdup(a, text) : NULL;
}

// --- releases ----------------------------------------------------------------------------------

int advisories_release(struct advisories *db, const char *ecosystem, const char *release,
        struct advisory_release *ret, struct err *e)
{
	*ret = (struct advisory_release){.coverage = ADVISORY_UNKNOWN_ECOSYSTEM};
	sqlite3_stmt *st = sql_query(&db->sql, e,
	        "SELECT release=?2, codename, end_of_life, packages FROM release WHERE ecosystem=?1"
	        " ORDER BY release=?2",
	        "tt", ecosystem, release);
	int rc;
	if (!st)
		return -1;
	while ((rc = sql_row(&db->sql, st, e)) > 0) {
		const char *codename = sql_text(st, 1), *end = sql_text(st, 2);
		if (sqlite3_column_int64(st, 3) == 0 && !sqlite3_column_int(st, 0))
			continue;
		if (ret->coverage == ADVISORY_UNKNOWN_ECOSYSTEM)
			ret->coverage = ADVISORY_UNKNOWN_RELEASE;
		if (!sqlite3_column_int(st, 0))
			continue;
		if (sqlite3_column_int64(st, 3) > 0)
			ret->coverage = ADVISORY_KNOWN;
		snprintf(ret->codename, sizeof(ret->codename), "%s", codename ? codename : "");
		snprintf(ret->end_of_life, sizeof(ret->end_of_life), "%s", end ? end : "");
	}
	return rc;
}

// --- ranges ------------------------------------------------------------------------------------

void advisory_ranges_release(struct advisory_ranges *r)
{
	free(r->v);
	arena_release(&r->arena);
	*r = (struct advisory_ranges){0};
}

static int read_ranges(
        struct advisories *db, sqlite3_stmt *st, struct advisory_ranges *ret, struct err *e)
{
	int rc;
	size_t cap = 0;
	while ((rc = sql_row(&db->sql, st, e)) > 0) {
		if (ret->n == cap) {
			cap = cap ? 2 * cap : 16;
			ret->v = xreallocarray(ret->v, cap, sizeof(*ret->v));
		}
		int64_t severity = sqlite3_column_int64(st, 6),
		        status = sqlite3_column_int64(st, 5);
		if (ret->n == RANGES_MAX) {
			sqlite3_reset(st);
			return err_set(e, ERR_CORRUPT,
			        "the advisory database has more than %d ranges of one package",
			        RANGES_MAX);
		}
		ret->v[ret->n++] = (struct advisory_range){
		        .flaw = sqlite3_column_int64(st, 0),
		        .record = sqlite3_column_int64(st, 1),
		        .introduced = advisory_text(&ret->arena, st, 2),
		        .fixed = advisory_text(&ret->arena, st, 3),
		        .last_affected = advisory_text(&ret->arena, st, 4),
		        .status = status >= 0 && status <= ADVISORY_END_OF_LIFE
		                          ? (enum advisory_status)status
		                          : ADVISORY_AFFECTED,
		        .severity = severity >= 0 && severity <= SEVERITY_CRITICAL
		                            ? (enum severity)severity
		                            : SEVERITY_UNKNOWN,
		        .note = advisory_text(&ret->arena, st, 7),
		};
	}
	return rc;
}

static int by_flaw(const void *pa, const void *pb)
{
	const struct advisory_range *a = pa, *b = pb;
	if (a->flaw != b->flaw)
		return a->flaw < b->flaw ? -1 : 1;
	bool fa = a->status == ADVISORY_FIXED, fb = b->status == ADVISORY_FIXED;
	if (fa != fb)
		return fa ? -1 : 1;
	return a->record < b->record ? -1 : a->record > b->record;
}

// Of a distribution: what is open goes where another source knows that the same flaw is fixed. The
// record that knows of the fix may know that the flaw came back. Of a flaw the fixed ones come
// first, and both go by record.
static size_t drop_open_of(struct advisory_range *v, size_t n)
{
	size_t fixed = 0, kept, f = 0;
	while (fixed < n && v[fixed].status == ADVISORY_FIXED)
		fixed++;
	kept = fixed;
	for (size_t i = fixed; i < n; i++) {
		while (f < fixed && v[f].record < v[i].record)
			f++;
		bool back = v[i].introduced && f < fixed && v[f].record == v[i].record;
		if (!fixed || back)
			v[kept++] = v[i];
	}
	return kept;
}

static void drop_open(struct advisory_ranges *r)
{
	size_t n = 0;
	for (size_t i = 0, k; i < r->n; i = k) {
		for (k = i; k < r->n && r->v[k].flaw == r->v[i].flaw;)
			k++;
		size_t kept = drop_open_of(&r->v[i], k - i);
		memmove(&r->v[n], &r->v[i], kept * sizeof(*r->v));
		n += kept;
	}
	r->n = n;
}

int advisories_ranges(struct advisories *db, const char *ecosystem, const char *release,
        const char *package, struct advisory_ranges *ret, struct err *e)
{
	auto_buf struct buf name = {0};
	*ret = (struct advisory_ranges){0};
	package_name(ecosystem, package, &name);
	sqlite3_stmt *st = sql_query(&db->sql, e,
	        "SELECT coalesce(a.flaw, c.flaw, a.record), ifnull(a.record, a.flaw), introduced, "
	        "fixed, last,"
	        " status, severity, t.value FROM release r JOIN package p ON p.release=r.id"
	        " JOIN affected a ON a.package=p.id LEFT JOIN covers c ON a.flaw IS NULL AND"
	        " c.record=a.record LEFT JOIN text t ON t.id=a.note"
	        " WHERE r.ecosystem=? AND r.release=? AND p.name=?",
	        "ttt", ecosystem, release, buf_cstr(&name));
	if (!st)
		return -1;
	if (read_ranges(db, st, ret, e)) {
		advisory_ranges_release(ret);
		return -1;
	}
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_flaw);
	if (*release)
		drop_open(ret);
	return 0;
}

// --- flaws -------------------------------------------------------------------------------------

void advisory_flaw_release(struct advisory_flaw *f)
{
	arena_release(&f->arena);
	*f = (struct advisory_flaw){0};
}

#define NAMES_MAX 1000
#define RATINGS_MAX 1000

static int read_names(struct advisories *db, int64_t flaw, struct advisory_flaw *f, struct err *e)
{
	const char *names[NAMES_MAX];
	sqlite3_stmt *st = sql_query(&db->sql, e,
	        "SELECT text, ifnull(flaw, id) FROM name WHERE id>=? ORDER BY id LIMIT 1000", "i",
	        flaw);
	int rc;
	if (!st)
		return -1;
	while ((rc = sql_row(&db->sql, st, e)) > 0) {
		if (sqlite3_column_int64(st, 1) != flaw) {
			sqlite3_reset(st);
			rc = 0;
			break;
		}
		const char *name = advisory_text(&f->arena, st, 0);
		names[f->n_names++] = name ? name : "";
	}
	const char **copy = arena_alloc(&f->arena, (f->n_names + 1) * sizeof(*copy));
	memcpy(copy, names, f->n_names * sizeof(*copy));
	f->names = copy;
	if (rc == 0 && f->n_names == 0)
		return err_set(
		        e, ERR_CORRUPT, "the advisory database names a flaw that it has not");
	return rc;
}

static int read_facts(struct advisories *db, int64_t flaw, struct advisory_flaw *f, struct err *e)
{
	sqlite3_stmt *st = sql_query(&db->sql, e,
	        "SELECT title, published, modified, exploited, ifnull(epss, 0), ifnull(percentile, "
	        "0)"
	        " FROM flaw WHERE id=?",
	        "i", flaw);
	int rc = st ? sql_row(&db->sql, st, e) : -1;
	f->epss = f->percentile = -1;
	if (rc <= 0)
		return rc;
	f->title = advisory_text(&f->arena, st, 0);
	advisory_date(sqlite3_column_int64(st, 1), f->published);
	advisory_date(sqlite3_column_int64(st, 2), f->modified);
	advisory_date(sqlite3_column_int64(st, 3), f->known_exploited);
	f->epss = sqlite3_column_int(st, 4) - 1;
	f->percentile = sqlite3_column_int(st, 5) - 1;
	sqlite3_reset(st);
	return 0;
}

static int read_ratings(struct advisories *db, int64_t flaw, struct advisory_flaw *f, struct err *e)
{
	struct advisory_rating ratings[RATINGS_MAX];
	sqlite3_stmt *st = sql_query(&db->sql, e,
	        "SELECT s.value, v.value, r.severity FROM rating r LEFT JOIN text s ON "
	        "s.id=r.source"
	        " LEFT JOIN text v ON v.id=r.vector WHERE r.flaw=? ORDER BY r.n LIMIT 1000",
	        "i", flaw);
	int rc;
	if (!st)
		return -1;
	while ((rc = sql_row(&db->sql, st, e)) > 0) {
		struct advisory_rating r = {advisory_text(&f->arena, st, 0),
		        advisory_text(&f->arena, st, 1), {0}, SEVERITY_UNKNOWN};
		int64_t severity = sqlite3_column_int64(st, 2);
		struct err ignored = ERR_INIT;
		if (severity > 0 && severity <= SEVERITY_CRITICAL)
			r.severity = (enum severity)severity;
		if (r.vector && cvss_score(r.vector, &r.cvss, &ignored))
			r.vector = NULL;
		r.source = r.source ? r.source : "";
		ratings[f->n_ratings++] = r;
	}
	struct advisory_rating *copy = arena_alloc(&f->arena, (f->n_ratings + 1) * sizeof(*copy));
	memcpy(copy, ratings, f->n_ratings * sizeof(*copy));
	f->ratings = copy;
	return rc;
}

int advisories_flaw(struct advisories *db, int64_t flaw, struct advisory_flaw *ret, struct err *e)
{
	*ret = (struct advisory_flaw){0};
	if (!read_names(db, flaw, ret, e) && !read_facts(db, flaw, ret, e) &&
	        !read_ratings(db, flaw, ret, e))
		return 0;
	advisory_flaw_release(ret);
	return -1;
}

int advisories_record(struct advisories *db, int64_t record, struct buf *ret, struct err *e)
{
	sqlite3_stmt *st = sql_query(&db->sql, e, "SELECT text FROM name WHERE id=?", "i", record);
	int rc = st ? sql_row(&db->sql, st, e) : -1;
	if (rc <= 0)
		return rc;
	buf_puts(ret, sql_text(st, 0) ? sql_text(st, 0) : "");
	sqlite3_reset(st);
	return 0;
}
