// SPDX-License-Identifier: Apache-2.0
// What the holder does for this room: everything that reads or writes files under the image's ids.
// Runs in a child of the holder; speaks in descriptors and small fixed records.
#include "rootfs/jobs.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "layer/tree.h"
#include "layer/writer.h"
#include "rootfs/engine.h"
#include "sandbox/step.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// payload: struct unpack_request; descriptors: index, tar, empty directory, and an index of what
// the layer lacks if it lacks any
static int job_unpack(const void *payload, size_t n, const int *fds, size_t n_fds,
        struct buf *reply, struct err *e)
{
	struct unpack_request req;
	(void)reply;
	if ((n_fds != 3 && n_fds != 4) || n != sizeof(req))
		return err_set(e, ERR_FAIL, "unpack: malformed request");
	memcpy(&req, payload, sizeof(req));
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

// The upper directory as tar and index. What could not be taken out of it is left out of them.
static int save(const struct commit_request *req, const struct strv *stubs, const int *fds,
        struct commit_reply *ret, struct err *e)
{
	struct upper_options o = {
	        .writer = {.clamp_mtime = req->clamp,
	                .max_mtime = req->max_mtime,
	                .nanoseconds = req->nanoseconds},
	        .skip = (const char *const *)stubs->v,
	        .n_skip = stubs->n,
	        .userxattr = req->userxattr,
	};
	struct layer_result r = {0};
	if (layer_write_upper(fds[0], fds[1], &o, &r, e))
		return -1;
	*ret = (struct commit_reply){
	        .diff_id = r.diff_id, .tar_size = r.tar_size, .content_id = r.content_id};
	int result = layer_index_write(r.index, fds[2], e);
	layer_result_release(&r);
	return result;
}

static int save_upper(const struct commit_request *req, const struct strv *stubs, const int *fds,
        struct commit_reply *ret, struct err *e)
{
	int result = save(req, stubs, fds, ret, e);
	// It becomes the tree, by a rename that only its owner may do. Nobody sees these two: the
	// root of an overlay is that of its own upper directory.
	if (result == 0 && (fchown(fds[0], 0, 0) || fchmod(fds[0], 0755)))
		result = err_sys(e, "take back the step's directory");
	return result ? err_wrap(e, "save the step's changes") : 0;
}

// descriptors: a directory, tar to write, index to write; payload: struct commit_request; reply:
// struct commit_reply. The directory stays as it is.
static int job_save(const void *payload, size_t n, const int *fds, size_t n_fds, struct buf *reply,
        struct err *e)
{
	const struct strv nothing = {0};
	struct commit_request req;
	struct commit_reply made = {0};
	if (n_fds != 3 || n != sizeof(req))
		return err_set(e, ERR_FAIL, "save: malformed request");
	memcpy(&req, payload, sizeof(req));
	auto_fd int dir = openat(fds[0], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "open the folder");
	const int files[] = {dir, fds[1], fds[2]};
	if (save(&req, &nothing, files, &made, e))
		return -1;
	buf_add(reply, &made, sizeof(made));
	return 0;
}

// A step and, if it succeeds, its layer: one child does both, for making one is a tenth of a step.
// descriptors: upper directory, tar to write, index to write, the step's; payload: struct
// commit_request, the step; reply: struct commit_reply (zeros if it failed), the step's result
static int job_run(const void *payload, size_t n, const int *fds, size_t n_fds, struct buf *reply,
        struct err *e)
{
	struct commit_request req;
	struct commit_reply made = {0};
	struct step_result result = {0};
	auto_buf struct buf answer = {0};
	if (n_fds < 3 || n < sizeof(req))
		return err_set(e, ERR_FAIL, "run: malformed request");
	memcpy(&req, payload, sizeof(req));
	if (step_job((const char *)payload + sizeof(req), n - sizeof(req), fds + 3, n_fds - 3,
	            &answer, e) ||
	        step_result_decode(&result, answer.p, answer.n, e))
		return -1;
	int r = result.exit_status ? 0 : save_upper(&req, &result.stubs, fds, &made, e);
	step_result_release(&result);
	buf_add(reply, &made, sizeof(made));
	buf_add(reply, answer.p, answer.n);
	return r;
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

// descriptors: a directory; payload: the name of something in it; reply: its bytes on the disk
static int job_measure(const void *payload, size_t n, const int *fds, size_t n_fds,
        struct buf *reply, struct err *e)
{
	struct fs_usage u = {0};
	auto_free char *name = xstrndup(payload, n);
	if (n_fds != 1)
		return err_set(e, ERR_FAIL, "measure: malformed request");
	int r = fs_measure(fds[0], name, &u, e);
	buf_add(reply, &u.bytes, sizeof(u.bytes));
	fs_usage_release(&u);
	return r;
}

const struct holder_job engine_jobs[] = {
        {"step", step_job},
        {"unpack", job_unpack},
        {"run", job_run},
        {"save", job_save},
        {"empty", job_empty},
        {"measure", job_measure},
};
const size_t engine_n_jobs = sizeof(engine_jobs) / sizeof(engine_jobs[0]);
