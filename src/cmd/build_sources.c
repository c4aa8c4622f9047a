// SPDX-License-Identifier: Apache-2.0
// PATH and --file: checked as far as it can be done without the network, so that a misspelt
// path is the first thing said.
#include "cmd/build_sources.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "dockerfile/dockerfile.h"
#include "dockerfile/git_ref.h"
#include "exec/build.h"
#include "output/output.h"
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
