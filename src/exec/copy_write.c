// SPDX-License-Identifier: Apache-2.0
// The destination side of COPY and ADD, and WORKDIR: where things land in the root filesystem
// below, and which folders have to be made. Everything is asked of the chain view; nothing is
// mounted.
#include "base/fs.h"
#include "base/map.h"
#include "exec/copy-int.h"
#include <errno.h>

struct writer_state {
	struct exec *x;
	const struct step *step;
	struct view *root;  // below
	struct map by_path; // path -> struct out_entry, the layer so far
	struct out_entry **list;
	size_t n, cap;
	bool has_owner;
	uint32_t uid, gid; // --chown
	struct timestamp now;
	bool archive;     // the source is one: what it says replaces what is there
	struct map links; // source rel -> destination path, for hard links of one source
};

static void state_release(struct writer_state *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->list[i]->path);
		free(w->list[i]);
	}
	free(w->list);
	map_release(&w->by_path);
	map_release(&w->links);
}

static struct out_entry *put(
        struct writer_state *w, const char *path, const struct entry *en, struct view *view)
{
	struct out_entry *o = map_get(&w->by_path, path);
	if (!o) {
		if (w->n == w->cap) {
			w->cap = w->cap ? 2 * w->cap : 64;
			w->list = xreallocarray(w->list, w->cap, sizeof(struct out_entry *));
		}
		o = w->list[w->n++] = xcalloc(1, sizeof(*o));
		o->path = xstrdup(path);
		map_set(&w->by_path, path, o);
	}
	o->en = *en;
	o->en.path = o->path;
	o->view = view;
	o->data = NULL;
	return o;
}

// What is at a path, without following a final link: this layer first, then below. 1, 0, -1.
static int look(struct writer_state *w, const char *path, struct entry *ret, struct err *e)
{
	struct out_entry *o = map_get(&w->by_path, path);
	if (o) {
		*ret = o->en;
		return 1;
	}
	return w->root->ops->lookup(w->root, path, ret, e);
}

static void make_dir(struct writer_state *w, const char *path)
{
	struct entry en = {.type = ENTRY_DIR,
	        .mode = 0755,
	        .offset = ENTRY_NO_OFFSET,
	        .mtime_sec = w->now.sec,
	        .mtime_nsec = (uint32_t)w->now.nsec};
	if (w->has_owner) {
		en.uid = w->uid;
		en.gid = w->gid;
	}
	put(w, path, &en, NULL);
}

// mkdir -p of a physical path (links in it are resolved already).
static int make_dirs(struct writer_state *w, const char *path, struct err *e)
{
	for (const char *s = path; *s;) {
		const char *slash = strchr(s, '/');
		size_t n = slash ? (size_t)(slash - path) : strlen(path);
		auto_free char *dir = xstrndup(path, n);
		struct entry en;
		int r = look(w, dir, &en, e);
		if (r < 0)
			return -1;
		if (!r)
			make_dir(w, dir);
		else if (en.type != ENTRY_DIR)
			return err_set(e, ERR_CONTEXT, "cannot copy to non-directory: /%s", dir);
		s = slash ? slash + 1 : path + n;
	}
	return 0;
}

// The physical path that a destination means; symlinks are followed inside the root.
static int physical(struct writer_state *w, const char *dest, char **ret, struct err *e)
{
	struct entry en;
	auto_free char *clean = fs_clean_rel(dest);
	return view_resolve(w->root, clean, VIEW_ALLOW_MISSING, ret, &en, e) < 0 ? -1 : 0;
}

static void own(struct writer_state *w, struct entry *en)
{
	if (w->has_owner) {
		en->uid = w->uid;
		en->gid = w->gid;
	}
	if (w->x->graph->has_epoch) {
		en->mtime_sec = w->x->graph->epoch;
		en->mtime_nsec = 0;
	}
}

static int put_item(
        struct writer_state *w, const char *path, const struct copy_item *it, struct err *e)
{
	struct entry en = it->en, old;
	int r = look(w, path, &old, e);
	if (r < 0)
		return -1;
	if (r && en.type == ENTRY_DIR && old.type != ENTRY_DIR && !w->archive)
		return err_set(e, ERR_CONTEXT,
		        "cannot copy to non-directory: /%s (it is %s; copy its contents instead, "
		        "or name the "
		        "place it points to)",
		        path, old.type == ENTRY_SYMLINK ? "a symbolic link" : "a file");
	if (r && en.type != ENTRY_DIR && old.type == ENTRY_DIR && !w->archive)
		return err_set(e, ERR_CONTEXT, "cannot replace to directory /%s with file", path);
	own(w, &en);
	if (en.type == ENTRY_FILE) {
		const char *target = en.link ? map_get(&w->links, en.link) : NULL;
		en.link = target;
	}
	struct out_entry *o = put(w, path, &en, it->view);
	o->data = it->data;
	o->source = &it->en;
	if (it->has_links)
		map_set(&w->links, it->rel, o->path);
	return 0;
}

