// SPDX-License-Identifier: Apache-2.0
// One upload (distribution-spec 1.1, "Pushing blobs"): POST and a single PUT with the length, which
// is the fastest and what every registry knows. If the connection is lost on the way, the registry
// is asked how much it has and gets the rest; if it does not know, the upload begins anew. A
// registry that refuses the blob in one piece, or a proxy before it, gets pieces (PATCH).

#include "base/event.h"
#include "base/fault.h"
#include "base/mem.h"
#include "registry/push-int.h"
#include "registry/url.h"

#define PIECE_SIZE (4u << 20) // ghcr.io takes no more
#define PIECE_MIN (256u << 10)
#define PIECE_MAX (UINT64_C(1) << 30)
#define RESUME_MIN (256u << 10) // less is sent again as fast

// Bytes; what makes no sense is passed over.
static void take_piece_minimum(struct upload *u, const struct http_response *rs)
{
	uint64_t least;
	if (rs->chunk_min_length && str_to_u64(rs->chunk_min_length, &least) && least <= PIECE_MAX)
		u->piece_min = least;
}

int upload_located(struct upload *u, const struct http_response *rs, struct err *e)
{
	auto_url struct url at = {0}, next = {0};
	take_piece_minimum(u, rs);
	free(u->location);
	u->location = NULL;
	if (!rs->location)
		return err_set(e, ERR_NET, "'%s' starts an upload without telling where to",
		        u->t->ep->host->cred_name);
	if (url_parse(rs->url, &at, e) < 0 || url_resolve(&at, rs->location, &next, e) < 0)
		return err_wrap(e, "upload location");
	if (!url_keep_https(&at, &next))
		return err_set(e, ERR_NET,
		        "'%s' wants the upload sent by plain http to '%s': refused",
		        u->t->ep->host->cred_name, next.host);
	u->location = url_text(&next);
	return 0;
}

int upload_begin(struct upload *u, struct err *e)
{
	if (u->location)
		return 0;
	auto_response struct http_response rs = {0};
	struct api_call c = {
	        .tail = "blobs/uploads/", .rq = {.method = "POST", .has_body = true, .body = ""}};
	if (upload_call(u, &c, &rs, e) < 0)
		return -1;
	if (rs.status != 202)
		return api_refused(u->t->ep, &rs, u->what, e);
	u->sent = 0;
	return upload_located(u, &rs, e);
}

static void on_sent(void *arg, uint64_t bytes)
{
	struct upload *u = arg;
	progress_tick(&u->progress, u->sent + bytes);
}

enum outcome {
	SENT,
	SEND_AGAIN,  // failed, but may work when begun anew or gone on with
	SEND_PIECES, // refused in one piece
	SEND_FAILED,
};

// One request with `n` bytes from u->sent on. last: the PUT that ends the upload.
static int send_part(
        struct upload *u, uint64_t n, bool last, struct http_response *rs, struct err *e)
{
	auto_strv struct strv headers = {0};
	auto_buf struct buf url = {0};
	buf_puts(&url, u->location);
	if (last) {
		buf_printf(&url, "%cdigest=", strchr(u->location, '?') ? '&' : '?');
		url_escape(&url, u->digest);
	}
	strv_add(&headers, "Content-Type: application/octet-stream");
	if (n > 0 && (!last || u->sent > 0))
		strv_addf(&headers, "Content-Range: %ju-%ju", (uintmax_t)u->sent,
		        (uintmax_t)(u->sent + n - 1));
	struct api_call c = {.url = buf_cstr(&url),
	        .once = true,
	        .rq = {.method = last ? "PUT" : "PATCH",
	                .headers = &headers,
	                .has_body = true,
	                .body = n ? NULL : "",
	                .body_is_pipe = u->is_pipe,
	                .stays = u->is_pipe,
	                .body_fd = u->fd,
	                .body_from = u->sent,
	                .body_size = n,
	                .sent = on_sent,
	                .sent_arg = u}};
	return upload_call(u, &c, rs, e);
}

static bool is_cut(const struct http_response *rs)
{
	return rs->failure == HTTP_FAIL_CUT || rs->failure == HTTP_FAIL_TIMEOUT;
}

static enum outcome refused(struct upload *u, const struct http_response *rs, struct err *e)
{
	api_refused(u->t->ep, rs, u->what, e);
	bool lost_session = rs->status == 404 || rs->status == 416;
	return status_is_transient(rs->status) || lost_session ? SEND_AGAIN : SEND_FAILED;
}

// All that is left.
static enum outcome put(struct upload *u, struct http_response *rs, struct err *e)
{
	uint64_t n = u->d->size - u->sent;
	if (send_part(u, n, true, rs, e) < 0)
		return is_cut(rs) ? SEND_AGAIN : SEND_FAILED;
	if (rs->status >= 200 && rs->status <= 299)
		return SENT;
	int s = rs->status;
	enum outcome o = refused(u, rs, e);
	if (rs->body.n > 0 && strstr(rs->body.p, "DIGEST_INVALID")) {
		// The session may have held what we do not know of; the blob itself is what it is.
		o = u->doubted ? SEND_FAILED : SEND_AGAIN;
		u->doubted = true;
		return o;
	}
	bool whole = s == 400 || s == 405 || s == 411 || s == 413 || s == 415 || s == 501;
	if (o != SEND_FAILED || !whole || n == 0 || rs->redirected)
		return o;
	return u->sent > 0 ? SEND_AGAIN : SEND_PIECES; // the rest may be what it does not take
}

