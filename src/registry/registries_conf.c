// SPDX-License-Identifier: Apache-2.0
// Reads registries.conf and finds the rule for a repository. Counts and lengths are bounded by the
// file size allowed.

#include "registry/registries_conf.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "registry/buildkitd_toml.h"
#include "registry/toml.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define CONF_MAX (1u << 20)

static void rule_release(struct registry_rule *r)
{
	free(r->prefix);
	free(r->location);
	for (size_t i = 0; i < r->n_mirrors; i++)
		free(r->mirrors[i].location);
	free(r->mirrors);
	*r = (struct registry_rule){0};
}

void registries_conf_release(struct registries_conf *c)
{
	for (size_t i = 0; i < c->n; i++)
		rule_release(&c->v[i]);
	free(c->v);
	*c = (struct registries_conf){0};
}

enum section { SECTION_OTHER, SECTION_REGISTRY, SECTION_MIRROR };

struct conf_reader {
	struct registries_conf found; // of this file alone
	enum section section;
};

static int on_array(struct conf_reader *r, const struct toml_item *it, struct err *e)
{
	r->section = SECTION_OTHER;
	if (strcmp(it->name, "registry") == 0) {
		r->found.v = xreallocarray(r->found.v, r->found.n + 1, sizeof(*r->found.v));
		r->found.v[r->found.n++] = (struct registry_rule){0};
		r->section = SECTION_REGISTRY;
	} else if (strcmp(it->name, "registry.mirror") == 0) {
		if (r->found.n == 0)
			return err_set(e, ERR_FAIL,
			        "line %d: [[registry.mirror]] without a [[registry]] before it",
			        it->line);
		struct registry_rule *rule = &r->found.v[r->found.n - 1];
		rule->mirrors =
		        xreallocarray(rule->mirrors, rule->n_mirrors + 1, sizeof(*rule->mirrors));
		rule->mirrors[rule->n_mirrors++] = (struct registry_location){0};
		r->section = SECTION_MIRROR;
	}
	return 0;
}

// Strips the slash that people put at the end, refuses what cannot be a location.
static int set_location(char **slot, const struct toml_item *it, struct err *e)
{
	if (strstr(it->text, "://"))
		return err_set(e, ERR_FAIL,
		        "line %d: '%s' must be host[:port][/path], without a scheme", it->line,
		        it->text);
	size_t n = strlen(it->text);
	while (n > 0 && it->text[n - 1] == '/')
		n--;
	free(*slot);
	*slot = n ? xstrndup(it->text, n) : NULL;
	return 0;
}

static int on_key(struct conf_reader *r, const struct toml_item *it, struct err *e)
{
	if (r->section == SECTION_OTHER)
		return 0;
	struct registry_rule *rule = &r->found.v[r->found.n - 1];
	bool is_mirror = r->section == SECTION_MIRROR;
	struct registry_location *mirror = is_mirror ? &rule->mirrors[rule->n_mirrors - 1] : NULL;
	if (it->event == TOML_STRING && strcmp(it->name, "location") == 0)
		return set_location(is_mirror ? &mirror->location : &rule->location, it, e);
	if (it->event == TOML_STRING && !is_mirror && strcmp(it->name, "prefix") == 0)
		return set_location(&rule->prefix, it, e);
	if (it->event == TOML_STRING && is_mirror && strcmp(it->name, "pull-from-mirror") == 0)
		mirror->digest_only = strcmp(it->text, "digest-only") == 0;
	if (it->event == TOML_BOOL && !is_mirror && strcmp(it->name, "mirror-by-digest-only") == 0)
		rule->digest_only = it->value;
	if (it->event == TOML_BOOL && strcmp(it->name, "insecure") == 0)
		*(is_mirror ? &mirror->insecure : &rule->insecure) = it->value;
	if (it->event == TOML_BOOL && !is_mirror && strcmp(it->name, "blocked") == 0)
		rule->blocked = it->value;
	if (it->event == TOML_OTHER && !is_mirror && strcmp(it->name, "mirror") == 0)
		return err_set(e, ERR_FAIL, "line %d: write mirrors as [[registry.mirror]] tables",
		        it->line);
	return 0;
}

static int on_item(void *arg, const struct toml_item *it, struct err *e)
{
	struct conf_reader *r = arg;
	if (it->event == TOML_ARRAY)
		return on_array(r, it, e);
	if (it->event == TOML_TABLE) {
		r->section = SECTION_OTHER;
		return 0;
	}
	return on_key(r, it, e);
}

static int check_rule(struct registry_rule *rule, struct err *e)
{
	if (!rule->prefix && !rule->location)
		return err_set(e, ERR_FAIL, "a [[registry]] has neither prefix nor location");
	if (!rule->prefix)
		rule->prefix = xstrdup(rule->location);
	for (size_t i = 0; i < rule->n_mirrors; i++) {
		if (!rule->mirrors[i].location)
			return err_set(
			        e, ERR_FAIL, "a mirror of '%s' has no location", rule->prefix);
		rule->mirrors[i].digest_only |= rule->digest_only;
	}
	return 0;
}

