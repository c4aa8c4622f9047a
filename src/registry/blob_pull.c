// SPDX-License-Identifier: Apache-2.0
// Fetches blobs, into the store or to another taker. Bytes go from the socket through the digest
// into the store's own file; a transfer that is cut goes on where it stopped, on the same server or
// the next. Nothing is entered before length and digest are what the descriptor says. One fetch
// into the store per digest at a time, across threads and processes.

#include "base/event.h"
#include "base/fault.h"
#include "base/mem.h"
#include "registry/client.h"

struct blob_sink {
	struct http_sink sink;
	const struct descriptor *d;
	struct blob_taker *to;
	struct progress progress;
	const char *host;
	bool resumed; // some bytes came by an earlier request
	bool anew;    // what came is of no use: from the beginning
	bool broken;  // the taker cannot begin again: nobody else need be asked
};

// ---- the store as a taker

struct store_taker {
	struct blob_taker face;
	struct store *store;
	struct blob_writer *writer;
	bool spent; // finish has had its digest
};

static uint64_t store_size(struct blob_taker *t)
{
	return blob_writer_size(((struct store_taker *)t)->writer);
}

static int store_write(struct blob_taker *t, const void *p, size_t n, struct err *e)
{
	return blob_writer_write(((struct store_taker *)t)->writer, p, n, e);
}

static int store_again(struct blob_taker *t, struct err *e)
{
	struct store_taker *s = (struct store_taker *)t;
	if (!s->spent)
		return blob_writer_reset(s->writer, e);
	struct blob_writer *next = blob_writer_new(s->store, e);
	if (!next)
		return -1;
	blob_writer_free(s->writer);
	s->writer = next;
	s->spent = false;
	return 0;
}

static int store_finish(struct blob_taker *t, const struct descriptor *d, struct err *e)
{
	struct store_taker *s = (struct store_taker *)t;
	s->spent = true;
	return blob_writer_finish(s->writer, &d->digest, d->size, NULL, e);
}

static int store_place(struct blob_taker *t, uint64_t at, const void *p, size_t n, struct err *e)
{
	return blob_writer_place(((struct store_taker *)t)->writer, at, p, n, e);
}

static int store_advance(struct blob_taker *t, uint64_t n, struct err *e)
{
	return blob_writer_advance(((struct store_taker *)t)->writer, n, e);
}

static const struct blob_taker store_taker = {
        store_size, store_write, store_again, store_finish, store_place, store_advance};

// ---- one request

// "bytes 100-199/200" must begin where we stopped.
static bool range_begins_at(const char *content_range, uint64_t offset)
{
	uintmax_t from;
	return content_range && sscanf(content_range, "bytes %ju-", &from) == 1 && from == offset;
}

static int begin_again(struct blob_sink *b, struct err *e)
{
	b->broken = b->to->again(b->to, e) < 0;
	return b->broken ? -1 : 0;
}

static int blob_start(struct http_sink *sink, const struct http_response *rs, struct err *e)
{
	struct blob_sink *b = (struct blob_sink *)sink;
	uint64_t have = b->to->size(b->to);
	bool partial = rs->status == 206;
	if (have > 0 && (!partial || !range_begins_at(rs->content_range, have))) {
		if (begin_again(b, e) < 0)
			return -1;
		b->anew = partial;
		if (partial)
			return err_set(e, ERR_CORRUPT,
			        "'%s' sends another range than was asked for", b->host);
		have = 0;
	}
	b->resumed = b->resumed || have > 0;
	if (rs->content_length == UINT64_MAX || rs->content_length <= b->d->size - have)
		return 0;
	return err_set(e, ERR_CORRUPT, "'%s' announces %ju bytes where %ju were expected", b->host,
	        (uintmax_t)(have + rs->content_length), (uintmax_t)b->d->size);
}

static int blob_write(struct http_sink *sink, const void *p, size_t n, struct err *e)
{
	struct blob_sink *b = (struct blob_sink *)sink;
	uint64_t have = b->to->size(b->to);
	if (n > b->d->size - have)
		return err_set(e, ERR_CORRUPT, "'%s' sends more than the %ju bytes expected",
		        b->host, (uintmax_t)b->d->size);
	if (fault_point("registry.download") < 0)
		return err_sys(e, "write blob");
	if (b->to->write(b->to, p, n, e) < 0)
		return -1;
	progress_tick(&b->progress, have + n);
	return 0;
}

enum outcome { FETCH_DONE, FETCH_AGAIN, FETCH_FAILED, FETCH_REFUSED };

