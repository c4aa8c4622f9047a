// SPDX-License-Identifier: Apache-2.0
// `hew doctor --store`: every row has its file, every file its row, rows stand on rows, index.json
// says what the names say, and (deep) every byte is what its digest says. Looks under the write
// lock, so that a commit of another process is not mistaken for damage; hashing happens outside of
// it.

#include "base/cancel.h"
#include "base/err.h"
#include "base/event.h"
#include "base/fs.h"
#include "base/mem.h"
#include "store/db-int.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX_JSON_MAX (64u << 20)
#define CHUNK (256u << 10)

struct check {
	struct store *s;
	struct event_sink *sink;
	size_t findings;
	struct strv blobs, indexes; // hex: what the deep check reads
};

__attribute__((format(printf, 2, 3))) static void finding(struct check *c, const char *fmt, ...)
{
	auto_buf struct buf text = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	c->findings++;
	event_warn(c->sink, 0, "%s", buf_cstr(&text));
}

// ---- rows and files

static int check_blob_rows(struct check *c, struct map *known, struct err *e)
{
	int rc;
	sqlite3_stmt *st = db_query(c->s, e, "SELECT digest, size FROM blobs", "");
	if (!st)
		return -1;
	while ((rc = db_row(c->s, st, e)) == 1) {
		struct digest d;
		struct stat file;
		char path[STORE_PATH];
		if (!db_column_hash(st, 0, &d.h)) {
			finding(c, "hew.db: a blob's digest is no digest");
			continue;
		}
		path_of_blob(&d, path);
		map_set(known, path, c);
		if (fstatat(c->s->root_fd, path, &file, AT_SYMLINK_NOFOLLOW) < 0)
			finding(c, "%s: missing", path);
		else if (!S_ISREG(file.st_mode) || (uint64_t)file.st_size != db_column_u64(st, 1))
			finding(c, "%s: has %lld bytes instead of %llu", path,
			        (long long)file.st_size, (unsigned long long)db_column_u64(st, 1));
		else
			strv_add(&c->blobs, fs_base_name(path));
	}
	return rc;
}

