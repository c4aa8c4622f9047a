// SPDX-License-Identifier: Apache-2.0
// Which names mean the same flaw. Aliases are symmetric and transitive (OSV schema), so the names
// are the nodes of a graph and a flaw is what hangs together: union and find, four bytes a name.
// Numbers are given by the order of texts, so that the same records make the same database in
// whatever order they came.
#include "advisory/compile-int.h"

#include "base/err.h"

void numbering_release(struct numbering *n)
{
	free(n->parent);
	free(n->flaw);
	free(n->name);
	free(n->package);
	free(n->text);
	free(n->use);
	free(n->version);
}

static uint32_t find(const struct numbering *n, uint32_t i)
{
	while (n->parent[i] != i) {
		n->parent[i] = n->parent[n->parent[i]];
		i = n->parent[i];
	}
	return i;
}

uint32_t numbering_flaw(const struct numbering *n, int64_t name)
{
	return n->use[name] & COVERS_OTHERS ? 0 : n->flaw[find(n, (uint32_t)name)];
}

static int measure(struct stage *s, struct numbering *n, struct err *e)
{
	if (sql_int(&s->sql, e, &n->n_names, "SELECT max(id) FROM name", "") ||
	        sql_int(&s->sql, e, &n->n_packages, "SELECT max(id) FROM package", "") ||
	        sql_int(&s->sql, e, &n->n_texts, "SELECT max(id) FROM text", ""))
		return -1;
	n->n_versions = s->version;
	int64_t most = n->n_names > n->n_packages ? n->n_names : n->n_packages;
	if (most >= UINT32_MAX || n->n_texts >= UINT32_MAX)
		return err_set(e, ERR_UNSUPPORTED, "more than 4 billion names");
	n->parent = xreallocarray(NULL, (size_t)n->n_names + 1, sizeof(*n->parent));
	for (int64_t i = 0; i <= n->n_names; i++)
		n->parent[i] = (uint32_t)i;
	n->flaw = xcalloc((size_t)n->n_names + 1, sizeof(*n->flaw));
	n->name = xcalloc((size_t)n->n_names + 1, sizeof(*n->name));
	n->use = xcalloc((size_t)n->n_names + 1, 1);
	n->package = xcalloc((size_t)n->n_packages + 1, sizeof(*n->package));
	n->text = xcalloc((size_t)n->n_texts + 1, sizeof(*n->text));
	n->version = xcalloc((size_t)n->n_versions + 1, 1);
	return 0;
}

// Version 0 is that of feeds without versions.
static int find_versions(struct stage *s, struct numbering *n, struct err *e)
{
	int rc;
	n->version[0] = 1;
	sqlite3_stmt *st =
	        sql_query(&s->sql, e, "SELECT version FROM record WHERE NOT withdrawn", "");
	if (!st)
		return -1;
	while ((rc = sql_row(&s->sql, st, e)) > 0)
		n->version[sqlite3_column_int64(st, 0)] = 1;
	return rc;
}

static int join_aliases(struct stage *s, struct numbering *n, struct err *e)
{
	int rc;
	sqlite3_stmt *st =
	        sql_query(&s->sql, e, "SELECT record, name, version, kind FROM link", "");
	if (!st)
		return -1;
	while ((rc = sql_row(&s->sql, st, e)) > 0) {
		uint32_t a = (uint32_t)sqlite3_column_int64(st, 0);
		if (!n->version[sqlite3_column_int64(st, 2)])
			continue;
		if (sqlite3_column_int(st, 3) == STAGE_COVERS) {
			n->use[a] |= COVERS_OTHERS;
			continue;
		}
		a = find(n, a);
		n->parent[a] = find(n, (uint32_t)sqlite3_column_int64(st, 1));
	}
	return rc;
}

static int find_used(struct stage *s, struct numbering *n, struct err *e)
{
	int rc;
	sqlite3_stmt *st = sql_query(&s->sql, e, "SELECT record, package, version FROM range", "");
	if (!st)
		return -1;
	while ((rc = sql_row(&s->sql, st, e)) > 0) {
		uint32_t record = (uint32_t)sqlite3_column_int64(st, 0);
		if (!n->version[sqlite3_column_int64(st, 2)])
			continue;
		n->package[sqlite3_column_int64(st, 1)] = 1;
		n->use[record] |= USED_RECORD;
		if (!(n->use[record] & COVERS_OTHERS))
			n->use[find(n, record)] |= USED_FLAW;
	}
	if (rc < 0)
		return -1;
	st = sql_query(&s->sql, e, "SELECT record, name, version FROM link WHERE kind=1", "");
	if (!st)
		return -1;
	while ((rc = sql_row(&s->sql, st, e)) > 0)
		if (n->version[sqlite3_column_int64(st, 2)] &&
		        n->use[sqlite3_column_int64(st, 0)] & USED_RECORD)
			n->use[find(n, (uint32_t)sqlite3_column_int64(st, 1))] |= USED_FLAW;
	return rc;
}

