// SPDX-License-Identifier: Apache-2.0
// type=local and type=tar: the files of the image as they are seen when all layers lie on each
// other, in a folder or in one plain tar.
#include "base/cancel.h"
#include "base/fault.h"
#include "base/fs.h"
#include "layer/tree.h"
#include "layer/writer.h"
#include "output/output-int.h"
#include "output/target.h"
#include "store/stored_view.h"
#include <unistd.h>

static struct view *open_view(const struct output_request *q, struct err *e)
{
	auto_output_image struct output_image im = {0};
	if (output_image_load(q, &q->manifest, &im, e))
		return NULL;
	if (layers_need(q, &im, e))
		return NULL;
	return stored_view(q->store, im.config.diff_ids, im.config.n_diff_ids, e);
}

int output_local(const struct output_request *q, const struct output_spec *o, struct err *e)
{
	auto_target struct target t = TARGET_NONE;
	auto_view struct view *v = open_view(q, e);
	if (!v || target_open_dir(o->dest, &t, e))
		return -1;
	if (fault_point("output.write") < 0)
		return err_sys(e, "write '%s'", o->dest);
	if (tree_export(v, t.fd, geteuid() == 0, e))
		return err_wrap(e, "write '%s'", o->dest);
	return target_commit_dir(&t, e);
}

// ---- tar

struct tar_out {
	struct view *v;
	struct layer_writer *w;
};

// Whether the path that a layer linked to is still that file. 1, 0, -1.
static int link_holds(struct tar_out *t, const struct entry *en, struct err *e)
{
	struct entry to;
	int found = t->v->ops->lookup(t->v, en->link, &to, e);
	if (found <= 0)
		return found;
	return to.type == ENTRY_FILE && !to.link && to.size == en->size &&
	       to.offset == en->offset && to.mode == en->mode && to.uid == en->uid &&
	       to.gid == en->gid && to.mtime_sec == en->mtime_sec &&
	       to.has_content == en->has_content && hash_eq(&to.content, &en->content);
}

static int put_file(struct tar_out *t, const struct entry *en, struct err *e)
{
	struct entry plain = *en;
	int held = en->link ? link_holds(t, en, e) : 0;
	if (held < 0)
		return -1;
	if (held)
		return layer_writer_add(t->w, en, NULL, e);
	auto_content struct content c = CONTENT_NONE;
	plain.link = NULL;
	if (t->v->ops->open(t->v, en, &c, e))
		return -1;
	return layer_writer_add(t->w, &plain, &c, e);
}

static int put_entry(void *arg, const struct entry *en, struct err *e)
{
	struct tar_out *t = arg;
	if (cancel_check(e))
		return -1;
	return en->type == ENTRY_FILE ? put_file(t, en, e) : layer_writer_add(t->w, en, NULL, e);
}

static int write_tar(
        const struct output_request *q, struct view *v, int fd, uint64_t *ret_size, struct err *e)
{
	struct layer_writer_options o = {.clamp_mtime = q->has_epoch, .max_mtime = q->epoch};
	auto_layer_writer struct layer_writer *w = layer_writer_new(fd, &o);
	struct tar_out t = {v, w};
	struct layer_result r = {0};
	if (fault_point("output.write") < 0)
		return err_sys(e, "write archive");
	if (v->ops->walk(v, "", put_entry, &t, e) || layer_writer_finish(w, &r, e))
		return -1;
	*ret_size = r.tar_size;
	layer_result_release(&r);
	return 0;
}

// What cannot be sought in gets the tar when it is complete.
static int write_through(
        const struct output_request *q, struct view *v, struct target *t, struct err *e)
{
	uint64_t size;
	auto_fd int spool = store_temp_file(q->store, e);
	if (spool < 0 || write_tar(q, v, spool, &size, e))
		return -1;
	return fs_copy_range(spool, 0, t->fd, size, e);
}

int output_tar(const struct output_request *q, const struct output_spec *o, struct err *e)
{
	auto_target struct target t = TARGET_NONE;
	uint64_t size;
	auto_view struct view *v = open_view(q, e);
	if (!v || target_open_file(o->dest, &t, e))
		return -1;
	int rc = t.direct ? write_through(q, v, &t, e) : write_tar(q, v, t.fd, &size, e);
	return rc ? err_wrap(e, "write '%s'", o->dest) : target_commit_file(&t, e);
}
