// SPDX-License-Identifier: Apache-2.0
// The content-addressed store: a folder that is a valid OCI image layout, and one SQLite database.
//
//   oci-layout, index.json     derived from the database under a lock; skopeo and umoci read them
//   blobs/sha256/<hex>         blobs as they came or went (of local images: uncompressed tars)
//   layers/<diff id>           layer indexes
//   trees/<diff id>.<flavour>  what overlayfs mounts
//   contexts/<hash>            context indexes (src/context)
//   cache/<id hash>/           cache mounts
//   logs/<build>               what the steps of a build said
//   logs/<build>.last          empty: its time is when the build was last repeated
//   work/<lease>/              this process's temporary files and directories
//   leases/<lease>             a file locked as long as the process lives
//   locks/, trash/, hew.db
//
// All functions are thread-safe unless said otherwise. Content is verified whenever it enters. A
// killed process leaves only its work/ folder, which the next store_open takes away.
// Durability: rows commit at once with the boot id; store_sync makes everything but trees durable;
// rows of another boot that were not made durable are dropped with their files when the store is
// opened.
#pragma once

#include "base/buf.h"
#include "image/manifest.h"
#include "layer/index.h"
#include "layer/writer.h"
#include <stdbool.h>
#include <stdint.h>

struct err;
struct event_sink;
struct store;

// HEW_ROOT, else /var/lib/hew as root, else $XDG_DATA_HOME/hew. Caller frees.
char *store_default_root(void);
enum store_open_flags {
	STORE_CREATE = 1 << 0,
	STORE_READ_ONLY = 1 << 1,
	STORE_ROWS = 1 << 2, // read only, no file but the database: nothing is leased
};
// NULL with *e set; ERR_NOT_FOUND if there is none and STORE_CREATE is not given.
struct store *store_open(const char *root, int flags, struct err *e);
void store_close(struct store *s); // removes this process's work folder and lease; NULL is fine
void store_close_ptr(struct store **s);
#define auto_store __attribute__((cleanup(store_close_ptr)))
const char *store_root(const struct store *s);
int store_root_fd(const struct store *s);
const char *store_note(const struct store *s); // one line for people about where it lies, or NULL
// Waits until what was entered is on the disk, by whatever process, and marks its rows durable:
// file by file, or all at once with the trees if there are many.
int store_sync(struct store *s, struct err *e);

// Notes when the steps and digests that this process used were last used: one transaction, and none
// if that was noted less than an hour ago and nothing was made. store_close does it.
void store_note_uses(struct store *s);

// ---- temporary files and directories (in work/<lease>, on the store's file system)
int store_temp_file(struct store *s, struct err *e); // descriptor, or -1
// Descriptor, or -1; *ret_path is relative to the root, caller frees.
int store_temp_dir(struct store *s, char **ret_path, struct err *e);
// Renames away now; store_reap and store_gc delete, and every store that is closed a little.
void store_trash(struct store *s, const char *rel_path);
void store_reap(struct store *s); // tidies up after long work, for a small share of that time
// Something in the trash could not be deleted by us: it belongs to other ids.
bool store_trash_is_foreign(const struct store *s);

// What is found here (blobs, layers, trees, images, steps) is leased first and looked for second:
// as long as this process lives no collection takes it.

// ---- blobs
bool store_blob_has(struct store *s, const struct digest *d);
// Descriptor, or -1 (ERR_NOT_FOUND if it is not here). ret_size may be NULL.
int store_blob_open(struct store *s, const struct digest *d, uint64_t *ret_size, struct err *e);
// Appends the verified bytes (ERR_CORRUPT if they are not what the digest says, or above max).
int store_blob_read(
        struct store *s, const struct digest *d, size_t max, struct buf *ret, struct err *e);
// Enters a finished temporary file under its digest, which the caller computed while writing. The
// descriptor stays the caller's.
int store_blob_commit(
        struct store *s, int temp_fd, const struct digest *d, uint64_t size, struct err *e);