// Where a name goes: with its flaw, in the order of flaws' first names; or behind all flaws.
static void order_of(sqlite3_context *c, int n_args, sqlite3_value **args)
{
	const struct numbering *n = sqlite3_user_data(c);
	uint32_t i = (uint32_t)sqlite3_value_int64(args[0]), root = find(n, i);
	if (n->use[i] & COVERS_OTHERS) {
		if (n->use[i] & USED_RECORD)
			sqlite3_result_int64(c, UINT32_MAX);
	} else if (n->use[root] & USED_FLAW) {
		sqlite3_result_int64(c, n->flaw[root]);
	}
}

static int order_flaws(struct stage *s, struct numbering *n, struct err *e)
{
	int rc;
	uint32_t order = 0;
	sqlite3_stmt *st = sql_query(&s->sql, e, "SELECT id FROM name ORDER BY rank, text", "");
	if (!st)
		return -1;
	while ((rc = sql_row(&s->sql, st, e)) > 0) {
		uint32_t i = (uint32_t)sqlite3_column_int64(st, 0), root = find(n, i);
		if (!(n->use[i] & COVERS_OTHERS) && n->use[root] & USED_FLAW && !n->flaw[root])
			n->flaw[root] = ++order;
	}
	return rc;
}

static int write_names(struct stage *s, struct numbering *n, struct err *e)
{
	int rc;
	int64_t id = 0, before = 0, flaw = 0;
	sqlite3_stmt *st = sql_query(&s->sql, e,
	        "SELECT order_of(id) AS o, id, text FROM name WHERE o IS NOT NULL"
	        " ORDER BY o, rank, text",
	        "");
	if (!st)
		return -1;
	while ((rc = sql_row(&s->sql, st, e)) > 0) {
		int64_t order = sqlite3_column_int64(st, 0);
		uint32_t name = (uint32_t)sqlite3_column_int64(st, 1);
		id++;
		flaw = order == UINT32_MAX ? 0 : order == before ? flaw : id;
		before = order;
		n->name[name] = (uint32_t)id;
		if (sql_run(&s->sql, e, "INSERT INTO out.name VALUES(?,?,?)", "iot", id, flaw,
		            sql_text(st, 2)))
			return -1;
	}
	return rc;
}

// So far n->flaw has the place of a flaw among the others; from here on its number, which is that
// of its first name.
static void number_flaws(struct numbering *n)
{
	uint32_t *first = xcalloc((size_t)n->n_names + 2, sizeof(*first));
	for (int64_t i = 1; i <= n->n_names; i++) {
		if (!n->name[i] || n->use[i] & COVERS_OTHERS)
			continue;
		uint32_t order = n->flaw[find(n, (uint32_t)i)];
		if (!first[order] || n->name[i] < first[order])
			first[order] = n->name[i];
	}
	for (int64_t i = 1; i <= n->n_names; i++)
		n->flaw[i] = first[n->flaw[i]];
	free(first);
}

static int write_covers(struct stage *s, struct numbering *n, struct err *e)
{
	return sql_exec(&s->sql,
	        "INSERT INTO out.covers SELECT DISTINCT number_of(record) AS r, flaw_of(name) AS f"
	        " FROM link WHERE kind=1 AND counts(version) AND r>0 AND f>0 ORDER BY r, f",
	        e);
}

int numbering_make(struct stage *s, struct numbering *n, struct err *e)
{
	if (measure(s, n, e) || find_versions(s, n, e) || join_aliases(s, n, e) ||
	        find_used(s, n, e) || order_flaws(s, n, e))
		return -1;
	if (sqlite3_create_function(s->sql.db, "order_of", 1, SQLITE_UTF8, n, order_of, NULL, NULL))
		return sql_fail(&s->sql, e);
	if (write_names(s, n, e))
		return -1;
	number_flaws(n);
	return write_covers(s, n, e);
}
