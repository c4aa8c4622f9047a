// SPDX-License-Identifier: Apache-2.0
// PATH, --file, --ssh: checked as far as it can be done without the network, so that a misspelt
// path is the first thing said.
#include "cmd/build_sources.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "dockerfile/dockerfile.h"
#include "dockerfile/git_ref.h"
#include "exec/build.h"
#include "output/output.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static int load_layout(
        struct store *s, const struct image_layout *l, struct digest *ret, struct err *e)
{
	struct output_layout o = {.folder = l->folder,
	        .tag = l->tag,
	        .digest = l->has_digest ? &l->digest : NULL,
	        .platform = &l->platform};
	return output_load_layout(s, &o, ret, e);
}

// ---- PATH and --file

// "-": an archive or a Dockerfile on standard input. A folder goes before a name that looks like a
// repository.
static int take_path(const char *context, struct build_request *r, struct err *e)
{
	struct stat st;
	if (!strcmp(context, "-")) {
		r->context_stdin = true;
		return 0;
	}
	r->context = context;
	bool is_there = stat(context, &st) == 0;
	if (is_there && S_ISDIR(st.st_mode))
		return 0;
	if (source_is_url(context) || git_ref_is(context, true))
		return 0;
	if (!is_there)
		return err_set(e, ERR_CONTEXT,
		        "path \"%s\" not found: the build context must be a folder", context);
	return err_set(e, ERR_CONTEXT, "path \"%s\" is not a folder: the build context must be one",
	        context);
}

int build_take_context(const char *context, const char *file, struct buf *text,
        struct build_request *r, struct err *e)
{
	r->load_layout = load_layout;
	if (take_path(context, r, e))
		return -1;
	if (!file || strcmp(file, "-") != 0) {
		r->dockerfile = file;
		return 0;
	}
	if (r->context_stdin)
		return err_set(e, ERR_USAGE,
		        "invalid argument: can't use stdin for both build context and dockerfile");
	if (fs_read_fd(0, DOCKERFILE_MAX, text, e))
		return err_wrap(e, "read the Dockerfile from standard input");
	r->dockerfile_text = buf_cstr(text);
	r->dockerfile_len = text->n;
	return 0;
}

// ---- --ssh

static int take_paths(const char *spec, const char *list, struct build_ssh *ret, struct err *e)
{
	struct stat st;
	strv_split(&ret->paths, list, ',');
	for (size_t i = 0; i < ret->paths.n; i++) {
		const char *path = ret->paths.v[i];
		if (!*path)
			return err_set(e, ERR_USAGE, "invalid ssh \"%s\": an empty path", spec);
		if (stat(path, &st))
			return err_set(e, ERR_USAGE, "invalid ssh \"%s\": open '%s': %s", spec,
			        path, strerror(errno));
		if (S_ISSOCK(st.st_mode) && ret->paths.n > 1)
			return err_set(
			        e, ERR_USAGE, "invalid ssh \"%s\": one socket, or key files", spec);
		if (!S_ISSOCK(st.st_mode) && !S_ISREG(st.st_mode))
			return err_set(e, ERR_USAGE,
			        "invalid ssh \"%s\": '%s' is neither a socket nor a key file", spec,
			        path);
	}
	return 0;
}

static int parse_ssh(const char *spec, struct build_ssh *ret, struct err *e)
{
	const char *eq = strchr(spec, '=');
	ret->id = eq ? xstrndup(spec, (size_t)(eq - spec)) : xstrdup(spec);
	if (!*ret->id || strpbrk(ret->id, ",/"))
		return err_set(e, ERR_USAGE,
		        "invalid ssh \"%s\": default|ID[=SOCKET|KEY[,KEY...]] is expected", spec);
	if (eq)
		return take_paths(spec, eq + 1, ret, e);
	const char *agent = getenv("SSH_AUTH_SOCK");
	if (!agent || !*agent)
		return err_set(e, ERR_USAGE,
		        "ssh \"%s\": no agent is running here (SSH_AUTH_SOCK is not set); start "
		        "one, "
		        "or name a key: --ssh %s=FILE",
		        spec, spec);
	strv_add(&ret->paths, agent);
	return 0;
}

int build_take_ssh(const struct strv *specs, struct build_request *r, struct err *e)
{
	r->ssh = xcalloc(specs->n + 1, sizeof(*r->ssh));
	for (size_t i = 0; i < specs->n; i++) {
		struct build_ssh *ssh = &r->ssh[r->n_ssh++];
		if (parse_ssh(specs->v[i], ssh, e))
			return -1;
		for (size_t k = 0; k + 1 < r->n_ssh; k++)
			if (!strcmp(r->ssh[k].id, ssh->id))
				return err_set(
				        e, ERR_USAGE, "ssh id \"%s\" is given twice", ssh->id);
	}
	return 0;
}
