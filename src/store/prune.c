// SPDX-License-Identifier: Apache-2.0
// Removing what was chosen. Rows go in one transaction under the gc lock, as in a collection: a
// process leases first and looks second, so it either is seen here or sees the row gone. Files go
// afterwards, those that (still) have no row.

#include "base/err.h"
#include "base/mem.h"
#include "store/prune-int.h"
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

void prune_result_release(struct prune_result *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].id);
		free(r->v[i].what);
		free(r->v[i].why);
	}
	free(r->v);
	*r = (struct prune_result){0};
}

static void tell(const struct usage *u, const struct choices *c, struct prune_result *ret)
{
	ret->v = xcalloc(c->n + 1, sizeof(*ret->v));
	for (ret->n = 0; ret->n < c->n; ret->n++) {
		const struct usage_part *p = &u->parts[c->v[ret->n]];
		const struct usage_record *r = &u->records[p->record];
		ret->v[ret->n] = (struct prune_item){.id = xstrdup(r->id),
		        .what = xstrdup(r->what),
		        .why = why_it_goes(u, p),
		        .kind = p->kind,
		        .type = r->type,
		        .bytes = p->bytes,
		        .used = r->used};
		ret->bytes += p->bytes;
	}
}

int store_unneeded(
        struct store *s, const struct usage_helper *helper, struct prune_result *ret, struct err *e)
{
	auto_usage struct usage u = {0};
	struct choices c = {0};
	*ret = (struct prune_result){0};
	if (store_usage(s, helper, &u, e) < 0)
		return -1;
	choose_unneeded(&u, &c);
	tell(&u, &c, ret);
	free(c.v);
	return 0;
}

// ---- limits

// BuildKit's rule. Without any limit nothing needs to be kept.
uint64_t prune_keeps(uint64_t total, uint64_t free_bytes, const struct prune_limits *l)
{
	uint64_t keep = l->max_used ? l->max_used : l->min_free ? UINT64_MAX : 0;
	if (l->min_free > free_bytes) {
		uint64_t lacking = l->min_free - free_bytes;
		uint64_t rest = total > lacking ? total - lacking : 0;
		keep = keep < rest ? keep : rest;
	}
	return keep > l->reserved ? keep : l->reserved;
}

static uint64_t excess_of(
        const struct store *s, const struct usage *u, const struct prune_limits *l)
{
	struct statvfs st;
	if (fstatvfs(s->root_fd, &st) < 0)
		return 0;
	uint64_t keep = prune_keeps(u->total, (uint64_t)st.f_bavail * st.f_frsize, l);
	return u->total > keep ? u->total - keep : 0;
}

uint64_t store_disk_size(const struct store *s)
{
	struct statvfs st;
	return fstatvfs(s->root_fd, &st) < 0 ? 0 : (uint64_t)st.f_blocks * st.f_frsize;
}

// The mark is for those who were killed before they came to it; another process may take it away
// while this one makes something.
static bool has_grown(const struct store *s)
{
	return s->has_used || faccessat(s->root_fd, GROWN_MARK, F_OK, 0) == 0;
}

bool store_may_be_above(const struct store *s, const struct prune_limits *l)
{
	struct statvfs st;
	if (!store_writable(s) || !has_grown(s) || fstatvfs(s->root_fd, &st) < 0)
		return false;
	uint64_t used = (uint64_t)(st.f_blocks - st.f_bfree) * st.f_frsize;
	uint64_t available = (uint64_t)st.f_bavail * st.f_frsize;
	if (used <= l->reserved)
		return false;
	return (l->max_used && used > l->max_used) || available < l->min_free;
}

// ---- rows, then files

static int delete_part(struct store *s, const struct usage_part *p, struct err *e)
{
	const struct hash *h = &p->digest.h;
	switch (p->kind) {
	case USAGE_TREE:
		return db_run(s, e, "DELETE FROM trees WHERE diff_id = ? AND flavour = ?", "ht", h,
		        p->name);
	case USAGE_INDEX:
		return db_run(s, e, "UPDATE layers SET has_index = 0 WHERE diff_id = ?", "h", h);
	case USAGE_TAR:
	case USAGE_BLOB:
		return db_run(s, e, "DELETE FROM blobs WHERE digest = ?", "h", h);
	default:
		return 0;
	}
}

// One that is nowhere and that nothing speaks of.
static int forget_layer(struct store *s, const struct digest *diff_id, struct err *e)
{
	return db_run(s, e,
	        "DELETE FROM layers WHERE diff_id = ?1 AND NOT has_index AND NOT EXISTS (SELECT 1 "
	        "FROM trees WHERE diff_id = ?1) AND NOT EXISTS (SELECT 1 FROM layer_blobs WHERE "
	        "diff_id = ?1) AND NOT EXISTS (SELECT 1 FROM steps WHERE diff_id = ?1) AND NOT "
	        "EXISTS (SELECT 1 FROM image_layers WHERE diff_id = ?1)",
	        "h", &diff_id->h);
}

