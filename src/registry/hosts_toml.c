// SPDX-License-Identifier: Apache-2.0
// Reads hosts.toml and finds the one of a registry: the first folder that has one counts, of the
// user's before the machine's, containerd's before docker's and BuildKit's.

#include "registry/hosts_toml.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "registry/toml.h"
#include <fcntl.h>
#include <unistd.h>

#define HOSTS_BYTES_MAX (1u << 20)
#define HOSTS_MAX 64
#define DIAL_SECONDS_MAX 3600

static void server_release(struct hosts_server *s)
{
	free(s->url);
	strv_release(&s->ca);
	strv_release(&s->clients);
	strv_release(&s->headers);
	*s = (struct hosts_server){0};
}

void hosts_toml_release(struct hosts_toml *h)
{
	for (size_t i = 0; i < h->n; i++)
		server_release(&h->v[i]);
	free(h->v);
	server_release(&h->server);
	*h = (struct hosts_toml){0};
}

struct reader {
	struct hosts_toml found;
	const char *dir;
	struct hosts_server *at; // whose keys come; NULL: nobody's
	bool in_headers;
	bool half_client; // a certificate of a pair has been read, its key has not
};

static struct hosts_server *add_server(struct hosts_toml *h, const char *url)
{
	for (size_t i = 0; i < h->n; i++)
		if (strcmp(h->v[i].url, url) == 0)
			return &h->v[i];
	h->v = xreallocarray(h->v, h->n + 1, sizeof(*h->v));
	h->v[h->n] = (struct hosts_server){.url = xstrdup(url)};
	return &h->v[h->n++];
}

// [host."URL"] and [host."URL".header]; [header] is the server's own.
static int on_table(struct reader *r, const struct toml_item *it, struct err *e)
{
	size_t n = strlen(it->name);
	r->at = NULL;
	r->in_headers = strcmp(it->name, "header") == 0 || str_has_suffix(it->name, ".header");
	if (strcmp(it->name, "header") == 0)
		r->at = &r->found.server;
	if (!str_has_prefix(it->name, "host."))
		return 0;
	if (r->found.n >= HOSTS_MAX)
		return err_set(e, ERR_FAIL, "line %d: more than %d hosts", it->line, HOSTS_MAX);
	auto_free char *url = xstrndup(it->name + 5, n - 5 - (r->in_headers ? 7 : 0));
	r->at = add_server(&r->found, url);
	return 0;
}

static void add_path(struct reader *r, struct strv *to, const char *path)
{
	if (path[0] == '/' || !*path)
		strv_add(to, path);
	else
		strv_addf(to, "%s/%s", r->dir, path);
}

static int on_capability(struct hosts_server *s, const struct toml_item *it, struct err *e)
{
	static const char *const names[] = {"pull", "resolve", "push"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(it->text, names[i]) == 0) {
			s->capabilities |= 1 << i;
			return 0;
		}
	return err_set(e, ERR_FAIL, "line %d: unknown capability '%.60s': pull, resolve or push",
	        it->line, it->text);
}

static void end_client(struct reader *r)
{
	if (r->at && r->half_client)
		strv_add(&r->at->clients, "");
	r->half_client = false;
}

// client = "both.pem", ["both.pem"] or [["certificate", "key"]].
static void on_client(struct reader *r, const struct toml_item *it)
{
	bool is_key = it->depth == 2 && r->half_client;
	if (!is_key)
		end_client(r);
	add_path(r, &r->at->clients, it->text);
	r->half_client = !is_key;
	if (it->depth < 2)
		end_client(r);
}

static int on_header(struct reader *r, const struct toml_item *it, struct err *e)
{
	if (strpbrk(it->text, "\r\n") || strpbrk(it->name, ": \r\n"))
		return err_set(e, ERR_FAIL, "line %d: '%.60s' is not a header", it->line, it->name);
	strv_addf(&r->at->headers, "%s: %s", it->name, it->text);
	return 0;
}

