// SPDX-License-Identifier: Apache-2.0
// rpmdb.sqlite: the table Packages has a header a row. SQLite reads it where it lies, through a
// file system of ours that has this one file and writes nothing. The schema is hostile too: the
// name may be that of a view which never ends, so rows, bytes and steps are counted.
#include "packages/packages-int.h"
#include <sqlite3.h>
#include <stdio.h>

#define ROWS_MAX 200000
#define BLOB_MAX (32 << 20)
#define STEPS_MAX 100 // of STEP_OPERATIONS; a row takes a handful of operations
#define STEP_OPERATIONS 100000
// Two bytes of the header: 2, there is a log beside the file; 1, there is none. What a layer has of
// rpm's log is empty.
#define FORMAT_AT 18

struct file {
	sqlite3_file base; // first
	const struct content *content;
};

static int file_close(sqlite3_file *f)
{
	return SQLITE_OK;
}

static int file_read(sqlite3_file *f, void *p, int n, sqlite3_int64 off)
{
	const struct content *c = ((struct file *)f)->content;
	uint64_t at = (uint64_t)off, left = at < c->size ? c->size - at : 0;
	size_t got = left < (size_t)n ? (size_t)left : (size_t)n;
	struct err ignored = ERR_INIT;
	if (got && content_pread(c, at, p, got, &ignored))
		return SQLITE_IOERR_READ;
	for (uint64_t i = FORMAT_AT; i < FORMAT_AT + 2; i++) {
		if (i >= at && i - at < got)
			((unsigned char *)p)[i - at] = 1;
	}
	memset((char *)p + got, 0, (size_t)n - got);
	return got == (size_t)n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 off)
{
	return SQLITE_READONLY;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	return SQLITE_READONLY;
}

static int file_flag(sqlite3_file *f, int flag) // sync, lock, unlock
{
	return SQLITE_OK;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)((struct file *)f)->content->size;
	return SQLITE_OK;
}

static int file_reserved(sqlite3_file *f, int *ret)
{
	*ret = 0;
	return SQLITE_OK;
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
	return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *f)
{
	return 4096;
}

static int file_traits(sqlite3_file *f)
{
	return SQLITE_IOCAP_IMMUTABLE;
}

static const sqlite3_io_methods file_methods = {
        .iVersion = 1,
        .xClose = file_close,
        .xRead = file_read,
        .xWrite = file_write,
        .xTruncate = file_truncate,
        .xSync = file_flag,
        .xFileSize = file_size,
        .xLock = file_flag,
        .xUnlock = file_flag,
        .xCheckReservedLock = file_reserved,
        .xFileControl = file_control,
        .xSectorSize = file_sector,
        .xDeviceCharacteristics = file_traits,
};

static int vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
	f->pMethods = NULL;
	if (!(flags & SQLITE_OPEN_MAIN_DB))
		return SQLITE_CANTOPEN;
	*(struct file *)f = (struct file){{&file_methods}, v->pAppData};
	if (ret_flags)
		*ret_flags = SQLITE_OPEN_READONLY;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *v, const char *name, int sync)
{
	return SQLITE_READONLY;
}

static int vfs_access(sqlite3_vfs *v, const char *name, int flags, int *ret)
{
	*ret = 0;
	return SQLITE_OK;
}

static int vfs_full_name(sqlite3_vfs *v, const char *name, int n, char *ret)
{
	snprintf(ret, (size_t)n, "%s", name);
	return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *v, int n, char *ret)
{
	memset(ret, 1, (size_t)n);
	return n;
}

static int too_long(void *steps)
{
	return ++*(int *)steps > STEPS_MAX;
}

// 1, 0: there is none, or it is a view, -1.
static int has_table(sqlite3 *db)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db,
	        "SELECT 1 FROM sqlite_schema WHERE name = 'Packages' AND type = 'table' AND "
	        "rootpage > 0",
	        -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

static int read_rows(struct scan *s, sqlite3 *db, uint64_t budget, struct err *e)
{
	sqlite3_stmt *st = NULL;
	struct err damage = ERR_INIT;
	int rc = sqlite3_prepare_v2(db, "SELECT blob FROM Packages", -1, &st, NULL), status = 0;
	for (int rows = 0; rc == SQLITE_OK && !status; rows++) {
		rc = sqlite3_step(st);
		if (rc != SQLITE_ROW)
			break;
		rc = SQLITE_OK;
		const void *blob = sqlite3_column_blob(st, 0);
		size_t n = (size_t)sqlite3_column_bytes(st, 0);
		if (rows >= ROWS_MAX || n > budget)
			status = err_set(e, ERR_CORRUPT, "its packages overlap");
		else
			status = blob ? scan_rpm_header(s, blob, n, &damage, e) : 0;
		budget -= n < budget ? n : budget;
	}
	if (!status && rc != SQLITE_DONE)
		status = err_set(e, ERR_CORRUPT, "%s", sqlite3_errmsg(db));
	sqlite3_finalize(st);
	return status ? status : rpm_end(&damage, e);
}

static int read_database(struct scan *s, const char *vfs, uint64_t size, struct err *e)
{
	sqlite3 *db = NULL;
	int steps = 0, status = -1;
	int rc = sqlite3_open_v2("rpmdb", &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, vfs);
	if (rc == SQLITE_OK) {
		sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		sqlite3_limit(db, SQLITE_LIMIT_LENGTH, BLOB_MAX);
		sqlite3_progress_handler(db, STEP_OPERATIONS, too_long, &steps);
		int has = has_table(db);
		status = has > 0   ? read_rows(s, db, size, e)
		         : has < 0 ? err_set(e, ERR_CORRUPT, "%s", sqlite3_errmsg(db))
		                   : err_set(e, ERR_CORRUPT, "it has no table of packages");
	} else {
		err_set(e, ERR_CORRUPT, "%s", sqlite3_errstr(rc));
	}
	sqlite3_close(db);
	return status;
}

int scan_rpm_sqlite(struct scan *s, const struct content *c, struct err *e)
{
	struct content own = *c;
	char name[40];
	snprintf(name, sizeof(name), "rpm-%p", (void *)&own); // others may read one now
	sqlite3_vfs vfs = {.iVersion = 1,
	        .szOsFile = sizeof(struct file),
	        .mxPathname = 64,
	        .zName = name,
	        .pAppData = &own,
	        .xOpen = vfs_open,
	        .xDelete = vfs_delete,
	        .xAccess = vfs_access,
	        .xFullPathname = vfs_full_name,
	        .xRandomness = vfs_random};
	if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
		return err_set(e, ERR_FAIL, "sqlite takes no file system");
	int status = read_database(s, name, c->size, e);
	sqlite3_vfs_unregister(&vfs);
	return status;
}