// What came of a request; rc: of that. A range that cannot be satisfied, or nonsense after a
// resume, starts the blob over.
static enum outcome fetched(struct blob_sink *b, const struct http_response *rs, const char *what,
        int rc, struct err *e)
{
	uint64_t have = b->to->size(b->to);
	bool cut = rs->failure == HTTP_FAIL_CUT || rs->failure == HTTP_FAIL_TIMEOUT;
	// All is here, and only the end of the answer was lost: the digest decides.
	if (rc < 0 && cut && !b->anew && have == b->d->size) {
		*e = ERR_INIT;
		return FETCH_DONE;
	}
	if (rc < 0)
		return cut || b->anew ? FETCH_AGAIN : FETCH_FAILED;
	if (rs->status == 200 || rs->status == 206) {
		if (have == b->d->size)
			return FETCH_DONE;
		err_set(e, ERR_CORRUPT, "%s ends after %ju of %ju bytes", what, (uintmax_t)have,
		        (uintmax_t)b->d->size);
		return FETCH_AGAIN;
	}
	if (rs->status != 416 || have == 0)
		return FETCH_REFUSED;
	err_set(e, ERR_NET, "'%s' cannot go on with %s", b->host, what);
	return begin_again(b, e) < 0 ? FETCH_FAILED : FETCH_AGAIN;
}

// One request.
static enum outcome fetch_once(struct registry *r, struct endpoint *ep, struct blob_sink *b,
        struct http_response *rs, struct err *e)
{
	char digest[DIGEST_TEXT];
	digest_text(&b->d->digest, digest);
	auto_free char *tail = xasprintf("blobs/%s", digest);
	auto_free char *what = xasprintf("the blob of '%s'", ep->repository); // which: its caller
	struct api_call call = {.ep = ep,
	        .tail = tail,
	        .once = true,
	        .rq = {.method = "GET", .sink = &b->sink, .range_from = b->to->size(b->to)}};
	scope_add_repository(&call.scopes, ep->repository, "pull");
	b->anew = false;
	int rc = host_enter(r, ep->host, e);
	if (rc == 0) {
		rc = api_perform(r, &call, rs, e);
		host_leave(ep->host);
	}
	api_call_release(&call);
	enum outcome o = fetched(b, rs, what, rc, e);
	if (o != FETCH_REFUSED)
		return o;
	api_refused(ep, rs, what, e);
	// A storage server that was redirected to may find the signed URL too old.
	bool again = status_is_transient(rs->status) || (rs->redirected && rs->status == 403);
	return again ? FETCH_AGAIN : FETCH_FAILED;
}

// A mirror is not asked for ever: there is another place.
static int fetch_bytes(struct registry *r, struct endpoint *ep, struct blob_sink *b, struct err *e)
{
	struct retry retry = {0};
	int most = ep->is_mirror ? RETRY_MAX : 4 * RETRY_MAX;
	if (b->d->size == 0)
		return 0;
	for (int total = 1;; total++) {
		auto_response struct http_response rs = {0};
		uint64_t before = b->to->size(b->to);
		enum outcome o = fetch_once(r, ep, b, &rs, e);
		if (o == FETCH_DONE)
			return 0;
		// An answer that came to its end and is too short may stay so for ever.
		bool moves = rs.failure != HTTP_OK && b->to->size(b->to) > before;
		bool next = ep->is_mirror && (!moves || rs.failure == HTTP_FAIL_TIMEOUT);
		if (moves)
			retry.tries = 0;
		if (o == FETCH_FAILED || next || total >= most ||
		        api_try_again(r, &retry, &rs, e->msg, e) <= 0)
			return -1;
	}
}

// A wrong digest after a resume may come from two servers' different bytes: once more, and only
// once, from the start.
static int fetch_from(struct registry *r, struct endpoint *ep, struct blob_sink *b, struct err *e)
{
	for (bool last = false;; last = true) {
		b->host = ep->host->cred_name;
		bool was_resumed = b->resumed || b->to->size(b->to) > 0;
		if (fetch_bytes(r, ep, b, e) < 0)
			return -1;
		was_resumed = was_resumed || b->resumed;
		if (b->to->finish(b->to, b->d, e) == 0)
			return 0;
		err_wrap(e, "blob from '%s'", b->host);
		struct err ignored = ERR_INIT;
		if (e->kind != ERR_CORRUPT || begin_again(b, &ignored) < 0)
			return -1;
		b->resumed = false;
		if (!was_resumed || last)
			return -1;
	}
}

// The error worth showing when all endpoints of a repository failed: what the last one said (the
// registry itself), unless an earlier one had bad data.
static void keep_error(struct err *kept, const struct err *e)
{
	if (kept->kind != ERR_CORRUPT)
		*kept = *e;
}

// ---- a mirror that gives other bytes is not asked for that blob again

static char *wrong_key(const struct endpoint *ep, const struct descriptor *d)
{
	char digest[DIGEST_TEXT];
	digest_text(&d->digest, digest);
	return xasprintf("%s %s", ep->host->name, digest);
}