static int check_layer_rows(struct check *c, struct map *known, struct err *e)
{
	int rc;
	sqlite3_stmt *st = db_query(c->s, e, "SELECT diff_id FROM layers WHERE has_index", "");
	if (!st)
		return -1;
	while ((rc = db_row(c->s, st, e)) == 1) {
		struct digest d = {0};
		char path[STORE_PATH];
		db_column_hash(st, 0, &d.h);
		path_of_index(&d, path);
		map_set(known, path, c);
		if (faccessat(c->s->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			finding(c, "%s: missing", path);
		else
			strv_add(&c->indexes, fs_base_name(path));
	}
	return rc;
}

static int check_tree_rows(struct check *c, struct map *known, struct err *e)
{
	int rc;
	sqlite3_stmt *st = db_query(c->s, e, "SELECT diff_id, flavour FROM trees", "");
	if (!st)
		return -1;
	while ((rc = db_row(c->s, st, e)) == 1) {
		struct digest d = {0};
		char path[STORE_PATH];
		struct stat tree;
		db_column_hash(st, 0, &d.h);
		path_of_tree(&d, db_column_text(st, 1), path);
		map_set(known, path, c);
		if (fstatat(c->s->root_fd, path, &tree, AT_SYMLINK_NOFOLLOW) < 0 ||
		        !S_ISDIR(tree.st_mode))
			finding(c, "%s: missing", path);
	}
	return rc;
}

static int check_files(struct check *c, const char *folder, struct map *known, struct err *e)
{
	auto_strv struct strv names = {0};
	auto_fd int fd = openat(c->s->root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		finding(c, "%s: missing", folder);
		return 0;
	}
	if (fs_list_dir(fd, &names, e) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *path = xasprintf("%s/%s", folder, names.v[i]);
		if (!map_has(known, path))
			finding(c, "%s: belongs to nothing; 'hew prune' removes it", path);
	}
	return 0;
}

// A record need not have a log, but a log has a record.
static int check_logs(struct check *c, struct err *e)
{
	auto_map struct map known = {0};
	int rc;
	if (faccessat(c->s->root_fd, "logs", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0; // made with the first build
	sqlite3_stmt *st = db_query(c->s, e, "SELECT id FROM builds", "");
	if (!st)
		return -1;
	while ((rc = db_row(c->s, st, e)) == 1) {
		auto_free char *path = xasprintf("logs/%s", db_column_text(st, 0));
		auto_free char *last = xasprintf("%s" LOG_LAST, path);
		map_set(&known, path, c);
		map_set(&known, last, c);
	}
	return rc < 0 ? -1 : check_files(c, "logs", &known, e);
}

// A lease is there before its work folder and stays longer: a folder that still exists after its
// lease was found missing is nobody's.
static int check_work(struct check *c, struct err *e)
{
	auto_strv struct strv names = {0};
	auto_fd int fd = openat(c->s->root_fd, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		finding(c, "work: missing");
		return 0;
	}
	if (fs_list_dir(fd, &names, e) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *lease = xasprintf("leases/%s", names.v[i]);
		if (faccessat(c->s->root_fd, lease, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
		        faccessat(fd, names.v[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			finding(c, "work/%s: belongs to nothing; 'hew prune' removes it",
			        names.v[i]);
	}
	return 0;
}

// ---- rows and rows

struct link_check {
	const char *what, *sql; // sql: a digest and a name or null
};

static int check_link(struct check *c, const struct link_check *l, struct err *e)
{
	int rc;
	sqlite3_stmt *st = db_query(c->s, e, l->sql, "");
	if (!st)
		return -1;
	while ((rc = db_row(c->s, st, e)) == 1) {
		struct digest d = {0};
		char text[DIGEST_TEXT];
		const char *name = db_column_text(st, 1);
		db_column_hash(st, 0, &d.h);
		digest_text(&d, text);
		finding(c, "hew.db: %s%s%s: %s", name ? name : "", name ? ": " : "", text, l->what);
	}
	return rc;
}

static int check_links(struct check *c, struct err *e)
{
	static const struct link_check links[] = {
	        {"an image whose manifest is not here",
	                "SELECT manifest, NULL FROM images WHERE manifest NOT IN (SELECT digest "
	                "FROM blobs)"},
	        {"an image whose config is not here", "SELECT manifest, NULL FROM images WHERE "
	                                              "image_id <> zeroblob(32) AND image_id NOT "
	                                              "IN (SELECT digest FROM blobs)"},
	        {"a name for an image that is not here",
	                "SELECT manifest, name FROM names WHERE manifest NOT IN (SELECT manifest "
	                "FROM images)"},
	        {"a step's layer that is not here", "SELECT diff_id, name FROM steps WHERE diff_id "
	                                            "IS NOT NULL AND diff_id NOT IN "
	                                            "(SELECT diff_id FROM layers)"},
	        {"a tree of a layer that is not known",
	                "SELECT diff_id, flavour FROM trees WHERE diff_id NOT IN (SELECT diff_id "
	                "FROM layers)"},
	        {"a blob of a layer that is not known", "SELECT digest, NULL FROM layer_blobs "
	                                                "WHERE diff_id NOT IN (SELECT diff_id FROM "
	                                                "layers)"},
	};
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (check_link(c, &links[i], e) < 0)
			return -1;
	return 0;
}

static int check_root_files(struct check *c, struct err *e)
{
	struct err why;
	auto_buf struct buf have = {0}, want = {0}, layout = {0};
	if (index_json_build(c->s, &want, e) < 0)
		return -1;
	if (fs_read_file(c->s->root_fd, "index.json", INDEX_JSON_MAX, &have, &why) < 0)
		finding(c, "index.json: %s", why.msg);
	else if (have.n != want.n || memcmp(have.p, want.p, want.n) != 0)
		finding(c, "index.json: does not say what the names in hew.db say");
	if (fs_read_file(c->s->root_fd, "oci-layout", 4096, &layout, &why) < 0)
		finding(c, "oci-layout: %s", why.msg);
	else if (!strstr(buf_cstr(&layout), "imageLayoutVersion"))
		finding(c, "oci-layout: is not what the specification wants");
	return 0;
}

static int check_shallow(struct check *c, struct err *e)
{
	auto_map struct map blobs = {0}, indexes = {0}, trees = {0};
	if (check_blob_rows(c, &blobs, e) < 0 || check_layer_rows(c, &indexes, e) < 0 ||
	        check_tree_rows(c, &trees, e) < 0)
		return -1;
	if (check_files(c, "blobs/sha256", &blobs, e) < 0 ||
	        check_files(c, "layers", &indexes, e) < 0 ||
	        check_files(c, "trees", &trees, e) < 0 || check_logs(c, e) < 0 ||
	        check_work(c, e) < 0)
		return -1;
	return check_links(c, e) < 0 || check_root_files(c, e) < 0 ? -1 : 0;
}

// ---- contents

static int hash_file(int fd, struct digest *ret, struct err *e)
{
	auto_hasher struct hasher *h = hasher_new();
	auto_free char *chunk = xmalloc(CHUNK);
	ssize_t n;
	while ((n = read(fd, chunk, CHUNK)) > 0) {
		hasher_add(h, chunk, (size_t)n);
		if (cancel_check(e) < 0)
			return -1;
	}
	ret->h = hasher_end(h);
	return n < 0 ? err_sys(e, "read") : 0;
}

static int check_blob_content(struct check *c, const char *hex, struct err *e)
{
	struct digest want, got;
	struct err why;
	char path[STORE_PATH], text[DIGEST_TEXT];
	if (!hash_parse(hex, &want.h))
		return 0;
	path_of_blob(&want, path);
	auto_fd int fd = openat(c->s->root_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && !store_blob_has(c->s, &want))
		return 0; // collected meanwhile
	if (fd < 0 || hash_file(fd, &got, &why) < 0) {
		finding(c, "%s: cannot be read", path);
		return cancel_check(e);
	}
	digest_text(&got, text);
	if (!digest_eq(&got, &want))
		finding(c, "%s: has the digest %s", path, text);
	return 0;
}

static int check_index_content(struct check *c, const char *hex, struct err *e)
{
	struct digest d;
	struct err why;
	char path[STORE_PATH];
	if (!hash_parse(hex, &d.h))
		return 0;
	path_of_index(&d, path);
	auto_fd int fd = openat(c->s->root_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return 0;
	struct layer_index *ix = layer_index_open(fd, &why);
	if (!ix)
		finding(c, "%s: %s", path, why.msg);
	layer_index_close(ix);
	return cancel_check(e);
}

static int check_deep(struct check *c, struct err *e)
{
	for (size_t i = 0; i < c->blobs.n; i++)
		if (check_blob_content(c, c->blobs.v[i], e) < 0)
			return -1;
	for (size_t i = 0; i < c->indexes.n; i++)
		if (check_index_content(c, c->indexes.v[i], e) < 0)
			return -1;
	return 0;
}

static int check_database(struct check *c, struct err *e)
{
	int rc;
	sqlite3_stmt *st = db_query(c->s, e, "PRAGMA quick_check", "");
	if (!st)
		return -1;
	while ((rc = db_row(c->s, st, e)) == 1)
		if (strcmp(db_column_text(st, 0), "ok") != 0)
			finding(c, "hew.db: %s", db_column_text(st, 0));
	return rc;
}

// A reader cannot lock writers out; it sees one state of the rows at least.
static int locked_part(struct check *c, bool deep, struct err *e)
{
	struct store *s = c->s;
	if (store_writable(s) && db_begin(s, e) < 0)
		return -1;
	if (!store_writable(s))
		db_lock(s);
	int rc = check_shallow(c, e);
	if (rc == 0 && deep)
		rc = check_database(c, e);
	if (store_writable(s))
		db_rollback(s);
	else
		db_unlock(s);
	return rc;
}

int store_check(
        struct store *s, bool deep, struct event_sink *sink, size_t *ret_findings, struct err *e)
{
	struct check c = {.s = s, .sink = sink};
	int rc = locked_part(&c, deep, e);
	if (rc == 0 && deep)
		rc = check_deep(&c, e);
	strv_release(&c.blobs);
	strv_release(&c.indexes);
	if (rc == 0)
		*ret_findings = c.findings;
	return rc;
}
