// SPDX-License-Identifier: Apache-2.0
// Packing, checking, and the exchange of one database for another: written beside it, made durable,
// renamed. Whoever has the old one open keeps it.
#include "advisory/artifact.h"

#include "advisory/database-int.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "layer/compress.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define PACK_LEVEL 19
#define PACK_WINDOW_LOG 26 // 64 MiB: what repeats in a database lies far apart
#define DATABASE_MAX ((uint64_t)4 << 30)
#define CHUNK ((size_t)1 << 20)

// --- packing -----------------------------------------------------------------------------------

static int write_frame(ZSTD_CCtx *z, int in_fd, uint64_t size, int out_fd, struct err *e)
{
	auto_free char *in = xmalloc(CHUNK), *out = xmalloc(CHUNK);
	uint64_t at = 0;
	size_t left = 1;
	while (at < size || left) {
		size_t n = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
		if (n && fs_pread_full(in_fd, in, n, (off_t)at, e))
			return -1;
		at += n;
		ZSTD_inBuffer from = {in, n, 0};
		do {
			ZSTD_outBuffer to = {out, CHUNK, 0};
			left = ZSTD_compressStream2(
			        z, &to, &from, at == size ? ZSTD_e_end : ZSTD_e_continue);
			if (ZSTD_isError(left))
				return err_set(
				        e, ERR_FAIL, "compress: %s", ZSTD_getErrorName(left));
			if (fs_write_all(out_fd, out, to.pos, e))
				return -1;
		} while (from.pos < from.size || (at == size && left));
	}
	return 0;
}

int advisories_pack(const char *path, int out_fd, struct err *e)
{
	struct stat st;
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return err_sys(e, "open '%s'", path);
	ZSTD_CCtx *z = ZSTD_createCCtx();
	if (!z)
		return err_set(e, ERR_FAIL, "out of memory for a compressor");
	ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, PACK_LEVEL);
	ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, PACK_WINDOW_LOG);
	ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
	ZSTD_CCtx_setPledgedSrcSize(z, (unsigned long long)st.st_size);
	int rc = write_frame(z, fd, (uint64_t)st.st_size, out_fd, e);
	ZSTD_freeCCtx(z);
	return rc;
}

// --- into its place ----------------------------------------------------------------------------

static int unpack(int fd, int out_fd, struct err *e)
{
	auto_free char *chunk = xmalloc(CHUNK);
	uint64_t size = 0;
	ssize_t n = -1;
	struct inflater *z = inflater_new(fd, e);
	while (z && (n = inflater_read(z, chunk, CHUNK, e)) > 0) {
		size += (uint64_t)n;
		if (cancel_check(e))
			n = -1;
		else if (size > DATABASE_MAX)
			n = err_set(e, ERR_CORRUPT, "it becomes more than 4 GiB");
		if (n < 0 || fs_write_all(out_fd, chunk, (size_t)n, e)) {
			n = -1;
			break;
		}
	}
	inflater_free(z);
	return n < 0 ? -1 : 0;
}

// Every page of it is looked at once, so that no scan meets a damaged one.
static int check(const char *path, int64_t *ret_time, struct err *e)
{
	auto_advisories struct advisories *db = NULL;
	if (advisories_open(path, &db, e))
		return -1;
	sqlite3_stmt *st = sql_query(&db->sql, e, "PRAGMA quick_check(1)", "");
	int rc = st ? sql_row(&db->sql, st, e) : -1;
	if (rc > 0 && !str_eq(str_of(sql_text(st, 0)), "ok"))
		rc = err_set(e, ERR_CORRUPT, "the advisory database is damaged: %.200s",
		        sql_text(st, 0));
	if (rc < 0)
		return -1;
	sqlite3_reset(st);
	*ret_time = advisories_time(db);
	return 0;
}

static bool is_older(const char *path, int64_t time)
{
	struct err ignored = ERR_INIT;
	auto_advisories struct advisories *db = NULL;
	return !advisories_open(path, &db, &ignored) && time < advisories_time(db);
}

static int install(int fd, const char *temp, const char *path, bool older, struct err *e)
{
	int64_t time;
	auto_fd int out = open(temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (out < 0)
		return err_sys(e, "make '%s'", temp);
	if (unpack(fd, out, e) || check(temp, &time, e))
		return -1;
	if (!older && is_older(path, time)) {
		unlink(temp);
		return 0;
	}
	advisory_origin_forget(path);
	if (fsync(out) || rename(temp, path))
		return err_sys(e, "write '%s'", path);
	return 1;
}

char *advisories_temp_path(const char *path, struct err *e)
{
	const char *base = fs_base_name(path);
	auto_free char *folder = xstrndup(path, (size_t)(base - path));
	if (*folder && fs_mkdir_p(AT_FDCWD, folder, 0755, e))
		return NULL;
	char *temp = xasprintf("%s.%s.%ld", folder, base, (long)getpid());
	unlink(temp);
	return temp;
}

int advisories_install(int fd, const char *path, bool older, struct err *e)
{
	auto_free char *temp = advisories_temp_path(path, e);
	int rc = temp ? install(fd, temp, path, older, e) : -1;
	if (rc < 0 && temp)
		unlink(temp);
	return rc;
}

// --- where it came from ------------------------------------------------------------------------

void advisory_origin_release(struct advisory_origin *o)
{
	free(o->from);
	free(o->mark);
	*o = (struct advisory_origin){0};
}

void advisory_origin_read(const char *path, struct advisory_origin *ret)
{
	struct err ignored = ERR_INIT;
	auto_buf struct buf text = {0};
	auto_free char *file = xasprintf("%s.origin", path);
	*ret = (struct advisory_origin){0};
	if (fs_read_file(AT_FDCWD, file, 64 << 10, &text, &ignored))
		return;
	auto_jdoc struct jdoc *d = jdoc_parse(buf_cstr(&text), text.n, &ignored);
	const char *from = jn_get_str(jdoc_root(d), "from"),
	           *mark = jn_get_str(jdoc_root(d), "mark");
	if (!from || !mark)
		return;
	ret->from = xstrdup(from);
	ret->mark = xstrdup(mark);
}

int advisory_origin_write(const char *path, const struct advisory_origin *o, struct err *e)
{
	auto_buf struct buf out = {0};
	auto_free char *file = xasprintf("%s.origin", path);
	struct jw w;
	jw_begin(&w, &out, 0);
	jw_object(&w);
	jw_kv(&w, "from", o->from);
	jw_kv(&w, "mark", o->mark);
	jw_object_end(&w);
	return fs_replace_file(AT_FDCWD, file, out.p, out.n, 0644, e);
}

void advisory_origin_forget(const char *path)
{
	auto_free char *file = xasprintf("%s.origin", path);
	unlink(file);
}
