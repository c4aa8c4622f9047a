// SPDX-License-Identifier: Apache-2.0
// Authorization as distribution's token specification has it: a 401 names the realm, the realm
// gives a bearer token for the scopes asked for; or the registry takes Basic. Tokens are kept per
// repository and scopes until nine tenths of their life are over. What a host wants is remembered,
// so only the first request to it is refused.

#include "base/event.h"
#include "base/json.h"
#include "base/mem.h"
#include "registry/client.h"
#include "registry/url.h"

#define TOKEN_ANSWER_MAX (1u << 20)
#define TOKEN_LIFE_DEFAULT 60
#define TOKEN_LIFE_MAX (12 * 3600)

struct token {
	char *key; // repository and scopes
	char *header;
	int64_t expires_ns; // on the monotonic clock
	struct token *next;
};

void token_list_free(struct token *t)
{
	for (struct token *next; t; t = next) {
		next = t->next;
		free(t->key);
		free(t->header);
		free(t);
	}
}

static void drop_token(struct host *h, const char *header)
{
	for (struct token **p = &h->tokens; *p;) {
		struct token *t = *p;
		if (strcmp(t->header, header) != 0) {
			p = &t->next;
			continue;
		}
		*p = t->next;
		t->next = NULL;
		token_list_free(t);
	}
}

static char *token_key(const char *repository, const struct strv *scopes)
{
	auto_buf struct buf key = {0};
	buf_puts(&key, repository ? repository : "");
	for (size_t i = 0; i < scopes->n; i++)
		buf_printf(&key, " %s", scopes->v[i]);
	return buf_steal(&key);
}

static const char *find_token(struct host *h, const char *key)
{
	for (struct token *t = h->tokens; t; t = t->next)
		if (strcmp(t->key, key) == 0 && t->expires_ns > clock_ns())
			return t->header;
	return NULL;
}

static void keep_token(struct host *h, char *key, char *header, int64_t expires_ns)
{
	struct token *t = xcalloc(1, sizeof(*t));
	*t = (struct token){key, header, expires_ns, h->tokens};
	h->tokens = t;
}

static void add_query(struct buf *b, const char *name, const char *value)
{
	if (!value)
		return;
	buf_puts(b, name);
	buf_putc(b, '=');
	url_escape(b, value);
	buf_putc(b, '&');
}

struct token_question {
	struct registry *r;
	struct host *h;
	const struct credentials *c;
	const struct strv *scopes;
	bool insecure; // the token server's certificate need not be verified
};

// GET realm?service=..&scope=..&scope=.., with Basic where there are credentials.
static int ask_by_get(const struct token_question *q, struct http_response *rs, struct err *e)
{
	const struct host *h = q->h;
	const struct credentials *c = q->c;
	const struct strv *scopes = q->scopes;
	auto_buf struct buf url = {0};
	buf_puts(&url, h->challenge.realm);
	buf_putc(&url, strchr(h->challenge.realm, '?') ? '&' : '?');
	add_query(&url, "service", h->challenge.service);
	for (size_t i = 0; i < scopes->n; i++)
		add_query(&url, "scope", scopes->v[i]);
	add_query(&url, "account", c->username);
	url.p[--url.n] = '\0'; // the last separator
	auto_free char *basic = c->username ? basic_authorization(c->username, c->password) : NULL;
	struct http_request rq = {.method = "GET",
	        .url = url.p,
	        .authorization = basic,
	        .max_answer = TOKEN_ANSWER_MAX,
	        .insecure = q->insecure};
	return http_perform(q->r->http, &rq, rs, e);
}

// OAuth2 with an identity (refresh) token, or a password.
static int ask_by_post(const struct token_question *q, struct http_response *rs, struct err *e)
{
	const struct host *h = q->h;
	const struct strv *scopes = q->scopes;
	auto_buf struct buf form = {0}, scope = {0};
	auto_strv struct strv headers = {0};
	for (size_t i = 0; i < scopes->n; i++)
		buf_printf(&scope, "%s%s", i ? " " : "", scopes->v[i]);
	bool refresh = q->c->identity_token != NULL;
	add_query(&form, "grant_type", refresh ? "refresh_token" : "password");
	add_query(&form, "refresh_token", q->c->identity_token);
	add_query(&form, "username", refresh ? NULL : q->c->username);
	add_query(&form, "password", refresh ? NULL : q->c->password);
	add_query(&form, "service", h->challenge.service);
	add_query(&form, "scope", buf_cstr(&scope));
	add_query(&form, "client_id", "hew");
	form.n--;
	strv_add(&headers, "Content-Type: application/x-www-form-urlencoded");
	struct http_request rq = {.method = "POST",
	        .url = h->challenge.realm,
	        .headers = &headers,
	        .has_body = true,
	        .body = form.p,
	        .body_size = form.n,
	        .max_answer = TOKEN_ANSWER_MAX,
	        .stays = true,
	        .insecure = q->insecure};
	int rc = http_perform(q->r->http, &rq, rs, e);
	explicit_bzero(form.p, form.n);
	return rc;
}

