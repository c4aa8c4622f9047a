// SPDX-License-Identifier: Apache-2.0
// What a build may copy from: folders, each with its ignore file and stat index; repositories and
// archives, which are views as any other; and names that stand for images.
#include "base/cancel.h"
#include "base/fs.h"
#include "dockerfile/git_ref.h"
#include "exec/exec-int.h"
#include "image/reference.h"
#include "source/archive.h"
#include "source/download.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_image_context(const char *value)
{
	return str_has_prefix(value, "docker-image://") || str_has_prefix(value, "oci-layout://");
}

static bool is_folder(const char *value)
{
	struct stat st;
	return stat(value, &st) == 0 && S_ISDIR(st.st_mode);
}

static struct named_context *add_context(struct exec *x, const char *name, const char *value)
{
	x->contexts = xreallocarray(x->contexts, x->n_contexts + 1, sizeof(*x->contexts));
	struct named_context *c = &x->contexts[x->n_contexts++];
	*c = (struct named_context){.name = name ? xstrdup(name) : NULL, .value = xstrdup(value)};
	return c;
}

// ---- folders

// The name of a folder's stat index: by its real path, so that two ways to it share one.
static char *index_name(const char *path)
{
	auto_free char *real = realpath(path, NULL);
	struct hash h = hash_bytes(real ? real : path, strlen(real ? real : path));
	char hex[HASH_HEX];
	hash_hex(&h, hex);
	return xstrdup(hex);
}

static int open_folder(
        struct exec *x, struct named_context *c, const char *dockerfile, struct err *e)
{
	if (context_ignore_load(c->value, dockerfile, &c->ignore, &c->ignore_name, e))
		return -1;
	auto_fd int dir = x->store ? openat(store_root_fd(x->store), "contexts",
	                                     O_RDONLY | O_DIRECTORY | O_CLOEXEC)
	                           : -1;
	auto_free char *name = index_name(c->value);
	c->is_folder = true;
	c->view = context_open(c->value, c->ignore, dir, name, e);
	return c->view ? 0 : -1;
}

// ---- what comes from elsewhere

// An archive is its files; anything else is one file, called "context".
static struct view *open_download(struct exec *x, const char *url, bool *ret_is_file, struct err *e)
{
	struct download d;
	struct view *v = NULL;
	if (remote_download(x, url, NULL, -1, &d, e))
		return NULL;
	int archive = remote_archive(x, &d, &v, e);
	*ret_is_file = archive == 0;
	return archive ? v : remote_file_view(x, &d, "context", e);
}

static int open_remote(struct exec *x, struct named_context *c, bool *ret_is_file, struct err *e)
{
	*ret_is_file = false;
	bool keep = false;
	const char *flag = strv_env_get(&x->req->build_args, "BUILDKIT_CONTEXT_KEEP_GIT_DIR");
	if (!c->name && flag)
		keep = str_ieq(flag, "true") || !strcmp(flag, "1");
	bool git = git_ref_is(c->value, true);
	c->view = git ? remote_git_context(x, c->value, keep, e)
	              : open_download(x, c->value, ret_is_file, e);
	return c->view ? 0 : -1;
}

// ---- the main one

// All of standard input.
static int read_stdin(int to, uint64_t *ret_size, struct err *e)
{
	char chunk[65536];
	ssize_t n = 1;
	*ret_size = 0;
	while (n != 0) {
		n = cancel_check(e) ? -1 : fs_read(STDIN_FILENO, chunk, sizeof(chunk), e);
		if (n < 0 || fs_write_all(to, chunk, (size_t)n, e))
			return -1;
		*ret_size += (uint64_t)n;
	}
	return 0;
}

// An archive is the context, anything else the Dockerfile.
static int open_stdin(struct exec *x, struct named_context *c, struct err *e)
{
	auto_fd int fd = store_temp_file(x->store, e);
	struct content all = {.fd = fd};
	if (fd < 0 || read_stdin(fd, &all.size, e))
		return -1;
	int archive = archive_sniff(&all, e);
	if (archive < 0)
		return -1;
	if (archive) {
		c->view = archive_open(x->store, fd, e);
		return c->view ? 0 : err_wrap(e, "the build context on standard input");
	}
	if (x->req->dockerfile)
		return err_set(e, ERR_USAGE,
		        "ambiguous Dockerfile source: both stdin and flag correspond to "
		        "Dockerfiles (there is no archive on standard input)");
	x->has_dockerfile_text = true;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "read a temporary file");
	if (fs_read_fd(fd, DOCKERFILE_MAX, &x->dockerfile_text, e))
		return err_wrap(e, "read the Dockerfile from standard input");
	return 0;
}