static int delete_rows(
        struct store *s, const struct usage *u, const struct choices *c, struct err *e)
{
	for (size_t i = 0; i < c->n; i++)
		if (delete_part(s, &u->parts[c->v[i]], e) < 0)
			return -1;
	if (sweep_rows(s, e) < 0)
		return -1;
	for (size_t i = 0; i < c->n; i++)
		if (u->parts[c->v[i]].kind == USAGE_TAR &&
		        forget_layer(s, &u->parts[c->v[i]].digest, e) < 0)
			return -1;
	return index_json_refresh(s, e);
}

static int delete_caches(
        struct store *s, const struct usage *u, const struct choices *c, struct err *e)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct usage_part *p = &u->parts[c->v[i]];
		if ((p->kind == USAGE_CACHE && cache_collect(s, p->name, e) < 0) ||
		        (p->kind == USAGE_CONTEXT && context_collect(s, p->name, e) < 0))
			return -1;
	}
	return 0;
}

struct prune {
	struct store *s;
	const struct prune_options *o;
	struct measure m;
	struct usage u;
	struct choices chosen;
};

// With the database locked, and no lease growing unless it is a dry run.
static int look(struct prune *p, struct err *e)
{
	struct usage_load l = {.s = p->s, .m = &p->m, .u = &p->u};
	int rc = usage_load(&l, e);
	usage_load_release(&l);
	if (rc == 0)
		choose(&p->u, p->o, excess_of(p->s, &p->u, &p->o->limits), &p->chosen);
	return rc;
}

static int look_only(struct prune *p, struct err *e)
{
	db_lock(p->s);
	int rc = look(p, e);
	db_unlock(p->s);
	return rc;
}

static int remove_rows(struct prune *p, struct err *e)
{
	struct store *s = p->s;
	if (db_begin(s, e) < 0)
		return -1;
	if (lease_gc_begin(s, NULL, NULL, e) < 0)
		return db_abandon(s);
	int rc = look(p, e);
	if (rc == 0 && p->chosen.n > 0)
		rc = delete_rows(s, &p->u, &p->chosen, e);
	rc = rc < 0 ? db_abandon(s) : db_commit(s, e);
	lease_gc_end(s);
	return rc;
}

static int remove_files(struct prune *p, struct prune_result *ret, struct err *e)
{
	struct store *s = p->s;
	if (p->chosen.n == 0)
		return 0;
	if (gc_sync(s, e) == 0 && delete_caches(s, &p->u, &p->chosen, e) == 0 &&
	        gc_finish(s, &ret->freed, e) == 0)
		return 0;
	s->dirty = true; // files without rows
	return -1;
}

static void prune_release(struct prune *p)
{
	measure_release(&p->m);
	usage_release(&p->u);
	free(p->chosen.v);
}

static int prune(struct store *s, const struct prune_options *o, bool quick,
        struct prune_result *ret, struct err *e)
{
	struct prune p = {.s = s, .o = o, .m = {.helper = o->helper, .quick = quick}};
	int rc = measure_store(s, &p.m, e);
	if (rc == 0)
		rc = o->dry_run ? look_only(&p, e) : remove_rows(&p, e);
	if (rc == 0)
		tell(&p.u, &p.chosen, ret);
	if (rc == 0 && !o->dry_run)
		rc = remove_files(&p, ret, e);
	prune_release(&p);
	return rc;
}

int store_prune(
        struct store *s, const struct prune_options *o, struct prune_result *ret, struct err *e)
{
	struct prune_result r = {0};
	if (prune(s, o, false, &r, e) < 0) {
		prune_result_release(&r);
		return -1;
	}
	*ret = r;
	return 0;
}

// One after the other: two that see the same excess would both remove as much.
int store_keep_within(struct store *s, const struct prune_limits *limits,
        const struct usage_helper *helper, struct prune_result *ret, struct err *e)
{
	const struct prune_options o = {.limits = *limits, .helper = helper};
	*ret = (struct prune_result){0};
	store_note_uses(s);
	struct store_lock *lock = store_lock(s, "keep within", e);
	if (!lock)
		return -1;
	trash_reap(s, 0);
	int rc = lease_let_go(s, e);
	if (rc == 0)
		rc = prune(s, &o, true, ret, e);
	if (rc == 0)
		unlinkat(s->root_fd, GROWN_MARK, 0);
	store_unlock(lock);
	return rc;
}
