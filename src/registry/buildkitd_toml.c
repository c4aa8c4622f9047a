// SPDX-License-Identifier: Apache-2.0
// [registry."docker.io"] mirrors = ["mirror.example/path"]; and of each host, a mirror too, how it
// may be spoken to: [registry."mirror.example"] http = true.
#include "registry/buildkitd_toml.h"

#include "base/err.h"
#include "base/mem.h"
#include "registry/toml.h"
#include <string.h>

#define TABLE "registry."

struct reader {
	struct registries_conf found;
	bool in_rule; // the last one
};

static void begin_rule(struct reader *r, const char *host)
{
	r->in_rule = *host;
	if (!r->in_rule)
		return;
	r->found.v = xreallocarray(r->found.v, r->found.n + 1, sizeof(*r->found.v));
	r->found.v[r->found.n++] = (struct registry_rule){.prefix = xstrdup(host)};
}

static void add_mirror(struct registry_rule *rule, const char *text)
{
	struct registry_location m = {.insecure = str_has_prefix(text, "http://")};
	const char *scheme = strstr(text, "://");
	auto_free char *location = xstrdup(scheme ? scheme + 3 : text);
	size_t n = strlen(location);
	while (n && location[n - 1] == '/')
		location[--n] = '\0';
	if (!n)
		return;
	m.location = steal_ptr(&location);
	rule->mirrors = xreallocarray(rule->mirrors, rule->n_mirrors + 1, sizeof(*rule->mirrors));
	rule->mirrors[rule->n_mirrors++] = m;
}

static int on_item(void *arg, const struct toml_item *it, struct err *e)
{
	struct reader *r = arg;
	(void)e;
	if (it->event == TOML_TABLE)
		begin_rule(r, str_has_prefix(it->name, TABLE) ? it->name + strlen(TABLE) : "");
	if (it->event == TOML_ARRAY) // keypair and the like
		r->in_rule = false;
	if (!r->in_rule)
		return 0;
	struct registry_rule *rule = &r->found.v[r->found.n - 1];
	if (it->event == TOML_MEMBER && !strcmp(it->name, "mirrors"))
		add_mirror(rule, it->text);
	if (it->event == TOML_BOOL && (!strcmp(it->name, "http") || !strcmp(it->name, "insecure")))
		rule->insecure |= it->value;
	return 0;
}

// How its host may be spoken to.
static void complete_mirror(const struct registries_conf *found, struct registry_location *m)
{
	size_t n = strcspn(m->location, "/");
	for (size_t i = 0; i < found->n; i++)
		if (strlen(found->v[i].prefix) == n && !strncmp(found->v[i].prefix, m->location, n))
			m->insecure |= found->v[i].insecure;
}

int buildkitd_toml_parse(const char *p, size_t n, struct registries_conf *c, struct err *e)
{
	struct reader r = {0};
	int rc = toml_read(p, n, on_item, &r, e);
	for (size_t i = 0; rc == 0 && i < r.found.n; i++)
		for (size_t k = 0; k < r.found.v[i].n_mirrors; k++)
			complete_mirror(&r.found, &r.found.v[i].mirrors[k]);
	for (size_t i = 0; rc == 0 && i < r.found.n; i++)
		registries_conf_add(c, &r.found.v[i]);
	registries_conf_release(&r.found);
	return rc;
}
