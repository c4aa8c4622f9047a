// SPDX-License-Identifier: Apache-2.0
// One blob into a repository: HEAD, mount from a repository of the same registry, else an upload.

#include "base/mem.h"
#include "registry/push-int.h"
#include "registry/relay.h"
#include "registry/url.h"

#define MOUNT_TRIES 3

int upload_call(struct upload *u, struct api_call *c, struct http_response *rs, struct err *e)
{
	c->ep = u->t->ep;
	scope_add_repository(&c->scopes, u->t->ep->repository, "pull,push");
	int rc = api_perform(u->t->r, c, rs, e);
	api_call_release(c);
	return rc;
}

// 1 there, 0 not there (or not told), -1 error.
static int is_there(struct upload *u, struct err *e)
{
	auto_response struct http_response rs = {0};
	auto_free char *tail = xasprintf("blobs/%s", u->digest);
	struct api_call c = {.tail = tail, .rq = {.method = "HEAD"}};
	if (upload_call(u, &c, &rs, e) < 0)
		return -1;
	if (rs.status == 200 || rs.status == 404)
		return rs.status == 200;
	if (rs.status == 401)
		return api_refused(u->t->ep, &rs, u->what, e);
	return 0; // HEAD has no body: the POST that follows gets the reason
}

// 1 mounted, 0 not (an upload may have been started instead), -1 error.
static int mount_from(struct upload *u, const char *repository, struct err *e)
{
	auto_response struct http_response rs = {0};
	auto_buf struct buf tail = {0};
	buf_printf(&tail, "blobs/uploads/?mount=%s&from=", u->digest);
	url_escape(&tail, repository);
	struct api_call c = {
	        .tail = tail.p, .rq = {.method = "POST", .has_body = true, .body = ""}};
	scope_add_repository(&c.scopes, u->t->ep->repository, "pull,push");
	scope_add_repository(&c.scopes, repository, "pull");
	if (upload_call(u, &c, &rs, e) < 0)
		return e->kind == ERR_CANCELLED ? -1 : 0;
	if (rs.status == 201)
		return 1;
	return rs.status == 202 ? upload_located(u, &rs, e) : 0;
}

static int mount_somewhere(struct upload *u, struct err *e)
{
	auto_strv struct strv sources = {0};
	size_t domain_n = strlen(u->t->domain);
	int tries = 0, rc = 0;
	if (store_blob_sources(u->t->r->store, &u->d->digest, &sources, e) < 0)
		return -1;
	for (size_t i = 0; i < sources.n && tries < MOUNT_TRIES && rc == 0; i++) {
		const char *name = sources.v[i];
		bool same_registry = strncmp(name, u->t->domain, domain_n) == 0 &&
		                     name[domain_n] == '/' && strcmp(name, u->t->name) != 0;
		if (!same_registry)
			continue;
		tries++;
		rc = mount_from(u, name + domain_n + 1, e);
	}
	return rc;
}

static int relay_from(struct upload *u, const struct strv *sources, struct err *e)
{
	struct retry retry = {0};
	for (;;) {
		auto_response struct http_response rs = {0};
		int fd = -1;
		if (upload_begin(u, e) < 0)
			return -1;
		struct relay *y = relay_start(u->t->r, u->d, u->t->step, sources, &fd, e);
		if (!y)
			return -1;
		int rc = relay_end(y, upload_pipe(u, fd, &rs, e), e);
		if (rc <= 0)
			return rc;
		if (api_try_again(u->t->r, &retry, &rs, e->msg, e) <= 0)
			return -1;
		*e = ERR_INIT;
	}
}

static int relay_blob(struct upload *u, struct err *e)
{
	auto_strv struct strv sources = {0};
	if (store_blob_sources(u->t->r->store, &u->d->digest, &sources, e) < 0)
		return -1;
	if (sources.n == 0)
		return err_set(e, ERR_NOT_FOUND, "no registry is known to have %s", u->what);
	return relay_from(u, &sources, e) < 0 ? err_wrap(e, "%s", u->what) : 0;
}

static int send_blob(struct upload *u, struct err *e)
{
	struct store *s = u->t->r->store;
	uint64_t size;
	bool here = store_blob_has(s, &u->d->digest);
	if (!here && u->t->relay)
		return relay_blob(u, e);
	if (!here && registry_fetch_blob(u->t->r, u->d, u->t->step, e) < 0)
		return -1;
	auto_fd int fd = store_blob_open(s, &u->d->digest, &size, e);
	if (fd < 0)
		return -1;
	if (size != u->d->size)
		return err_set(e, ERR_CORRUPT,
		        "%s has %ju bytes in the store, its descriptor says %ju", u->what,
		        (uintmax_t)size, (uintmax_t)u->d->size);
	return upload_run(u, fd, e);
}

enum way { WAY_THERE, WAY_MOUNTED, WAY_SENT };

static void count(struct push_target *t, enum way way, const struct descriptor *d)
{
	struct push_counts *c = t->counts;
	if (!c)
		return;
	pthread_mutex_lock(t->lock);
	*(way == WAY_THERE ? &c->there : way == WAY_MOUNTED ? &c->mounted : &c->sent) += 1;
	if (way == WAY_SENT)
		c->bytes += d->size;
	pthread_mutex_unlock(t->lock);
}

int push_blob(struct push_target *t, const struct descriptor *d, struct err *e)
{
	struct upload u = {.t = t, .d = d};
	enum way way = WAY_THERE;
	digest_text(&d->digest, u.digest);
	u.what = xasprintf("blob '%s' of '%s'", u.digest, t->ep->repository);
	progress_init(&u.progress, t->r, t->step, d, "pushing");
	int rc = is_there(&u, e);
	if (rc == 0) {
		way = WAY_MOUNTED;
		rc = mount_somewhere(&u, e);
	}
	if (rc == 0) {
		way = WAY_SENT;
		rc = send_blob(&u, e);
	}
	if (rc >= 0) {
		count(t, way, d);
		progress_tick(&u.progress, d->size);
		rc = store_blob_add_source(t->r->store, &d->digest, t->name, e);
	}
	free(u.what);
	free(u.location);
	return rc;
}
