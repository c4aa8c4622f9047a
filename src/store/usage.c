// SPDX-License-Identifier: Apache-2.0
// Records and their parts, from the rows of the database and what was measured. Rows are read in
// one go under the database's lock; nothing is read from the disk then but manifests and
// configurations, to see what names hold.

#include "store/usage-int.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "store/images-int.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char *usage_kind_name(enum usage_kind k)
{
	static const char *const names[USAGE_KINDS] = {"blobs", "layers", "layer indexes", "trees",
	        "cache mounts", "context indexes", "build records", "database", "trash", "work",
	        "other"};
	return names[k];
}

const char *usage_type_name(enum usage_type t)
{
	static const char *const names[USAGE_TYPES] = {
	        "regular", "internal", "source.local", "source.git.checkout", "exec.cachemount"};
	return names[t];
}

void usage_release(struct usage *u)
{
	for (size_t i = 0; i < u->n_records; i++) {
		free(u->records[i].id);
		free(u->records[i].what);
		strv_release(&u->records[i].holders);
	}
	for (size_t i = 0; i < u->n_parts; i++)
		free(u->parts[i].name);
	for (size_t i = 0; i < u->n_images; i++)
		free(u->images[i].name);
	free(u->records);
	free(u->parts);
	free(u->images);
	*u = (struct usage){0};
}

void usage_load_release(struct usage_load *l)
{
	map_release(&l->by_digest);
	map_release(&l->named);
	map_release(&l->leased);
}

// ---- records and parts

static struct usage_record *record_add(struct usage_load *l, enum usage_type type)
{
	struct usage *u = l->u;
	if (u->n_records == l->cap_records) {
		l->cap_records = l->cap_records ? l->cap_records * 2 : 64;
		u->records = xreallocarray(u->records, l->cap_records, sizeof(*u->records));
	}
	struct usage_record *r = &u->records[u->n_records++];
	*r = (struct usage_record){.type = type};
	return r;
}

static void part_add(struct usage_load *l, size_t record, enum usage_kind kind,
        const struct digest *d, const char *name, const char *path)
{
	struct usage *u = l->u;
	if (u->n_parts == l->cap_parts) {
		l->cap_parts = l->cap_parts ? l->cap_parts * 2 : 64;
		u->parts = xreallocarray(u->parts, l->cap_parts, sizeof(*u->parts));
	}
	struct usage_part *p = &u->parts[u->n_parts++];
	*p = (struct usage_part){.kind = kind,
	        .record = record,
	        .name = xstrdup_null(name),
	        .bytes = measure_of(l->m, path)};
	if (d)
		p->digest = *d;
	u->records[record].kinds |= 1u << kind;
}

static void remember(struct usage_load *l, const char *hex, size_t record)
{
	map_set(&l->by_digest, hex, (void *)(uintptr_t)(record + 1));
}

struct usage_record *usage_find(struct usage_load *l, const struct digest *d)
{
	char hex[HASH_HEX];
	digest_hex(d, hex);
	size_t at = (uintptr_t)map_get(&l->by_digest, hex);
	return at ? &l->u->records[at - 1] : NULL;
}

static struct usage_record *find_column(struct usage_load *l, sqlite3_stmt *st, int column)
{
	struct digest d;
	return db_column_hash(st, column, &d.h) ? usage_find(l, &d) : NULL;
}

static size_t index_of(const struct usage_load *l, const struct usage_record *r)
{
	return (size_t)(r - l->u->records);
}

static void note_time(int64_t *t, int64_t seen)
{
	if (seen > *t)
		*t = seen;
}

static void describe(struct usage_record *r, const char *text)
{
	if (r->what || !text)
		return;
	r->what = xstrdup(text);
}

// ---- rows

static size_t new_digest_record(struct usage_load *l, const struct digest *d, enum usage_type type,
        int64_t created, char hex[static HASH_HEX])
{
	char text[DIGEST_TEXT];
	struct usage_record *r = record_add(l, type);
	digest_text(d, text);
	digest_hex(d, hex);
	r->id = xstrdup(text);
	r->created = r->used = created;
	remember(l, hex, index_of(l, r));
	return index_of(l, r);
}

static int load_layers(struct usage_load *l, struct err *e)
{
	int rc = -1;
	sqlite3_stmt *st = db_query(l->s, e, "SELECT diff_id, has_index, created FROM layers", "");
	while (st && (rc = db_row(l->s, st, e)) == 1) {
		struct digest d;
		char hex[HASH_HEX], path[STORE_PATH];
		if (!db_column_hash(st, 0, &d.h))
			continue;
		size_t at =
		        new_digest_record(l, &d, USAGE_REGULAR, sqlite3_column_int64(st, 2), hex);
		path_of_index(&d, path);
		if (sqlite3_column_int(st, 1))
			part_add(l, at, USAGE_INDEX, &d, NULL, path);
	}
	return rc;
}

