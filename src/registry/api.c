// SPDX-License-Identifier: Apache-2.0
// Calls to the /v2/ API: authorization, one more try after a 401, retries of what is passing
// (429, 5xx, lost connections) with the server's Retry-After, and refusals in words.

#include "base/event.h"
#include "base/json.h"
#include "base/mem.h"
#include "registry/client.h"
#include "registry/url.h"

void api_call_release(struct api_call *c)
{
	strv_release(&c->scopes);
}

bool status_is_transient(int status)
{
	return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
	       status == 504;
}

char *api_error_text(const struct http_response *rs)
{
	auto_buf struct buf text = {0};
	struct err ignored = ERR_INIT;
	auto_jdoc struct jdoc *doc =
	        rs->body.n > 0 ? jdoc_parse(rs->body.p, rs->body.n, &ignored) : NULL;
	const struct jn *root = doc ? jdoc_root(doc) : NULL;
	const struct jn *errors = jn_get(root, "errors");
	for (size_t i = 0; i < jn_len(errors) && i < 4; i++) {
		const struct jn *one = jn_at(errors, i);
		const char *message = jn_get_str(one, "message");
		if (!message || !*message)
			message = jn_get_str(one, "code");
		if (message)
			buf_printf(&text, "%s%.300s", text.n ? "; " : "", message);
	}
	const char *plain = jn_get_str(root, "details");
	if (!plain)
		plain = jn_get_str(root, "error_description");
	if (!text.n && plain)
		buf_printf(&text, "%.300s", plain);
	return buf_steal(&text);
}

// What the scopes were, to see whether a challenge asked for more.
static char *scope_text(const struct strv *scopes)
{
	auto_buf struct buf text = {0};
	for (size_t i = 0; i < scopes->n; i++)
		buf_printf(&text, "%s ", scopes->v[i]);
	return buf_steal(&text);
}

// After a refusal: 1 with another *header to try, 0 if there is nothing better than what was sent.
static int improve(struct registry *r, struct api_call *c, const struct http_response *rs,
        char **header, int tries, struct err *e)
{
	struct host *h = c->ep->host;
	auto_free char *before = scope_text(&c->scopes);
	if (!auth_challenged(h, rs, *header, &c->scopes))
		return 0;
	auto_free char *after = scope_text(&c->scopes);
	bool wider = strcmp(before, after) != 0;
	// Once for the first challenge, once for scopes not asked for or a token that has grown
	// old.
	if (!wider && (rs->status == 403 || tries > 1))
		return 0;
	char *next;
	if (auth_header(r, h, c->ep->repository, &c->scopes, &next, e) < 0)
		return -1;
	bool same = !next || (*header && strcmp(next, *header) == 0);
	free(*header);
	*header = next;
	return same ? 0 : 1;
}

static int perform_authorized(
        struct registry *r, struct api_call *c, struct http_response *ret, struct err *e)
{
	auto_free char *header = NULL;
	if (c->foreign)
		return http_perform(r->http, &c->rq, ret, e);
	ret->failure = HTTP_FAIL_LOCAL;
	if (auth_header(r, c->ep->host, c->ep->repository, &c->scopes, &header, e) < 0)
		return -1;
	for (int tries = 0;; tries++) {
		c->rq.authorization = header;
		int rc = http_perform(r->http, &c->rq, ret, e);
		c->rq.authorization = NULL;
		if (rc < 0 || tries >= 2 || c->settled)
			return rc;
		int better = improve(r, c, ret, &header, tries, e);
		if (better < 0)
			ret->failure = HTTP_FAIL_LOCAL;
		if (better <= 0)
			return better;
		if (c->rq.body_is_pipe) // the caller begins anew, with what is known now
			return 0;
		http_response_release(ret);
	}
}

static bool is_transient(const struct http_response *rs, int rc)
{
	if (rc == 0)
		return status_is_transient(rs->status);
	return rs->failure == HTTP_FAIL_CUT || rs->failure == HTTP_FAIL_TIMEOUT;
}

static int64_t wanted_pause(const struct http_response *rs)
{
	const char *text = rs->retry_after;
	if (!text && rs->status == 429 && rs->body.n > 0) {
		const char *at = strstr(rs->body.p, "retry-after: "); // ghcr.io
		text = at ? at + 13 : NULL;
	}
	return retry_after_ms(text, clock_real_ns() / 1000000000);
}

int api_try_again(struct registry *r, struct retry *retry, const struct http_response *rs,
        const char *why, struct err *e)
{
	int64_t pause = wanted_pause(rs);
	struct err cancelled = ERR_INIT;
	if (pause > RETRY_AFTER_MAX_MS || !retry_again(retry))
		return 0;
	if (*why)
		event_note(r->sink, "%s: trying again", why);
	if (retry_wait(retry, pause, &cancelled) == 0)
		return 1;
	*e = cancelled;
	return -1;
}

// Counted for mirrors: one that cannot be reached is not asked for every blob.
static void note_reached(struct host *h, const struct http_response *rs, int rc)
{
	bool unreachable =
	        rc < 0 && (rs->failure == HTTP_FAIL_CONNECT || rs->failure == HTTP_FAIL_RESOLVE ||
	                          rs->failure == HTTP_FAIL_TLS || rs->failure == HTTP_FAIL_CERT ||
	                          rs->failure == HTTP_FAIL_TIMEOUT);
	if (unreachable)
		atomic_fetch_add(&h->dead, 1);
	else
		atomic_store(&h->dead, 0);
}

