// SPDX-License-Identifier: Apache-2.0
// $BUILDX_CONFIG, or buildx/ where docker's config.json lies: instances/NAME and current.
#include "names/builders.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "image/platform.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (4u << 20)
#define CONFIG_FILE "buildkitd.toml"
#define NAME_LEN_MAX 128

static void node_release(struct builder_node *n)
{
	free(n->name);
	free(n->endpoint);
	strv_release(&n->platforms);
	strv_release(&n->flags);
	strv_release(&n->options);
	free(n->config);
}

void builder_release(struct builder *b)
{
	for (size_t i = 0; i < b->n; i++)
		node_release(&b->nodes[i]);
	free(b->nodes);
	free(b->name);
	free(b->driver);
	*b = (struct builder){0};
}

struct builder_node *builder_find_node(const struct builder *b, const char *name)
{
	for (size_t i = 0; i < b->n; i++)
		if (!strcmp(b->nodes[i].name, name))
			return &b->nodes[i];
	return NULL;
}

struct builder_node *builder_add_node(struct builder *b, const char *name, const char *endpoint)
{
	struct builder_node *n = builder_find_node(b, name);
	if (n) {
		node_release(n);
	} else {
		b->nodes = xreallocarray(b->nodes, b->n + 1, sizeof(*b->nodes));
		n = &b->nodes[b->n++];
	}
	*n = (struct builder_node){
	        .name = xstrdup(name), .endpoint = xstrdup(endpoint ? endpoint : BUILDER_ENDPOINT)};
	return n;
}

// It becomes the name of a file.
int builder_check_name(const char *name, struct err *e)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t n =
	        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
	if (*name && strchr(letters, *name) && !name[n] && n <= NAME_LEN_MAX)
		return 0;
	return err_set(e, ERR_USAGE,
	        "invalid builder name \"%s\": a letter, then letters, digits, '.', '-' and '_'",
	        name);
}

static char *state_path(const char *below, struct err *e)
{
	const char *own = getenv("BUILDX_CONFIG"), *docker = getenv("DOCKER_CONFIG"),
	           *home = getenv("HOME");
	if (own && *own)
		return xasprintf("%s/%s", own, below);
	if (docker && *docker)
		return xasprintf("%s/buildx/%s", docker, below);
	if (home && *home)
		return xasprintf("%s/.docker/buildx/%s", home, below);
	err_set(e, ERR_FAIL, "no place for builders: neither DOCKER_CONFIG nor HOME is set");
	return NULL;
}

