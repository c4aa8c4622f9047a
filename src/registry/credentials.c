// SPDX-License-Identifier: Apache-2.0
// Finds credentials where docker, buildx and podman keep them: buildx's folders for single
// repositories, DOCKER_AUTH_CONFIG, docker's config.json with its helpers, podman's auth.json; and
// in the variables of a job in GitLab. A helper that is configured but not installed (config.json
// copied from a desktop) does not stand in the way of anonymous pulls.

#include "registry/credentials.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "registry/credential_helper.h"
#include "registry/credentials-int.h"
#include <ctype.h>
#include <fcntl.h>
#include <unistd.h>

#define HUB_SERVER "https://index.docker.io/v1/"

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void credentials_release(struct credentials *c)
{
	free(c->username);
	wipe(c->password);
	wipe(c->identity_token);
	wipe(c->registry_token);
	*c = (struct credentials){0};
}

static const char *skip_scheme(const char *key)
{
	const char *scheme = strstr(key, "://");
	return scheme ? scheme + 3 : key;
}

char *credential_host(const char *key)
{
	static const char *const hub[] = {"index.docker.io", "registry-1.docker.io", "docker.io"};
	const char *rest = skip_scheme(key);
	char *host = xstrndup(rest, strcspn(rest, "/"));
	for (char *p = host; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	for (size_t i = 0; i < ARRAY_LEN(hub); i++)
		if (strcmp(host, hub[i]) == 0) {
			free(host);
			return xstrdup("docker.io");
		}
	return host;
}

char *credential_server(const char *host)
{
	auto_free char *name = credential_host(host);
	return xstrdup(strcmp(name, "docker.io") == 0 ? HUB_SERVER : name);
}

char *docker_config_dir(const char *docker_config)
{
	const char *home = getenv("HOME"),
	           *dir = docker_config ? docker_config : getenv("DOCKER_CONFIG");
	if (dir && *dir)
		return xstrdup(dir);
	return home && *home ? xasprintf("%s/.docker", home) : NULL;
}

int credential_file_read(const char *path, struct jdoc **ret, struct err *e)
{
	auto_buf struct buf text = {0};
	*ret = NULL;
	if (access(path, F_OK) < 0)
		return 0;
	if (fs_read_file(AT_FDCWD, path, CREDENTIAL_FILE_MAX, &text, e) < 0)
		return err_wrap(e, "credentials");
	if (text.n == 0)
		return 0;
	*ret = jdoc_parse(text.p, text.n, e);
	return *ret ? 0 : err_wrap(e, "credentials in '%s'", path);
}

// "user:password" in base64, as docker writes it (some writers left a NUL at the end).
static bool decode_auth(const char *auth, struct credentials *ret)
{
	auto_buf struct buf plain = {0};
	bool good = base64_decode(&plain, auth) && plain.n > 0;
	char *colon = good ? memchr(plain.p, ':', plain.n) : NULL;
	if (colon) {
		ret->username = xstrndup(plain.p, (size_t)(colon - plain.p));
		ret->password = xstrdup(colon + 1);
	}
	if (plain.p)
		explicit_bzero(plain.p, plain.n);
	return colon != NULL;
}

static char *copy_text(const char *s)
{
	return s && *s ? xstrdup(s) : NULL;
}

static bool read_entry(const struct jn *entry, struct credentials *ret)
{
	const char *auth = jn_get_str(entry, "auth"), *user = jn_get_str(entry, "username");
	const char *password = jn_get_str(entry, "password");
	struct credentials c = {
	        .identity_token = copy_text(jn_get_str(entry, "identitytoken")),
	        .registry_token = copy_text(jn_get_str(entry, "registrytoken")),
	};
	if ((!auth || !*auth || !decode_auth(auth, &c)) && user && *user) {
		c.username = xstrdup(user);
		c.password = xstrdup(password ? password : "");
	}
	*ret = c;
	return c.username || c.identity_token || c.registry_token;
}

// How much of "host/repository" a key covers; 0: it is for something else.
static size_t key_covers(const char *key, const char *host, const char *repository)
{
	auto_free char *key_host = credential_host(key);
	const char *rest = skip_scheme(key);
	const char *path = strchr(rest, '/');
	bool has_scheme = rest != key;
	if (strcmp(key_host, host) != 0)
		return 0;
	bool whole = has_scheme || !path || !path[1] || strcmp(path, "/v1/") == 0 ||
	             strcmp(path, "/v2/") == 0 || strcmp(path, "/v1") == 0 ||
	             strcmp(path, "/v2") == 0;
	if (whole)
		return 1;
	size_t n = strlen(path + 1);
	bool covers = repository && str_has_prefix(repository, path + 1) &&
	              (repository[n] == '\0' || repository[n] == '/');
	return covers ? 1 + n : 0;
}

// From the "auths" of a document: exact host, or the longest "host/path" that covers the
// repository.
static bool credentials_from_auths(
        const struct jn *config, const char *host, const char *repository, struct credentials *ret)
{
	const struct jn *auths = jn_get(config, "auths"), *value;
	const char *key;
	size_t best = 0;
	struct credentials found = {0};
	for (size_t i = 0; jn_member(auths, i, &key, &value); i++) {
		struct credentials c = {0};
		size_t covers = key_covers(key, host, repository);
		if (covers <= best || !read_entry(value, &c)) {
			credentials_release(&c);
			continue;
		}
		credentials_release(&found);
		found = c;
		best = covers;
	}
	*ret = found;
	return best > 0;
}

const char *credential_helper_name(const struct jn *config, const char *host)
{
	const struct jn *helpers = jn_get(config, "credHelpers"), *value;
	const char *key;
	for (size_t i = 0; jn_member(helpers, i, &key, &value); i++) {
		auto_free char *key_host = credential_host(key);
		const char *helper = strcmp(key_host, host) == 0 ? jn_str(value) : NULL;
		if (helper) // "": none, what is in the file counts
			return *helper ? helper : NULL;
	}
	const char *all = jn_get_str(config, "credsStore");
	return all && *all ? all : NULL;
}

// 1 found, 0 none, -1 error.
static int from_helper(
        const struct jn *config, const char *host, struct credentials *ret, struct err *e)
{
	const char *helper = credential_helper_name(config, host);
	auto_buf struct buf out = {0};
	if (!helper)
		return 0;
	auto_free char *server = credential_server(host);
	int rc = credential_helper_run(helper, "get", server, &out, e);
	if (rc != HELPER_OK)
		return rc < 0 ? err_wrap(e, "credentials for '%s'", host) : 0;
	auto_jdoc struct jdoc *doc = jdoc_parse(buf_cstr(&out), out.n, e);
	if (!doc)
		return err_wrap(e, "answer of docker-credential-%s", helper);
	const char *user = jn_get_str(jdoc_root(doc), "Username");
	const char *secret = jn_get_str(jdoc_root(doc), "Secret");
	explicit_bzero(out.p, out.n);
	if (!secret || !*secret)
		return 0;
	if (user && strcmp(user, "<token>") == 0) {
		ret->identity_token = xstrdup(secret);
		return 1;
	}
	ret->username = xstrdup(user ? user : "");
	ret->password = xstrdup(secret);
	return 1;
}

static int from_file(const char *path, const char *host, const char *repository,
        struct credentials *ret, struct err *e)
{
	struct jdoc *raw;
	if (credential_file_read(path, &raw, e) < 0)
		return -1;
	auto_jdoc struct jdoc *doc = raw;
	if (!doc)
		return 0;
	int rc = from_helper(jdoc_root(doc), host, ret, e);
	if (rc != 0)
		return rc;
	return credentials_from_auths(jdoc_root(doc), host, repository, ret) ? 1 : 0;
}

static int from_environment(
        const char *host, const char *repository, struct credentials *ret, struct err *e)
{
	const char *text = getenv("DOCKER_AUTH_CONFIG");
	if (!text || !*text)
		return 0;
	auto_jdoc struct jdoc *doc = jdoc_parse(text, strlen(text), e);
	if (!doc)
		return err_wrap(e, "credentials in DOCKER_AUTH_CONFIG");
	return credentials_from_auths(jdoc_root(doc), host, repository, ret) ? 1 : 0;
}

static void add_path(struct strv *paths, const char *base, const char *below)
{
	if (base && *base)
		strv_addf(paths, "%s%s", base, below);
}

// The variables of a job in GitLab are enough: no "login" is needed there.
static int from_job(const char *host, struct credentials *ret)
{
	static const char *const variables[][3] = {
	        {"CI_REGISTRY", "CI_REGISTRY_USER", "CI_REGISTRY_PASSWORD"},
	        {"CI_DEPENDENCY_PROXY_SERVER", "CI_DEPENDENCY_PROXY_USER",
	                "CI_DEPENDENCY_PROXY_PASSWORD"},
	};
	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		const char *server = getenv(variables[i][0]), *user = getenv(variables[i][1]);
		const char *password = getenv(variables[i][2]);
		if (!server || !*server || !user || !*user || !password || !*password)
			continue;
		auto_free char *name = credential_host(server);
		if (strcmp(name, host) != 0)
			continue;
		ret->username = xstrdup(user);
		ret->password = xstrdup(password);
		return 1;
	}
	return 0;
}