static bool gave_wrong(struct registry *r, const struct endpoint *ep, const struct descriptor *d)
{
	auto_free char *key = wrong_key(ep, d);
	pthread_mutex_lock(&r->lock);
	bool wrong = map_has(&r->wrong, key);
	pthread_mutex_unlock(&r->lock);
	return wrong;
}

// The first n of them, and any of those may have given what was gone on with. Who takes the bytes
// may be past beginning again, and then asks for all of them anew.
static void note_wrong(
        struct registry *r, const struct endpoint_list *eps, size_t n, const struct descriptor *d)
{
	for (size_t i = 0; i < n; i++) {
		if (!eps->v[i].is_mirror)
			continue;
		auto_free char *key = wrong_key(&eps->v[i], d);
		pthread_mutex_lock(&r->lock);
		map_set(&r->wrong, key, r);
		pthread_mutex_unlock(&r->lock);
	}
}

static int fetch_from_repository(
        struct registry *r, const char *name, struct blob_sink *b, struct err *kept)
{
	auto_endpoints struct endpoint_list eps = {0};
	auto_free char *domain = NULL, *repository = NULL;
	struct err e = ERR_INIT;
	if (repository_split(name, &domain, &repository, &e) < 0 ||
	        endpoint_list_make(r, domain, repository, ENDPOINT_PULL, &eps, &e) < 0) {
		keep_error(kept, &e);
		return -1;
	}
	for (size_t i = 0; i < eps.n; i++) {
		if (eps.v[i].is_mirror &&
		        (eps.v[i].host->dead > 0 || gave_wrong(r, &eps.v[i], b->d)))
			continue;
		e = ERR_INIT;
		if (fetch_from(r, &eps.v[i], b, &e) == 0)
			return 0;
		keep_error(kept, &e);
		if (e.kind == ERR_CORRUPT)
			note_wrong(r, &eps, i + 1, b->d);
		if (e.kind == ERR_CANCELLED || e.kind == ERR_SPACE || b->broken) {
			*kept = e;
			return -1;
		}
	}
	return -1;
}

// ---- from elsewhere than a repository

// A signature in the URL may have grown old: then it is asked for again, once without progress.
static enum outcome fetch_located(struct registry *r, struct blob_sink *b, char **url,
        struct http_response *rs, struct err *e)
{
	const struct http_request rq = {
	        .method = "GET", .url = *url, .sink = &b->sink, .range_from = b->to->size(b->to)};
	b->anew = false;
	int rc = http_perform(r->http, &rq, rs, e);
	enum outcome out = fetched(b, rs, "the blob", rc, e);
	if (out != FETCH_REFUSED)
		return out;
	err_set(e, rs->status == 404 ? ERR_NOT_FOUND : ERR_NET,
	        "'%s' answers with status %d for the blob", b->host, rs->status);
	if (rs->status != 403)
		return status_is_transient(rs->status) ? FETCH_AGAIN : FETCH_FAILED;
	free(steal_ptr(url));
	return FETCH_AGAIN;
}

static int fetch_origin_bytes(
        struct registry *r, struct blob_origin *o, struct blob_sink *b, struct err *e)
{
	struct retry retry = {0};
	auto_free char *url = NULL;
	int refused = 0;
	for (int total = 1; b->d->size > 0; total++) {
		auto_response struct http_response rs = {0};
		uint64_t before = b->to->size(b->to);
		if (!url && o->locate(o, &b->d->digest, &url, e))
			return -1;
		enum outcome out = fetch_located(r, b, &url, &rs, e);
		if (out == FETCH_DONE)
			return 0;
		bool moves = b->to->size(b->to) > before;
		if (moves)
			refused = 0;
		if (moves && rs.failure != HTTP_OK) // a short answer may stay short for ever
			retry.tries = 0;
		if (out == FETCH_FAILED || total >= 4 * RETRY_MAX || (!url && ++refused > 1) ||
		        api_try_again(r, &retry, &rs, e->msg, e) <= 0)
			return -1;
	}
	return 0;
}

static int fetch_origin_blob(
        struct registry *r, struct blob_origin *o, struct blob_sink *b, struct err *e)
{
	const struct ranged f = {.r = r,
	        .origin = o,
	        .d = b->d,
	        .host = b->host,
	        .to = b->to,
	        .progress = &b->progress};
	int rc = blob_fetch_ranges(&f, e);
	if (rc < 0)
		return -1;
	*e = ERR_INIT;
	return rc > 0 && fetch_origin_bytes(r, o, b, e) < 0 ? -1 : b->to->finish(b->to, b->d, e);
}