// ---- the three kinds of source

static int place_file(struct writer_state *w, const char *dest, const struct copy_source *s,
        bool into_dir, struct err *e)
{
	struct entry en;
	int r = look(w, dest, &en, e);
	if (r < 0)
		return -1;
	bool is_dir = into_dir || !*dest || (r && en.type == ENTRY_DIR);
	if (!is_dir && map_has(&w->by_path, dest)) // BuildKit keeps the last one and says nothing
		return err_set(e, ERR_DOCKERFILE,
		        "cannot copy several files to one name: /%s is not a folder; end the "
		        "destination with \"/\"",
		        dest);
	auto_free char *path =
	        is_dir ? xasprintf("%s%s%s", dest, *dest ? "/" : "", s->name) : xstrdup(dest);
	const char *slash = strrchr(path, '/');
	auto_free char *parent = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");
	if (make_dirs(w, parent, e))
		return -1;
	return put_item(w, path, &s->items[0], e);
}

static int place_top(
        struct writer_state *w, const char *dest, const struct copy_item *top, struct err *e)
{
	struct entry en = {.type = ENTRY_DIR};
	int r = *dest ? look(w, dest, &en, e) : 1;
	if (r < 0)
		return -1;
	if (r && en.type != ENTRY_DIR)
		return err_set(e, ERR_CONTEXT, "cannot copy to non-directory: /%s", dest);
	if (!*dest)
		return 0;
	if (!r) {
		const char *slash = strrchr(dest, '/');
		auto_free char *parent =
		        slash ? xstrndup(dest, (size_t)(slash - dest)) : xstrdup("");
		if (make_dirs(w, parent, e))
			return -1;
		en = top->en;
		own(w, &en);
	} else { // keeps what it is; only its time becomes the source's
		en.mtime_sec = top->en.mtime_sec;
		en.mtime_nsec = top->en.mtime_nsec;
		if (w->x->graph->has_epoch) {
			en.mtime_sec = w->x->graph->epoch;
			en.mtime_nsec = 0;
		}
	}
	put(w, dest, &en, NULL);
	return 0;
}

static int place_dir(
        struct writer_state *w, const char *dest, const struct copy_source *s, struct err *e)
{
	if (!s->n || *s->items[0].rel) { // --parents: no top of its own
		if (make_dirs(w, dest, e))
			return -1;
	}
	for (size_t i = 0; i < s->n; i++) {
		const struct copy_item *it = &s->items[i];
		if (!*it->rel) {
			if (place_top(w, dest, it, e))
				return -1;
			continue;
		}
		auto_free char *path = *dest ? xasprintf("%s/%s", dest, it->rel) : xstrdup(it->rel);
		const char *slash = strrchr(path, '/');
		auto_free char *parent =
		        slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");
		if ((*parent && !map_has(&w->by_path, parent) && make_dirs(w, parent, e)) ||
		        put_item(w, path, it, e))
			return -1;
	}
	return 0;
}

// An archive's folders may run through links that the root filesystem has: followed, as tar would.
static int place_archive(
        struct writer_state *w, const char *dest, const struct copy_source *s, struct err *e)
{
	if (make_dirs(w, dest, e))
		return -1;
	for (size_t i = 0; i < s->n; i++) {
		const struct copy_item *it = &s->items[i];
		if (!*it->rel)
			continue;
		auto_free char *path = *dest ? xasprintf("%s/%s", dest, it->rel) : xstrdup(it->rel);
		const char *slash = strrchr(path, '/');
		auto_free char *parent =
		        slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");
		if (*parent && !map_has(&w->by_path, parent)) {
			auto_free char *real = NULL;
			if (physical(w, parent, &real, e) || make_dirs(w, real, e))
				return -1;
			char *moved = xasprintf(
			        "%s%s%s", real, *real ? "/" : "", slash ? slash + 1 : path);
			free(path);
			path = moved;
		}
		if (put_item(w, path, it, e))
			return -1;
	}
	return 0;
}

static int place(struct writer_state *w, const struct copy_source *s, struct err *e)
{
	const char *dest = w->step->copy.dest;
	bool into_dir = str_has_suffix(dest, "/");
	auto_free char *path = NULL;
	if (physical(w, dest, &path, e))
		return -1;
	map_release(&w->links);
	w->archive = s->kind == COPY_ARCHIVE;
	switch (s->kind) {
	case COPY_FILE:
		return place_file(w, path, s, into_dir, e);
	case COPY_ARCHIVE:
		return place_archive(w, path, s, e);
	default:
		return place_dir(w, path, s, e);
	}
}

// ---- the layer

