// SPDX-License-Identifier: Apache-2.0
// A large blob in ranges side by side: the storage behind a cache gives each connection so much a
// second and no more. Bytes go from the sockets to their places in the taker, so memory does not
// grow with the blob; what is whole from its beginning counts as taken, and so a fetch that comes
// to grief here can go on by one request.

#include "base/event.h"
#include "base/fault.h"
#include "base/mem.h"
#include "base/pool.h"
#include "registry/client.h"

#define RANGED_MIN (UINT64_C(32) << 20) // what is less comes by one request
#define RANGE_MIN (UINT64_C(4) << 20)
#define RANGE_MAX (UINT64_C(8) << 20)
#define RANGES_AT_ONCE 8 // of all blobs together
#define RANGES_MAX 20000 // of one; sizes are hearsay
#define SAY_NS INT64_C(1000000000)

struct ranges {
	const struct ranged *f;
	uint64_t from, size; // what the taker had; of each range but the last
	size_t n;
	_Atomic uint64_t came;   // bytes
	atomic_bool alone;       // the server does not give ranges, or not these
	_Atomic int64_t said_ns; // when people were last told of trouble

	pthread_mutex_t address_lock; // over what follows; held while it is asked for
	char *url;                    // NULL: to be asked for
	int url_number;
	bool refused;        // an address was
	uint64_t refused_at; // bytes that had come by then

	pthread_mutex_t lock; // over the taker's progress, and what follows
	bool *there;          // of each range
	size_t next;          // range that the taker does not count yet
	bool advancing;       // somebody is seeing to that
};

struct range {
	struct http_sink sink;
	struct ranges *x;
	uint64_t at, end; // what is missing of it
};

// ---- what comes

static int no_ranges(struct ranges *x, const char *what, struct err *e)
{
	atomic_store(&x->alone, true);
	return err_set(e, ERR_NET, "'%s' %s", x->f->host, what);
}

// "bytes 0-99/200" and "bytes */200" tell how long the blob is; "bytes 0-99/*" does not.
static int check_length(const struct ranges *x, const char *content_range, struct err *e)
{
	const char *slash = content_range ? strchr(content_range, '/') : NULL;
	uint64_t length;
	if (!slash || !str_to_u64(slash + 1, &length) || length == x->f->d->size)
		return 0;
	return err_set(e, ERR_CORRUPT, "'%s' has %ju bytes where %ju were expected", x->f->host,
	        (uintmax_t)length, (uintmax_t)x->f->d->size);
}

static int range_start(struct http_sink *sink, const struct http_response *rs, struct err *e)
{
	struct range *g = (struct range *)sink;
	uintmax_t from, last;
	if (rs->status != 206)
		return no_ranges(g->x, "gives a blob only as a whole", e);
	if (check_length(g->x, rs->content_range, e) < 0)
		return -1;
	if (!rs->content_range || sscanf(rs->content_range, "bytes %ju-%ju", &from, &last) != 2 ||
	        from != g->at || last >= g->end)
		return no_ranges(g->x, "sends another range than was asked for", e);
	return 0;
}

static int range_write(struct http_sink *sink, const void *p, size_t n, struct err *e)
{
	struct range *g = (struct range *)sink;
	struct ranges *x = g->x;
	const struct ranged *f = x->f;
	if (n > g->end - g->at)
		return no_ranges(x, "sends more than was asked for", e);
	if (fault_point("registry.download") < 0)
		return err_sys(e, "write blob");
	if (f->to->place(f->to, g->at, p, n, e) < 0)
		return -1;
	g->at += n;
	pthread_mutex_lock(&x->lock);
	uint64_t came = atomic_fetch_add(&x->came, n) + n;
	progress_tick(f->progress, x->from + came);
	pthread_mutex_unlock(&x->lock);
	return 0;
}

// ---- one range

static uint64_t range_begin(const struct ranges *x, size_t i)
{
	uint64_t at = x->from + i * x->size;
	return at < x->f->d->size ? at : x->f->d->size;
}

// The address for a request, and which one it is. Caller frees.
static char *address(struct ranges *x, int *ret_number, struct err *e)
{
	char *url = NULL;
	pthread_mutex_lock(&x->address_lock);
	if (x->url || x->f->origin->locate(x->f->origin, &x->f->d->digest, &x->url, e) == 0)
		url = xstrdup(x->url);
	*ret_number = x->url_number;
	pthread_mutex_unlock(&x->address_lock);
	return url;
}

// A signature may have grown old: another address is asked for, once without progress, whoever of
// those side by side is told first.
static bool address_again(struct ranges *x, int number)
{
	pthread_mutex_lock(&x->address_lock);
	bool is_this = number == x->url_number;
	bool again = !is_this || !x->refused || x->came > x->refused_at;
	if (is_this && again) {
		free(steal_ptr(&x->url));
		x->url_number++;
		x->refused = true;
		x->refused_at = x->came;
	}
	pthread_mutex_unlock(&x->address_lock);
	return again;
}

