// SPDX-License-Identifier: Apache-2.0
// What was found out about a layer and takes longer to find out again than to read.

#include "base/err.h"
#include "base/mem.h"
#include "store/db-int.h"

int store_layer_note_get(struct store *s, const struct digest *diff_id, const char *kind,
        struct buf *ret, struct err *e)
{
	db_lock(s);
	sqlite3_stmt *st =
	        db_query(s, e, "SELECT text FROM layer_notes WHERE diff_id = ? AND kind = ?", "ht",
	                &diff_id->h, kind);
	int rc = st ? db_row(s, st, e) : -1;
	if (rc == 1) {
		const char *text = db_column_text(st, 0);
		buf_puts(ret, text ? text : "");
		db_done(st);
	}
	db_unlock(s);
	return rc;
}

int store_layer_note_put(struct store *s, const struct digest *diff_id, const char *kind,
        const char *text, struct err *e)
{
	if (db_begin(s, e) < 0)
		return -1;
	if (db_run(s, e, "INSERT OR REPLACE INTO layer_notes(diff_id, kind, text) VALUES(?, ?, ?)",
	            "htt", &diff_id->h, kind, text) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}
