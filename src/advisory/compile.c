// SPDX-License-Identifier: Apache-2.0
// The tables, each written in the order of its key from a query that SQLite sorts on the disk; then
// one VACUUM INTO, which lays the pages out: the same rows are the same bytes.
#include "advisory/compile-int.h"
#include "advisory/schema-int.h"

#include "base/err.h"
#include <stdio.h>
#include <string.h>

static void number_of(sqlite3_context *c, int n_args, sqlite3_value **args)
{
	const struct numbering *n = sqlite3_user_data(c);
	sqlite3_result_int64(c, n->name[sqlite3_value_int64(args[0])]);
}

static void flaw_of(sqlite3_context *c, int n_args, sqlite3_value **args)
{
	const struct numbering *n = sqlite3_user_data(c);
	sqlite3_result_int64(c, numbering_flaw(n, sqlite3_value_int64(args[0])));
}

static void counts(sqlite3_context *c, int n_args, sqlite3_value **args)
{
	const struct numbering *n = sqlite3_user_data(c);
	sqlite3_result_int64(c, n->version[sqlite3_value_int64(args[0])]);
}

static void package_of(sqlite3_context *c, int n_args, sqlite3_value **args)
{
	const struct numbering *n = sqlite3_user_data(c);
	sqlite3_result_int64(c, n->package[sqlite3_value_int64(args[0])]);
}

static void text_of(sqlite3_context *c, int n_args, sqlite3_value **args)
{
	const struct numbering *n = sqlite3_user_data(c);
	int64_t text = sqlite3_value_int64(args[0]);
	if (text)
		sqlite3_result_int64(c, n->text[text]);
}

static int add_functions(struct stage *s, struct numbering *n, struct err *e)
{
	static const struct {
		const char *name;
		void (*call)(sqlite3_context *c, int n_args, sqlite3_value **args);
	} functions[] = {{"number_of", number_of}, {"flaw_of", flaw_of}, {"counts", counts},
	        {"package_of", package_of}, {"text_of", text_of}};
	for (size_t i = 0; i < ARRAY_LEN(functions); i++)
		if (sqlite3_create_function(s->sql.db, functions[i].name, 1, SQLITE_UTF8, n,
		            functions[i].call, NULL, NULL))
			return sql_fail(&s->sql, e);
	return 0;
}

// --- packages ----------------------------------------------------------------------------------

static int write_packages(struct stage *s, struct numbering *n, struct err *e)
{
	int rc;
	int64_t id = 0;
	sqlite3_stmt *st = sql_query(&s->sql, e,
	        "SELECT p.id, r.id, p.name FROM package p JOIN ecosystem o ON o.id=p.ecosystem"
	        " JOIN out.release r ON r.ecosystem=o.name AND r.release=o.release"
	        " WHERE package_of(p.id) ORDER BY r.id, p.name",
	        "");
	if (!st)
		return -1;
	while ((rc = sql_row(&s->sql, st, e)) > 0) {
		n->package[sqlite3_column_int64(st, 0)] = (uint32_t)++id;
		if (sql_run(&s->sql, e, "INSERT INTO out.package VALUES(?,?,?)", "iti",
		            sqlite3_column_int64(st, 1), sql_text(st, 2), id))
			return -1;
	}
	return rc;
}

static const char releases[] =
        "INSERT INTO out.release SELECT name, release, row_number() OVER (ORDER BY name, release),"
        " nullif(codename, ''), nullif(end_of_life, ''), 0, 0 FROM ecosystem o"
        " WHERE codename IS NOT NULL OR EXISTS"
        " (SELECT 1 FROM package p WHERE p.ecosystem=o.id AND package_of(p.id))"
        " ORDER BY name, release";

// Notes, vectors and sources of what counts.
static int write_texts(struct stage *s, struct numbering *n, struct err *e)
{
	int rc;
	int64_t id = 0;
	sqlite3_stmt *st = sql_query(&s->sql, e,
	        "SELECT id, value FROM text WHERE id IN"
	        " (SELECT note FROM range WHERE counts(version)"
	        "  UNION SELECT source FROM rating WHERE counts(version) AND flaw_of(name)"
	        "  UNION SELECT vector FROM rating WHERE counts(version) AND flaw_of(name))"
	        " ORDER BY value",
	        "");
	if (!st)
		return -1;
	while ((rc = sql_row(&s->sql, st, e)) > 0) {
		n->text[sqlite3_column_int64(st, 0)] = (uint32_t)++id;
		if (sql_run(&s->sql, e, "INSERT INTO out.text VALUES(?,?)", "it", id,
		            sql_text(st, 1)))
			return -1;
	}
	return rc;
}

