// SPDX-License-Identifier: Apache-2.0
// From a repository to the servers that have it. registries.conf says where it lies and which
// mirrors come first, or hosts.toml does; docker.io is served by registry-1.docker.io. https is the
// rule; plain http only for this machine itself and for what is configured as insecure.
//
// A loopback name is tried with http first: a TLS server answers or drops a plain request at once,
// but a plain server may wait for ever for the end of a line that a TLS greeting does not have. No
// credentials are sent before that is settled, and none leave the machine. Elsewhere https comes
// first.

#include "base/buf.h"
#include "base/cancel.h"
#include "base/mem.h"
#include "registry/client.h"
#include "registry/url.h"

void host_free(struct host *h)
{
	if (!h)
		return;
	token_list_free(h->tokens);
	challenge_release(&h->challenge);
	pthread_mutex_destroy(&h->lock);
	slots_release(&h->transfers);
	free(h->name);
	free(h->cred_name);
	free(h->base);
	free(h->user);
	free(h->stands_for);
	free(h->api);
	strv_release(&h->headers);
	free(h);
}

struct host *host_new(const char *name, const char *cred_name, bool configured)
{
	struct host *h = xcalloc(1, sizeof(*h));
	pthread_mutex_init(&h->lock, NULL);
	slots_init(&h->transfers);
	h->name = xstrdup(name);
	h->cred_name = xstrdup(cred_name);
	h->api = xstrdup("/v2");
	h->configured = configured;
	h->insecure = configured || url_host_is_loopback(name);
	return h;
}

struct host *host_copy(const struct host *h)
{
	return host_new(h->name, h->cred_name, h->configured);
}

#define HUB_HOST "registry-1.docker.io"

int host_enter(struct registry *r, struct host *h, struct err *e)
{
	return slots_enter(&h->transfers, r->parallel, e);
}

void host_leave(struct host *h)
{
	slots_leave(&h->transfers);
}

static bool is_hub(const char *domain)
{
	return strcmp(domain, "docker.io") == 0 || strcmp(domain, "index.docker.io") == 0 ||
	       strcmp(domain, HUB_HOST) == 0;
}

char *host_credential_name(const char *name)
{
	return xstrdup(is_hub(name) ? "docker.io" : name);
}

struct host *host_get(struct registry *r, const char *domain, bool insecure)
{
	const char *name = is_hub(domain) ? HUB_HOST : domain;
	pthread_mutex_lock(&r->lock);
	struct host *h = r->hosts;
	while (h && (strcmp(h->name, name) != 0 || h->configured != insecure || h->stands_for))
		h = h->next;
	if (!h) {
		auto_free char *cred_name = host_credential_name(domain);
		h = host_new(name, cred_name, insecure);
		h->next = r->hosts;
		r->hosts = h;
	}
	pthread_mutex_unlock(&r->lock);
	return h;
}

struct host *host_of_name(struct registry *r, const char *domain)
{
	const struct registry_rule *rule = registries_conf_find(&r->conf, domain);
	bool is_it = rule && (!rule->location || strcmp(rule->location, domain) == 0);
	bool trusted = r->insecure || strv_has(&r->trusted, domain);
	return host_get(r, domain, trusted || (is_it && rule->insecure));
}

void endpoint_list_release(struct endpoint_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].repository);
	free(l->v);
	*l = (struct endpoint_list){0};
}

