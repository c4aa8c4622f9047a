// SPDX-License-Identifier: Apache-2.0
// docker's own order: DOCKER_HOST, DOCKER_CONTEXT, the current context of its configuration, its
// socket; then podman's. A context is a folder named after the digest of its name.
#include "engine/find.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONFIG_FILE_MAX (1u << 20)

static char *docker_file(const char *name)
{
	const char *dir = getenv("DOCKER_CONFIG"), *home = getenv("HOME");
	if (dir && *dir)
		return xasprintf("%s/%s", dir, name);
	return xasprintf("%s/.docker/%s", home ? home : "", name);
}

// Caller frees; NULL: there is none.
static char *current_context(void)
{
	struct err ignored = ERR_INIT;
	auto_buf struct buf text = {0};
	const char *from_env = getenv("DOCKER_CONTEXT");
	if (from_env && *from_env)
		return xstrdup(from_env);
	auto_free char *path = docker_file("config.json");
	if (fs_read_file(AT_FDCWD, path, CONFIG_FILE_MAX, &text, &ignored))
		return NULL;
	auto_jdoc struct jdoc *doc = jdoc_parse(buf_cstr(&text), text.n, &ignored);
	const char *name = doc ? jn_get_str(jdoc_root(doc), "currentContext") : NULL;
	return name && *name ? xstrdup(name) : NULL;
}

static int context_endpoint(const char *name, struct strv *ret, struct err *e)
{
	char hex[HASH_HEX];
	auto_buf struct buf text = {0};
	const struct hash h = hash_bytes(name, strlen(name));
	hash_hex(&h, hex);
	auto_free char *file = xasprintf("contexts/meta/%s/meta.json", hex);
	auto_free char *path = docker_file(file);
	if (fs_read_file(AT_FDCWD, path, CONFIG_FILE_MAX, &text, e)) {
		e->kind = ERR_NOT_FOUND;
		return err_wrap(e, "docker context \"%s\"", name);
	}
	auto_jdoc struct jdoc *doc = jdoc_parse(buf_cstr(&text), text.n, e);
	if (!doc)
		return err_wrap(e, "docker context \"%s\": '%s'", name, path);
	const char *host =
	        jn_get_str(jn_get(jn_get(jdoc_root(doc), "Endpoints"), "docker"), "Host");
	if (!host || !*host)
		return err_set(e, ERR_NOT_FOUND, "docker context \"%s\" names no host", name);
	strv_add(ret, host);
	return 0;
}

static void usual_sockets(struct strv *ret)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *podman = getenv("CONTAINER_HOST");
	strv_add(ret, "unix:///var/run/docker.sock");
	if (runtime && *runtime)
		strv_addf(ret, "unix://%s/docker.sock", runtime);
	if (podman && *podman)
		strv_add(ret, podman);
	if (runtime && *runtime)
		strv_addf(ret, "unix://%s/podman/podman.sock", runtime);
	if (geteuid() == 0)
		strv_add(ret, "unix:///run/podman/podman.sock");
}

int engine_endpoints(const char *context, struct strv *ret, bool *ret_given, struct err *e)
{
	const char *host = getenv("DOCKER_HOST");
	auto_free char *current = NULL;
	*ret_given = true;
	if (!context && host && *host) {
		strv_add(ret, host);
		return 0;
	}
	if (!context)
		context = current = current_context();
	if (context && strcmp(context, "default") != 0)
		return context_endpoint(context, ret, e);
	*ret_given = false;
	usual_sockets(ret);
	return 0;
}

char *engine_socket(const char *endpoint, struct err *e)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *path = endpoint + strlen("unix://");
	if (strlen(path) >= sizeof(to.sun_path)) {
		err_set(e, ERR_USAGE, "%s: the path is too long for a socket", endpoint);
		return NULL;
	}
	memcpy(to.sun_path, path, strlen(path));
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		err_sys(e, "%s", endpoint);
		e->kind = ERR_NOT_FOUND;
		return NULL;
	}
	return xstrdup(path);
}
