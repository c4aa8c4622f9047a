// SPDX-License-Identifier: Apache-2.0
// type=local and type=tar: the files of the image as they are seen when all layers lie on each
// other, in a folder or in one plain tar; of several platforms each in a folder of its own.
#include "base/cancel.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/timefmt.h"
#include "layer/tree.h"
#include "layer/writer.h"
#include "output/output-int.h"
#include "output/target.h"
#include "store/stored_view.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// One platform's files.
struct part {
	struct view *view;
	char platform[80];
	char folder[80]; // linux_arm_v7; "": at the top
};

struct parts {
	const struct output_spec *o;
	struct part *v;
	size_t n;
};
#define auto_parts __attribute__((cleanup(parts_release)))

static void parts_release(struct parts *p)
{
	for (size_t i = 0; i < p->n; i++)
		view_free(p->v[i].view);
	free(p->v);
}

static struct view *open_view(
        const struct output_request *q, const struct digest *manifest, struct err *e)
{
	auto_output_image struct output_image im = {0};
	if (output_image_load(q, manifest, &im, e))
		return NULL;
	struct layer_index *ignored;
	if (layers_need(q, &im, e))
		return NULL;
	for (size_t i = 0; i < im.config.n_diff_ids; i++)
		if (layer_open(q, &im, i, &ignored, e))
			return NULL;
	return stored_view(q->store, im.config.diff_ids, im.config.n_diff_ids, e);
}

// A folder for each platform, if there are several and nothing else was said.
static void name_folders(const struct output_spec *o, struct parts *p)
{
	bool split = o->has_split ? o->split : p->n > 1;
	for (size_t i = 0; split && i < p->n; i++) {
		struct part *part = &p->v[i];
		memcpy(part->folder, part->platform, sizeof(part->folder));
		for (char *c = part->folder; *c; c++)
			if (*c == '/')
				*c = '_';
	}
}

struct meeting {
	struct map from; // path -> platform
	const struct part *part;
};

static int meet(void *arg, const struct entry *en, struct err *e)
{
	struct meeting *m = arg;
	const char *other = en->type == ENTRY_DIR ? NULL : map_get(&m->from, en->path);
	if (other)
		return err_set(e, ERR_USAGE,
		        "cannot overwrite %s from %s with %s when split option is disabled",
		        en->path, other, m->part->platform);
	if (en->type != ENTRY_DIR)
		map_set(&m->from, en->path, (void *)(uintptr_t)m->part->platform);
	return 0;
}

// What goes into one folder must not have a file twice.
static int check_apart(const struct parts *p, struct err *e)
{
	struct meeting m = {0};
	int rc = 0;
	for (size_t i = 0; !rc && p->n > 1 && !*p->v[0].folder && i < p->n; i++) {
		m.part = &p->v[i];
		rc = p->v[i].view->ops->walk(p->v[i].view, "", meet, &m, e);
	}
	map_release(&m.from);
	return rc;
}

static int open_parts(
        const struct output_request *q, const struct output_spec *o, struct parts *p, struct err *e)
{
	struct descriptor_list images = {0};
	int rc = output_images(q, &images, e);
	p->o = o;
	p->v = xcalloc(images.n + 1, sizeof(*p->v));
	for (size_t i = 0; !rc && i < images.n; i++) {
		struct part *part = &p->v[p->n];
		platform_text(&images.v[i].platform, part->platform);
		part->view = open_view(q, &images.v[i].digest, e);
		rc = part->view ? 0 : -1;
		p->n += !rc;
	}
	descriptor_list_release(&images);
	if (rc)
		return -1;
	name_folders(o, p);
	return check_apart(p, e);
}

static int export_part(const struct part *p, int dir, const int64_t *mtime, struct err *e)
{
	bool as_root = geteuid() == 0;
	if (!*p->folder)
		return tree_export(p->view, dir, as_root, mtime, e);
	if (mkdirat(dir, p->folder, 0755) && errno != EEXIST)
		return err_sys(e, "make folder '%s'", p->folder);
	auto_fd int fd = openat(dir, p->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open folder '%s'", p->folder)
	              : tree_export(p->view, fd, as_root, mtime, e);
}

// Of each platform beside its files; where all lie in one folder the name says which it is.
static int put_statements(const struct output_request *q, const struct parts *p,
        const struct statement_sink *sink, struct err *e)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct part *part = &p->v[i];
		const char *platform = p->n > 1 && !*part->folder ? part->platform : NULL;
		const struct statement_place at = {
		        part->view, part->folder, platform, part->platform};
		if (output_statements(q, p->o, &at, sink, e))
			return -1;
	}
	return 0;
}

static int put_statement(void *arg, const char *name, const struct buf *text, struct err *e)
{
	const struct target *t = arg;
	return fs_replace_file(t->fd, name, text->p, text->n, 0644, e);
}

