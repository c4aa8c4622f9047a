// SPDX-License-Identifier: Apache-2.0
// The database connection. WAL, because a build writes while others read; the log is kept when the
// connection closes (creating and deleting files costs more than the rows) and is folded in by
// db_sync, store_reap and by SQLite itself when it grows. synchronous=NORMAL: a power cut may lose
// the last transactions, never their order; store_sync makes them durable.

#include "base/cancel.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/mem.h"
#include "store/db-int.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_LIMIT_MS 60000
#define LOG_PAGES \
	256 // the first to open reads the whole log: 1 MiB of it costs about a millisecond

struct db_statement {
	const char *sql;
	sqlite3_stmt *st;
};

static int db_fail(struct store *s, const char *what, struct err *e)
{
	int code = s->db ? sqlite3_extended_errcode(s->db) : SQLITE_NOMEM;
	int sys = s->db ? sqlite3_system_errno(s->db) : 0;
	const char *text = s->db ? sqlite3_errmsg(s->db) : "out of memory";
	switch (code & 0xff) {
	case SQLITE_FULL:
		return err_set(
		        e, ERR_SPACE, "%s '%s/hew.db': No space left on device", what, s->root);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		if (cancel_requested())
			return err_set(
			        e, ERR_CANCELLED, "%s '%s/hew.db': cancelled", what, s->root);
		return err_set(e, ERR_FAIL,
		        "%s '%s/hew.db': another process has held its lock for %d seconds", what,
		        s->root, BUSY_LIMIT_MS / 1000);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return err_set(e, ERR_CORRUPT,
		        "%s '%s/hew.db': %s: set HEW_ROOT to another folder, 'hew load -i %s' "
		        "takes over the images",
		        what, s->root, text, s->root);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		if (sys) {
			errno = sys;
			return err_sys(e, "%s '%s/hew.db'", what, s->root);
		}
	}
	return err_set(e, ERR_FAIL, "%s '%s/hew.db': %s", what, s->root, text);
}

// Waits for another process's transaction, which is short; Ctrl-C ends the wait.
static int busy(void *arg, int count)
{
	int *waited = arg;
	if (count == 0)
		*waited = 0;
	if (*waited >= BUSY_LIMIT_MS || cancel_requested())
		return 0;
	int ms = count < 5 ? 1 : count < 20 ? 5 : 25;
	struct pollfd pfd = {.fd = cancel_fd(), .events = POLLIN};
	poll(&pfd, 1, ms);
	*waited += ms;
	return 1;
}

// Folds the log into the database and empties it, unless that would mean waiting for somebody.
void db_fold(struct store *s)
{
	db_lock(s);
	sqlite3_busy_handler(s->db, NULL, NULL);
	sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_handler(s->db, busy, &s->busy_ms);
	db_unlock(s);
}

// The log, not the database: closing any descriptor of hew.db itself would drop SQLite's locks on
// it. A rollback journal has nothing to sync, its commits do that. The disk being waited for
// anyway, the log is folded in: the next command then finds none to read.
int db_sync(struct store *s)
{
	auto_fd int fd = openat(s->root_fd, "hew.db-wal", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (fdatasync(fd) < 0)
		return -1;
	db_fold(s);
	return 0;
}

int db_exec(struct store *s, const char *sql, struct err *e)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_fail(s, "write", e);
	return 0;
}

// A store in a folder that may not be written, closed cleanly: no log, so the file alone is all.
static int open_immutable(struct store *s, struct err *e)
{
	struct stat st;
	if (fstatat(s->root_fd, "hew.db-wal", &st, 0) == 0 && st.st_size > 0)
		return db_fail(s, "open", e);
	sqlite3_close(s->db);
	s->db = NULL;
	auto_buf struct buf uri = {0};
	buf_puts(&uri, "file:");
	for (const char *p = s->root; *p; p++)
		buf_printf(&uri, strchr("?#%", *p) ? "%%%02x" : "%c", (unsigned char)*p);
	buf_puts(&uri, "/hew.db?immutable=1");
	int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
	if (sqlite3_open_v2(uri.p, &s->db, flags, NULL) != SQLITE_OK)
		return db_fail(s, "open", e);
	return 0;
}

static int set_up(struct store *s, struct err *e)
{
	int on = 1;
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_handler(s->db, busy, &s->busy_ms);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_file_control(s->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &on);
	if (!store_writable(s))
		return 0;
	sqlite3_wal_autocheckpoint(s->db, LOG_PAGES);
	if (db_exec(s, "PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY", e) < 0)
		return -1;
	if (s->network_fs) // the log's index needs memory shared by all
		return db_exec(s, "PRAGMA journal_mode=TRUNCATE", e);
	return 0;
}

// Before SQLite does, which lets others read it; the log and its index take the mode from it. One
// that is there must not be opened: closing it would drop the locks of a connection of ours.
static void make_private(struct store *s)
{
	auto_fd int fd = openat(s->root_fd, "hew.db", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	(void)fd;
}

int db_open(struct store *s, bool create, struct err *e)
{
	auto_free char *path = xasprintf("%s/hew.db", s->root);
	int flags = SQLITE_OPEN_NOMUTEX;
	flags |= store_writable(s) ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	flags |= create ? SQLITE_OPEN_CREATE : 0;
	if (create)
		make_private(s);
	if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK)
		return db_fail(s, "open", e);
	if (set_up(s, e) < 0)
		return -1;
	if (store_writable(s))
		return 0;
	struct err first;
	int version;
	if (db_user_version(s, &version, &first) == 0)
		return 0;
	int code = sqlite3_errcode(s->db);
	if (code != SQLITE_CANTOPEN && code != SQLITE_READONLY && code != SQLITE_IOERR) {
		*e = first;
		return -1;
	}
	return open_immutable(s, e);
}

