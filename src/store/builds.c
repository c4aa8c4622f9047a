// SPDX-License-Identifier: Apache-2.0
// Build records, and what a step is compared with that has no record of its own.

#include "base/buf.h"
#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "store/db-int.h"
#include <string.h>

#define BUILDS_KEPT 200
#define CACHED_KEPT 50 // of them, of builds that ran nothing: they say the least
#define SECONDS_MAX INT64_C(1000000000000) // a time below it is one of an older hew
#define BUILDS_SLACK 100                   // before it is worth while to look for what can go

// ---- what goes

// The time of one that was repeated is that of a file, until it decides what goes.
static int note_repeats(struct store *s, struct err *e)
{
	int rc = -1;
	auto_strv struct strv ids = {0};
	sqlite3_stmt *st = db_query(s, e, "SELECT id FROM builds", "");
	while (st && (rc = db_row(s, st, e)) == 1)
		strv_add(&ids, db_column_text(st, 0));
	for (size_t i = 0; rc == 0 && i < ids.n; i++) {
		int64_t last = log_last_time(s, ids.v[i]);
		if (last)
			rc = db_run(s, e, "UPDATE builds SET at = max(at, ?) WHERE id = ?", "it",
			        last, ids.v[i]);
	}
	return rc;
}

// Logs of records that went go with them.
static int trim(struct store *s, struct err *e)
{
	int64_t n = 0;
	if (db_int(s, e, &n, "SELECT count(*) FROM builds", "") < 0)
		return -1;
	if (n <= BUILDS_KEPT + BUILDS_SLACK)
		return 0;
	if (note_repeats(s, e) < 0 ||
	        db_run(s, e,
	                "DELETE FROM builds WHERE id IN (SELECT id FROM builds WHERE "
	                "json_valid(json) "
	                "AND "
	                "json_extract(json, '$.all_cached') ORDER BY at DESC, rowid DESC LIMIT -1 "
	                "OFFSET "
	                "?)",
	                "i", (int64_t)CACHED_KEPT) < 0 ||
	        db_run(s, e,
	                "DELETE FROM builds WHERE id IN (SELECT id FROM builds ORDER BY at DESC, "
	                "rowid DESC LIMIT -1 OFFSET ?)",
	                "i", (int64_t)BUILDS_KEPT) < 0)
		return -1;
	return sweep_logs(s, e);
}

static int put(struct store *s, const char *id, const char *json, struct err *e)
{
	return db_run(s, e,
	        "INSERT INTO builds(id, json, at) VALUES(?, ?, ?) ON CONFLICT(id) DO UPDATE SET "
	        "json = excluded.json",
	        "tti", id, json, clock_real_ns());
}

int store_build_put(struct store *s, const char *id, const char *json, struct err *e)
{
	if (store_need_write(s, e) < 0 || db_begin(s, e) < 0)
		return -1;
	if (put(s, id, json, e) < 0 || trim(s, e) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}

// The file comes inside the transaction of its row, as all files do.
int store_build_begin(struct store *s, const char *id, const char *json, struct err *e)
{
	if (store_need_write(s, e) < 0 || db_begin(s, e) < 0)
		return -1;
	auto_fd int fd = put(s, id, json, e) < 0 || trim(s, e) < 0 ? -1 : log_create(s, id, e);
	if (fd < 0)
		return db_abandon(s);
	if (db_commit(s, e) < 0)
		return -1;
	logs_trim(s);
	return steal_fd(&fd);
}

int store_build_remove(struct store *s, const char *id, struct err *e)
{
	if (store_need_write(s, e) < 0 || db_begin(s, e) < 0)
		return -1;
	if (log_is_locked(s, id)) {
		db_rollback(s);
		return err_set(e, ERR_USAGE, "build %s is still running", id);
	}
	if (db_run(s, e, "DELETE FROM builds WHERE id = ?", "t", id) < 0 || log_remove(s, id, e))
		return db_abandon(s);
	if (db_commit(s, e))
		return -1;
	log_untouch(s, id); // again: until now the build could be repeated
	return 0;
}

// ---- reading

void build_row_release(struct build_row *r)
{
	free(r->id);
	free(r->json);
	*r = (struct build_row){0};
}

void build_list_release(struct build_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		build_row_release(&l->v[i]);
	free(l->v);
	*l = (struct build_list){0};
}

static void take_build(struct store *s, sqlite3_stmt *st, struct build_row *ret)
{
	const char *id = db_column_text(st, 0), *json = db_column_text(st, 1);
	*ret = (struct build_row){.id = xstrdup(id ? id : ""),
	        .json = xstrdup(json ? json : "{}"),
	        .at_ns = sqlite3_column_int64(st, 2)};
	if (ret->at_ns < SECONDS_MAX)
		ret->at_ns *= 1000000000;
	ret->running = log_is_locked(s, ret->id);
	int64_t last = log_last_time(s, ret->id);
	ret->at_ns = last > ret->at_ns ? last : ret->at_ns;
}

bool store_build_repeat(struct store *s, const char *id)
{
	struct err ignored;
	int64_t one;
	if (!store_writable(s) || !log_touch(s, id))
		return false;
	db_lock(s);
	int found = db_int(s, &ignored, &one, "SELECT 1 FROM builds WHERE id = ?", "t", id);
	db_unlock(s);
	if (found != 1)
		log_untouch(s, id);
	return found == 1;
}

// In the order of the rows, where the times are the same: oldest first.
static int by_time(const void *a, const void *b)
{
	const struct build_row *x = a, *y = b;
	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? 1 : -1;
	return y->place - x->place;
}

int store_build_list(struct store *s, struct build_list *ret, struct err *e)
{
	*ret = (struct build_list){0};
	db_lock(s);
	sqlite3_stmt *st = db_query(s, e, "SELECT id, json, at FROM builds ORDER BY at, rowid", "");
	int rc = st ? db_row(s, st, e) : -1;
	while (rc == 1) {
		ret->v = xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
		take_build(s, st, &ret->v[ret->n]);
		ret->v[ret->n].place = (int)ret->n;
		ret->n++;
		rc = db_row(s, st, e);
	}
	db_unlock(s);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_time);
	return rc;
}

