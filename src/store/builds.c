// SPDX-License-Identifier: Apache-2.0
// Build records, and what a step is compared with that has no record of its own.

#include "base/err.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "store/db-int.h"
#include <string.h>

#define BUILDS_KEPT 200

int store_build_put(struct store *s, const char *id, const char *json, struct err *e)
{
	if (db_begin(s, e) < 0)
		return -1;
	if (db_run(s, e, "INSERT OR REPLACE INTO builds(id, json, at) VALUES(?, ?, ?)", "tti", id,
	            json, time_now().sec) < 0 ||
	        db_run(s, e,
	                "DELETE FROM builds WHERE id IN (SELECT id FROM builds ORDER BY at DESC, "
	                "rowid DESC LIMIT -1 OFFSET ?)",
	                "i", (int64_t)BUILDS_KEPT) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}

int store_build_last(struct store *s, char **ret_json, struct err *e)
{
	*ret_json = NULL;
	db_lock(s);
	sqlite3_stmt *st =
	        db_query(s, e, "SELECT json FROM builds ORDER BY at DESC, rowid DESC LIMIT 1", "");
	int rc = st ? db_row(s, st, e) : -1;
	if (rc == 1) {
		const char *json = db_column_text(st, 0);
		*ret_json = json ? xstrdup(json) : NULL;
		db_done(st);
	}
	db_unlock(s);
	return rc;
}

// ---- what a step may have been before

// "[builder 2/5] RUN make": the place is "[builder 2/", the instruction "RUN make".
static char *place_of(const char *name)
{
	const char *slash = strchr(name, '/');
	return slash ? xstrndup(name, (size_t)(slash + 1 - name)) : xstrdup(name);
}

static const char *instruction_of(const char *name)
{
	const char *end = strstr(name, "] ");
	return end ? end + 2 : name;
}

static void take_row(sqlite3_stmt *st, struct step_list *ret)
{
	struct hash key;
	struct step_record r = {.components = (char *)(uintptr_t)db_column_text(st, 2),
	        .name = (char *)(uintptr_t)db_column_text(st, 3)};
	r.has_layer = db_column_hash(st, 1, &r.diff_id.h);
	if (r.components && r.name && db_column_hash(st, 0, &key))
		step_list_add(ret, &key, &r);
}

int store_steps_like(
        struct store *s, const char *name, size_t max, struct step_list *ret, struct err *e)
{
	auto_free char *place = place_of(name);
	db_lock(s);
	sqlite3_stmt *st = db_query(s, e,
	        "SELECT key, diff_id, components, name FROM steps WHERE substr(name, 1, length(?)) "
	        "= ? OR substr(name, instr(name, '] ') + 2) = ? ORDER BY rowid DESC LIMIT ?",
	        "ttti", place, place, instruction_of(name), (int64_t)max);
	int rc = st ? db_row(s, st, e) : -1;
	while (rc == 1) {
		take_row(st, ret);
		rc = db_row(s, st, e);
	}
	db_unlock(s);
	return rc;
}
