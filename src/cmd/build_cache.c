// SPDX-License-Identifier: Apache-2.0
#include "cmd/build_cache.h"

#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/timefmt.h"
#include "image/platform.h"
#include "image/reference.h"
#include "registry/origin.h"
#include "registry/registry.h"
#include "rootfs/rootfs.h"
#include <string.h>

#define KEEP_AT_ONCE 4

static void release(struct cache_spec *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cache_spec_release(&v[i]);
	free(v);
}

void build_caches_release(struct build_caches *c)
{
	cache_sender_end(c->sender, true);
	release(c->from, c->n_from);
	release(c->to, c->n_to);
	free(c->scope);
	*c = (struct build_caches){0};
}

// A kind of cache that is not supported, or has no credentials, is left out, so that a workflow
// written for another builder runs. told: what was said of it, once for both directions.
static int parse(const struct strv *texts, bool is_export, struct cache_spec **ret, size_t *ret_n,
        struct session *s, struct strv *told, struct err *e)
{
	*ret = xcalloc(texts->n + 1, sizeof(**ret));
	for (size_t i = 0; i < texts->n; i++) {
		if (cache_spec_parse(texts->v[i], is_export, &(*ret)[*ret_n], e) == 0) {
			++*ret_n;
			continue;
		}
		if (e->kind != ERR_UNSUPPORTED)
			return -1;
		if (!strv_has(told, e->msg)) {
			event_warn(session_sink(s), 0, "%s; left out", e->msg);
			strv_add(told, e->msg);
		}
		*e = ERR_INIT;
	}
	return 0;
}

int build_caches_parse(struct build_caches *c, const struct strv *from, const struct strv *to,
        struct session *s, struct err *e)
{
	auto_strv struct strv told = {0};
	return parse(from, false, &c->from, &c->n_from, s, &told, e) ||
	                       parse(to, true, &c->to, &c->n_to, s, &told, e)
	               ? -1
	               : 0;
}

// Of a name the repository: a tag may be that of a commit. Of a URL what is before the branch or
// commit, and the folder behind it.
static void hash_place(struct hasher *h, const char *url)
{
	size_t n = strcspn(url, "#");
	const char *folder = url[n] ? strchr(url + n, ':') : NULL;
	hasher_field(h, url, n);
	hasher_str(h, folder);
}

void build_caches_scope(struct build_caches *c, const struct build_request *r)
{
	auto_hasher struct hasher *h = hasher_new();
	auto_reference struct reference ref = {0};
	struct err ignored = ERR_INIT;
	char hex[HASH_HEX], platform[80];
	auto_free char *name = r->tags.n && !reference_parse(r->tags.v[0], &ref, &ignored)
	                               ? reference_name(&ref)
	                               : NULL;
	hasher_str(h, name);
	hash_place(h, r->context ? r->context : "-");
	hasher_str(h, r->dockerfile);
	hasher_str(h, r->target);
	for (size_t i = 0; i < r->n_platforms; i++) {
		platform_text(&r->platforms[i], platform);
		hasher_str(h, platform);
	}
	struct hash scope = hasher_end(h);
	hash_hex(&scope, hex);
	free(c->scope);
	c->scope = xasprintf("auto-%.16s", hex);
}

int build_caches_inline(const struct build_caches *c, const struct strv *build_args, struct err *e)
{
	const char *arg = strv_env_get(build_args, "BUILDKIT_INLINE_CACHE");
	bool want = false;
	if (arg && *arg && output_take_bool("BUILDKIT_INLINE_CACHE", arg, &want, e))
		return err_set(e, ERR_USAGE,
		        "build argument BUILDKIT_INLINE_CACHE=%s: true or false is expected", arg);
	for (size_t i = 0; i < c->n_to; i++)
		want |= c->to[i].type == CACHE_INLINE;
	return want;
}

// registry.insecure=true is about this registry alone.
static int trust(const struct cache_spec *spec, struct session *s, struct err *e)
{
	auto_reference struct reference ref = {0};
	if (!spec->insecure || !spec->ref)
		return 0;
	struct registry *r = session_registry(s, e);
	if (!r || reference_parse(spec->ref, &ref, e))
		return -1;
	registry_trust(r, ref.domain);
	return 0;
}

