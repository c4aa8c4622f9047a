// SPDX-License-Identifier: Apache-2.0
// A cache in the service of GitHub Actions: layers as entries under BuildKit's keys, so that what
// either has sent the other need not send, and an index of hew's own for each scope and git ref.
#include "actions/actions.h"
#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/pool.h"
#include "cache/cache-int.h"
#include "registry/registry.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define LAYERS_AT_ONCE 4
#define PROGRESS_NS 100000000

struct actions *cache_gha_open(
        const struct cache_request *q, const struct cache_spec *spec, struct err *e)
{
	struct registry *r = q->registry(q->registry_arg, e);
	const struct actions_options o = {.url = spec->gha.url,
	        .v2 = spec->gha.v2,
	        .token = spec->gha.token,
	        .timeout_ns = spec->gha.timeout_ns};
	return r ? actions_get(r, &o, e) : NULL;
}

char *cache_gha_index(const struct cache_request *q, const struct cache_spec *spec, const char *ref)
{
	char hex[HASH_HEX];
	struct hash h = hash_bytes(ref, strlen(ref));
	const char *scope = spec->gha.scope ? spec->gha.scope : q->scope ? q->scope : "hew";
	hash_hex(&h, hex);
	return xasprintf("hew-index-%s-1-%.8s", scope, hex);
}

// ---- layers

struct sending {
	struct event_sink *sink;
	int step;
	uint64_t total;
	char text[DIGEST_TEXT + 16];
	_Atomic uint64_t sent;
	_Atomic int64_t last_ns;
};

static void on_sent(void *arg, uint64_t bytes)
{
	struct sending *s = arg;
	uint64_t now_sent = atomic_fetch_add(&s->sent, bytes) + bytes;
	int64_t now = clock_ns();
	if (!s->sink || (now_sent < s->total && now - atomic_load(&s->last_ns) < PROGRESS_NS))
		return;
	atomic_store(&s->last_ns, now);
	event_emit(s->sink, &(struct event){.kind = EVENT_PROGRESS,
	                            .step = s->step,
	                            .text = s->text,
	                            .len = strlen(s->text),
	                            .current = now_sent,
	                            .total = s->total});
}

static int send_blob(struct actions *a, struct store *st, const struct descriptor *d,
        struct sending *progress, struct patience *p, struct err *e)
{
	uint64_t size;
	auto_fd int fd = store_blob_open(st, &d->digest, &size, e);
	if (fd < 0)
		return -1;
	const struct actions_blob b = {.digest = &d->digest,
	        .fd = fd,
	        .size = size,
	        .sent = progress ? on_sent : NULL,
	        .arg = progress};
	return actions_send(a, &b, p, e);
}

static int read_only(struct err *e)
{
	return err_set(e, ERR_AUTH,
	        "the job's token may not write: that of a pull request from a fork only reads");
}

int cache_gha_send(struct actions *a, struct store *s, const struct descriptor *d, struct err *e)
{
	if (!actions_writable(a))
		return read_only(e);
	struct patience p = actions_patience(a);
	p.brief = true;
	return send_blob(a, s, d, NULL, &p, e);
}

struct gha_export {
	const struct cache_request *q;
	struct actions *a;
	const struct cache_config *c;
	struct patience patience;
	bool *sent; // of each layer
	atomic_size_t n_lost;
	pthread_mutex_t lock; // over why
	struct err why;       // of the first that was not
};

// A blob that was imported from this cache and never needed is not here; it is there.
static int send_layer(struct gha_export *x, const struct descriptor *d, struct err *e)
{
	struct patience p = x->patience;
	struct store *s = x->q->store;
	struct sending progress = {.sink = x->q->sink, .step = x->q->step, .total = d->size};
	char digest[DIGEST_TEXT];
	digest_text(&d->digest, digest);
	snprintf(progress.text, sizeof(progress.text), "%s sending", digest);
	if (store_blob_has(s, &d->digest))
		return send_blob(x->a, s, d, &progress, &p, e);
	int there = actions_has(x->a, &d->digest, &p, e);
	if (there)
		return there < 0 ? -1 : 0;
	struct registry *r = x->q->registry(x->q->registry_arg, e);
	return r && !registry_fetch_blob(r, d, x->q->step, e)
	               ? send_blob(x->a, s, d, &progress, &p, e)
	               : -1;
}

