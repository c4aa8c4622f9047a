// SPDX-License-Identifier: Apache-2.0
// login and logout: through the helper that config.json names, else in config.json itself, which is
// replaced whole with everything else in it kept.

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "registry/credential_helper.h"
#include "registry/credentials-int.h"
#include "registry/http.h"
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40

struct config_edit {
	const char *host, *server; // "docker.io", "https://index.docker.io/v1/"
	const char *auth;          // base64 to store; NULL: remove
	bool found;                // there was an entry
};

static bool is_for_host(const char *key, const char *host)
{
	const char *scheme = strstr(key, "://");
	const char *path = strchr(scheme ? scheme + 3 : key, '/');
	auto_free char *key_host = credential_host(key);
	bool whole = scheme || !path || !path[1] || str_has_prefix(path, "/v1") ||
	             str_has_prefix(path, "/v2");
	return whole && strcmp(key_host, host) == 0;
}

// As jw_raw, but with line breaks: people read this file.
static void write_node(struct jw *w, const struct jn *n)
{
	const char *key;
	const struct jn *value;
	if (jn_is_object(n)) {
		jw_object(w);
		for (size_t i = 0; jn_member(n, i, &key, &value); i++) {
			jw_key(w, key);
			write_node(w, value);
		}
		jw_object_end(w);
	} else {
		jw_raw(w, n);
	}
}

static void write_auths(struct jw *w, const struct jn *auths, struct config_edit *edit)
{
	const char *key;
	const struct jn *value;
	jw_object(w);
	for (size_t i = 0; jn_member(auths, i, &key, &value); i++) {
		if (is_for_host(key, edit->host)) {
			edit->found = true;
			continue;
		}
		jw_key(w, key);
		write_node(w, value);
	}
	if (edit->auth) {
		jw_key(w, edit->server);
		jw_object(w);
		jw_kv(w, "auth", edit->auth);
		jw_object_end(w);
	}
	jw_object_end(w);
}

static void write_config(struct buf *out, const struct jn *root, struct config_edit *edit)
{
	struct jw w;
	const char *key;
	const struct jn *value;
	bool written = false;
	jw_begin(&w, out, 2);
	jw_object(&w);
	for (size_t i = 0; jn_member(root, i, &key, &value); i++) {
		jw_key(&w, key);
		if (strcmp(key, "auths") == 0) {
			write_auths(&w, value, edit);
			written = true;
		} else {
			write_node(&w, value);
		}
	}
	if (!written) {
		jw_key(&w, "auths");
		write_auths(&w, NULL, edit);
	}
	jw_object_end(&w);
	buf_putc(out, '\n');
}

// What a file that may be a link stands for, also if that is not there yet: people keep config.json
// elsewhere. Caller frees.
static char *follow_links(const char *path)
{
	char *at = xstrdup(path);
	char target[PATH_MAX];
	for (int i = 0; i < LINKS_MAX; i++) {
		ssize_t n = readlink(at, target, sizeof(target) - 1);
		if (n <= 0)
			break;
		target[n] = '\0';
		int folder = *target == '/' ? 0 : (int)(fs_base_name(at) - at);
		char *next = xasprintf("%.*s%s", folder, at, target);
		free(at);
		at = next;
	}
	return at;
}

// Owner and mode stay: it may be another user's (sudo), or be shared with a group on purpose. Where
// all may read it, nobody has thought of passwords in it.
static int replace_config(const char *path, const struct buf *text, struct err *e)
{
	struct stat st;
	auto_free char *real = follow_links(path);
	if (stat(real, &st) < 0)
		return fs_replace_file(AT_FDCWD, real, text->p, text->n, 0600, e);
	if (st.st_mode & 0007)
		st.st_mode = S_IFREG | 0600;
	return fs_replace_file_like(AT_FDCWD, real, text->p, text->n, &st, e);
}