static enum outcome patch(struct upload *u, uint64_t n, struct http_response *rs, struct err *e)
{
	if (send_part(u, n, false, rs, e) < 0)
		return is_cut(rs) ? SEND_AGAIN : SEND_FAILED;
	if (rs->status == 413 && u->piece / 4 >= PIECE_MIN) { // the proxy takes less
		u->piece /= 4;
		api_refused(u->t->ep, rs, u->what, e);
		return SEND_PIECES;
	}
	if (rs->status < 200 || rs->status > 299)
		return refused(u, rs, e);
	if (upload_located(u, rs, e) < 0)
		return SEND_FAILED;
	u->sent += n;
	return SENT;
}

static enum outcome send_pieces(struct upload *u, struct http_response *rs, struct err *e)
{
	while (u->sent < u->d->size) {
		uint64_t piece = u->piece > u->piece_min ? u->piece : u->piece_min;
		uint64_t left = u->d->size - u->sent;
		http_response_release(rs);
		enum outcome o = patch(u, left < piece ? left : piece, rs, e);
		if (o != SENT)
			return o;
	}
	http_response_release(rs);
	if (send_part(u, 0, true, rs, e) < 0)
		return is_cut(rs) ? SEND_AGAIN : SEND_FAILED;
	return rs->status >= 200 && rs->status <= 299 ? SENT : refused(u, rs, e);
}

static void forget_session(struct upload *u)
{
	free(u->location);
	u->location = NULL;
	u->sent = 0;
}

// "0-1023": what has arrived. False: nothing that one can go on from.
static bool take_range(struct upload *u, const char *range)
{
	uintmax_t from, to;
	if (!range || sscanf(range, "%ju-%ju", &from, &to) != 2 || from != 0 || to >= u->d->size)
		return false;
	u->sent = to ? to + 1 : 0; // "0-0" is what is said of nothing
	return u->sent > 0;
}

// After a cut: how far it came.
static void find_place(struct upload *u)
{
	auto_response struct http_response rs = {0};
	struct err ignored = ERR_INIT;
	struct api_call c = {.url = u->location, .once = true, .rq = {.method = "GET"}};
	bool known = u->d->size >= RESUME_MIN && u->location &&
	             upload_call(u, &c, &rs, &ignored) == 0 && rs.status == 204 &&
	             take_range(u, rs.range) && upload_located(u, &rs, &ignored) == 0;
	if (!known)
		forget_session(u);
}

static enum outcome send_once(struct upload *u, struct http_response *rs, struct err *e)
{
	if (fault_point("registry.upload") < 0) {
		err_sys(e, "upload %s", u->what);
		return SEND_FAILED;
	}
	if (upload_begin(u, e) < 0)
		return SEND_FAILED;
	if (host_enter(u->t->r, u->t->ep->host, e) < 0)
		return SEND_FAILED;
	enum outcome o = u->piece ? send_pieces(u, rs, e) : put(u, rs, e);
	host_leave(u->t->ep->host);
	return o;
}

int upload_run(struct upload *u, int fd, struct err *e)
{
	struct retry retry = {0};
	u->fd = fd;
	u->piece = u->t->ep->host->in_pieces ? PIECE_SIZE : 0;
	for (uint64_t best = 0;;) {
		auto_response struct http_response rs = {0};
		enum outcome o = send_once(u, &rs, e);
		if (o == SENT && u->piece)
			u->t->ep->host->in_pieces = true;
		if (o == SENT || o == SEND_FAILED)
			return o == SENT ? 0 : -1;
		if (o == SEND_PIECES) {
			u->piece = u->piece ? u->piece : PIECE_SIZE;
			forget_session(u);
			continue;
		}
		if (is_cut(&rs))
			find_place(u);
		else
			forget_session(u);
		if (u->sent > best) // it moves: patience begins anew
			retry.tries = 0;
		best = u->sent > best ? u->sent : best;
		if (api_try_again(u->t->r, &retry, &rs, e->msg, e) <= 0)
			return -1;
	}
}

// The slots of the host are not waited for: the fetch at the other end of the pipe may need one of
// the same host.
int upload_pipe(struct upload *u, int fd, struct http_response *rs, struct err *e)
{
	struct host *h = u->t->ep->host;
	u->fd = fd;
	u->is_pipe = true;
	if (!u->piece && h->in_pieces)
		u->piece = PIECE_SIZE;
	enum outcome o = u->piece ? send_pieces(u, rs, e) : put(u, rs, e);
	if (o == SENT && u->piece)
		h->in_pieces = true;
	if (o == SEND_PIECES && !u->piece)
		u->piece = PIECE_SIZE;
	forget_session(u);
	bool old_token = o == SEND_FAILED && rs->status == 401 && !u->refused;
	u->refused = old_token;
	return o == SENT ? 0 : o == SEND_FAILED && !old_token ? -1 : 1;
}
