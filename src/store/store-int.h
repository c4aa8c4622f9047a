// SPDX-License-Identifier: Apache-2.0
// What the files of this room share: the store itself, its paths, and the fault points' rule.
//
// One rule makes every crash harmless: a file gets its final name inside the IMMEDIATE transaction
// that enters its row, and loses it only inside one that sees no row. So at worst a file has no
// row, never the other way; the killed process's lease tells the next store_open to look for such
// files (sweep.c).
//
// Lock order: db_mutex (and the database's write lock), then lease_mutex (and the gc lock), then
// temp_mutex. index_mutex is taken before all of them, known_mutex after.
#pragma once

#include "base/map.h"
#include "store/store.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#define SCHEMA_VERSION 3
#define STORE_PATH 160  // any path below the root that this room makes
#define USED_GRAIN 3600 // seconds: times of use are not written more often
#define LEASE_TEXT 32
#define GROWN_MARK \
	"locks/.grown"     // something was made since the store was last brought within limits
#define BOOT_MARK ".boot-" // locks/.boot-<id>: this boot has looked at every file

// Files that may not have reached the disk: a row in `pending` each, until the next store_sync.
enum pending_kind {
	PENDING_BLOB = 1,
	PENDING_INDEX = 2,
	PENDING_TREE = 3,
	PENDING_NAMES = 4, // index.json
	PENDING_CONTEXT = 5,
};

struct temp_entry {
	ino_t ino;
	unsigned long number;
};

struct store {
	char *root;
	int root_fd;
	int flags;
	pid_t pid; // a connection must not cross a fork
	bool network_fs, reserve_used;
	char boot[40];
	int64_t opened_ns;
	bool foreign_trash; // as trash_reap left it

	pthread_mutex_t db_mutex;
	struct sqlite3 *db;
	int busy_ms; // waited so far for the lock of another process
	struct db_statement *statements;
	size_t n_statements;

	pthread_mutex_t lease_mutex;
	char lease[LEASE_TEXT];
	int lease_fd;
	int gc_fd;         // locks/.gc: shared while a lease grows, exclusive while gc decides
	struct map leased; // hex digests that are in the lease file
	atomic_bool dirty; // something is left half done: the lease stays, the next open sweeps

	pthread_mutex_t temp_mutex;
	int work_fd; // -1 until the first temporary file
	struct temp_entry *temps;
	size_t n_temps, cap_temps;
	atomic_ulong counter;

	pthread_mutex_t index_mutex;
	struct map indexes; // hex diffID -> struct layer_index *

	// What our lease holds stays: asked of the database once.
	pthread_mutex_t known_mutex;
	struct map known_layers; // hex diffID -> struct layer_info *, of those with tar and index
	struct map known_trees;  // path
	struct map lost_layers;  // hex diffID -> where it was looked for
	struct map lost_steps;   // hex key -> the same

	// What the end of this process has to note: see uses.c. Under known_mutex.
	struct hash *stale_steps;
	size_t n_stale_steps;
	bool has_used;
};

static inline bool store_writable(const struct store *s)
{
	return !(s->flags & STORE_READ_ONLY);
}
int store_need_write(const struct store *s, struct err *e);

// ---- paths below the root
void path_of_blob(const struct digest *d, char out[static STORE_PATH]);
void path_of_index(const struct digest *diff_id, char out[static STORE_PATH]);
void path_of_tree(const struct digest *diff_id, const char *flavour, char out[static STORE_PATH]);
void path_of_named(const char *folder, const char *name, char out[static STORE_PATH]); // hashed

// ---- make.c
int check_ours(struct store *s, struct err *e); // the root has nothing but what a store has
int check_not_lost(struct store *s, struct err *e);
int make_folders(struct store *s, struct err *e); // those that are not there
int make_store(struct store *s, struct err *e);
int no_store(struct store *s, struct err *e); // -1: says why there is none
void reserve_make(struct store *s);           // unless it is there, and as far as there is room