// 1: there; 0: to be tried again, *e says why; -1.
static int range_came(
        struct range *g, const struct http_response *rs, int rc, int number, struct err *e)
{
	struct ranges *x = g->x;
	if (g->at == g->end)
		return 1;
	if (rc < 0)
		return rs->failure == HTTP_FAIL_CUT || rs->failure == HTTP_FAIL_TIMEOUT ? 0 : -1;
	if (rs->status == 416) {
		rc = check_length(x, rs->content_range, e);
		return rc < 0 ? -1 : no_ranges(x, "does not give a range of a blob", e);
	}
	if (rs->status == 206) {
		err_set(e, ERR_NET, "'%s' ends a range of the blob early", x->f->host);
		return 0;
	}
	err_set(e, rs->status == 404 ? ERR_NOT_FOUND : ERR_NET,
	        "'%s' answers with status %d for a range of the blob", x->f->host, rs->status);
	bool again =
	        status_is_transient(rs->status) || (rs->status == 403 && address_again(x, number));
	return again ? 0 : -1;
}

static int try_range(struct range *g, struct http_response *rs, struct err *e)
{
	int number;
	auto_free char *url = address(g->x, &number, e);
	if (!url)
		return -1;
	const struct http_request rq = {.method = "GET",
	        .url = url,
	        .sink = &g->sink,
	        .range_from = g->at,
	        .range_size = g->end - g->at};
	int rc = http_perform(g->x->f->r->http, &rq, rs, e);
	return range_came(g, rs, rc, number, e);
}

// Those side by side meet the same trouble: one of them says so.
static const char *worth_saying(struct ranges *x, const struct err *e)
{
	int64_t now = clock_ns(), last = x->said_ns;
	bool mine = now - last >= SAY_NS && atomic_compare_exchange_strong(&x->said_ns, &last, now);
	return mine ? e->msg : "";
}

static int fetch_bytes(struct range *g, struct err *e)
{
	struct retry retry = {0};
	for (int total = 1;; total++) {
		auto_response struct http_response rs = {0};
		uint64_t before = g->at;
		int rc = try_range(g, &rs, e);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
		if (g->at > before)
			retry.tries = 0;
		if (total >= 4 * RETRY_MAX ||
		        api_try_again(g->x->f->r, &retry, &rs, worth_saying(g->x, e), e) <= 0)
			return -1;
	}
}

// Hands on what is whole from the beginning. One thread at a time: what the others bring meanwhile
// it sees to as well.
static int advance(struct ranges *x, size_t i, struct err *e)
{
	const struct ranged *f = x->f;
	int rc = 0;
	pthread_mutex_lock(&x->lock);
	x->there[i] = true;
	if (x->advancing) {
		pthread_mutex_unlock(&x->lock);
		return 0;
	}
	x->advancing = true;
	while (rc == 0 && x->next < x->n && x->there[x->next]) {
		uint64_t size = range_begin(x, x->next + 1) - range_begin(x, x->next);
		pthread_mutex_unlock(&x->lock);
		rc = f->to->advance(f->to, size, e);
		pthread_mutex_lock(&x->lock);
		x->next += rc == 0;
	}
	x->advancing = false;
	pthread_mutex_unlock(&x->lock);
	return rc;
}

static int fetch_range(void *arg, size_t i, struct err *e)
{
	struct ranges *x = arg;
	struct range g = {.sink = {range_start, range_write},
	        .x = x,
	        .at = range_begin(x, i),
	        .end = range_begin(x, i + 1)};
	struct slots *slots = &x->f->r->ranges;
	if (slots_enter(slots, RANGES_AT_ONCE, e) < 0)
		return -1;
	int rc = fetch_bytes(&g, e);
	slots_leave(slots);
	return rc < 0 ? -1 : advance(x, i, e);
}

// ---- all of them

static uint64_t choose_size(uint64_t missing)
{
	uint64_t part = missing / RANGES_AT_ONCE + 1;
	part = part < RANGE_MIN ? RANGE_MIN : part > RANGE_MAX ? RANGE_MAX : part;
	return missing / part < RANGES_MAX ? part : missing / RANGES_MAX + 1;
}

// Trouble with a server that has given something may be because of so many at once.
static bool may_go_on_alone(const struct ranges *x, const struct err *e)
{
	return x->alone || (e->kind == ERR_NET && x->came > 0);
}

int blob_fetch_ranges(const struct ranged *f, struct err *e)
{
	uint64_t from = f->to->size(f->to), missing = f->d->size - from;
	if (!f->to->place || missing < RANGED_MIN)
		return 1;
	struct ranges x = {.f = f, .from = from, .size = choose_size(missing)};
	x.n = (size_t)(missing / x.size + (missing % x.size != 0));
	x.there = xcalloc(x.n, sizeof(*x.there));
	pthread_mutex_init(&x.lock, NULL);
	pthread_mutex_init(&x.address_lock, NULL);
	const struct pool_each work = {
	        .n = x.n, .threads = RANGES_AT_ONCE, .arg = &x, .fn = fetch_range};
	int rc = pool_run_each(&work, e);
	if (rc < 0 && may_go_on_alone(&x, e))
		rc = 1;
	pthread_mutex_destroy(&x.lock);
	pthread_mutex_destroy(&x.address_lock);
	free(x.url);
	free(x.there);
	return rc;
}