// An upload may be sent to a storage server; the registry's token is none of its business.
static bool is_on_host(const struct host *h, const char *text)
{
	auto_url struct url base = {0}, url = {0};
	struct err ignored = ERR_INIT;
	return url_parse(h->base, &base, &ignored) == 0 && url_parse(text, &url, &ignored) == 0 &&
	       url_same_origin(&base, &url);
}

int api_perform(struct registry *r, struct api_call *c, struct http_response *ret, struct err *e)
{
	struct retry retry = {0};
	struct host *h = c->ep->host;
	*ret = (struct http_response){.failure = HTTP_FAIL_CONNECT};
	if (host_settle(r, h, e) < 0) {
		note_reached(h, ret, -1);
		return -1;
	}
	auto_free char *url = c->url    ? xstrdup(c->url)
	                      : c->ping ? xasprintf("%s%s/%s", h->base, h->api, c->ping)
	                                : endpoint_url(c->ep, c->tail);
	c->foreign = c->url && !is_on_host(h, c->url);
	c->rq.url = url;
	c->rq.insecure = h->insecure;
	c->rq.connect_seconds = h->connect_seconds;
	// Those that hosts.toml has for the host, and not for whom it sends uploads to.
	c->rq.own_headers = c->foreign ? NULL : &h->headers;
	for (;;) {
		int rc = perform_authorized(r, c, ret, e);
		note_reached(h, ret, rc);
		if (c->once || !is_transient(ret, rc))
			return rc;
		auto_free char *status =
		        xasprintf("'%s' answers with status %d", h->name, ret->status);
		int again = api_try_again(r, &retry, ret, rc < 0 ? e->msg : status, e);
		if (again <= 0)
			return again < 0 ? -1 : rc;
		http_response_release(ret);
	}
}

static int denied(const struct endpoint *ep, const struct http_response *rs, const char *what,
        const char *said, struct err *e)
{
	const char *host = ep->host->cred_name;
	if (!ep->host->offered)
		return err_set(e, ERR_AUTH,
		        "'%s' denies access to %s%s: it does not exist there or needs credentials: "
		        "run 'hew login %s'",
		        host, what, said, host);
	if (rs->status == 401)
		return err_set(e, ERR_AUTH,
		        "'%s' does not accept the stored credentials for %s%s: run 'hew login %s' "
		        "again",
		        host, what, said, host);
	return err_set(
	        e, ERR_AUTH, "'%s' does not allow this user access to %s%s", host, what, said);
}

static int busy(
        const struct endpoint *ep, const struct http_response *rs, const char *said, struct err *e)
{
	const char *host = ep->host->cred_name;
	auto_free char *limit = rate_limit_text(rs);
	return err_set(e, ERR_NET,
	        "'%s' allows no more requests for now (status 429%s%.60s)%s%s: wait%s%s%s", host,
	        rs->retry_after ? ", retry after " : "", rs->retry_after ? rs->retry_after : "",
	        said, limit, ep->host->offered ? "" : ", or run 'hew login ",
	        ep->host->offered ? "" : host, ep->host->offered ? "" : "' for a higher limit");
}

#undef api_refused // the function itself
int api_refused(
        const struct endpoint *ep, const struct http_response *rs, const char *what, struct err *e)
{
	const char *host = ep->host->cred_name;
	auto_free char *text = api_error_text(rs);
	auto_free char *said = *text ? xasprintf(" (%s)", text) : xstrdup("");
	int address = (int)strcspn(rs->url, "?"); // the query may be a signature that opens doors
	if (rs->redirected)
		return err_set(e, rs->status == 404 ? ERR_NOT_FOUND : ERR_NET,
		        "'%s' sent us on for %s to '%.*s', which answers with status %d", host,
		        what, address < 120 ? address : 120, rs->url, rs->status);
	auto_free char *advice = refusal_advice(ep, rs, text);
	if (advice)
		return err_set(e, rs->status == 404 ? ERR_NOT_FOUND : ERR_AUTH,
		        "'%s' refuses %s%s: %s", host, what, said, advice);
	switch (rs->status) {
	case 401:
	case 403:
		return denied(ep, rs, what, said, e);
	case 404:
		return err_set(e, ERR_NOT_FOUND,
		        "%s not found on '%s'%s: the repository or tag does "
		        "not exist, or it is private: run 'hew login %s'",
		        what, host, said, host);
	case 429:
		return busy(ep, rs, said, e);
	case 413:
		return err_set(e, ERR_NET,
		        "'%s' or a proxy before it finds %s too large (status 413)%s", host, what,
		        said);
	default: // of 4xx it is the request that is wrong
		return err_set(e, rs->status / 100 == 4 ? ERR_FAIL : ERR_NET,
		        "'%s' %s status %d for %s%s", host,
		        rs->status >= 500 ? "is in trouble: it answers with" : "answers with",
		        rs->status, what, said);
	}
}