// ---- temp.c
// The path of a temporary file of ours, found by its inode.
int temp_path_of(struct store *s, int fd, char out[static STORE_PATH], struct err *e);
void temp_forget(struct store *s, int fd);                            // it has been renamed
void temp_discard(struct store *s, int fd);                           // unlinks it
int trash_move(struct store *s, const char *rel_path, struct err *e); // 0 also if nothing is there
// Empties the trash, until the time (clock_ns; 0: without end) has come. Returns the bytes freed.
uint64_t trash_reap(struct store *s, int64_t deadline_ns);
void trash_make_room(struct store *s); // empties it if the disk is nearly full
// Replaces a file below the root; the temporary one lies in work/, so a kill leaves nothing there.
int root_file_replace(struct store *s, const char *name, const void *p, size_t n, const char *point,
        struct err *e);

// ---- lease.c
int lease_take(struct store *s, struct err *e);
void lease_drop(struct store *s);
bool lease_alive(struct store *s, const char *id);
// Sweeps and writes index.json anew if there are any, or anyway.
int lease_reap_dead(struct store *s, bool anyway, struct err *e);
typedef int lease_fn(void *arg, const char *lease, const struct digest *d, struct err *e);
// For every digest in a living lease.
int lease_each(struct store *s, lease_fn *fn, void *arg, struct err *e);
// The same (fn NULL: nothing) with the gc lock taken, which lease_gc_end releases.
int lease_gc_begin(struct store *s, lease_fn *fn, void *arg, struct err *e);
void lease_gc_end(struct store *s);
int lease_let_go(struct store *s, struct err *e); // of all that this process has used

// ---- blobs.c, layers.c, trees.c: with the database locked
bool blob_here(struct store *s, const struct digest *d, uint64_t *ret_size); // row and file agree
int blob_enter(struct store *s, int temp_fd, const struct digest *d, uint64_t size, struct err *e);
int blob_read_raw(
        struct store *s, const struct digest *d, size_t max, struct buf *ret, struct err *e);
int pending_add(struct store *s, enum pending_kind kind, const struct digest *d,
        const char *flavour, struct err *e);

// ---- layers.c: the content id of a layer that is known by its diffID alone
struct hash layer_foreign_id(const struct digest *diff_id);

// ---- locks.c
void locks_sweep(struct store *s); // files of locks that nobody holds

// ---- cache_mounts.c; name: of the folder. What no step uses goes into the trash
int cache_collect(struct store *s, const char *name, struct err *e);
bool cache_is_in_use(struct store *s, const char *name);

// ---- contexts.c
int context_collect(struct store *s, const char *name, struct err *e);

// ---- gc.c
int gc_sync(struct store *s, struct err *e); // between rows that are gone and their files
// Files without rows, and what lies in the trash. Adds to *freed.
int gc_finish(struct store *s, uint64_t *freed, struct err *e);

// ---- logs.c: the lock is held by the build that writes
int log_create(struct store *s, const char *id, struct err *e); // inside a transaction; descriptor
int log_remove(struct store *s, const char *id, struct err *e); // inside one; 0 if there is none
bool log_is_locked(struct store *s, const char *id);
#define LOG_LAST ".last"                                // what follows the id
bool log_touch(struct store *s, const char *id);        // that build was repeated now
void log_untouch(struct store *s, const char *id);      // takes it back
int64_t log_last_time(struct store *s, const char *id); // when; 0: it was not
void logs_trim(struct store *s); // the oldest go, until all are below the limit

// ---- layers.c
void known_forget(struct store *s, const struct digest *diff_id);
void known_release(struct store *s);

// ---- uses.c
void uses_found_step(struct store *s, const struct hash *key, int64_t used);
void uses_found_layer(struct store *s, const struct digest *diff_id); // to be run or read from
void uses_changed(struct store *s); // this process makes something: its uses are noted
void uses_release(struct store *s);

// ---- lost.c
void lost_release(struct store *s);

// ---- sweep.c
int sweep_orphans(struct store *s, struct err *e); // moves files without a row into the trash
int sweep_work(struct store *s, struct err *e);    // work folders that have no lease
int sweep_logs(struct store *s, struct err *e);    // in a transaction: logs without a record
// Inside a transaction: rows without their files; then rows without the rows they need.
int sweep_lost(struct store *s, struct err *e);
int sweep_rows(struct store *s, struct err *e);
// Drops what another boot wrote and did not sync.
int recover_boots(struct store *s, struct err *e);

// ---- index_json.c: inside a transaction
void index_json_print(const struct image_list *named, struct buf *out);
int index_json_build(struct store *s, struct buf *out, struct err *e);
int index_json_write(struct store *s, struct err *e);
int index_json_refresh(struct store *s, struct err *e); // writes only what has changed
