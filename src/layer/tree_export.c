// SPDX-License-Identifier: Apache-2.0
// The plain files of a view in a directory that may already have some: files are replaced,
// directories merged, nothing is followed and nothing else removed.
#include "layer/tree.h"

#include "base/cancel.h"
#include "base/err.h"
#include "layer/tree-int.h"
#include <string.h>

struct export
{
	struct tree t;
	struct view *v;
	const int64_t *mtime;
};

static void set_time(struct entry *en, int64_t sec)
{
	en->mtime_sec = sec;
	en->mtime_nsec = 0;
}

static int export_file(struct export *x, const struct entry *en, struct err *e)
{
	int held = en->link ? view_link_holds(x->v, en, e) : 0;
	if (held < 0)
		return -1;
	if (held > 0)
		return tree_put_link(&x->t, en, e);
	auto_content struct content c = CONTENT_NONE;
	if (x->v->ops->open(x->v, en, &c, e) != 0)
		return -1;
	if (c.size < en->size)
		return err_set(e, ERR_CONTEXT, "'%s' is shorter than it was", en->path);
	struct entry file = *en;
	if (x->mtime)
		set_time(&file, *x->mtime);
	return tree_put_file(&x->t, &file, c.fd, c.offset, e);
}

static int export_one(void *arg, const struct entry *found, struct err *e)
{
	struct export *x = arg;
	struct entry timed = *found;
	const struct entry *en = &timed;
	if (cancel_check(e) != 0)
		return -1;
	if (x->mtime && found->type != ENTRY_FILE) // of a file when it is known for no link
		set_time(&timed, *x->mtime);
	switch (en->type) {
	case ENTRY_DIR:
		return tree_put_dir(&x->t, en, e);
	case ENTRY_FILE:
		return export_file(x, en, e);
	case ENTRY_SYMLINK:
		return tree_put_symlink(&x->t, en, e);
	case ENTRY_FIFO:
	case ENTRY_CHAR:
	case ENTRY_BLOCK:
		return tree_put_node(&x->t, en, e);
	case ENTRY_SOCKET:
	case ENTRY_WHITEOUT:
		break;
	}
	return 0;
}

int tree_export(struct view *v, int dirfd, bool as_root, const int64_t *mtime, struct err *e)
{
	struct export x = {.v = v, .mtime = mtime, .t = {.chown = as_root, .merge = true}};
	if (tree_init(&x.t, dirfd, e) != 0)
		return -1;
	int rc = v->ops->walk(v, "", export_one, &x, e);
	return tree_finish(&x.t, rc, e);
}