static int edit_file(const char *dir, const char *path, const struct jn *root,
        struct config_edit *edit, struct err *e)
{
	auto_buf struct buf out = {0};
	write_config(&out, root, edit);
	if (!edit->auth && !edit->found)
		return 0;
	int rc = fs_mkdir_p(AT_FDCWD, dir, 0700, e);
	if (rc == 0)
		rc = replace_config(path, &out, e);
	explicit_bzero(out.p, out.n);
	return rc < 0 ? err_wrap(e, "store credentials") : 0;
}

static int store_in_helper(const char *helper, const char *server, const char *user,
        const char *password, struct err *e)
{
	auto_buf struct buf input = {0}, out = {0};
	struct jw w;
	jw_begin(&w, &input, 0);
	jw_object(&w);
	jw_kv(&w, "ServerURL", server);
	jw_kv(&w, "Username", user);
	jw_kv(&w, "Secret", password);
	jw_object_end(&w);
	int rc = credential_helper_run(helper, "store", buf_cstr(&input), &out, e);
	explicit_bzero(input.p, input.n);
	if (rc == HELPER_MISSING)
		return err_set(e, ERR_AUTH,
		        "config.json names the credential helper 'docker-credential-%s', which is "
		        "not on "
		        "PATH: install it or remove credsStore from config.json",
		        helper);
	return rc == HELPER_NONE
	               ? err_set(e, ERR_AUTH, "docker-credential-%s stored nothing", helper)
	               : rc;
}

static int open_config(const char *docker_config, char **ret_dir, char **ret_path,
        struct jdoc **ret, struct err *e)
{
	auto_free char *dir = docker_config_dir(docker_config);
	if (!dir)
		return err_set(e, ERR_FAIL,
		        "no place for credentials: neither DOCKER_CONFIG nor HOME is set");
	auto_free char *path = xasprintf("%s/config.json", dir);
	if (credential_file_read(path, ret, e) < 0)
		return -1;
	*ret_dir = steal_ptr(&dir);
	*ret_path = steal_ptr(&path);
	return 0;
}

int credentials_store(const char *docker_config, const char *host, const char *user,
        const char *password, char **ret_where, struct err *e)
{
	auto_jdoc struct jdoc *doc = NULL;
	auto_free char *dir = NULL, *path = NULL;
	auto_free char *name = credential_host(host), *server = credential_server(host);
	if (open_config(docker_config, &dir, &path, &doc, e) < 0)
		return -1;
	const struct jn *root = doc ? jdoc_root(doc) : NULL;
	const char *helper = credential_helper_name(root, name);
	if (helper) {
		if (store_in_helper(helper, server, user, password, e) < 0)
			return -1;
		*ret_where = xasprintf("docker-credential-%s", helper);
		return 0;
	}
	if (strchr(user, ':'))
		return err_set(e, ERR_USAGE, "a user name cannot contain ':'");
	auto_free char *basic = basic_authorization(user, password);
	struct config_edit edit = {
	        .host = name, .server = server, .auth = basic + strlen("Basic ")};
	if (edit_file(dir, path, root, &edit, e) < 0)
		return -1;
	*ret_where = steal_ptr(&path);
	return 0;
}

int credentials_erase(const char *docker_config, const char *host, struct err *e)
{
	auto_jdoc struct jdoc *doc = NULL;
	auto_free char *dir = NULL, *path = NULL;
	auto_free char *name = credential_host(host), *server = credential_server(host);
	auto_buf struct buf out = {0};
	if (open_config(docker_config, &dir, &path, &doc, e) < 0)
		return -1;
	const struct jn *root = doc ? jdoc_root(doc) : NULL;
	const char *helper = credential_helper_name(root, name);
	int answer = helper ? credential_helper_run(helper, "erase", server, &out, e) : HELPER_NONE;
	if (answer < 0)
		return -1;
	struct config_edit edit = {.host = name, .server = server};
	if (edit_file(dir, path, root, &edit, e) < 0)
		return -1;
	if (answer != HELPER_OK && !edit.found)
		return err_set(
		        e, ERR_NOT_FOUND, "there are no credentials for '%s' to remove", name);
	return 0;
}