void db_close(struct store *s)
{
	for (size_t i = 0; i < s->n_statements; i++)
		sqlite3_finalize(s->statements[i].st);
	free(s->statements);
	s->statements = NULL;
	s->n_statements = 0;
	if (s->db && s->pid == getpid())
		sqlite3_close(s->db);
	s->db = NULL;
}

void db_lock(struct store *s)
{
	pthread_mutex_lock(&s->db_mutex);
}

void db_unlock(struct store *s)
{
	pthread_mutex_unlock(&s->db_mutex);
}

static sqlite3_stmt *statement(struct store *s, const char *sql, struct err *e)
{
	for (size_t i = 0; i < s->n_statements; i++)
		if (s->statements[i].sql == sql)
			return s->statements[i].st;
	sqlite3_stmt *st;
	if (s->pid != getpid()) {
		err_set(e, ERR_FAIL,
		        "the store was opened before a fork and cannot be used after it");
		return NULL;
	}
	if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK) {
		db_fail(s, "read", e);
		return NULL;
	}
	s->statements =
	        xreallocarray(s->statements, s->n_statements + 1, sizeof(struct db_statement));
	s->statements[s->n_statements++] = (struct db_statement){sql, st};
	return st;
}

void db_done(sqlite3_stmt *st)
{
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
}

static sqlite3_stmt *query(
        struct store *s, struct err *e, const char *sql, const char *fmt, va_list ap)
{
	sqlite3_stmt *st = statement(s, sql, e);
	if (!st)
		return NULL;
	for (int i = 1; *fmt; fmt++, i++) {
		int rc;
		if (*fmt == 'h') {
			const struct hash *h = va_arg(ap, const struct hash *);
			rc = h ? sqlite3_bind_blob(st, i, h->b, HASH_SIZE, SQLITE_STATIC)
			       : sqlite3_bind_null(st, i);
		} else if (*fmt == 't') {
			rc = sqlite3_bind_text(st, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
		} else {
			rc = sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
		}
		if (rc != SQLITE_OK) {
			db_fail(s, "read", e);
			db_done(st);
			return NULL;
		}
	}
	return st;
}

sqlite3_stmt *db_query(struct store *s, struct err *e, const char *sql, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	sqlite3_stmt *st = query(s, e, sql, fmt, ap);
	va_end(ap);
	return st;
}

int db_row(struct store *s, sqlite3_stmt *st, struct err *e)
{
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		return 1;
	int result =
	        rc == SQLITE_DONE ? 0 : db_fail(s, sqlite3_stmt_readonly(st) ? "read" : "write", e);
	db_done(st);
	return result;
}

int db_run(struct store *s, struct err *e, const char *sql, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	sqlite3_stmt *st = query(s, e, sql, fmt, ap);
	va_end(ap);
	if (!st)
		return -1;
	int rc = db_row(s, st, e);
	if (rc == 1)
		db_done(st);
	return rc < 0 ? -1 : 0;
}

int db_int(struct store *s, struct err *e, int64_t *ret, const char *sql, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	sqlite3_stmt *st = query(s, e, sql, fmt, ap);
	va_end(ap);
	if (!st)
		return -1;
	int rc = db_row(s, st, e);
	if (rc == 1) {
		*ret = sqlite3_column_int64(st, 0);
		db_done(st);
	}
	return rc;
}

bool db_column_hash(sqlite3_stmt *st, int column, struct hash *ret)
{
	const void *p = sqlite3_column_blob(st, column);
	if (!p || sqlite3_column_bytes(st, column) != HASH_SIZE)
		return false;
	memcpy(ret->b, p, HASH_SIZE);
	return true;
}

uint64_t db_column_u64(sqlite3_stmt *st, int column)
{
	int64_t v = sqlite3_column_int64(st, column);
	return v < 0 ? 0 : (uint64_t)v;
}

const char *db_column_text(sqlite3_stmt *st, int column)
{
	return (const char *)sqlite3_column_text(st, column);
}

int db_begin(struct store *s, struct err *e)
{
	if (store_need_write(s, e) < 0)
		return -1;
	db_lock(s);
	if (db_run(s, e, "BEGIN IMMEDIATE", "") == 0)
		return 0;
	db_unlock(s);
	return -1;
}

void db_rollback(struct store *s)
{
	struct err ignored;
	if (!sqlite3_get_autocommit(s->db)) // a full disk has rolled back already
		db_run(s, &ignored, "ROLLBACK", "");
	db_unlock(s);
}

int db_abandon(struct store *s)
{
	s->dirty = true;
	db_rollback(s);
	return -1;
}

int db_commit(struct store *s, struct err *e)
{
	if (fault_point("store.db.commit") < 0) {
		err_sys(e, "write '%s/hew.db'", s->root);
		return db_abandon(s);
	}
	if (db_run(s, e, "COMMIT", "") < 0)
		return db_abandon(s);
	db_unlock(s);
	return 0;
}
