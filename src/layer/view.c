// SPDX-License-Identifier: Apache-2.0
// What every view can do with its operations alone: resolving symlinks inside the root, reading a
// small file. ".." is physical: it leaves the directory that the path has led to, as in a kernel's
// walk.
#include "layer/view.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include <string.h>
#include <unistd.h>

#define LINKS_MAX 255
#define RESOLVE_MAX (64u << 10) // bytes of a path while links are put in

void view_free(struct view *v)
{
	if (v)
		v->ops->free(v);
}

void view_free_ptr(struct view **v)
{
	view_free(*v);
}

int view_link_holds(struct view *v, const struct entry *en, struct err *e)
{
	struct entry to;
	int found = v->ops->lookup(v, en->link, &to, e);
	if (found <= 0)
		return found;
	return to.type == ENTRY_FILE && !to.link && to.size == en->size &&
	       to.offset == en->offset && to.mode == en->mode && to.uid == en->uid &&
	       to.gid == en->gid && to.mtime_sec == en->mtime_sec &&
	       to.has_content == en->has_content && hash_eq(&to.content, &en->content);
}

void content_close(struct content *c)
{
	if (c->owned && c->fd >= 0)
		close_fd(&c->fd);
	*c = CONTENT_NONE;
}

struct resolve {
	struct view *v;
	const char *asked;
	int flags, links;
	struct buf done; // physical and clean so far
	char *rest;      // owned; what is still to be walked
	struct entry last;
	bool found;
};

static void step_up(struct buf *path)
{
	if (path->n == 0)
		return;
	const char *slash = memrchr(path->p, '/', path->n);
	path->n = slash ? (size_t)(slash - path->p) : 0;
	path->p[path->n] = '\0';
}

static int follow(struct resolve *r, const char *after, size_t parent_len, struct err *e)
{
	const char *target = r->last.link;
	if (++r->links > LINKS_MAX)
		return err_set(e, ERR_CONTEXT, "'%s': more than %d symbolic links (a loop?)",
		        r->asked, LINKS_MAX);
	if (strlen(target) + strlen(after) > RESOLVE_MAX)
		return err_set(e, ERR_CONTEXT, "'%s': symbolic links make it too long", r->asked);
	char *rest = xasprintf("%s/%s", target, after);
	free(r->rest);
	r->rest = rest;
	r->done.n = target[0] == '/' ? 0 : parent_len;
	if (r->done.p)
		r->done.p[r->done.n] = '\0';
	return 0;
}

static bool only_dots(const char *rest)
{
	return rest[strspn(rest, "/.")] == '\0' && !strstr(rest, "..");
}

// One component that is a name. `after` is what follows it.
static int step_down(
        struct resolve *r, const char *name, size_t n, const char *after, struct err *e)
{
	size_t parent_len = r->done.n;
	if (r->done.n + n + 1 > RESOLVE_MAX)
		return err_set(e, ERR_CONTEXT, "'%.200s...': path too long", r->asked);
	if (r->done.n > 0)
		buf_putc(&r->done, '/');
	buf_add(&r->done, name, n);
	int rc = r->v->ops->lookup(r->v, buf_cstr(&r->done), &r->last, e);
	if (rc < 0)
		return -1;
	r->found = rc == 1;
	if (!r->found)
		return 0;
	bool last = only_dots(after);
	if (r->last.type == ENTRY_SYMLINK && !(last && (r->flags & VIEW_NOFOLLOW_LAST)))
		return follow(r, after, parent_len, e);
	if (r->last.type != ENTRY_DIR && !last)
		return err_set(e, ERR_CONTEXT, "'%s': '%s' is not a directory", r->asked,
		        buf_cstr(&r->done));
	return 0;
}

static int resolve_walk(struct resolve *r, struct err *e)
{
	size_t at = 0;
	r->found = true;
	while (true) {
		at += strspn(r->rest + at, "/");
		size_t n = strcspn(r->rest + at, "/");
		if (n == 0)
			return 0;
		const char *name = r->rest + at;
		if (n == 1 && name[0] == '.') {
			at += n;
			continue;
		}
		if (n == 2 && name[0] == '.' && name[1] == '.') {
			step_up(&r->done);
			r->found = true;
			at += n;
			continue;
		}
		char *before = r->rest;
		if (step_down(r, name, n, name + n, e) != 0)
			return -1;
		if (!r->found && !(r->flags & VIEW_ALLOW_MISSING))
			return 0;
		at = r->rest == before ? at + n : 0;
	}
}

int view_resolve(struct view *v, const char *path, int flags, char **ret_path, struct entry *ret,
        struct err *e)
{
	struct resolve r = {.v = v, .asked = path, .flags = flags, .rest = xstrdup(path)};
	int rc = resolve_walk(&r, e) < 0 ? -1 : 0;
	if (rc == 0 && (r.found || (flags & VIEW_ALLOW_MISSING))) {
		// ".." may have led back, so what the last lookup said is not the answer.
		rc = v->ops->lookup(v, buf_cstr(&r.done), &r.last, e);
		if (rc > 0 && ret)
			*ret = r.last;
		if (rc >= 0 && ret_path)
			*ret_path = buf_steal(&r.done);
	}
	free(r.rest);
	buf_release(&r.done);
	return rc;
}

int view_read_file(struct view *v, const char *path, size_t max, struct buf *ret, struct err *e)
{
	struct entry en;
	auto_free char *real = NULL;
	int rc = view_resolve(v, path, 0, &real, &en, e);
	if (rc <= 0)
		return rc;
	if (en.type != ENTRY_FILE)
		return err_set(e, ERR_CONTEXT, "'%s' is not a regular file", path);
	if (en.size > max)
		return err_set(e, ERR_CONTEXT, "'%s' has more than %zu bytes", path, max);
	auto_content struct content c = CONTENT_NONE;
	if (v->ops->open(v, &en, &c, e) != 0)
		return -1;
	size_t at = ret->n;
	buf_reserve(ret, c.size + 1);
	if (c.size > 0 && fs_pread_full(c.fd, ret->p + at, c.size, (off_t)c.offset, e) != 0)
		return err_wrap(e, "read '%s'", path);
	ret->n = at + c.size;
	ret->p[ret->n] = '\0';
	return 1;
}
