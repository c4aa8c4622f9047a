// SPDX-License-Identifier: Apache-2.0
// What a database is made of.
#include "advisory/database-int.h"

#include <stdio.h>
#include <string.h>

#define ROWS_MAX 100000 // of a database from elsewhere

void advisories_info_release(struct advisories_info *i)
{
	free(i->sources);
	free(i->counts);
	arena_release(&i->arena);
	*i = (struct advisories_info){0};
}

static void *grow(void *v, size_t n, size_t size)
{
	return (n & (n - 1)) == 0 ? xreallocarray(v, n ? 2 * n : 1, size) : v;
}

static const char *text_or_empty(struct advisories_info *i, sqlite3_stmt *st, int column)
{
	const char *text = advisory_text(&i->arena, st, column);
	return text ? text : "";
}

static int read_sources(struct advisories *db, struct advisories_info *i, struct err *e)
{
	int rc;
	sqlite3_stmt *st = sql_query(&db->sql, e,
	        "SELECT name, records, withdrawn, newest FROM source ORDER BY name LIMIT ?", "i",
	        (int64_t)ROWS_MAX);
	if (!st)
		return -1;
	while ((rc = sql_row(&db->sql, st, e)) > 0) {
		i->sources = grow(i->sources, i->n_sources, sizeof(*i->sources));
		struct advisory_source *s = &i->sources[i->n_sources++];
		*s = (struct advisory_source){.name = text_or_empty(i, st, 0),
		        .records = sqlite3_column_int64(st, 1),
		        .withdrawn = sqlite3_column_int64(st, 2)};
		advisory_date(sqlite3_column_int64(st, 3), s->newest);
	}
	return rc;
}

static int read_counts(struct advisories *db, struct advisories_info *i, struct err *e)
{
	int rc;
	sqlite3_stmt *st = sql_query(&db->sql, e,
	        "SELECT ecosystem, release, codename, end_of_life, packages, ranges FROM release"
	        " ORDER BY ecosystem, release LIMIT ?",
	        "i", (int64_t)ROWS_MAX);
	if (!st)
		return -1;
	while ((rc = sql_row(&db->sql, st, e)) > 0) {
		i->counts = grow(i->counts, i->n_counts, sizeof(*i->counts));
		struct advisory_count *c = &i->counts[i->n_counts++];
		*c = (struct advisory_count){.ecosystem = text_or_empty(i, st, 0),
		        .release = text_or_empty(i, st, 1),
		        .codename = text_or_empty(i, st, 2),
		        .packages = sqlite3_column_int64(st, 4),
		        .ranges = sqlite3_column_int64(st, 5)};
		snprintf(c->end_of_life, sizeof(c->end_of_life), "%s", text_or_empty(i, st, 3));
	}
	return rc;
}

int advisories_info(struct advisories *db, struct advisories_info *ret, struct err *e)
{
	*ret = (struct advisories_info){0};
	if (!sql_int(&db->sql, e, &ret->flaws, "SELECT value FROM meta WHERE key='flaws'", "") &&
	        !sql_int(&db->sql, e, &ret->ranges, "SELECT value FROM meta WHERE key='ranges'",
	                "") &&
	        !sql_int(&db->sql, e, &ret->packages, "SELECT value FROM meta WHERE key='packages'",
	                "") &&
	        !read_sources(db, ret, e) && !read_counts(db, ret, e))
		return 0;
	advisories_info_release(ret);
	return -1;
}