// Folders on the way that exist below are written as they are, or a mode such as 1777 would be
// lost.
static int add_ancestors(struct writer_state *w, struct err *e)
{
	for (size_t i = 0, n = w->n; i < n; i++) {
		const char *path = w->list[i]->path;
		for (const char *s = strchr(path, '/'); s; s = strchr(s + 1, '/')) {
			auto_free char *dir = xstrndup(path, (size_t)(s - path));
			struct entry en;
			if (map_has(&w->by_path, dir))
				continue;
			int r = w->root->ops->lookup(w->root, dir, &en, e);
			if (r < 0)
				return -1;
			if (r && en.type == ENTRY_DIR)
				put(w, dir, &en, NULL);
			else
				make_dir(w, dir);
		}
	}
	return 0;
}

static int write_layer(struct writer_state *w, struct digest *ret, struct err *e)
{
	return add_ancestors(w, e) ? -1 : copy_layer_write(w->x, w->list, w->n, ret, e);
}

static struct timestamp build_time(const struct exec *x)
{
	return x->graph->has_epoch ? (struct timestamp){x->graph->epoch, 0} : time_now();
}

static int write_plan(struct exec *x, const struct step *s, const struct copy_plan *plan,
        struct digest *ret, struct err *e)
{
	struct rootfs below = {0};
	if (!s->copy.link)
		step_input(x, s->parent, &below);
	auto_view struct view *root = rootfs_view(&x->engine, &below, s->id, e);
	struct writer_state w = {.x = x, .step = s, .root = root, .now = build_time(x)};
	int r = root ? 0 : -1;
	if (!r && s->copy.chown) {
		w.has_owner = true;
		r = chown_lookup(root, s->copy.chown, &w.uid, &w.gid, e);
	}
	for (size_t i = 0; !r && i < plan->n; i++)
		r = place(&w, &plan->sources[i], e);
	if (!r)
		r = write_layer(&w, ret, e);
	state_release(&w);
	rootfs_release(&below);
	return r;
}

static int copy_once(struct exec *x, const struct step *s, struct digest *ret, struct err *e)
{
	struct step_state *st = &x->states[s->id];
	if (!st->has_plan && copy_plan_make(x, s, &st->plan, e))
		return -1;
	int r = copy_plan_fetch(x, s, &st->plan, e) ? -1 : write_plan(x, s, &st->plan, ret, e);
	step_plan_drop(st);
	return r;
}

// The context was changed after it was looked at: a file is another one (see layer/writer.h) or
// gone.
static bool is_stale(const struct step *s, const struct err *e)
{
	return s->copy.from.kind == FROM_CONTEXT && e->kind == ERR_CONTEXT &&
	       (e->sys == ESTALE || e->sys == ENOENT);
}

// Once more then, under the key of what is there now.
int copy_run(struct exec *x, const struct step *s, struct digest *ret, struct err *e)
{
	struct err first = ERR_INIT;
	if (copy_once(x, s, ret, &first) == 0)
		return 0;
	if (is_stale(s, &first))
		return step_key(x, s, &x->states[s->id], e) || copy_once(x, s, ret, e) ? -1 : 0;
	*e = first;
	return -1;
}

int workdir_run(struct exec *x, const struct step *s, struct digest *ret, struct err *e)
{
	struct rootfs below = {0};
	step_input(x, s->parent, &below);
	auto_view struct view *root = rootfs_view(&x->engine, &below, s->id, e);
	rootfs_release(&below);
	if (!root)
		return -1;
	struct writer_state w = {.x = x, .step = s, .root = root, .now = build_time(x)};
	auto_free char *path = NULL;
	int r = 0;
	if (*s->workdir.user) {
		w.has_owner = true;
		r = workdir_lookup(root, s->workdir.user, &w.uid, &w.gid, e);
	}
	if (!r)
		r = physical(&w, s->workdir.path, &path, e);
	if (!r)
		r = make_dirs(&w, path, e);
	if (!r)
		r = write_layer(&w, ret, e);
	state_release(&w);
	return r;
}

int selection_layer(struct exec *x, const struct file_source *from, const char *path, int step,
        struct digest *ret, bool *ret_is_dir, struct err *e)
{
	struct step s = {.id = step, .kind = STEP_COPY, .parent = -1};
	s.copy.from = *from;
	s.copy.mount = true;
	s.copy.link = true;
	s.copy.dest = "/";
	strv_add(&s.copy.sources, path);
	struct copy_plan plan = {0};
	int r = copy_plan_make(x, &s, &plan, e);
	struct rootfs none = {0};
	auto_view struct view *root = rootfs_view(&x->engine, &none, step, e);
	struct writer_state w = {.x = x, .step = &s, .root = root, .now = build_time(x)};
	if (!r && plan.n != 1)
		r = err_set(e, ERR_CONTEXT, "\"%s\": not found", path);
	if (!r)
		r = place(&w, &plan.sources[0], e);
	if (!r) {
		*ret_is_dir = plan.sources[0].kind != COPY_FILE;
		r = write_layer(&w, ret, e);
	}
	state_release(&w);
	copy_plan_release(&plan);
	strv_release(&s.copy.sources);
	return r;
}
