// SPDX-License-Identifier: Apache-2.0
// The database connection: statements prepared once, short transactions, errors in our words.
// One connection a process, guarded by db_mutex.
#pragma once

#include "store/store-int.h"
#include <sqlite3.h>

// Of a step's name, "[builder 2/5] RUN make": its place "[builder 2/" and the begin of its
// instruction "RUN make". Indexed; so these expressions are part of the schema.
#define STEP_PLACE(name) "substr(" name ", 1, instr(" name ", '/'))"
#define STEP_WORDS(name) "substr(" name ", instr(" name ", '] ') + 2, 200)"

int db_open(struct store *s, bool create, struct err *e);
void db_close(struct store *s);
void db_fold(struct store *s); // empties the log; for quiet moments
int db_sync(struct store *s);  // what is committed reaches the disk; -1 with errno
int db_user_version(struct store *s, int *ret, struct err *e);
int db_upgrade(struct store *s, struct err *e); // to SCHEMA_VERSION
int db_create_schema(struct store *s, struct err *e);
int db_exec(struct store *s, const char *sql, struct err *e);

void db_lock(struct store *s);
void db_unlock(struct store *s);
// Locks and begins an IMMEDIATE transaction. Ends with exactly one of the three below.
int db_begin(struct store *s, struct err *e);
int db_commit(struct store *s, struct err *e); // on failure rolled back and the store marked dirty
void db_rollback(struct store *s);             // nothing was done
int db_abandon(struct store *s);               // after a failure: files may lie about; returns -1

// All with the database locked. sql is a literal: statements are kept by its address.
// fmt, one character a parameter: h const struct hash * (NULL: null), t const char * (NULL: null),
// i int64_t.
sqlite3_stmt *db_query(struct store *s, struct err *e, const char *sql, const char *fmt, ...);
int db_row(struct store *s, sqlite3_stmt *st, struct err *e); // 1 row, 0 end, -1; resets unless 1
void db_done(sqlite3_stmt *st);                               // before the end was reached
int db_run(struct store *s, struct err *e, const char *sql, const char *fmt, ...);
// The first column of the first row: 1; 0: there is no row, and *ret stays; -1.
int db_int(struct store *s, struct err *e, int64_t *ret, const char *sql, const char *fmt, ...);
bool db_column_hash(sqlite3_stmt *st, int column, struct hash *ret); // false: null or no hash
uint64_t db_column_u64(sqlite3_stmt *st, int column);
const char *db_column_text(sqlite3_stmt *st, int column); // NULL for null
