// SPDX-License-Identifier: Apache-2.0
// The tables. Digests are 32-byte blobs. A table that names a file has one file a row; everything
// else hangs on those rows (sweep_rows). Changing this means one more version, made from the one
// before it.

#include "base/err.h"
#include "base/fault.h"
#include "store/db-int.h"
#include <stdio.h>

static const char version_1[] =
        // blobs/sha256/<digest>
        "CREATE TABLE blobs(digest BLOB PRIMARY KEY, size INTEGER NOT NULL, created INTEGER NOT "
        "NULL)"
        " WITHOUT ROWID;"
        // layers/<diff_id> where has_index; the tar is the blob of the same digest
        "CREATE TABLE layers(diff_id BLOB PRIMARY KEY, content_id BLOB NOT NULL,"
        " has_index INTEGER NOT NULL DEFAULT 0, tar_size INTEGER NOT NULL DEFAULT 0,"
        " file_bytes INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL) WITHOUT ROWID;"
        // compressed and foreign forms, here or elsewhere
        "CREATE TABLE layer_blobs(diff_id BLOB NOT NULL, digest BLOB NOT NULL, size INTEGER NOT "
        "NULL,"
        " media_type TEXT NOT NULL, recipe TEXT NOT NULL, PRIMARY KEY(diff_id, digest)) WITHOUT "
        "ROWID;"
        "CREATE INDEX layer_blobs_digest ON layer_blobs(digest);"
        "CREATE TABLE blob_sources(digest BLOB NOT NULL, repository TEXT NOT NULL, seen INTEGER "
        "NOT NULL,"
        " PRIMARY KEY(digest, repository)) WITHOUT ROWID;"
        // trees/<diff_id>.<flavour>
        "CREATE TABLE trees(diff_id BLOB NOT NULL, flavour TEXT NOT NULL, created INTEGER NOT NULL,"
        " PRIMARY KEY(diff_id, flavour)) WITHOUT ROWID;"
        "CREATE TABLE images(manifest BLOB PRIMARY KEY, image_id BLOB NOT NULL, media_type TEXT "
        "NOT NULL,"
        " manifest_size INTEGER NOT NULL, created INTEGER NOT NULL, is_index INTEGER NOT NULL,"
        " entered INTEGER NOT NULL) WITHOUT ROWID;"
        "CREATE INDEX images_id ON images(image_id);"
        "CREATE TABLE image_layers(manifest BLOB NOT NULL, position INTEGER NOT NULL,"
        " diff_id BLOB NOT NULL, PRIMARY KEY(manifest, position)) WITHOUT ROWID;"
        // synced: where the name pointed when the disk last had everything
        "CREATE TABLE names(name TEXT PRIMARY KEY, manifest BLOB NOT NULL, synced BLOB) WITHOUT "
        "ROWID;"
        "CREATE INDEX names_manifest ON names(manifest);"
        "CREATE TABLE resolutions(name TEXT NOT NULL, platform TEXT NOT NULL, manifest BLOB NOT "
        "NULL,"
        " seen INTEGER NOT NULL, PRIMARY KEY(name, platform)) WITHOUT ROWID;"
        "CREATE TABLE steps(key BLOB PRIMARY KEY, diff_id BLOB, created_sec INTEGER NOT NULL,"
        " created_nsec INTEGER NOT NULL, duration_ns INTEGER NOT NULL, components TEXT, name TEXT,"
        " used INTEGER NOT NULL);"
        "CREATE INDEX steps_layer ON steps(diff_id);"
        "CREATE TABLE builds(id TEXT PRIMARY KEY, json TEXT NOT NULL, at INTEGER NOT NULL);"
        "CREATE INDEX builds_at ON builds(at);"
        "CREATE TABLE pending(seq INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, key "
        "BLOB,"
        " flavour TEXT, boot TEXT NOT NULL, lease TEXT NOT NULL);";

static const char version_2[] =
        // of the tree on the disk; null: not measured yet
        "ALTER TABLE trees ADD COLUMN bytes INTEGER;"
        // when a blob or a layer was last used
        "CREATE TABLE uses(digest BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;"
        // cache/<name>; id is what the Dockerfile calls it, sharing how it was last used; bytes
        // null: not measured since then
        "CREATE TABLE cache_mounts(name TEXT PRIMARY KEY, id TEXT NOT NULL, sharing TEXT,"
        " used INTEGER NOT NULL, bytes INTEGER) WITHOUT ROWID;"
        // what a step without a record is compared with
        "CREATE INDEX steps_place ON steps(" STEP_PLACE(
                "name") ");"
                        "CREATE INDEX steps_words ON steps(" STEP_WORDS("name") ");";

static const char version_3[] =
        // what was found out about a layer; goes with it
        "CREATE TABLE layer_notes(diff_id BLOB NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL,"
        " PRIMARY KEY(diff_id, kind));";

static const char *const versions[SCHEMA_VERSION] = {version_1, version_2, version_3};

int db_user_version(struct store *s, int *ret, struct err *e)
{
	int64_t version = 0;
	db_lock(s);
	int rc = db_int(s, e, &version, "PRAGMA user_version", "");
	db_unlock(s);
	if (rc < 0)
		return -1;
	*ret = (int)version;
	return 0;
}

// Inside a transaction. Another process may have done it meanwhile.
static int upgrade(struct store *s, struct err *e)
{
	char pragma[40];
	int64_t version = 0;
	if (db_int(s, e, &version, "PRAGMA user_version", "") < 0)
		return -1;
	for (; version < SCHEMA_VERSION; version++)
		if (db_exec(s, versions[version], e) < 0)
			return -1;
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version=%d", (int)version);
	return db_exec(s, pragma, e);
}

int db_upgrade(struct store *s, struct err *e)
{
	if (db_begin(s, e) < 0)
		return -1;
	return upgrade(s, e) < 0 ? db_abandon(s) : db_commit(s, e);
}

int db_create_schema(struct store *s, struct err *e)
{
	if (!s->network_fs && db_exec(s, "PRAGMA journal_mode=WAL", e) < 0)
		return -1;
	if (fault_point("store.db.create") < 0)
		return err_sys(e, "write '%s/hew.db'", s->root);
	return db_upgrade(s, e);
}
