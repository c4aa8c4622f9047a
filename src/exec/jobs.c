// SPDX-License-Identifier: Apache-2.0
// What the holder does for this room: everything that reads or writes files under the image's ids.
// Runs in a child of the holder; speaks in descriptors and small fixed records.
#include "exec/jobs.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "exec/build.h"
#include "layer/tree.h"
#include "layer/writer.h"
#include "sandbox/step.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_empty(int dir, bool *ret, struct err *e)
{
	auto_strv struct strv names = {0};
	if (fs_list_dir(dir, &names, e))
		return -1;
	*ret = names.n == 0;
	return 0;
}

// payload: struct unpack_request; descriptors: index, tar, empty directory, and an index of what
// the layer lacks if it lacks any
static int job_unpack(const void *payload, size_t n, const int *fds, size_t n_fds,
        struct buf *reply, struct err *e)
{
	struct unpack_request req;
	bool empty = true;
	(void)reply;
	if ((n_fds != 3 && n_fds != 4) || n != sizeof(req))
		return err_set(e, ERR_FAIL, "unpack: malformed request");
	memcpy(&req, payload, sizeof(req));
	if (req.only_if_empty && is_empty(fds[2], &empty, e))
		return -1;
	if (!empty)
		return 0;
	struct layer_index *ix = layer_index_open(fds[0], e);
	struct layer_index *lacking = ix && n_fds == 4 ? layer_index_open(fds[3], e) : NULL;
	int r = ix && (lacking || n_fds == 3) ? 0 : -1;
	if (r == 0)
		r = tree_unpack(ix, lacking, fds[1], fds[2],
		        req.user_flavour ? TREE_USER : TREE_TRUSTED, e);
	layer_index_close(lacking);
	layer_index_close(ix);
	return r;
}

// descriptors: upper directory, tar to write, index to write; payload: struct commit_request and
// the skipped paths, each NUL-terminated; reply: struct commit_reply
static int job_commit(const void *payload, size_t n, const int *fds, size_t n_fds,
        struct buf *reply, struct err *e)
{
	struct commit_request req;
	if (n_fds != 3 || n < sizeof(req))
		return err_set(e, ERR_FAIL, "commit: malformed request");
	memcpy(&req, payload, sizeof(req));
	const char *p = (const char *)payload + sizeof(req), *end = (const char *)payload + n;
	auto_strv struct strv skip = {0};
	while (p < end) {
		strv_take(&skip, xstrndup(p, (size_t)(end - p)));
		p += strlen(skip.v[skip.n - 1]) + 1;
	}
	struct upper_options o = {
	        .writer = {.clamp_mtime = req.clamp, .max_mtime = req.max_mtime},
	        .skip = (const char *const *)skip.v,
	        .n_skip = skip.n,
	};
	struct layer_result r = {0};
	if (layer_write_upper(fds[0], fds[1], &o, &r, e))
		return -1;
	struct commit_reply out = {
	        .diff_id = r.diff_id, .tar_size = r.tar_size, .content_id = r.content_id};
	int result = layer_index_write(r.index, fds[2], e);
	// It becomes the tree, by a rename that only its owner may do. Nobody sees these two: the
	// root of an overlay is that of its own upper directory.
	if (result == 0 && (fchown(fds[0], 0, 0) || fchmod(fds[0], 0755)))
		result = err_sys(e, "take back the step's directory");
	buf_add(reply, &out, sizeof(out));
	layer_result_release(&r);
	return result;
}

// descriptors: a directory, of which everything is removed that can be
static int job_empty(const void *payload, size_t n, const int *fds, size_t n_fds, struct buf *reply,
        struct err *e)
{
	auto_strv struct strv names = {0};
	(void)payload, (void)n, (void)reply;
	if (n_fds != 1 || fs_list_dir(fds[0], &names, e))
		return n_fds == 1 ? -1 : err_set(e, ERR_FAIL, "empty: malformed request");
	int r = 0;
	for (size_t i = 0; i < names.n; i++)
		r |= fs_remove_tree(fds[0], names.v[i], e);
	return r;
}

const struct holder_job exec_jobs[] = {
        {"step", step_job},
        {"unpack", job_unpack},
        {"commit", job_commit},
        {"empty", job_empty},
};
const size_t exec_n_jobs = sizeof(exec_jobs) / sizeof(exec_jobs[0]);