static int fetch_from_origin(
        struct registry *r, const char *source, struct blob_sink *b, struct err *e)
{
	struct blob_origin *o = NULL;
	err_set(e, ERR_NOT_FOUND, "it is in '%s', which this command does not read", source);
	b->host = source;
	while ((o = registry_origin(r, source, o))) {
		*e = ERR_INIT;
		if (fetch_origin_blob(r, o, b, e) == 0)
			return 0;
		struct err ignored = ERR_INIT;
		if (e->kind == ERR_CANCELLED || e->kind == ERR_SPACE || begin_again(b, &ignored))
			break;
	}
	return err_wrap(e, "'%s'", source);
}

static int fetch_manifest_blob(
        struct registry *r, const char *name, const struct descriptor *d, struct err *e)
{
	auto_endpoints struct endpoint_list eps = {0};
	auto_free char *domain = NULL, *repository = NULL;
	auto_manifest_bytes struct manifest_bytes m = {0};
	if (repository_split(name, &domain, &repository, e) < 0 ||
	        endpoint_list_make(r, domain, repository, ENDPOINT_PULL, &eps, e) < 0)
		return -1;
	const struct manifest_wanted want = {.digest = &d->digest,
	        .foreign = media_type_is_document(d->media_type) ? NULL : d->media_type};
	return manifest_fetch(r, &eps, &want, &m, e);
}

int blob_fetch_from(struct registry *r, const struct descriptor *d, int step,
        const struct strv *sources, struct blob_taker *to, struct err *e)
{
	struct blob_sink b = {.sink = {blob_start, blob_write}, .d = d, .to = to};
	progress_init(&b.progress, r, step, d, "pulling");
	for (size_t i = 0; i < sources->n; i++) {
		struct err one = ERR_INIT;
		if ((source_is_origin(sources->v[i]) ? fetch_from_origin : fetch_from_repository)(
		            r, sources->v[i], &b, &one) == 0)
			return 0;
		bool ends = one.kind == ERR_CANCELLED || one.kind == ERR_SPACE || b.broken;
		if (i == 0 || ends) // the newest source is the one that was named
			*e = one;
		if (ends)
			break;
	}
	return -1;
}

static int fetch_document(
        struct registry *r, const struct descriptor *d, const struct strv *sources, struct err *e)
{
	for (size_t i = 0; i < sources->n; i++) {
		struct err one = ERR_INIT;
		if (fetch_manifest_blob(r, sources->v[i], d, &one) == 0)
			return 0;
		bool ends = one.kind == ERR_CANCELLED || one.kind == ERR_SPACE;
		if (i == 0 || ends)
			*e = one;
		if (ends)
			break;
	}
	return -1;
}

struct fetch {
	const struct descriptor *d;
	int step;
	bool is_document;
};

static int fetch_from_sources(
        struct registry *r, const struct fetch *f, const struct strv *sources, struct err *e)
{
	if (f->is_document)
		return fetch_document(r, f->d, sources, e);
	struct store_taker to = {
	        .face = store_taker, .store = r->store, .writer = blob_writer_new(r->store, e)};
	if (!to.writer)
		return -1;
	int rc = blob_fetch_from(r, f->d, f->step, sources, &to.face, e);
	blob_writer_free(to.writer);
	return rc;
}

static int fetch_locked(struct registry *r, const struct fetch *f, struct err *e)
{
	auto_strv struct strv sources = {0};
	const struct descriptor *d = f->d;
	if (store_blob_has(r->store, &d->digest))
		return 0;
	if (store_lease_add(r->store, &d->digest, e) < 0 ||
	        store_blob_sources(r->store, &d->digest, &sources, e) < 0)
		return -1;
	if (sources.n == 0) {
		store_blob_lose(r->store, &d->digest);
		return err_set(e, ERR_NOT_FOUND,
		        "it is not in the store and no registry is known to have it: pull "
		        "the image again");
	}
	*e = ERR_INIT;
	int rc = fetch_from_sources(r, f, &sources, e);
	if (rc < 0 && e->kind != ERR_CANCELLED && e->kind != ERR_SPACE)
		store_blob_lose(r->store, &d->digest);
	return rc;
}

static int fetch(struct registry *r, const struct fetch *f, struct err *e)
{
	const struct descriptor *d = f->d;
	char hex[HASH_HEX];
	if (store_blob_has(r->store, &d->digest))
		return 0;
	digest_hex(&d->digest, hex);
	struct store_lock *lock = store_lock_hash(r->store, "blob", &d->digest.h, e);
	if (!lock)
		return -1;
	int rc = fetch_locked(r, f, e);
	store_unlock(lock);
	return rc < 0 ? err_wrap(e, "fetch 'sha256:%s'", hex) : 0;
}

int registry_fetch_blob(struct registry *r, const struct descriptor *d, int step, struct err *e)
{
	const struct fetch f = {d, step, media_type_is_document(d->media_type)};
	return fetch(r, &f, e);
}

int document_fetch(struct registry *r, const struct descriptor *d, int step, struct err *e)
{
	const struct fetch f = {d, step, true};
	return fetch(r, &f, e);
}