int store_blob_put(struct store *s, const void *p, size_t n, struct digest *ret, struct err *e);
int store_blob_delete(struct store *s, const struct digest *d, struct err *e);
// A blob being downloaded or compressed. Write (any thread, in order), then finish: verified
// against expect if given (ERR_CORRUPT: says both digests), entered under its digest.
struct blob_writer;
struct blob_writer *blob_writer_new(struct store *s, struct err *e);
int blob_writer_write(struct blob_writer *w, const void *p, size_t n, struct err *e);
// Bytes of anywhere at or behind its size, by several threads at once. They count when those before
// them do and it is said that the next n are there: by one thread, which may not write meanwhile.
int blob_writer_place(struct blob_writer *w, uint64_t at, const void *p, size_t n, struct err *e);
int blob_writer_advance(struct blob_writer *w, uint64_t n, struct err *e);
uint64_t blob_writer_size(const struct blob_writer *w);
int blob_writer_reset(struct blob_writer *w, struct err *e); // start again
// expect may be NULL; expect_size UINT64_MAX: any.
int blob_writer_finish(struct blob_writer *w, const struct digest *expect, uint64_t expect_size,
        struct digest *ret, struct err *e);
void blob_writer_free(struct blob_writer *w); // abandons what was not finished

// ---- layers, known by diffID
struct layer_info {
	struct digest diff_id;
	// H("foreign layer", diffID) for a layer that was never indexed here before use.
	struct hash content_id;
	bool has_tar, has_index;
	uint64_t tar_size, file_bytes; // 0: not known yet
};
bool store_layer_get(struct store *s, const struct digest *diff_id, struct layer_info *ret);
bool store_layer_is_here(struct store *s, const struct digest *diff_id); // its tar and its index
// Makes a layer that exists only as descriptor known (content id from the diffID). Idempotent.
int store_layer_declare(struct store *s, const struct digest *diff_id, struct err *e);
// With the content id that another store gave it; one that is known here keeps its own.
int store_layer_declare_as(struct store *s, const struct digest *diff_id,
        const struct hash *content_id, struct err *e);
// Enters a layer just written: tar_fd from store_temp_file, result from layer_writer_finish & co.
int store_layer_commit(struct store *s, int tar_fd, const struct layer_result *r, struct err *e);
// Makes tar and index of a layer out of a blob that is here. What the blob holds has to be the
// layer that its diffID and its content id say (a cache may have said something else): ERR_CORRUPT,
// and the layer is lost.
int store_layer_import(
        struct store *s, const struct digest *diff_id, const struct digest *blob, struct err *e);
// The index, opened once a process and shared: borrowed, valid until store_close. May be
// ERR_NOT_FOUND.
int store_layer_index(
        struct store *s, const struct digest *diff_id, struct layer_index **ret, struct err *e);
// Descriptor of the uncompressed tar, or -1.
int store_layer_tar(struct store *s, const struct digest *diff_id, struct err *e);
// Compressed (or foreign) blobs of a layer. recipe: "" for blobs that came from elsewhere.
struct layer_blob {
	struct digest digest;
	uint64_t size;
	char media_type[96];
	char recipe[64];
	bool present; // the blob itself is here
};
int store_layer_add_blob(
        struct store *s, const struct digest *diff_id, const struct layer_blob *b, struct err *e);
// Declares the layers of an image with the blobs that they came as. One whose blob is the tar
// itself has none.
struct image_config;
int store_layers_declare(
        struct store *s, const struct manifest *m, const struct image_config *c, struct err *e);
// The best blob: of that recipe, else one that came from elsewhere; recipe NULL: any will do.
// 1 found, 0 none, -1.
int store_layer_blob(struct store *s, const struct digest *diff_id, const char *recipe,
        struct layer_blob *ret, struct err *e);
// What was found out about a layer, kept as long as the layer is known. kind: says what it is, and
// in which version. 1 found, 0 not, -1.
int store_layer_note_get(struct store *s, const struct digest *diff_id, const char *kind,
        struct buf *ret, struct err *e);
int store_layer_note_put(struct store *s, const struct digest *diff_id, const char *kind,
        const char *text, struct err *e);
// What cannot be had any more, remembered by this process: a blob that no source has; a layer whose
// blob holds something else.
void store_blob_lose(struct store *s, const struct digest *blob);
void store_layer_lose(struct store *s, const struct digest *diff_id);
// Where it was looked for in vain, or NULL: not lost. Caller frees.
char *store_layer_lost(struct store *s, const struct digest *diff_id);
// Forgets a lost layer: the records of the steps that made it, and its blobs.
int store_layer_forget(struct store *s, const struct digest *diff_id, struct err *e);
// Of a step whose record was forgotten: where its layer was looked for, or NULL. Caller frees.
char *store_step_lost(struct store *s, const struct hash *key);
// Where a blob can be fetched from: "docker.io/library/node". The list is newest first.
int store_blob_add_source(
        struct store *s, const struct digest *blob, const char *repository, struct err *e);
