// SPDX-License-Identifier: Apache-2.0
// SQLite for this room: statements prepared once, parameters by format, errors in our words.
#pragma once

#include <sqlite3.h>
#include <stdint.h>

struct err;
struct sql_statement;

struct sql {
	sqlite3 *db;
	const char *what; // "compile the advisory database", for messages; borrowed
	struct sql_statement *statements;
	int n_statements;
};

// path "": a database of its own that goes with the connection, on the disk when it is large.
int sql_open(struct sql *s, const char *path, int flags, struct err *e);
void sql_close(struct sql *s);
int sql_fail(struct sql *s, struct err *e); // -1, *e says why
int sql_exec(struct sql *s, const char *statements, struct err *e);
// sql is a literal: statements are kept by its address. fmt, one character a parameter:
// t const char * (NULL: null), i int64_t, o int64_t (0: null). The texts have to stay until the
// statement is done.
sqlite3_stmt *sql_query(struct sql *s, struct err *e, const char *sql, const char *fmt, ...);
int sql_row(struct sql *s, sqlite3_stmt *st, struct err *e); // 1 row, 0 end, -1; resets unless 1
int sql_run(struct sql *s, struct err *e, const char *sql, const char *fmt, ...);
// The first column of the first row; *ret stays as it is if there is none.
int sql_int(struct sql *s, struct err *e, int64_t *ret, const char *sql, const char *fmt, ...);
const char *sql_text(sqlite3_stmt *st, int column); // NULL for null