static int load_layer_blobs(struct usage_load *l, struct err *e)
{
	int rc = -1;
	sqlite3_stmt *st = db_query(l->s, e,
	        "SELECT digest, diff_id, recipe = '' AND (digest IN (SELECT digest FROM blobs) OR "
	        "digest IN (SELECT digest FROM blob_sources)), (SELECT max(repository) FROM "
	        "blob_sources bs WHERE bs.digest = lb.digest) FROM layer_blobs lb",
	        "");
	while (st && (rc = db_row(l->s, st, e)) == 1) {
		struct digest blob;
		char hex[HASH_HEX];
		struct usage_record *r = find_column(l, st, 1);
		if (!r || !db_column_hash(st, 0, &blob.h))
			continue;
		digest_hex(&blob, hex);
		remember(l, hex, index_of(l, r));
		const char *repository = db_column_text(st, 3);
		r->can_be_had |= sqlite3_column_int(st, 2) != 0;
		r->is_elsewhere |= sqlite3_column_int(st, 2) != 0 && repository;
		if (!r->what && repository)
			r->what = xasprintf("layer of %s", repository);
	}
	return rc;
}

static int load_blobs(struct usage_load *l, struct err *e)
{
	int rc = -1;
	sqlite3_stmt *st = db_query(l->s, e, "SELECT digest, created FROM blobs", "");
	while (st && (rc = db_row(l->s, st, e)) == 1) {
		struct digest d;
		char hex[HASH_HEX], path[STORE_PATH], text[DIGEST_TEXT];
		if (!db_column_hash(st, 0, &d.h))
			continue;
		struct usage_record *r = usage_find(l, &d);
		size_t at = r ? index_of(l, r)
		              : new_digest_record(
		                        l, &d, USAGE_INTERNAL, sqlite3_column_int64(st, 1), hex);
		digest_text(&d, text);
		bool tar = r && !strcmp(r->id, text);
		path_of_blob(&d, path);
		part_add(l, at, tar ? USAGE_TAR : USAGE_BLOB, &d, NULL, path);
	}
	return rc;
}

static int load_trees(struct usage_load *l, struct err *e)
{
	int rc = -1;
	sqlite3_stmt *st = db_query(l->s, e, "SELECT diff_id, flavour, created FROM trees", "");
	while (st && (rc = db_row(l->s, st, e)) == 1) {
		struct digest d;
		char path[STORE_PATH];
		struct usage_record *r = find_column(l, st, 0);
		const char *flavour = db_column_text(st, 1);
		if (!r || !flavour || !db_column_hash(st, 0, &d.h))
			continue;
		path_of_tree(&d, flavour, path);
		note_time(&r->used, sqlite3_column_int64(st, 2));
		part_add(l, index_of(l, r), USAGE_TREE, &d, flavour, path);
	}
	return rc;
}

static int load_steps(struct usage_load *l, struct err *e)
{
	int rc = -1;
	sqlite3_stmt *st = db_query(l->s, e,
	        "SELECT diff_id, name, used, duration_ns FROM steps WHERE diff_id IS NOT NULL "
	        "ORDER BY rowid DESC",
	        "");
	while (st && (rc = db_row(l->s, st, e)) == 1) {
		struct usage_record *r = find_column(l, st, 0);
		const char *name = db_column_text(st, 1);
		if (!r)
			continue;
		if (name && str_has_prefix(name, "git "))
			r->type = USAGE_SOURCE_GIT;
		describe(r, name);
		note_time(&r->used, sqlite3_column_int64(st, 2));
		note_time(&r->cost_ns, sqlite3_column_int64(st, 3));
		auto_free char *holder = xasprintf("step %s", name ? name : "of a build");
		if (!strv_has(&r->holders, holder))
			strv_add(&r->holders, holder);
	}
	return rc;
}

static int load_uses(struct usage_load *l, struct err *e)
{
	int rc = -1;
	sqlite3_stmt *st = db_query(l->s, e, "SELECT digest, at FROM uses", "");
	while (st && (rc = db_row(l->s, st, e)) == 1) {
		struct usage_record *r = find_column(l, st, 0);
		if (r)
			note_time(&r->used, sqlite3_column_int64(st, 1));
	}
	return rc;
}

// ---- caches: the folders say what is there

static int note_mount(struct usage_load *l, struct usage_record *r, struct err *e)
{
	sqlite3_stmt *st =
	        db_query(l->s, e, "SELECT id, used FROM cache_mounts WHERE name = ?", "t", r->id);
	int rc = st ? db_row(l->s, st, e) : -1;
	if (rc == 1) {
		r->what = xasprintf("cache mount %s", db_column_text(st, 0));
		r->used = sqlite3_column_int64(st, 1);
		db_done(st);
	}
	return rc < 0 ? -1 : 0;
}