// An ignore file may lie beside it.
static bool has_local_dockerfile(const struct build_request *r)
{
	return r->dockerfile ? !source_is_url(r->dockerfile) : !r->dockerfile_text;
}

int context_open_main(struct exec *x, const char *dockerfile, struct err *e)
{
	const struct build_request *r = x->req;
	bool is_file = false;
	struct named_context *c = add_context(x, NULL, r->context ? r->context : "");
	if (r->context_stdin)
		return open_stdin(x, c, e);
	if (!r->context)
		return 0;
	if (is_folder(r->context) || (!source_is_url(r->context) && !git_ref_is(r->context, true)))
		return open_folder(x, c, has_local_dockerfile(r) ? dockerfile : NULL, e);
	if (open_remote(x, c, &is_file, e))
		return err_wrap(e, "load the build context");
	if (!is_file)
		return 0;
	x->has_dockerfile_text = true;
	return view_read_file(c->view, "context", DOCKERFILE_MAX, &x->dockerfile_text, e) < 0 ? -1
	                                                                                      : 0;
}

// ---- named ones

// A folder at once; what has to be fetched when the first stage that is built asks for it.
static int open_named(struct exec *x, struct named_context *c, struct err *e)
{
	if (is_image_context(c->value))
		return 0;
	c->is_remote = source_is_url(c->value) || git_ref_is(c->value, true);
	return c->is_remote ? 0 : open_folder(x, c, NULL, e);
}

int context_need(struct exec *x, struct named_context *c, struct err *e)
{
	bool ignored;
	if (!c->is_remote || c->view)
		return 0;
	return open_remote(x, c, &ignored, e) ? err_wrap(e, "build context '%s'", c->name) : 0;
}

int contexts_open_named(struct exec *x, struct err *e)
{
	const struct build_request *r = x->req;
	for (size_t i = 0; i < r->build_contexts.n; i++) {
		const char *kv = r->build_contexts.v[i], *eq = strchr(kv, '=');
		if (!eq || eq == kv || !eq[1])
			return err_set(e, ERR_USAGE,
			        "invalid build context '%s': it must look like name=value", kv);
		auto_free char *name = xstrndup(kv, (size_t)(eq - kv));
		if (open_named(x, add_context(x, name, eq + 1), e))
			return err_wrap(e, "build context '%s'", name);
	}
	return 0;
}

struct named_context *context_find(struct exec *x, const char *name)
{
	for (size_t i = 0; i < x->n_contexts; i++) {
		const char *have = x->contexts[i].name;
		if (name ? have && !strcmp(have, name) : !have)
			return &x->contexts[i];
	}
	return NULL;
}

// "docker.io/library/alpine:latest" -> "alpine". Caller frees.
static char *familiar(const char *name)
{
	auto_reference struct reference ref = {0};
	struct err ignored = ERR_INIT;
	if (reference_parse(name, &ref, &ignored))
		return xstrdup(name);
	char *text = reference_familiar(&ref);
	if (str_has_suffix(text, ":latest"))
		text[strlen(text) - strlen(":latest")] = '\0';
	return text;
}

struct named_context *context_match(struct exec *x, const char *name, const struct platform *p)
{
	char platform[80];
	struct named_context *found = NULL;
	auto_free char *wanted = familiar(name);
	platform_text(p, platform);
	auto_free char *exact = xasprintf("%s::%s", wanted, platform);
	for (size_t i = 0; i < x->n_contexts && !found; i++)
		if (x->contexts[i].name && !strcmp(x->contexts[i].name, exact))
			found = &x->contexts[i];
	for (size_t i = 0; i < x->n_contexts && !found; i++) {
		auto_free char *have = x->contexts[i].name ? familiar(x->contexts[i].name) : NULL;
		if (have && !strcmp(have, wanted))
			found = &x->contexts[i];
	}
	return found;
}

// ---- the end

// The build stands without the index, the next one only has to read more.
static void save_index(struct exec *x, const struct named_context *c)
{
	auto_buf struct buf index = {0};
	struct err why = ERR_INIT;
	if (!x->store || !c->is_folder || !c->view || !context_learnt(c->view, &index))
		return;
	auto_free char *name = index_name(c->value);
	if (store_context_put(x->store, name, index.p, index.n, &why))
		event_note(x->req->sink, "the index of %s was not saved: %s", c->value, why.msg);
}

void contexts_close(struct exec *x)
{
	for (size_t i = 0; i < x->n_contexts; i++) {
		struct named_context *c = &x->contexts[i];
		save_index(x, c);
		view_free(c->view);
		ignore_free(c->ignore);
		free(c->ignore_name);
		free(c->name);
		free(c->value);
	}
	free(x->contexts);
	x->contexts = NULL;
	x->n_contexts = 0;
	buf_release(&x->dockerfile_text);
}