// What cannot be sent is left out of the index; the rest goes on.
static int try_layer(void *arg, size_t i, struct err *e)
{
	struct gha_export *x = arg;
	struct err why = ERR_INIT;
	x->sent[i] = send_layer(x, &x->c->layers[i].blob, &why) == 0;
	if (x->sent[i])
		return 0;
	atomic_fetch_add(&x->n_lost, 1);
	pthread_mutex_lock(&x->lock);
	if (!x->why.kind)
		x->why = why;
	pthread_mutex_unlock(&x->lock);
	if (why.kind == ERR_CANCELLED)
		*e = why;
	return why.kind == ERR_CANCELLED ? -1 : 0;
}

// ---- the index

static void keep(const struct gha_export *x, struct cache_config *ret)
{
	for (size_t i = 0; i < x->c->n_layers; i++) {
		const struct cache_layer *l = &x->c->layers[i];
		if (!x->sent[i])
			continue;
		struct cache_layer *to = cache_config_add(ret, &l->diff_id);
		to->content_id = l->content_id;
		descriptor_copy(&to->blob, &l->blob);
	}
	for (size_t i = 0; i < x->c->steps.n; i++) {
		const struct step_row *s = &x->c->steps.v[i];
		if (!s->record.has_layer || cache_config_find(ret, &s->record.diff_id))
			step_list_add(&ret->steps, &s->key, &s->record);
	}
}

static int write_index(struct gha_export *x, const struct cache_spec *spec, struct err *e)
{
	auto_cache_config struct cache_config kept = {0};
	auto_buf struct buf text = {0};
	keep(x, &kept);
	if (!kept.n_layers)
		return 0;
	cache_config_write_alone(&kept, &text);
	if (text.n > CACHE_CONFIG_MAX)
		return err_set(e, ERR_FAIL, "the cache has too many records for one index");
	auto_free char *name = cache_gha_index(x->q, spec, actions_writable(x->a));
	return actions_save(x->a, name, &text, CACHE_CONFIG_MAX, &x->patience, e);
}

static int export(struct gha_export *x, const struct cache_spec *spec, struct err *e)
{
	const struct pool_each work = {
	        .n = x->c->n_layers, .threads = LAYERS_AT_ONCE, .arg = x, .fn = try_layer};
	if (pool_run_each(&work, e) || write_index(x, spec, e))
		return -1;
	size_t n = atomic_load(&x->n_lost);
	if (!n)
		return 0;
	*e = x->why;
	if (n < x->c->n_layers && !spec->strict) {
		event_warn(x->q->sink, 0, "cache %s: %zu of %zu layers are left out: %s",
		        spec->gha.name, n, x->c->n_layers, e->msg);
		*e = ERR_INIT;
		return 0;
	}
	return err_wrap(e, "%zu of %zu layers are left out", n, x->c->n_layers);
}

int cache_gha_export(const struct cache_request *q, const struct cache_spec *spec,
        const struct cache_config *c, struct err *e)
{
	struct gha_export x = {
	        .q = q, .c = c, .a = cache_gha_open(q, spec, e), .lock = PTHREAD_MUTEX_INITIALIZER};
	if (!x.a)
		return -1;
	if (!actions_writable(x.a))
		return read_only(e);
	x.patience = actions_patience(x.a);
	x.sent = xcalloc(c->n_layers + 1, sizeof(*x.sent));
	int rc = export(&x, spec, e);
	free(x.sent);
	return rc;
}