static int load_caches(struct usage_load *l, struct err *e)
{
	const char *path;
	void *ignored;
	for (size_t i = 0; map_next(&l->m->sizes, &i, &path, &ignored);) {
		bool mount = str_has_prefix(path, "cache/");
		struct stat st;
		if ((!mount && !str_has_prefix(path, "contexts/")) ||
		        fstatat(l->s->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		struct usage_record *r =
		        record_add(l, mount ? USAGE_CACHE_MOUNT : USAGE_SOURCE_LOCAL);
		r->id = xstrdup(fs_base_name(path));
		r->used = r->created = st.st_mtim.tv_sec;
		if (mount && note_mount(l, r, e) < 0)
			return -1;
		r->leased = mount && cache_is_in_use(l->s, r->id);
		describe(r, mount ? "cache mount" : "index of a build context");
		part_add(l, index_of(l, r), mount ? USAGE_CACHE : USAGE_CONTEXT, NULL, r->id, path);
	}
	return 0;
}

int usage_load_rows(struct usage_load *l, struct err *e)
{
	return load_layers(l, e) < 0 || load_steps(l, e) < 0 || load_layer_blobs(l, e) < 0 ||
	                       load_blobs(l, e) < 0 || load_trees(l, e) < 0 ||
	                       load_uses(l, e) < 0 || load_caches(l, e) < 0
	               ? -1
	               : 0;
}

// ---- sums

// By a name: what its manifest lists, and what it takes to read that. A tar that nothing else is
// here for, or elsewhere, stays with any image that has the layer.
static bool is_named(const struct usage_load *l, const struct usage_part *p)
{
	const struct usage_record *r = &l->u->records[p->record];
	bool is_tar = p->kind == USAGE_TAR || p->kind == USAGE_INDEX;
	char hex[HASH_HEX];
	digest_hex(&p->digest, hex);
	if (is_tar && r->is_image && !r->can_be_had)
		return true;
	return (is_tar || p->kind == USAGE_BLOB) && map_has(&l->named, hex);
}

static void sum_parts(struct usage_load *l)
{
	struct usage *u = l->u;
	for (size_t i = 0; i < u->n_parts; i++) {
		struct usage_part *p = &u->parts[i];
		struct usage_record *r = &u->records[p->record];
		p->held = r->leased || is_named(l, p);
		r->bytes += p->bytes;
		r->reclaimable += p->held ? 0 : p->bytes;
	}
}

static void sum_records(struct usage_load *l)
{
	struct usage *u = l->u;
	sum_parts(l);
	for (size_t i = 0; i < u->n_records; i++) {
		struct usage_record *r = &u->records[i];
		if (r->type == USAGE_INTERNAL && r->n_images == 0 && r->holders.n == 0)
			r->type = USAGE_REGULAR; // nobody's document: a file that was fetched
		describe(r, r->type == USAGE_INTERNAL ? "document of an image" : "layer or file");
		u->reclaimable += r->reclaimable;
	}
}

static int sum_kinds(struct usage_load *l, struct err *e)
{
	struct usage *u = l->u;
	int64_t builds = 0;
	memcpy(u->kinds, l->m->kinds, sizeof(u->kinds));
	for (size_t i = 0; i < u->n_parts; i++)
		if (u->parts[i].kind == USAGE_TAR) {
			u->kinds[USAGE_TAR] += u->parts[i].bytes;
			u->kinds[USAGE_BLOB] -= u->parts[i].bytes;
		}
	if (db_int(l->s, e, &builds, "SELECT coalesce(sum(length(json)), 0) FROM builds", "") < 0)
		return -1;
	if (builds > 0 && (uint64_t)builds < u->kinds[USAGE_DATABASE]) {
		u->kinds[USAGE_DATABASE] -= (uint64_t)builds;
		u->kinds[USAGE_BUILDS] += (uint64_t)builds;
	}
	for (size_t i = 0; i < USAGE_KINDS; i++)
		u->total += u->kinds[i];
	u->reclaimable += u->kinds[USAGE_TRASH];
	return 0;
}

int usage_load(struct usage_load *l, struct err *e)
{
	if (usage_load_rows(l, e) < 0 || usage_load_holders(l, e) < 0 ||
	        usage_load_images(l, e) < 0)
		return -1;
	sum_records(l);
	return sum_kinds(l, e);
}

int store_usage(
        struct store *s, const struct usage_helper *helper, struct usage *ret, struct err *e)
{
	struct usage u = {0};
	struct measure m = {.helper = helper};
	struct usage_load l = {.s = s, .m = &m, .u = &u};
	int rc = measure_store(s, &m, e);
	if (rc == 0) {
		db_lock(s);
		rc = usage_load(&l, e);
		if (rc == 0)
			rc = usage_sum_images(&l, e);
		db_unlock(s);
	}
	usage_load_release(&l);
	measure_release(&m);
	if (rc < 0)
		usage_release(&u);
	else
		*ret = u;
	return rc;
}