static char *instance_path(const char *name, struct err *e)
{
	if (builder_check_name(name, e))
		return NULL;
	auto_free char *below = xasprintf("instances/%s", name);
	for (char *c = below; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	return state_path(below, e);
}

static int no_such(const char *name, struct err *e)
{
	return err_set(
	        e, ERR_NOT_FOUND, "no builder \"%s\" found: docker buildx ls lists them", name);
}

// ---- reading

static void read_platforms(const struct jn *list, struct strv *ret)
{
	for (size_t i = 0; i < jn_len(list); i++) {
		const struct jn *p = jn_at(list, i);
		const char *os = jn_get_str(p, "os"), *arch = jn_get_str(p, "architecture"),
		           *variant = jn_get_str(p, "variant");
		if (os && arch)
			strv_addf(ret, "%s/%s%s%s", os, arch, variant && *variant ? "/" : "",
			        variant ? variant : "");
	}
}

// Files are in base64 there.
static char *read_config(const struct jn *files)
{
	const char *text = jn_get_str(files, CONFIG_FILE);
	auto_buf struct buf out = {0};
	if (!text || strlen(text) > 2 * BUILDER_CONFIG_MAX || !base64_decode(&out, text))
		return NULL;
	return buf_steal(&out);
}

static void read_node(const struct jn *n, struct builder *b)
{
	const char *name = jn_get_str(n, "Name"), *key;
	const struct jn *value, *options = jn_get(n, "DriverOpts");
	struct builder_node *to =
	        builder_add_node(b, name ? name : b->name, jn_get_str(n, "Endpoint"));
	read_platforms(jn_get(n, "Platforms"), &to->platforms);
	jn_str_list(jn_get(n, "Flags"), &to->flags);
	for (size_t i = 0; jn_member(options, i, &key, &value); i++)
		if (jn_is_string(value))
			strv_addf(&to->options, "%s=%s", key, jn_str(value));
	to->config = read_config(jn_get(n, "Files"));
}

static int read_instance(const char *path, const char *name, struct builder *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	struct stat st;
	if (fs_read_file(AT_FDCWD, path, FILE_MAX, &text, e))
		return -1;
	auto_jdoc struct jdoc *doc = jdoc_parse(buf_cstr(&text), text.n, e);
	if (!doc)
		return err_wrap(e, "'%s'", path);
	const struct jn *root = jdoc_root(doc), *nodes = jn_get(root, "Nodes");
	const char *as = jn_get_str(root, "Name"), *driver = jn_get_str(root, "Driver");
	ret->name = xstrdup(as ? as : name);
	ret->driver = xstrdup(driver && *driver ? driver : BUILDER_DRIVER);
	ret->used = stat(path, &st) ? 0 : st.st_mtim.tv_sec;
	for (size_t i = 0; i < jn_len(nodes) && i < BUILDER_MAX; i++)
		read_node(jn_at(nodes, i), ret);
	return 0;
}

int builder_read(const char *name, struct builder *ret, struct err *e)
{
	*ret = (struct builder){0};
	if (!strcmp(name, BUILDER_DEFAULT)) {
		ret->name = xstrdup(name);
		ret->driver = xstrdup(BUILDER_DRIVER);
		builder_add_node(ret, name, NULL);
		return 0;
	}
	auto_free char *path = instance_path(name, e);
	if (!path)
		return -1;
	if (access(path, F_OK) && (errno == ENOENT || errno == ENOTDIR))
		return no_such(name, e);
	int rc = read_instance(path, name, ret, e);
	if (rc)
		builder_release(ret);
	else if (!ret->n) // those who ask take the first for granted
		builder_add_node(ret, name, NULL);
	return rc;
}

int builder_names(struct strv *ret, struct err *e)
{
	auto_free char *path = state_path("instances", e);
	auto_strv struct strv files = {0};
	struct err ignored = ERR_INIT;
	if (!path)
		return -1;
	auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(e, "open '%s'", path);
	if (fs_list_dir(fd, &files, e))
		return -1;
	for (size_t i = 0; i < files.n; i++)
		if (!builder_check_name(files.v[i], &ignored))
			strv_add(ret, files.v[i]);
	return 0;
}

// ---- writing

static void put_files(struct jw *w, const struct builder_node *n)
{
	auto_buf struct buf text = {0};
	jw_key(w, "Files");
	if (!n->config) {
		jw_null(w);
		return;
	}
	base64_encode(&text, n->config, strlen(n->config));
	jw_object(w);
	jw_kv(w, CONFIG_FILE, buf_cstr(&text));
	jw_object_end(w);
}

static void put_node(struct jw *w, const struct builder_node *n)
{
	jw_object(w);
	jw_kv(w, "Name", n->name);
	jw_kv(w, "Endpoint", n->endpoint);
	jw_key(w, "Platforms");
	jw_array(w);
	for (size_t i = 0; i < n->platforms.n; i++) {
		struct platform p;
		struct err ignored = ERR_INIT;
		if (platform_parse(n->platforms.v[i], &p, &ignored))
			continue;
		jw_object(w);
		jw_kv(w, "architecture", p.arch);
		jw_kv(w, "os", p.os);
		if (*p.variant)
			jw_kv(w, "variant", p.variant);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_key(w, "DriverOpts");
	jw_object(w);
	for (size_t i = 0; i < n->options.n; i++) {
		const char *kv = n->options.v[i], *eq = strchr(kv, '=');
		auto_free char *key = xstrndup(kv, eq ? (size_t)(eq - kv) : strlen(kv));
		jw_kv(w, key, eq ? eq + 1 : "");
	}
	jw_object_end(w);
	jw_key(w, "Flags");
	jw_array(w);
	for (size_t i = 0; i < n->flags.n; i++)
		jw_str(w, n->flags.v[i]);
	jw_array_end(w);
	put_files(w, n);
	jw_object_end(w);
}

static int write_below(const char *path, const struct buf *text, struct err *e)
{
	auto_free char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	return fs_mkdir_p(AT_FDCWD, dir, 0700, e) ||
	                       fs_replace_file(AT_FDCWD, path, text->p, text->n, 0644, e)
	               ? -1
	               : 0;
}

int builder_write(const struct builder *b, struct err *e)
{
	auto_free char *path = instance_path(b->name, e);
	auto_buf struct buf text = {0};
	struct jw w;
	if (!path)
		return -1;
	jw_begin(&w, &text, 0);
	jw_object(&w);
	jw_kv(&w, "Name", b->name);
	jw_kv(&w, "Driver", b->driver);
	jw_key(&w, "Nodes");
	jw_array(&w);
	for (size_t i = 0; i < b->n; i++)
		put_node(&w, &b->nodes[i]);
	jw_array_end(&w);
	jw_kv_bool(&w, "Dynamic", false);
	jw_object_end(&w);
	return write_below(path, &text, e);
}

int builder_remove(const char *name, struct err *e)
{
	auto_free char *path = instance_path(name, e), *current = NULL;
	struct err ignored = ERR_INIT;
	if (!path)
		return -1;
	if (unlink(path))
		return errno == ENOENT || errno == ENOTDIR ? no_such(name, e)
		                                           : err_sys(e, "remove '%s'", path);
	auto_free char *selected = state_path("current", e);
	if (!builder_current(&current, &ignored) && str_ieq(current, name) && selected)
		unlink(selected);
	return 0;
}

// The registry client takes a file; this one has no name on any disk.
int builder_apply(const struct builder *b, struct err *e)
{
	const char *variable = "HEW_BUILDKITD_CONFIG", *given = getenv(variable),
	           *text = b->n ? b->nodes[0].config : NULL;
	if (!text || (given && *given))
		return 0;
	int fd = memfd_create(CONFIG_FILE, MFD_CLOEXEC); // as long as the process
	if (fd < 0)
		return err_sys(e, "make a file in memory");
	if (fs_pwrite_all(fd, text, strlen(text), 0, e)) {
		close(fd);
		return -1;
	}
	auto_free char *path = xasprintf("/proc/self/fd/%d", fd);
	setenv(variable, path, 1);
	return 0;
}

// ---- the one in use

int builder_current(char **ret, struct err *e)
{
	const char *asked = getenv("BUILDX_BUILDER");
	auto_buf struct buf text = {0};
	struct err ignored = ERR_INIT;
	if (asked && *asked) {
		*ret = xstrdup(asked);
		return 0;
	}
	auto_free char *path = state_path("current", e);
	if (!path)
		return -1;
	*ret = NULL;
	if (fs_read_file(AT_FDCWD, path, FILE_MAX, &text, &ignored) == 0) {
		auto_jdoc struct jdoc *doc = jdoc_parse(buf_cstr(&text), text.n, &ignored);
		const char *name = doc ? jn_get_str(jdoc_root(doc), "Name") : NULL;
		struct builder b = {0};
		if (name && *name && !builder_read(name, &b, &ignored)) // it may be gone
			*ret = xstrdup(name);
		builder_release(&b);
	}
	if (!*ret)
		*ret = xstrdup(BUILDER_DEFAULT);
	return 0;
}

int builder_select(const char *name, struct err *e)
{
	auto_free char *path = state_path("current", e);
	auto_buf struct buf text = {0};
	const char *host = getenv("DOCKER_HOST");
	bool none = !strcmp(name, BUILDER_DEFAULT);
	struct jw w;
	if (!path)
		return -1;
	jw_begin(&w, &text, 0);
	jw_object(&w);
	jw_kv(&w, "Key", host && *host ? host : BUILDER_ENDPOINT);
	jw_kv(&w, "Name", none ? "" : name);
	jw_kv_bool(&w, "Global", false);
	jw_object_end(&w);
	return write_below(path, &text, e);
}