static int refused(
        struct host *h, const struct credentials *c, const struct http_response *rs, struct err *e)
{
	auto_free char *said = api_error_text(rs);
	const char *sep = *said ? ": " : "";
	bool denied = rs->status == 401 || rs->status == 403 || rs->status == 400;
	if (denied && h->fixed) // login itself
		return err_set(e, ERR_AUTH,
		        "'%s' refuses the user name or password (status %d%s%s)", h->cred_name,
		        rs->status, sep, said);
	if (denied && (c->username || c->identity_token))
		return err_set(e, ERR_AUTH,
		        "'%s' refuses the user name or password (status %d%s%s): run 'hew login "
		        "%s'",
		        h->cred_name, rs->status, sep, said, h->cred_name);
	if (denied)
		return err_set(e, ERR_AUTH,
		        "'%s' gives no token without credentials (status %d%s%s): run 'hew login "
		        "%s'",
		        h->cred_name, rs->status, sep, said, h->cred_name);
	return err_set(e, ERR_NET, "the token server of '%s' answers with status %d%s%s",
	        h->cred_name, rs->status, sep, said);
}

static int read_token(struct host *h, const struct http_response *rs, char **ret_header,
        int64_t *ret_life, struct err *e)
{
	auto_jdoc struct jdoc *doc = jdoc_parse(rs->body.p ? rs->body.p : "", rs->body.n, e);
	if (!doc)
		return err_wrap(e, "token server of '%s'", h->cred_name);
	const struct jn *root = jdoc_root(doc);
	const char *token = jn_get_str(root, "token");
	if (!token || !*token)
		token = jn_get_str(root, "access_token");
	if (!token || !*token || strpbrk(token, "\r\n"))
		return err_set(
		        e, ERR_CORRUPT, "the token server of '%s' sent no token", h->cred_name);
	int64_t life = jn_int(jn_get(root, "expires_in"), TOKEN_LIFE_DEFAULT);
	*ret_life = life < TOKEN_LIFE_DEFAULT ? TOKEN_LIFE_DEFAULT
	            : life > TOKEN_LIFE_MAX   ? TOKEN_LIFE_MAX
	                                      : life;
	*ret_header = xasprintf("Bearer %s", token);
	return 0;
}

// A password may not travel in the clear because a registry reached by https says so; nor leave
// this machine unprotected because a registry that runs on it says so.
static int check_realm(struct token_question *q, struct err *e)
{
	const struct host *h = q->h;
	auto_url struct url realm = {0};
	if (url_parse(h->challenge.realm, &realm, e) < 0)
		return err_wrap(e, "token server of '%s'", h->cred_name);
	q->insecure = h->configured || (h->insecure && url_host_is_loopback(realm.host));
	if (!realm.https && !(h->plain && q->insecure))
		return err_set(e, ERR_AUTH,
		        "'%s' wants its token fetched by plain http from '%s': refused",
		        h->cred_name, realm.host);
	return 0;
}

// Not every token server knows both ways; what one refuses like this the other may give.
static bool may_know_other_way(int status)
{
	return status == 400 || status == 401 || status == 404 || status == 405;
}

static int ask_in(
        const struct token_question *q, bool post, struct http_response *rs, struct err *e)
{
	return post ? ask_by_post(q, rs, e) : ask_by_get(q, rs, e);
}

// By the way that went last time, else an identity token by POST and a password by GET; then the
// other. What is told of a failure is what the way gave that the server knows.
static int ask(const struct token_question *q, struct http_response *rs, struct err *e)
{
	const struct credentials *c = q->c;
	bool other_known = q->h->other_way;
	bool post = (c->identity_token != NULL) != other_known;
	int rc = ask_in(q, post, rs, e);
	if (rc < 0 || !c->username || other_known || !may_know_other_way(rs->status))
		return rc;
	auto_response struct http_response other = {0};
	struct err ignored = ERR_INIT;
	if (ask_in(q, !post, &other, &ignored) < 0)
		return rc;
	bool unknown = rs->status == 404 || rs->status == 405;
	if (other.status != 200 && !(unknown && other.status == 401))
		return rc;
	http_response_release(rs);
	*rs = other;
	other = (struct http_response){0};
	q->h->other_way = true;
	return 0;
}