// --- ranges ------------------------------------------------------------------------------------

// The same range of the same flaw, said by several records, is said once, by the first of them.
static int write_affected(struct stage *s, struct err *e)
{
	int rc;
	int64_t package = 0, n = 0;
	sqlite3_stmt *st = sql_query(&s->sql, e,
	        "SELECT package_of(package) AS p, flaw_of(record) AS f, min(number_of(record)) AS "
	        "r,"
	        " introduced, fixed, last, status, severity, text_of(note) AS note FROM range"
	        " WHERE counts(version) GROUP BY p, f, CASE f WHEN 0 THEN record END, introduced,"
	        " fixed, last, status, severity, note"
	        " ORDER BY p, f, r, introduced, fixed, last, status, severity, note",
	        "");
	if (!st)
		return -1;
	while ((rc = sql_row(&s->sql, st, e)) > 0) {
		int64_t p = sqlite3_column_int64(st, 0), flaw = sqlite3_column_int64(st, 1),
		        record = sqlite3_column_int64(st, 2);
		n = p == package ? n + 1 : 0;
		package = p;
		if (sql_run(&s->sql, e, "INSERT INTO out.affected VALUES(?,?,?,?,?,?,?,?,?,?)",
		            "iiootttiio", p, n, flaw, record == flaw ? (int64_t)0 : record,
		            sql_text(st, 3), sql_text(st, 4), sql_text(st, 5),
		            sqlite3_column_int64(st, 6), sqlite3_column_int64(st, 7),
		            sqlite3_column_int64(st, 8)))
			return -1;
	}
	return rc;
}

static const char counts_of_releases[] =
        "UPDATE out.release AS r SET packages=(SELECT count(*) FROM out.package p WHERE "
        "p.release=r.id),"
        " ranges=(SELECT count(*) FROM out.package p JOIN out.affected a ON a.package=p.id"
        "  WHERE p.release=r.id)";

// --- flaws -------------------------------------------------------------------------------------

struct flaw {
	int64_t id;
	char title[TITLE_MAX + 4];
	bool titled;
	int64_t published, modified, exploited, epss, percentile;
};

static int put_flaw(struct stage *s, const struct flaw *f, struct err *e)
{
	if (!f->id)
		return 0;
	// A score is kept plus one: null is "not known".
	return sql_run(&s->sql, e, "INSERT INTO out.flaw VALUES(?,?,?,?,?,?,?)", "itooooo", f->id,
	        f->titled ? f->title : NULL, f->published, f->modified, f->exploited, f->epss,
	        f->percentile);
}

static void add_to_flaw(struct flaw *f, sqlite3_stmt *st)
{
	enum { RECORD, DESCRIPTION, EXPLOITED } kind = sqlite3_column_int(st, 1);
	const char *title = sql_text(st, 2);
	int64_t a = sqlite3_column_int64(st, 3), b = sqlite3_column_int64(st, 4);
	if (title && !f->titled) {
		f->titled = true;
		snprintf(f->title, sizeof(f->title), "%s", title);
	}
	if (kind == RECORD) {
		if (a && (!f->published || a < f->published))
			f->published = a;
		if (b > f->modified)
			f->modified = b;
	} else if (kind == EXPLOITED) {
		f->exploited = a;
	} else if (kind > EXPLOITED && a > f->epss) {
		f->epss = a;
		f->percentile = b;
	}
}