static struct cache_request request(const struct build_caches *c, struct session *s, int step)
{
	return (struct cache_request){.store = s->store,
	        .sink = session_sink(s),
	        .step = step,
	        .platforms = c->platforms,
	        .n_platforms = c->n_platforms,
	        .scope = c->scope,
	        .registry = session_registry,
	        .registry_arg = s};
}

// -1: cancelled, or no errors are to be ignored. Anything else is no reason to fail.
static int failed(const struct cache_spec *spec, const char *how, struct session *s, struct err *e)
{
	if (e->kind == ERR_CANCELLED)
		return -1;
	if (spec->strict)
		return err_wrap(e, "cache %s is not %s", cache_spec_name(spec), how);
	event_warn(
	        session_sink(s), 0, "cache %s is not %s: %s", cache_spec_name(spec), how, e->msg);
	*e = ERR_INIT;
	return 0;
}

int build_caches_import(const struct build_caches *c, struct session *s, struct err *e)
{
	struct cache_request q = request(c, s, -1);
	for (size_t i = 0; i < c->n_to; i++)
		if (trust(&c->to[i], s, e))
			return -1;
	for (size_t i = 0; i < c->n_from; i++) {
		size_t n;
		if (trust(&c->from[i], s, e))
			return -1;
		if (cache_import(&q, &c->from[i], &n, e) == 0)
			event_note(q.sink, "cache %s: %zu record%s", cache_spec_name(&c->from[i]),
			        n, n == 1 ? "" : "s");
		else if (failed(&c->from[i], "used", s, e))
			return -1;
	}
	return 0;
}

// ---- cache mounts

static int recall_mount(struct session *s, const char *id, struct step_list *ret, struct err *e)
{
	struct step_record r = {0};
	struct hash key = store_cache_key(id);
	int found = store_step_get(s->store, &key, &r, e);
	if (found == 1 && r.has_layer)
		cache_add_mount(ret, id, &r);
	step_record_release(&r);
	return found;
}

static int collect_mount(struct session *s, struct engine *g, const char *id, bool wait,
        struct step_list *ret, struct err *e)
{
	bool taken = false;
	struct step_record r = {.has_layer = true, .created_sec = time_now().sec};
	struct store_lock *lock = cache_mount_lock(g, id, wait, &taken, e);
	if (!lock && !taken)
		return -1;
	if (!lock) {
		event_warn(session_sink(s), 0, "cache mount %s is in use: left out", id);
		return 0;
	}
	int rc = cache_mount_save(g, id, &r.diff_id, e);
	store_unlock(lock);
	if (rc > 0)
		cache_add_mount(ret, id, &r);
	return rc ? rc : recall_mount(s, id, ret, e);
}

int mounts_collect(
        struct session *s, const struct mount_choice *m, struct step_list *ret, struct err *e)
{
	struct engine g;
	int rc = 0;
	session_engine(s, &g);
	for (size_t i = 0; rc >= 0 && i < m->ids->n; i++) {
		const char *id = m->ids->v[i];
		bool changed = !m->used || strv_has(m->used, id);
		rc = changed ? 0 : recall_mount(s, id, ret, e);
		if (!rc)
			rc = collect_mount(s, &g, id, m->wait, ret, e);
		if (rc < 0 && !m->wait && e->kind != ERR_CANCELLED) {
			event_warn(session_sink(s), 0, "%s: left out", e->msg);
			*e = ERR_INIT;
			rc = 0;
		}
	}
	engine_release(&g);
	return rc < 0 ? -1 : 0;
}

static int export_one(struct cache_request *q, const struct cache_spec *spec, struct session *s,
        const struct build_result *built, struct err *e)
{
	bool all = spec->mounts == MOUNTS_ALL;
	const struct mount_choice m = {
	        .ids = all ? &built->mounts : &spec->mount_ids, .used = &built->used_mounts};
	struct step_list steps = {0};
	if (!m.ids->n)
		return cache_export(q, spec, &built->steps, e);
	for (size_t i = 0; i < built->steps.n; i++) {
		const struct step_row *row = &built->steps.v[i];
		step_list_add(&steps, &row->key, &row->record)->in_result = row->in_result;
	}
	int rc = mounts_collect(s, &m, &steps, e) || cache_export(q, spec, &steps, e) ? -1 : 0;
	step_list_release(&steps);
	return rc;
}