static int fetch_bearer(struct registry *r, struct host *h, const struct credentials *c,
        const struct strv *scopes, char **ret_header, int64_t *ret_expires, struct err *e)
{
	struct retry retry = {0};
	struct token_question q = {.r = r, .h = h, .c = c, .scopes = scopes};
	if (check_realm(&q, e) < 0)
		return -1;
	for (;;) {
		auto_response struct http_response rs = {0};
		int64_t asked = clock_ns(), life;
		int rc = ask(&q, &rs, e);
		if (rc == 0 && rs.status == 200) {
			if (read_token(h, &rs, ret_header, &life, e) < 0)
				return -1;
			*ret_expires = asked + life * 900000000;
			return 0;
		}
		bool passing =
		        rc < 0 ? rs.failure == HTTP_FAIL_CUT || rs.failure == HTTP_FAIL_TIMEOUT
		               : status_is_transient(rs.status);
		rc = rc < 0 ? err_wrap(e, "token for '%s'", h->cred_name) : refused(h, c, &rs, e);
		if (!passing || api_try_again(r, &retry, &rs, e->msg, e) <= 0)
			return rc;
	}
}

static bool scopes_push(const struct strv *scopes)
{
	for (size_t i = 0; i < scopes->n; i++) {
		const char *actions = strrchr(scopes->v[i], ':');
		if (actions && strstr(actions, "push"))
			return true;
	}
	return false;
}

static int make_header(struct registry *r, struct host *h, const char *repository,
        const struct strv *scopes, char **ret, int64_t *ret_expires, struct err *e)
{
	struct credentials own = {0};
	const struct credential_need need = {h->cred_name, repository, scopes_push(scopes)};
	if (!h->fixed && credentials_find(r->docker_config, &need, &own, e) < 0)
		return -1;
	const struct credentials *c = h->fixed ? h->fixed : &own;
	int rc = 0;
	h->offered = c->username || c->identity_token || c->registry_token;
	free(h->user);
	h->user = xstrdup_null(c->username);
	*ret = NULL;
	*ret_expires = INT64_MAX;
	if (h->challenge.kind == CHALLENGE_BASIC) {
		if (c->username)
			*ret = basic_authorization(c->username, c->password);
	} else if (c->registry_token) {
		*ret = xasprintf("Bearer %s", c->registry_token);
	} else {
		rc = fetch_bearer(r, h, c, scopes, ret, ret_expires, e);
	}
	credentials_release(&own);
	return rc;
}

static int header_locked(struct registry *r, struct host *h, const char *repository,
        const struct strv *scopes, char **ret, struct err *e)
{
	*ret = NULL;
	if (h->challenge.kind == CHALLENGE_NONE)
		return 0;
	auto_free char *key = token_key(repository, scopes);
	const char *known = find_token(h, key);
	if (!known) {
		char *header;
		int64_t expires;
		if (make_header(r, h, repository, scopes, &header, &expires, e) < 0)
			return -1;
		if (!header)
			return 0;
		keep_token(h, steal_ptr(&key), header, expires);
		known = header;
	}
	*ret = xstrdup(known);
	return 0;
}

int auth_header(struct registry *r, struct host *h, const char *repository,
        const struct strv *scopes, char **ret, struct err *e)
{
	pthread_mutex_lock(&h->lock);
	int rc = header_locked(r, h, repository, scopes, ret, e);
	pthread_mutex_unlock(&h->lock);
	return rc;
}

static void best_challenge(const struct http_response *rs, struct challenge *ret)
{
	*ret = (struct challenge){0};
	for (size_t i = 0; i < rs->www_authenticate.n; i++) {
		auto_challenge struct challenge c = {0};
		challenge_parse(rs->www_authenticate.v[i], &c);
		if (c.kind <= ret->kind)
			continue;
		challenge_release(ret);
		*ret = c;
		c = (struct challenge){0};
	}
}

bool auth_learn(struct host *h, const struct http_response *rs, const char *used)
{
	auto_challenge struct challenge c = {0};
	if (rs->redirected || (rs->status != 401 && rs->status != 403))
		return false;
	best_challenge(rs, &c);
	if (c.kind == CHALLENGE_NONE)
		return false;
	if (used && rs->status == 401)
		drop_token(h, used);
	challenge_release(&h->challenge);
	h->challenge = c;
	c = (struct challenge){0};
	return true;
}

bool auth_challenged(
        struct host *h, const struct http_response *rs, const char *used, struct strv *scopes)
{
	pthread_mutex_lock(&h->lock);
	bool learnt = auth_learn(h, rs, used);
	if (learnt && h->challenge.scope)
		scope_add_list(scopes, h->challenge.scope);
	pthread_mutex_unlock(&h->lock);
	return learnt;
}