static int write_flaws(struct stage *s, struct err *e)
{
	int rc;
	struct flaw f = {0};
	sqlite3_stmt *st = sql_query(&s->sql, e,
	        "SELECT flaw_of(name) AS f, kind, text, a, b FROM"
	        " (SELECT name, 0 AS kind, title AS text, published AS a, day AS b FROM record"
	        "   WHERE NOT withdrawn"
	        "  UNION ALL SELECT name, 1, text, 0, 0 FROM description"
	        "  UNION ALL SELECT name, 2, NULL, day, 0 FROM exploited"
	        "  UNION ALL SELECT name, 3, NULL, score + 1, percentile + 1 FROM epss)"
	        " WHERE f>0 ORDER BY f, kind, number_of(name), text, a, b",
	        "");
	if (!st)
		return -1;
	while ((rc = sql_row(&s->sql, st, e)) > 0) {
		int64_t id = sqlite3_column_int64(st, 0);
		if (id != f.id) {
			if (put_flaw(s, &f, e))
				return -1;
			f = (struct flaw){.id = id};
		}
		add_to_flaw(&f, st);
	}
	return rc < 0 ? -1 : put_flaw(s, &f, e);
}

// The order of belief; the same from the same source once.
static const char ratings[] =
        "INSERT INTO out.rating SELECT f, row_number() OVER (PARTITION BY f ORDER BY vector IS"
        " NULL, origin, cvss DESC, score DESC, severity DESC, source, vector) - 1, source, vector,"
        " severity FROM"
        " (SELECT flaw_of(name) AS f, text_of(source) AS source, text_of(vector) AS vector,"
        "  severity, min(origin) AS origin, cvss, score FROM rating"
        "  WHERE counts(version) AND f>0 GROUP BY f, text_of(source), text_of(vector), severity)"
        " ORDER BY 1, 2";

// --- all of it ---------------------------------------------------------------------------------

static const char sources[] =
        "INSERT INTO out.source SELECT name, sum(records), sum(withdrawn), max(newest) FROM"
        " (SELECT * FROM source UNION ALL"
        "  SELECT 'OSV ' || substr(text, 1, max(instr(text, '-') - 1, 1)), NOT withdrawn,"
        "  withdrawn, max(ifnull(day, 0), ifnull(published, 0)) FROM record JOIN name ON"
        "  id=record.name)"
        " GROUP BY name ORDER BY name";

static const char meta[] =
        "INSERT INTO out.meta SELECT 'flaws', count(DISTINCT flaw) FROM out.name;"
        "INSERT INTO out.meta SELECT 'newest', ifnull(max(newest), 0) FROM out.source;"
        "INSERT INTO out.meta SELECT 'packages', count(*) FROM out.package;"
        "INSERT INTO out.meta SELECT 'ranges', count(*) FROM out.affected;";

static int write_all(struct stage *s, struct numbering *n, struct err *e)
{
	return add_functions(s, n, e) || numbering_make(s, n, e) ||
	                       sql_exec(&s->sql, releases, e) || write_packages(s, n, e) ||
	                       write_texts(s, n, e) || write_affected(s, e) ||
	                       sql_exec(&s->sql, counts_of_releases, e) || write_flaws(s, e) ||
	                       sql_exec(&s->sql, ratings, e) || sql_exec(&s->sql, sources, e) ||
	                       sql_exec(&s->sql, meta, e)
	               ? -1
	               : 0;
}

static const char attach[] =
        "COMMIT; ATTACH DATABASE '' AS out; PRAGMA out.page_size=8192; PRAGMA out.cache_size=-4096;"
        "PRAGMA out.journal_mode=OFF; PRAGMA out.synchronous=OFF;" ADVISORY_SCHEMA("out") "BEGIN;";

static int begin(struct stage *s, struct err *e)
{
	char format[100];
	snprintf(format, sizeof(format), "PRAGMA out.user_version=%d; PRAGMA out.application_id=%d",
	        ADVISORIES_FORMAT, ADVISORY_APPLICATION_ID);
	return sql_exec(&s->sql, attach, e) || sql_exec(&s->sql, format, e) ? -1 : 0;
}

int stage_compile(struct stage *s, const char *path, struct err *e)
{
	struct numbering n = {0};
	int rc = begin(s, e) || write_all(s, &n, e) || sql_exec(&s->sql, "COMMIT", e);
	numbering_release(&n);
	return rc || sql_run(&s->sql, e, "VACUUM out INTO ?", "t", path) ? -1 : 0;
}
