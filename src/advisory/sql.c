// SPDX-License-Identifier: Apache-2.0
// The connection and its statements.
#include "advisory/sql-int.h"

#include "base/cancel.h"
#include "base/err.h"
#include "base/mem.h"
#include <errno.h>
#include <stdarg.h>

struct sql_statement {
	const char *sql;
	sqlite3_stmt *st;
};

#define STATEMENTS_MAX 64
#define STEPS_BETWEEN_LOOKS 100000 // whether Ctrl-C was pressed

int sql_fail(struct sql *s, struct err *e)
{
	int code = s->db ? sqlite3_errcode(s->db) & 0xff : SQLITE_NOMEM;
	int sys = s->db ? sqlite3_system_errno(s->db) : 0;
	const char *text = s->db ? sqlite3_errmsg(s->db) : "out of memory";
	if (code == SQLITE_INTERRUPT && cancel_check(e))
		return -1;
	if (code == SQLITE_FULL)
		return err_set(e, ERR_SPACE, "%s: No space left on device", s->what);
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		return err_set(e, ERR_CORRUPT, "%s: %s", s->what, text);
	if ((code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && sys) {
		errno = sys;
		return err_sys(e, "%s", s->what);
	}
	return err_set(e, ERR_FAIL, "%s: %s", s->what, text);
}

static int stop(void *arg)
{
	return cancel_requested();
}

int sql_open(struct sql *s, const char *path, int flags, struct err *e)
{
	s->statements = xcalloc(STATEMENTS_MAX, sizeof(*s->statements));
	if (sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL))
		return sql_fail(s, e);
	sqlite3_progress_handler(s->db, STEPS_BETWEEN_LOOKS, stop, NULL);
	return 0;
}

void sql_close(struct sql *s)
{
	for (int i = 0; i < s->n_statements; i++)
		sqlite3_finalize(s->statements[i].st);
	free(s->statements);
	sqlite3_close(s->db);
	*s = (struct sql){.what = s->what};
}

int sql_exec(struct sql *s, const char *statements, struct err *e)
{
	return sqlite3_exec(s->db, statements, NULL, NULL, NULL) ? sql_fail(s, e) : 0;
}

static sqlite3_stmt *prepare(struct sql *s, const char *sql, struct err *e)
{
	for (int i = 0; i < s->n_statements; i++)
		if (s->statements[i].sql == sql)
			return s->statements[i].st;
	sqlite3_stmt *st = NULL;
	if (s->n_statements == STATEMENTS_MAX)
		abort(); // a statement that is no literal
	if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL)) {
		sql_fail(s, e);
		return NULL;
	}
	s->statements[s->n_statements++] = (struct sql_statement){sql, st};
	return st;
}

static sqlite3_stmt *vquery(
        struct sql *s, const char *sql, const char *fmt, va_list ap, struct err *e)
{
	sqlite3_stmt *st = prepare(s, sql, e);
	for (int i = 1; st && *fmt; fmt++, i++) {
		if (*fmt == 't') {
			const char *text = va_arg(ap, const char *);
			sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
			continue;
		}
		int64_t v = va_arg(ap, int64_t);
		if (*fmt == 'o' && v == 0)
			sqlite3_bind_null(st, i);
		else
			sqlite3_bind_int64(st, i, v);
	}
	return st;
}

sqlite3_stmt *sql_query(struct sql *s, struct err *e, const char *sql, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	sqlite3_stmt *st = vquery(s, sql, fmt, ap, e);
	va_end(ap);
	return st;
}

int sql_row(struct sql *s, sqlite3_stmt *st, struct err *e)
{
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		sql_fail(s, e);
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? 0 : -1;
}

int sql_run(struct sql *s, struct err *e, const char *sql, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	sqlite3_stmt *st = vquery(s, sql, fmt, ap, e);
	va_end(ap);
	return st ? sql_row(s, st, e) : -1;
}

int sql_int(struct sql *s, struct err *e, int64_t *ret, const char *sql, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	sqlite3_stmt *st = vquery(s, sql, fmt, ap, e);
	va_end(ap);
	int rc = st ? sql_row(s, st, e) : -1;
	if (rc > 0) {
		*ret = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
		return 0;
	}
	return rc;
}

const char *sql_text(sqlite3_stmt *st, int column)
{
	return (const char *)sqlite3_column_text(st, column);
}