void registries_conf_add(struct registries_conf *c, struct registry_rule *rule)
{
	size_t i = 0;
	while (i < c->n && strcmp(c->v[i].prefix, rule->prefix) != 0)
		i++;
	if (i < c->n) {
		rule_release(&c->v[i]);
	} else {
		c->v = xreallocarray(c->v, c->n + 1, sizeof(*c->v));
		c->n++;
	}
	c->v[i] = *rule;
	*rule = (struct registry_rule){0};
}

int registries_conf_parse(const char *p, size_t n, struct registries_conf *c, struct err *e)
{
	struct conf_reader r = {0};
	int rc = toml_read(p, n, on_item, &r, e);
	for (size_t i = 0; rc == 0 && i < r.found.n; i++)
		rc = check_rule(&r.found.v[i], e);
	for (size_t i = 0; rc == 0 && i < r.found.n; i++)
		registries_conf_add(c, &r.found.v[i]);
	registries_conf_release(&r.found);
	return rc;
}

static int load_file(const char *path, struct registries_conf *c, struct err *e)
{
	auto_buf struct buf text = {0};
	if (access(path, F_OK) < 0)
		return 0;
	if (fs_read_file(AT_FDCWD, path, CONF_MAX, &text, e) < 0)
		return -1;
	if (registries_conf_parse(buf_cstr(&text), text.n, c, e) < 0)
		return err_wrap(e, "'%s'", path);
	return 0;
}

static int load_dropins(const char *dir, struct registries_conf *c, struct err *e)
{
	auto_strv struct strv names = {0};
	auto_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (fs_list_dir(fd, &names, e) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		if (!str_has_suffix(names.v[i], ".conf"))
			continue;
		auto_free char *path = xasprintf("%s/%s", dir, names.v[i]);
		if (load_file(path, c, e) < 0)
			return -1;
	}
	return 0;
}

static char *user_path(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	if (config && config[0] == '/')
		return xasprintf("%s/containers/registries.conf", config);
	if (home && home[0] == '/')
		return xasprintf("%s/.config/containers/registries.conf", home);
	return NULL;
}

static int load_with_dropins(const char *path, struct registries_conf *c, struct err *e)
{
	auto_free char *dir = xasprintf("%s.d", path);
	return load_file(path, c, e) < 0 ? -1 : load_dropins(dir, c, e);
}

// Of a builder of docker buildx, or whoever has such a file.
static int load_buildkitd(struct registries_conf *c, struct err *e)
{
	const char *path = getenv("HEW_BUILDKITD_CONFIG");
	auto_buf struct buf text = {0};
	if (!path || !*path)
		return 0;
	if (fs_read_file(AT_FDCWD, path, CONF_MAX, &text, e) < 0)
		return -1;
	if (buildkitd_toml_parse(buf_cstr(&text), text.n, c, e) < 0)
		return err_wrap(e, "'%s'", path);
	return 0;
}

int registries_conf_load(const char *path, struct registries_conf *ret, struct err *e)
{
	static const char *const machine = "/etc/containers/registries.conf";
	struct registries_conf c = {0};
	auto_free char *user = user_path();
	int rc = 0;
	if (!path || !*path)
		path = getenv("CONTAINERS_REGISTRIES_CONF");
	if (path && *path) {
		rc = load_with_dropins(path, &c, e);
	} else if (user && access(user, F_OK) == 0) {
		rc = load_with_dropins(user, &c, e);
	} else {
		auto_free char *user_dir = user ? xasprintf("%s.d", user) : NULL;
		rc = load_with_dropins(machine, &c, e);
		if (rc == 0 && user_dir)
			rc = load_dropins(user_dir, &c, e);
	}
	if (rc == 0)
		rc = load_buildkitd(&c, e);
	if (rc < 0) {
		registries_conf_release(&c);
		return err_wrap(e, "registries configuration");
	}
	*ret = c;
	return 0;
}

// Length of the part of `name` that the prefix covers, 0 if it does not match. A match ends at the
// end of a path component.
static size_t match_length(const char *prefix, const char *name)
{
	if (str_has_prefix(prefix, "*.")) {
		size_t host = strcspn(name, "/"), suffix = strlen(prefix) - 1;
		bool same =
		        host > suffix && strncasecmp(name + host - suffix, prefix + 1, suffix) == 0;
		return same ? host : 0;
	}
	size_t n = strlen(prefix);
	if (strncmp(name, prefix, n) != 0 || (name[n] && name[n] != '/'))
		return 0;
	return n;
}

const struct registry_rule *registries_conf_find(const struct registries_conf *c, const char *name)
{
	const struct registry_rule *best = NULL;
	for (size_t i = 0; i < c->n; i++)
		if (match_length(c->v[i].prefix, name) > 0 &&
		        (!best || strlen(c->v[i].prefix) > strlen(best->prefix)))
			best = &c->v[i];
	return best;
}

char *registry_rule_rewrite(
        const struct registry_rule *rule, const char *location, const char *name)
{
	return xasprintf("%s%s", location, name + match_length(rule->prefix, name));
}