static int no_build(const char *which, struct err *e)
{
	if (!which)
		return err_set(e, ERR_NOT_FOUND, "there is no record of a build yet");
	return err_set(e, ERR_NOT_FOUND, "no such build: %s (hew builds ls lists them)", which);
}

static int find_nth(
        struct store *s, const char *which, uint64_t back, struct build_row *ret, struct err *e)
{
	struct build_list list = {0};
	int rc = store_build_list(s, &list, e);
	if (rc == 0 && back < list.n) {
		*ret = list.v[back];
		list.v[back] = (struct build_row){0};
	} else if (rc == 0) {
		rc = no_build(which, e);
	}
	build_list_release(&list);
	return rc;
}

// At most two, which is enough to know that it is not one.
static int find_by_id(struct store *s, const char *id, struct build_row *ret, struct err *e)
{
	struct build_row found[2] = {{0}, {0}};
	int n = 0, rc = -1;
	db_lock(s);
	sqlite3_stmt *st = db_query(s, e,
	        "SELECT id, json, at FROM builds WHERE substr(id, 1, length(?)) = ? ORDER BY id = "
	        "? DESC LIMIT 2",
	        "ttt", id, id, id);
	while (st && (rc = db_row(s, st, e)) == 1)
		take_build(s, st, &found[n++]);
	db_unlock(s);
	if (rc == 0 && n == 0)
		rc = no_build(id, e);
	else if (rc == 0 && n == 2 && strcmp(found[0].id, id) != 0)
		rc = err_set(e, ERR_USAGE, "'%s' begins the ids of several builds", id);
	if (rc == 0)
		*ret = found[0];
	else
		build_row_release(&found[0]);
	build_row_release(&found[1]);
	return rc;
}

int store_build_find(struct store *s, const char *which, struct build_row *ret, struct err *e)
{
	uint64_t back = 0;
	if (!which || (*which == '^' && str_to_u64(which + 1, &back)))
		return find_nth(s, which, back, ret, e);
	return *which ? find_by_id(s, which, ret, e) : no_build(which, e);
}

// ---- what a step may have been before

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
	db_lock(s);
	sqlite3_stmt *st = db_query(s, e,
	        "SELECT key, diff_id, components, name FROM steps WHERE rowid IN ("
	        "SELECT rowid FROM (SELECT rowid FROM steps WHERE " STEP_PLACE(
	                "name") " = " STEP_PLACE("?1") " ORDER BY rowid DESC LIMIT ?2) UNION "
	                                               "SELECT rowid FROM (SELECT rowid FROM steps "
	                                               "WHERE " STEP_WORDS("name") " = " STEP_WORDS(
	                                                       "?1") " ORDER BY rowid DESC LIMIT "
	                                                             "?2)) ORDER BY rowid DESC "
	                                                             "LIMIT ?2",
	        "ti", name, (int64_t)max);
	int rc = st ? db_row(s, st, e) : -1;
	while (rc == 1) {
		take_row(st, ret);
		rc = db_row(s, st, e);
	}
	db_unlock(s);
	return rc;
}