// "3s", "1m": the units that make sense here.
static int on_dial_timeout(struct hosts_server *s, const struct toml_item *it, struct err *e)
{
	char *end;
	double v = strtod(it->text, &end);
	v *= strcmp(end, "ms") == 0 ? 0.001 : strcmp(end, "m") == 0 ? 60 : 1;
	bool unit = !strcmp(end, "s") || !strcmp(end, "ms") || !strcmp(end, "m");
	if (!unit || !(v >= 0) || v > DIAL_SECONDS_MAX)
		return err_set(e, ERR_FAIL, "line %d: dial_timeout is '%.40s': \"3s\" is expected",
		        it->line, it->text);
	s->dial_seconds = v < 1 ? 1 : (long)v;
	return 0;
}

static int on_text(struct reader *r, const struct toml_item *it, struct err *e)
{
	struct hosts_server *s = r->at;
	if (r->in_headers)
		return on_header(r, it, e);
	if (strcmp(it->name, "capabilities") == 0)
		return on_capability(s, it, e);
	if (strcmp(it->name, "dial_timeout") == 0)
		return on_dial_timeout(s, it, e);
	if (strcmp(it->name, "ca") == 0)
		add_path(r, &s->ca, it->text);
	else if (strcmp(it->name, "client") == 0)
		on_client(r, it);
	else if (strcmp(it->name, "server") == 0 && s == &r->found.server)
		s->url = (free(s->url), xstrdup(it->text));
	return 0;
}

static int on_item(void *arg, const struct toml_item *it, struct err *e)
{
	struct reader *r = arg;
	if (it->event == TOML_TABLE || it->event == TOML_ARRAY)
		return on_table(r, it, e);
	if (!r->at)
		return 0;
	if (it->event == TOML_STRING || it->event == TOML_MEMBER)
		return on_text(r, it, e);
	end_client(r);
	if (it->event == TOML_BOOL && strcmp(it->name, "skip_verify") == 0)
		r->at->skip_verify = it->value;
	if (it->event == TOML_BOOL && strcmp(it->name, "override_path") == 0)
		r->at->override_path = it->value;
	return 0;
}

int hosts_toml_parse(
        const char *p, size_t n, const char *dir, struct hosts_toml *ret, struct err *e)
{
	struct reader r = {.dir = dir};
	r.at = &r.found.server;
	int rc = toml_read(p, n, on_item, &r, e);
	for (size_t i = 0; i < r.found.n; i++)
		if (!r.found.v[i].capabilities) // not said: all of them
			r.found.v[i].capabilities = HOSTS_PULL | HOSTS_RESOLVE | HOSTS_PUSH;
	if (rc == 0)
		*ret = r.found;
	else
		hosts_toml_release(&r.found);
	return rc;
}

// Of a folder like /etc/containerd/certs.d: 1, 0 or -1.
static int find_below(const char *certs, const char *domain, struct hosts_toml *ret, struct err *e)
{
	const char *colon = strrchr(domain, ':');
	auto_strv struct strv names = {0};
	if (colon)
		strv_addf(&names, "%.*s_%s_", (int)(colon - domain), domain, colon + 1);
	strv_add(&names, domain);
	if (colon)
		strv_addf(&names, "%.*s", (int)(colon - domain), domain);
	strv_add(&names, "_default");
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *dir = xasprintf("%s/%s", certs, names.v[i]);
		auto_free char *path = xasprintf("%s/hosts.toml", dir);
		auto_buf struct buf text = {0};
		if (access(path, F_OK) < 0)
			continue;
		if (fs_read_file(AT_FDCWD, path, HOSTS_BYTES_MAX, &text, e) < 0)
			return -1;
		if (hosts_toml_parse(buf_cstr(&text), text.n, dir, ret, e) < 0)
			return err_wrap(e, "'%s'", path);
		return 1;
	}
	return 0;
}

int hosts_toml_find(const char *domain, struct hosts_toml *ret, struct err *e)
{
	static const char *const programs[] = {"containerd", "docker", "buildkit"};
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	auto_free char *user = config && config[0] == '/' ? xstrdup(config)
	                       : home && home[0] == '/'   ? xasprintf("%s/.config", home)
	                                                  : NULL;
	if (strchr(domain, '/') || domain[0] == '.')
		return 0;
	for (int machine = !user; machine < 2; machine++)
		for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
			auto_free char *certs =
			        xasprintf("%s/%s/certs.d", machine ? "/etc" : user, programs[i]);
			int rc = find_below(certs, domain, ret, e);
			if (rc != 0)
				return rc;
		}
	return 0;
}