void build_caches_send(struct build_caches *c, struct session *s, struct build_request *r)
{
	const struct cache_request q = request(c, s, -1);
	c->sender = cache_sender_start(&q, c->to, c->n_to);
	r->layer_made = c->sender ? cache_sender_add : NULL;
	r->layer_made_arg = c->sender;
}

static bool is_denied(const struct cache_spec *spec, const struct strv *denied)
{
	auto_reference struct reference ref = {0};
	struct err e = ERR_INIT;
	if (spec->type != CACHE_REGISTRY || !denied->n || reference_parse(spec->ref, &ref, &e))
		return false;
	auto_free char *repository = reference_name(&ref);
	return strv_has(denied, repository);
}

int build_caches_export(struct build_caches *c, struct session *s, const struct build_result *built,
        const struct strv *denied, int step, struct err *e)
{
	cache_sender_end(steal_ptr(&c->sender), false);
	for (size_t i = 0; i < c->n_to; i++) {
		struct cache_request q = request(c, s, step + (int)i);
		bool leave = c->to[i].type == CACHE_INLINE || is_denied(&c->to[i], denied);
		if (!leave && export_one(&q, &c->to[i], s, built, e) &&
		        failed(&c->to[i], "written", s, e))
			return -1;
	}
	return 0;
}

// ---- layers that only a service has

// Is it known by a blob that is not here, and that no registry is known to have?
static int is_elsewhere(
        struct store *s, const struct digest *diff_id, struct descriptor *ret, struct err *e)
{
	struct layer_info info;
	struct layer_blob b;
	auto_strv struct strv sources = {0};
	if (!store_layer_get(s, diff_id, &info) || info.has_tar)
		return 0;
	int found = store_layer_blob(s, diff_id, NULL, &b, e);
	if (found <= 0 || b.present)
		return found < 0 ? -1 : 0;
	if (store_blob_sources(s, &b.digest, &sources, e))
		return -1;
	for (size_t i = 0; i < sources.n; i++)
		if (!source_is_origin(sources.v[i]))
			return 0;
	ret->media_type = xstrdup(b.media_type);
	ret->digest = b.digest;
	ret->size = b.size;
	return sources.n > 0;
}

struct keeping {
	struct registry *registry;
	struct descriptor_list blobs;
};

static int keep_blob(void *arg, size_t i, struct err *e)
{
	struct keeping *k = arg;
	return registry_fetch_blob(k->registry, &k->blobs.v[i], -1, e);
}

int build_caches_keep(struct session *s, const struct step_list *steps, struct err *e)
{
	struct keeping k = {0};
	int rc = 0;
	for (size_t i = 0; !rc && i < steps->n; i++) {
		const struct step_row *row = &steps->v[i];
		struct descriptor d = {0};
		int n = row->in_result && row->record.has_layer
		                ? is_elsewhere(s->store, &row->record.diff_id, &d, e)
		                : 0;
		if (n > 0)
			*descriptor_list_add(&k.blobs) = d;
		rc = n < 0 ? -1 : 0;
	}
	if (!rc && k.blobs.n) {
		const struct pool_each work = {
		        .n = k.blobs.n, .threads = KEEP_AT_ONCE, .arg = &k, .fn = keep_blob};
		k.registry = session_registry(s, e);
		rc = k.registry ? pool_run_each(&work, e) : -1;
	}
	descriptor_list_release(&k.blobs);
	return rc;
}

int build_caches_lost(
        struct session *s, const struct step_list *steps, const struct err *why, struct err *e)
{
	int n = 0;
	if (why->kind == ERR_CANCELLED || why->kind == ERR_SPACE)
		return 0;
	for (size_t i = 0; i < steps->n; i++) {
		const struct step_record *r = &steps->v[i].record;
		auto_free char *where =
		        r->has_layer ? store_layer_lost(s->store, &r->diff_id) : NULL;
		if (!where)
			continue;
		event_warn(session_sink(s), 0, "a layer is gone from %s: what makes it runs again",
		        where);
		if (store_layer_forget(s->store, &r->diff_id, e))
			return -1;
		n = 1;
	}
	return n;
}