int output_local(const struct output_request *q, const struct output_spec *o, struct err *e)
{
	auto_target struct target t = TARGET_NONE;
	auto_parts struct parts p = {0};
	if (open_parts(q, o, &p, e) || target_open_dir(o->dest, &t, e))
		return -1;
	if (fault_point("output.write") < 0)
		return err_sys(e, "write '%s'", o->dest);
	const struct statement_sink sink = {put_statement, &t};
	int64_t epoch;
	bool has_epoch = output_epoch(q, o, &epoch);
	for (size_t i = 0; i < p.n; i++)
		if (export_part(&p.v[i], t.fd, has_epoch ? &epoch : NULL, e))
			return err_wrap(e, "write '%s'", o->dest);
	return put_statements(q, &p, &sink, e) ? -1 : target_commit_dir(&t, o->delete, e);
}

// ---- tar

struct tar_out {
	const struct output_request *q;
	const struct part *part;
	struct view *v;
	struct layer_writer *w;
	bool has_epoch;
	int64_t epoch;
};

// Below the folder of the platform, and so is what it is linked to.
static int put(struct tar_out *t, const struct entry *en, const struct content *c, struct err *e)
{
	const char *folder = t->part->folder;
	bool hard = en->type == ENTRY_FILE && en->link;
	if (!*folder)
		return layer_writer_add(t->w, en, c, e);
	struct entry moved = *en;
	auto_free char *path = xasprintf("%s/%s", folder, en->path);
	auto_free char *link = hard ? xasprintf("%s/%s", folder, en->link) : NULL;
	moved.path = path;
	moved.link = hard ? link : en->link;
	return layer_writer_add(t->w, &moved, c, e);
}

static int put_file(struct tar_out *t, const struct entry *en, struct entry *timed, struct err *e)
{
	int held = en->link ? view_link_holds(t->v, en, e) : 0;
	if (held < 0)
		return -1;
	if (held)
		return put(t, timed, NULL, e);
	auto_content struct content c = CONTENT_NONE;
	timed->link = NULL;
	if (t->v->ops->open(t->v, en, &c, e))
		return -1;
	return put(t, timed, &c, e);
}

static int put_entry(void *arg, const struct entry *en, struct err *e)
{
	struct tar_out *t = arg;
	struct entry timed = *en;
	if (cancel_check(e))
		return -1;
	if (t->has_epoch) { // all files, as BuildKit does it
		timed.mtime_sec = t->epoch;
		timed.mtime_nsec = 0;
	}
	return en->type == ENTRY_FILE ? put_file(t, en, &timed, e) : put(t, &timed, NULL, e);
}

static int put_tar_statement(void *arg, const char *name, const struct buf *text, struct err *e)
{
	struct tar_out *t = arg;
	const struct entry en = {.path = name,
	        .type = ENTRY_FILE,
	        .mode = 0644,
	        .size = text->n,
	        .mtime_sec = t->has_epoch ? t->epoch : time_now().sec,
	        .offset = ENTRY_NO_OFFSET};
	const struct content c = {.fd = -1, .data = text->p, .size = text->n};
	return layer_writer_add(t->w, &en, &c, e);
}

static int put_part(struct tar_out *t, const struct part *p, struct err *e)
{
	const struct entry folder = {.path = p->folder,
	        .type = ENTRY_DIR,
	        .mode = 0755,
	        .mtime_sec = t->has_epoch ? t->epoch : 0};
	t->part = p;
	t->v = p->view;
	if (*p->folder && layer_writer_add(t->w, &folder, NULL, e))
		return -1;
	return p->view->ops->walk(p->view, "", put_entry, t, e);
}

static int write_tar(
        struct tar_out *t, const struct parts *p, int fd, uint64_t *ret_size, struct err *e)
{
	auto_layer_writer struct layer_writer *w = layer_writer_new(fd, NULL);
	const struct statement_sink sink = {put_tar_statement, t};
	struct layer_result r = {0};
	t->w = w;
	if (fault_point("output.write") < 0)
		return err_sys(e, "write archive");
	for (size_t i = 0; i < p->n; i++)
		if (put_part(t, &p->v[i], e))
			return -1;
	if (put_statements(t->q, p, &sink, e) || layer_writer_finish(w, &r, e))
		return -1;
	*ret_size = r.tar_size;
	layer_result_release(&r);
	return 0;
}

// What cannot be sought in gets the tar when it is complete.
static int write_through(struct store *s, struct tar_out *out, const struct parts *p,
        struct target *t, struct err *e)
{
	uint64_t size;
	auto_fd int spool = store_temp_file(s, e);
	if (spool < 0 || write_tar(out, p, spool, &size, e))
		return -1;
	return fs_copy_range(spool, 0, t->fd, size, e);
}

int output_tar(const struct output_request *q, const struct output_spec *o, struct err *e)
{
	auto_target struct target t = TARGET_NONE;
	uint64_t size;
	auto_parts struct parts p = {0};
	struct tar_out out = {.q = q};
	out.has_epoch = output_epoch(q, o, &out.epoch);
	if (open_parts(q, o, &p, e) || target_open_file(o->dest, &t, e))
		return -1;
	int rc = t.direct ? write_through(q->store, &out, &p, &t, e)
	                  : write_tar(&out, &p, t.fd, &size, e);
	return rc ? err_wrap(e, "write '%s'", o->dest) : target_commit_file(&t, e);
}
