// SPDX-License-Identifier: Apache-2.0
// The destination side of COPY and ADD, and WORKDIR: where things land in the root filesystem
// below, and which folders have to be made. Everything is asked of the chain view and of what is
// going to be written over it; nothing is mounted.
#include "base/fs.h"
#include "base/map.h"
#include "exec/copy-int.h"
#include <errno.h>

struct writer_state {
	struct view view; // the layer so far over the root below; it has a lookup and nothing else
	struct exec *x;
	const struct step *step;
	struct view *root;  // below
	struct map by_path; // path -> struct out_entry, the layer so far
	struct out_entry **list;
	size_t n, cap;
	size_t n_puts;
	bool has_cut; // an entry has cut
	bool has_owner;
	uint32_t uid, gid; // --chown
	struct timestamp now;
	bool archive;     // the source is one: what it says replaces what is there
	struct map files; // of one source: rel -> struct linked_file
	struct arena linked;
};

// A file of a source that has several names there. Each of them that is still in the layer when all
// is in its place is a name of it, and the first in the layer's order has the bytes.
struct linked_file {
	const struct out_entry *first;
};

static void state_release(struct writer_state *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->list[i]->path);
		free(w->list[i]);
	}
	free(w->list);
	map_release(&w->by_path);
	map_release(&w->files);
	arena_release(&w->linked);
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
	o->source = NULL;
	o->data = NULL;
	o->file = NULL;
	o->put = ++w->n_puts;
	return o;
}

// Has something that is no folder stood above the path since then? What was below it is gone.
static bool is_cut(const struct writer_state *w, const char *path, size_t since)
{
	if (!w->has_cut)
		return false;
	auto_free char *dir = xstrdup(path);
	for (char *slash; (slash = strrchr(dir, '/'));) {
		*slash = '\0';
		const struct out_entry *o = map_get(&w->by_path, dir);
		if (o && o->cut > since)
			return true;
	}
	return false;
}

// What the layer has at a path so far, or NULL.
static const struct out_entry *find(const struct writer_state *w, const char *path)
{
	const struct out_entry *o = map_get(&w->by_path, path);
	return o && !is_cut(w, path, o->put) ? o : NULL;
}

static bool has_dir(const struct writer_state *w, const char *path)
{
	const struct out_entry *o = find(w, path);
	return o && o->en.type == ENTRY_DIR;
}

// What is at a path, without following a final link: this layer first, then below. 1, 0, -1.
static int look(struct writer_state *w, const char *path, struct entry *ret, struct err *e)
{
	const struct out_entry *o = find(w, path);
	if (o) {
		*ret = o->en;
		return 1;
	}
	return is_cut(w, path, 0) ? 0 : w->root->ops->lookup(w->root, path, ret, e);
}

static int state_lookup(struct view *v, const char *path, struct entry *ret, struct err *e)
{
	return look((struct writer_state *)v, path, ret, e);
}

static const struct view_ops state_ops = {.lookup = state_lookup};

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
			return err_set(e, ERR_CONTEXT,
			        w->step->kind == STEP_COPY
			                ? "cannot copy to non-directory: /%s"
			                : "the working directory cannot be made: /%s is no folder",
			        dir);
		s = slash ? slash + 1 : path + n;
	}
	return 0;
}

// The physical path that a destination means; symlinks are followed inside the root.
static int physical(struct writer_state *w, const char *dest, char **ret, struct err *e)
{
	struct entry en;
	auto_free char *clean = fs_clean_rel(dest);
	return view_resolve(&w->view, clean, VIEW_ALLOW_MISSING, ret, &en, e) < 0 ? -1 : 0;
}

static struct linked_file *linked_file(struct writer_state *w, const struct copy_item *it)
{
	if (it->en.type != ENTRY_FILE || (!it->en.link && !it->has_links))
		return NULL;
	const char *rel = it->en.link ? it->en.link : it->rel;
	struct linked_file *f = map_get(&w->files, rel);
	if (!f) {
		f = arena_alloc(&w->linked, sizeof(*f));
		map_set(&w->files, rel, f);
	}
	return f;
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
	if (en.type == ENTRY_FILE)
		en.link = NULL;
	struct out_entry *o = put(w, path, &en, it->view);
	o->data = it->data;
	o->source = &it->en;
	o->file = linked_file(w, it);
	if (r && old.type == ENTRY_DIR && en.type != ENTRY_DIR) {
		o->cut = o->put;
		w->has_cut = true;
	}
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
	if (!is_dir && find(w, dest)) // BuildKit keeps the last one and says nothing
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

// What is made of layers seldom says when its root was made.
static bool has_no_time(const struct writer_state *w, const struct copy_item *top)
{
	const struct file_source *from = &w->step->copy.from;
	const struct named_context *c =
	        from->kind == FROM_CONTEXT ? context_find(w->x, from->context) : NULL;
	bool is_folder = c && c->is_folder && c->view == top->view;
	return !is_folder && !*top->en.path && !top->en.mtime_sec && !top->en.mtime_nsec;
}

static void take_time(const struct writer_state *w, const struct copy_item *top, struct entry *en)
{
	bool none = has_no_time(w, top);
	en->mtime_sec = none ? w->now.sec : top->en.mtime_sec;
	en->mtime_nsec = none ? (uint32_t)w->now.nsec : top->en.mtime_nsec;
	if (w->x->graph->has_epoch) {
		en->mtime_sec = w->x->graph->epoch;
		en->mtime_nsec = 0;
	}
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
	}
	take_time(w, top, &en); // one that is there keeps all else
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
		if ((*parent && !has_dir(w, parent) && make_dirs(w, parent, e)) ||
		        put_item(w, path, it, e))
			return -1;
	}
	return 0;
}