static int find(const char *docker_config, const struct credential_need *need,
        struct credentials *ret, struct err *e)
{
	auto_strv struct strv scoped = {0}, paths = {0};
	auto_free char *dir = docker_config_dir(docker_config);
	const char *host = need->host, *repository = need->repository;
	int rc = 0;
	credential_scoped_paths(docker_config, need, &scoped);
	for (size_t i = 0; i < scoped.n && rc == 0; i++)
		rc = from_file(scoped.v[i], host, repository, ret, e);
	add_path(&paths, dir, "/config.json");
	add_path(&paths, getenv("REGISTRY_AUTH_FILE"), "");
	add_path(&paths, getenv("XDG_RUNTIME_DIR"), "/containers/auth.json");
	add_path(&paths, getenv("HOME"), "/.config/containers/auth.json");
	if (rc == 0)
		rc = from_environment(host, repository, ret, e);
	for (size_t i = 0; i < paths.n && rc == 0; i++)
		rc = from_file(paths.v[i], host, repository, ret, e);
	return rc == 0 ? from_job(host, ret) : rc;
}

// Registries of Docker's that know the Hub's users.
static bool is_hub_sibling(const char *host)
{
	return strcmp(host, "dhi.io") == 0 || strcmp(host, "registry.scout.docker.com") == 0;
}

int credentials_find(const char *docker_config, const struct credential_need *need,
        struct credentials *ret, struct err *e)
{
	auto_free char *name = credential_host(need->host);
	struct credential_need own = *need;
	struct credentials c = {0};
	own.host = name;
	int rc = find(docker_config, &own, &c, e);
	if (rc == 0 && is_hub_sibling(name)) {
		own.host = "docker.io";
		rc = find(docker_config, &own, &c, e);
	}
	if (rc < 0)
		return -1;
	*ret = c;
	return 0;
}