int store_blob_sources(struct store *s, const struct digest *blob, struct strv *ret, struct err *e);

// ---- trees. flavour: "trusted" now; id map and xattr flavour go into the text.
bool store_tree_has(struct store *s, const struct digest *diff_id, const char *flavour);
// O_PATH descriptor, or -1.
int store_tree_open(
        struct store *s, const struct digest *diff_id, const char *flavour, struct err *e);
// Takes the directory at rel_path (from store_temp_dir, or a name below one) as the tree. If
// another process was faster, ours goes to the trash and that is success.
int store_tree_commit(struct store *s, const struct digest *diff_id, const char *flavour,
        const char *rel_path, struct err *e);

// ---- images: manifests that are here, and the names that point to them
struct image_row {
	char *name;             // full reference, NULL for untagged
	struct digest manifest; // of the manifest or index
	// Config digest (of the chosen platform); zero for an index without one.
	struct digest image_id;
	char media_type[96];
	uint64_t manifest_size;
	int64_t created; // seconds, from the config
	uint64_t size;   // of all layers: unpacked, or of those never unpacked here the blob's
	bool is_index;
};
void image_row_release(struct image_row *r);
struct image_list {
	struct image_row *v;
	size_t n;
};
void image_list_release(struct image_list *l);
// Records an image whose manifest and config blobs are in the store, and its name, if it has one,
// at the same time: another process may be removing the image's last name.
int store_image_put(struct store *s, const struct image_row *row, struct err *e);
int store_name_set(struct store *s, const char *name, const struct digest *manifest, struct err *e);
// ERR_NOT_FOUND. 1: it was the image's last name, and the image went with it.
int store_name_remove(struct store *s, const char *name, struct err *e);
// ref: a full name, an image id, a manifest digest, or an unambiguous prefix (>= 4 hex) of either.
// ERR_NOT_FOUND if there is none.
int store_image_find(struct store *s, const char *ref, struct image_row *ret, struct err *e);
// Newest first; a row for each name.
int store_image_list(struct store *s, struct image_list *ret, struct err *e);
// With all its names.
int store_image_remove(struct store *s, const struct digest *manifest, struct err *e);
// The tag as the registry last resolved it, for FROM without --pull: name (full reference) and
// platform text to manifest digest. 1 found, 0 not. Another process may have removed the manifest
// before it was leased for this one: look.
int store_resolution_get(
        struct store *s, const char *name, const char *platform, struct digest *ret, struct err *e);
int store_resolution_set(struct store *s, const char *name, const char *platform,
        const struct digest *d, struct err *e);

// ---- step records
struct step_record {
	bool has_layer; // false: the step changed nothing and makes no layer
	struct digest diff_id;
	int64_t created_sec;
	int32_t created_nsec;
	int64_t duration_ns;
	char *components; // JSON: what the key was made of, for `hew why`
	char *name;       // what people see
};
void step_record_release(struct step_record *r);
// 1 found, 0 not, -1.
int store_step_get(struct store *s, const struct hash *key, struct step_record *ret, struct err *e);
int store_step_put(
        struct store *s, const struct hash *key, const struct step_record *r, struct err *e);

int store_step_drop(struct store *s, const struct hash *key, struct err *e);

// Records with their keys.
struct step_row {
	struct hash key;
	struct step_record record;
	bool in_result; // of a build's: the layer is one of the image's
};
struct step_list {
	struct step_row *v;
	size_t n;
};
void step_list_release(struct step_list *l);
// Copies the record. Borrowed until the next one is added.
struct step_row *step_list_add(
        struct step_list *l, const struct hash *key, const struct step_record *r);
// What a step without a record can be compared with: of steps of that name, in that place of a
// stage of that name, or with that instruction; newest first, at most max, without times.
int store_steps_like(
        struct store *s, const char *name, size_t max, struct step_list *ret, struct err *e);

