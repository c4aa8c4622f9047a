// SPDX-License-Identifier: Apache-2.0
// buildx keeps credentials for single repositories in folders of their own, each a docker
// configuration: config/<host>[/<part of the repository>][@<actions>]. docker/login-action makes
// them. A folder that says more of the repository is asked before one that says less; of those for
// the same, one that names the actions.

#include "base/buf.h"
#include "base/mem.h"
#include "registry/credentials-int.h"
#include <unistd.h>

static char *scoped_root(const char *docker_config)
{
	const char *own = getenv("BUILDX_CONFIG");
	auto_free char *dir = docker_config_dir(docker_config);
	if (own && *own)
		return xasprintf("%s/config", own);
	return dir ? xasprintf("%s/buildx/config", dir) : NULL;
}

static void add(const char *root, const char *host, const char *repository, size_t n, bool push,
        struct strv *ret)
{
	static const char *const for_pull[] = {"@pull", "@pull,push", "@push,pull", ""};
	static const char *const for_push[] = {"@pull,push", "@push,pull", "@push", ""};
	for (size_t i = 0; i < ARRAY_LEN(for_pull); i++) {
		auto_free char *path = xasprintf("%s/%s%s%.*s%s/config.json", root, host,
		        n ? "/" : "", (int)n, repository, (push ? for_push : for_pull)[i]);
		if (access(path, F_OK) == 0)
			strv_add(ret, path);
	}
}

void credential_scoped_paths(
        const char *docker_config, const struct credential_need *need, struct strv *ret)
{
	static const char *const hub[] = {"registry-1.docker.io", "docker.io"};
	auto_free char *root = scoped_root(docker_config);
	const char *repository = need->repository ? need->repository : "";
	const char *const own[] = {need->host};
	bool is_hub = strcmp(need->host, "docker.io") == 0;
	// Nearly nobody has any: one question then.
	if (!root || access(root, F_OK) < 0 || strchr(need->host, '/') || need->host[0] == '.')
		return;
	for (size_t n = strlen(repository);; n--) {
		for (size_t i = 0; i < (is_hub ? ARRAY_LEN(hub) : 1); i++)
			add(root, (is_hub ? hub : own)[i], repository, n, need->push, ret);
		if (n == 0)
			return;
		while (n > 0 && repository[n - 1] != '/')
			n--;
		if (n == 0)
			n = 1; // the loop's step: the host alone comes last
	}
}
