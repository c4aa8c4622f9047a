// SPDX-License-Identifier: Apache-2.0
// What hosts.toml says of a registry, made into the servers to try. Each file is read once; a
// server is a host of its own, apart from the same one under its own name: its path, headers and
// trust are those that this registry's file gives it.

#include "base/mem.h"
#include "registry/client.h"
#include "registry/url.h"

struct hosts_entry {
	char *domain;
	struct hosts_toml toml; // empty: there is no file
	struct hosts_entry *next;
};

void hosts_entries_free(struct hosts_entry *h)
{
	for (struct hosts_entry *next; h; h = next) {
		next = h->next;
		hosts_toml_release(&h->toml);
		free(h->domain);
		free(h);
	}
}

// With r->lock held.
static const struct hosts_toml *hosts_of(struct registry *r, const char *domain, struct err *e)
{
	for (struct hosts_entry *h = r->hosts_tomls; h; h = h->next)
		if (strcmp(h->domain, domain) == 0)
			return &h->toml;
	struct hosts_toml toml = {0};
	if (hosts_toml_find(domain, &toml, e) < 0)
		return NULL;
	struct hosts_entry *h = xcalloc(1, sizeof(*h));
	*h = (struct hosts_entry){xstrdup(domain), toml, r->hosts_tomls};
	r->hosts_tomls = h;
	return &h->toml;
}

// "/v2" below the path of the URL, or that path itself.
static char *api_path(const struct hosts_server *s, const struct url *u)
{
	size_t n = strcspn(u->target, "?");
	while (n > 0 && u->target[n - 1] == '/')
		n--;
	return xasprintf("%.*s%s", (int)n, u->target, s->override_path ? "" : "/v2");
}

static struct host *known(struct registry *r, const char *domain, const char *base, const char *api)
{
	struct host *h = r->hosts;
	while (h && (!h->stands_for || strcmp(h->stands_for, domain) != 0 ||
	                    strcmp(h->base, base) != 0 || strcmp(h->api, api) != 0))
		h = h->next;
	return h;
}

// With r->lock held.
static struct host *host_of(struct registry *r, const char *domain, const char *text,
        const struct hosts_server *s, struct err *e)
{
	auto_url struct url u = {0};
	auto_free char *full = strstr(text, "://") ? xstrdup(text) : xasprintf("https://%s", text);
	if (url_parse(full, &u, e) < 0) {
		err_wrap(e, "hosts.toml of '%s'", domain);
		return NULL;
	}
	auto_free char *name = url_host_port(&u), *api = api_path(s, &u);
	auto_free char *base = xasprintf("%s://%s", u.https ? "https" : "http", name);
	struct host *h = known(r, domain, base, api);
	if (h)
		return h;
	if ((s->ca.n || s->clients.n) && http_trust_add(r->http, name, &s->ca, &s->clients, e) < 0)
		return NULL;
	auto_free char *cred_name = host_credential_name(name);
	h = host_new(name, cred_name, s->skip_verify || !u.https || r->insecure);
	h->base = steal_ptr(&base);
	h->plain = !u.https;
	free(h->api);
	h->api = steal_ptr(&api);
	h->stands_for = xstrdup(domain);
	strv_copy(&h->headers, &s->headers);
	h->connect_seconds = s->dial_seconds;
	h->next = r->hosts;
	r->hosts = h;
	return h;
}

static bool says_something(const struct hosts_server *s)
{
	return s->url || s->ca.n || s->clients.n || s->headers.n || s->skip_verify ||
	       s->dial_seconds;
}

static int add(struct registry *r, const char *domain, const char *repository,
        enum endpoint_use use, struct endpoint_list *l, struct err *e)
{
	const struct hosts_toml *t = hosts_of(r, domain, e);
	if (!t)
		return -1;
	for (size_t i = 0; i < t->n; i++) {
		const struct hosts_server *s = &t->v[i];
		if (!(s->capabilities & (use == ENDPOINT_PUSH ? HOSTS_PUSH : HOSTS_PULL)))
			continue;
		struct host *h = host_of(r, domain, s->url, s, e);
		if (!h)
			return -1;
		struct endpoint *ep = endpoint_add(l, h, repository);
		ep->is_mirror = true;
		ep->digest_only = !(s->capabilities & HOSTS_RESOLVE);
		if (use == ENDPOINT_PUSH)
			return 1; // a push goes to one place
	}
	if (!says_something(&t->server))
		return 0;
	const char *own = strcmp(domain, "docker.io") == 0 ? "registry-1.docker.io" : domain;
	struct host *h = host_of(r, domain, t->server.url ? t->server.url : own, &t->server, e);
	if (!h)
		return -1;
	endpoint_add(l, h, repository);
	return 1;
}

int endpoint_add_hosts(struct registry *r, const char *domain, const char *repository,
        enum endpoint_use use, struct endpoint_list *l, struct err *e)
{
	pthread_mutex_lock(&r->lock);
	int rc = add(r, domain, repository, use, l, e);
	pthread_mutex_unlock(&r->lock);
	return rc;
}