// ---- builds: a record of each, which is JSON of src/exec, and the log of those that ran anything
struct build_row {
	char *id, *json;
	int64_t at_ns; // when it began to run, or had ended; the last time if it was repeated
	bool running;  // and has a log: somebody writes to it
	int place;     // among all, oldest first
};
void build_row_release(struct build_row *r);
struct build_list {
	struct build_row *v;
	size_t n;
};
void build_list_release(struct build_list *l);
// Enters the record of a build, or replaces it: its time and place stay. The oldest may go.
int store_build_put(struct store *s, const char *id, const char *json, struct err *e);
// The same of one that begins, with an empty log: a descriptor for appending, locked as long as
// it is open. -1.
int store_build_begin(struct store *s, const char *id, const char *json, struct err *e);
// True if there is a record of that id; it is the last one from now on. Costs next to nothing.
bool store_build_repeat(struct store *s, const char *id);
int store_build_list(struct store *s, struct build_list *ret, struct err *e); // newest first
// By id or the beginning of one; "^N": N builds before the last; NULL: the last. ERR_NOT_FOUND.
int store_build_find(struct store *s, const char *which, struct build_row *ret, struct err *e);
// With its log; one that runs is refused.
int store_build_remove(struct store *s, const char *id, struct err *e);
// For reading: a descriptor, -1 without an error if there is none (any more).
int store_log_open(struct store *s, const char *id);

// ---- locks across processes and threads: one holder a name; waits, and gives up on cancellation
struct store_lock;
struct store_lock *store_lock(struct store *s, const char *name, struct err *e);
// Named after a kind and a digest: "layer-<hex>".
struct store_lock *store_lock_hash(
        struct store *s, const char *kind, const struct hash *h, struct err *e);
// One that others hold at the same time if they ask for it like this.
struct store_lock *store_lock_shared(struct store *s, const char *name, struct err *e);
// Does not wait: NULL with *ret_taken if somebody has it, without if it failed.
struct store_lock *store_trylock(struct store *s, const char *name, bool *ret_taken, struct err *e);
void store_unlock(struct store_lock *l); // NULL is fine

// ---- caches: what may be lost
// The directory of a cache mount, made if it is missing: an O_PATH descriptor, or -1. name: the id,
// or a copy's. sharing: as the step says, NULL: it does not matter. flavour: as of trees, for the
// ids in it are the host's. As long as *ret_lock (the caller's to close, or a copy of it) is open,
// it is not collected.
int store_cache_dir(struct store *s, const char *name, const char *sharing, const char *flavour,
        int *ret_lock, struct err *e);
struct cache_mount {
	char *name, *sharing, *path; // path: in the store
	int64_t used;                // seconds
	bool in_use;                 // by a step, right now
};
struct cache_mount_list {
	struct cache_mount *v;
	size_t n;
};
void cache_mount_list_release(struct cache_mount_list *l);
int store_cache_list(struct store *s, struct cache_mount_list *ret, struct err *e); // by name
// Is there nothing in it, and nobody who uses it? An empty folder is removed.
bool store_cache_vacant(struct store *s, const char *name, const char *flavour);
// Takes the directory at rel_path as a cache mount. 1, 0: there is something in it, or somebody
// uses it, -1.
int store_cache_put(struct store *s, const char *name, const char *flavour, const char *rel_path,
        const char *sharing, struct err *e);
int store_cache_remove(struct store *s, const char *name, struct err *e); // 1, 0: in use, -1
// The step record whose layer is what a cache mount begins with, when it came from elsewhere.
struct hash store_cache_key(const char *id);
// Replaces contexts/<name>, the stat index of a build context. name: 64 hex digits.
int store_context_put(struct store *s, const char *name, const void *p, size_t n, struct err *e);

// ---- collection: removes what no name, no step record and no living lease needs
enum store_gc_flags {
	STORE_GC_STEPS = 1 << 0, // forget all step records first, and the caches
};
// *ret_freed: bytes.
int store_gc(struct store *s, int flags, uint64_t *ret_freed, struct err *e);
// Frees a little of a full disk, for what makes room; it is taken again when the store is closed.
// False: there is none.
bool store_reserve_use(struct store *s);
// Marks a layer or blob as in use by this process until it exits.
int store_lease_add(struct store *s, const struct digest *d, struct err *e);

// ---- `hew doctor --store`: every row has its files, every file its row, digests agree when deep.
// Each finding is reported as one line through sink (EVENT_WARN); *ret_findings counts them.
int store_check(
        struct store *s, bool deep, struct event_sink *sink, size_t *ret_findings, struct err *e);