// An archive's folders may run through links that are there: followed, as tar would.
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
		if (*parent && !has_dir(w, parent)) {
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
	map_release(&w->files);
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

// What something that is no folder took with it is not written; a folder in that one's place shows
// nothing of what the root has there.
static int settle_cut(struct writer_state *w, struct err *e)
{
	size_t n = 0;
	if (!w->has_cut)
		return 0;
	for (size_t i = 0; i < w->n; i++) {
		struct out_entry *o = w->list[i];
		if (!is_cut(w, o->path, o->put)) {
			w->list[n++] = o;
			continue;
		}
		map_del(&w->by_path, o->path);
		free(o->path);
		free(o);
	}
	w->n = n;
	for (size_t i = 0; i < n; i++) {
		struct out_entry *o = w->list[i];
		struct entry below;
		if (!o->cut || o->en.type != ENTRY_DIR)
			continue;
		int r = w->root->ops->lookup(w->root, o->path, &below, e);
		if (r < 0)
			return -1;
		o->en.opaque = r && below.type == ENTRY_DIR;
	}
	return 0;
}

static void settle_links(struct writer_state *w)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct out_entry *o = w->list[i];
		struct linked_file *f = o->file;
		if (f && (!f->first || fs_path_cmp(o->path, f->first->path) < 0))
			f->first = o;
	}
	for (size_t i = 0; i < w->n; i++) {
		struct out_entry *o = w->list[i];
		if (o->file && o->file->first != o)
			o->en.link = o->file->first->path;
	}
}

static int write_layer(struct writer_state *w, struct digest *ret, struct err *e)
{
	if (settle_cut(w, e) || add_ancestors(w, e))
		return -1;
	settle_links(w);
	return copy_layer_write(w->x, w->list, w->n, ret, e);
}

static struct timestamp build_time(const struct exec *x)
{
	return x->graph->has_epoch ? (struct timestamp){x->graph->epoch, 0} : time_now();
}

static struct writer_state state_over(struct view *root, struct exec *x, const struct step *s)
{
	return (struct writer_state){
	        .view = {&state_ops}, .x = x, .step = s, .root = root, .now = build_time(x)};
}

static int write_plan(struct exec *x, const struct step *s, const struct copy_plan *plan,
        struct digest *ret, struct err *e)
{
	struct rootfs below = {0};
	if (!s->copy.link)
		step_input(x, s->parent, &below);
	auto_view struct view *root = rootfs_view(&x->engine, &below, s->id, e);
	struct writer_state w = state_over(root, x, s);
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

bool source_is_stale(const struct file_source *from, const struct err *e)
{
	return from->kind == FROM_CONTEXT && e->kind == ERR_CONTEXT &&
	       (e->sys == ESTALE || e->sys == ENOENT);
}

// Once more then, under the key of what is there now.
int copy_run(struct exec *x, const struct step *s, struct digest *ret, struct err *e)
{
	struct err first = ERR_INIT;
	if (copy_once(x, s, ret, &first) == 0)
		return 0;
	if (source_is_stale(&s->copy.from, &first))
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
	struct writer_state w = state_over(root, x, s);
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
        struct mounted_layer *ret, struct err *e)
{
	struct step s = {.id = step, .kind = STEP_COPY, .parent = -1};
	s.copy.from = *from;
	s.copy.mount = true;
	s.copy.link = true;
	s.copy.dest = "/";
	strv_add(&s.copy.sources, path);
	struct copy_plan plan = {0};
	struct rootfs none = {0};
	auto_view struct view *root = rootfs_view(&x->engine, &none, step, e);
	struct writer_state w = state_over(root, x, &s);
	int r = root ? copy_plan_make(x, &s, &plan, e) : -1;
	if (!r && plan.n != 1)
		r = err_set(e, ERR_CONTEXT, "\"%s\": not found", path);
	if (!r)
		r = place(&w, &plan.sources[0], e);
	if (!r) {
		ret->is_set = true;
		ret->is_dir = plan.sources[0].kind != COPY_FILE;
		ret->content = copy_plan_digest(&s.copy, &plan);
		r = write_layer(&w, &ret->layer, e);
	}
	state_release(&w);
	copy_plan_release(&plan);
	strv_release(&s.copy.sources);
	return r;
}