static int check_repository(const char *s)
{
	for (; *s; s++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789._-/", *s))
			return -1;
	return 0;
}

struct endpoint *endpoint_add(struct endpoint_list *l, struct host *h, const char *repository)
{
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	struct endpoint *ep = &l->v[l->n++];
	*ep = (struct endpoint){.host = h, .repository = xstrdup(repository)};
	return ep;
}

// name: "host[:port]/repository"
static int add_endpoint(struct registry *r, const char *name, bool insecure, bool is_mirror,
        struct endpoint_list *l, struct err *e)
{
	const char *slash = strchr(name, '/');
	if (!slash || !slash[1] || check_repository(slash + 1) < 0)
		return err_set(e, ERR_USAGE, "'%s' is not a registry and repository", name);
	auto_free char *domain = xstrndup(name, (size_t)(slash - name));
	endpoint_add(l, host_get(r, domain, insecure), slash + 1)->is_mirror = is_mirror;
	return 0;
}

static int add_mirrors(struct registry *r, const struct registry_rule *rule, const char *name,
        struct endpoint_list *l, struct err *e)
{
	for (size_t i = 0; i < rule->n_mirrors; i++) {
		const struct registry_location *m = &rule->mirrors[i];
		auto_free char *moved = registry_rule_rewrite(rule, m->location, name);
		if (add_endpoint(r, moved, m->insecure, true, l, e) < 0)
			return err_wrap(e, "mirror of '%s'", rule->prefix);
		l->v[l->n - 1].digest_only = m->digest_only;
	}
	return 0;
}

int endpoint_list_make(struct registry *r, const char *domain, const char *repository,
        enum endpoint_use use, struct endpoint_list *ret, struct err *e)
{
	auto_endpoints struct endpoint_list l = {0};
	auto_free char *name = xasprintf("%s/%s", domain, repository);
	const struct registry_rule *rule = registries_conf_find(&r->conf, name);
	if (rule && rule->blocked)
		return err_set(e, ERR_AUTH,
		        "the registry of '%s' is blocked by registries.conf (prefix '%s')", name,
		        rule->prefix);
	if (rule && use == ENDPOINT_PULL && add_mirrors(r, rule, name, &l, e) < 0)
		return -1;
	auto_free char *moved =
	        rule && rule->location ? registry_rule_rewrite(rule, rule->location, name) : NULL;
	bool trusted = r->insecure || strv_has(&r->trusted, domain);
	bool insecure = trusted || (rule && rule->insecure);
	int whole = rule ? 0 : endpoint_add_hosts(r, domain, repository, use, &l, e);
	if (whole < 0)
		return -1;
	if (!whole && add_endpoint(r, moved ? moved : name, insecure, false, &l, e) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		l.v[i].pushes = use == ENDPOINT_PUSH;
	*ret = l;
	l = (struct endpoint_list){0};
	return 0;
}

char *endpoint_url(const struct endpoint *ep, const char *tail)
{
	const struct host *h = ep->host;
	auto_buf struct buf url = {0};
	buf_printf(&url, "%s%s/%s/%s", h->base, h->api, ep->repository, tail);
	if (h->stands_for && ep->is_mirror) { // a mirror of many registries asks of which
		buf_puts(&url, strchr(tail, '?') ? "&ns=" : "?ns=");
		url_escape(&url, h->stands_for);
	}
	return buf_steal(&url);
}

// A TLS server that was sent plain http: Go and nginx answer 400 and say so.
static bool answered_for_tls(const struct http_response *rs)
{
	return rs->status == 400 && rs->body.n > 0 && strstr(rs->body.p, "HTTPS");
}

// 1: it is this scheme; 0: it is not, try the other; -1: neither.
static int try_scheme(struct registry *r, struct host *h, bool plain, struct err *e)
{
	auto_response struct http_response rs = {0};
	auto_free char *base = xasprintf("%s://%s", plain ? "http" : "https", h->name);
	auto_free char *url = xasprintf("%s/v2/", base);
	struct http_request rq = {.method = "GET", .url = url, .insecure = true};
	if (http_perform(r->http, &rq, &rs, e) < 0) {
		enum http_failure f = rs.failure;
		bool maybe =
		        plain ? f == HTTP_FAIL_CUT || f == HTTP_FAIL_PROTOCOL
		              : f == HTTP_FAIL_TLS || f == HTTP_FAIL_CONNECT || f == HTTP_FAIL_CUT;
		return maybe ? 0 : -1;
	}
	if (plain && answered_for_tls(&rs)) {
		err_set(e, ERR_NET, "'%s' wants https", h->name);
		return 0;
	}
	auth_learn(h, &rs, NULL);
	h->base = steal_ptr(&base);
	h->plain = plain;
	return 1;
}

static int settle_locked(struct registry *r, struct host *h, struct err *e)
{
	bool loopback = url_host_is_loopback(h->name);
	if (h->base)
		return 0;
	if (!h->insecure) {
		h->base = xasprintf("https://%s", h->name);
		return 0;
	}
	struct err second = ERR_INIT;
	int found = try_scheme(r, h, loopback, e);
	if (found == 0 && try_scheme(r, h, !loopback, &second) == 1)
		found = 1;
	return found == 1 ? 0 : -1;
}

int host_settle(struct registry *r, struct host *h, struct err *e)
{
	pthread_mutex_lock(&h->lock);
	int rc = settle_locked(r, h, e);
	pthread_mutex_unlock(&h->lock);
	return rc;
}
