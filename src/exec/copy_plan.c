// SPDX-License-Identifier: Apache-2.0
// The source side of COPY and ADD: patterns become entries, relative to where they will land.
// Nothing here looks at the destination, so that a key can be computed from the plan alone.
#include "base/fs.h"
#include "base/glob.h"
#include "base/map.h"
#include "exec/exec-int.h"

void copy_plan_release(struct copy_plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->sources[i].items);
		free(p->sources[i].name);
		view_free(p->sources[i].owned);
		remote_free(p->sources[i].remote);
	}
	free(p->sources);
	view_free(p->root);
	*p = (struct copy_plan){0};
}

void step_plan_drop(struct step_state *st)
{
	copy_plan_release(&st->plan);
	st->has_plan = false;
}

struct copy_source *copy_plan_add(struct copy_plan *p, const char *name)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 4;
		p->sources = xreallocarray(p->sources, p->cap, sizeof(*p->sources));
	}
	struct copy_source *s = &p->sources[p->n++];
	*s = (struct copy_source){.name = xstrdup(name)};
	return s;
}

struct copy_item *copy_source_add(
        struct copy_source *s, const char *rel, const struct entry *en, struct view *v)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 16;
		s->items = xreallocarray(s->items, s->cap, sizeof(*s->items));
	}
	struct copy_item *it = &s->items[s->n++];
	*it = (struct copy_item){.rel = rel, .en = *en, .view = v};
	return it;
}

// ---- one matched path

struct planner {
	struct exec *x;
	const struct step *step;
	struct copy_plan *plan;
	struct view *view;
	struct ignore *excludes;
	struct copy_source *source;  // being filled
	const char *top;             // its path
	const char *parents_pattern; // --parents
	bool matched;                // by it
	struct map parents;          // folders of the source taken already, by rel
	char *missing;               // what was not found
};

static int not_found(struct planner *p, const char *path, struct err *e)
{
	free(p->missing);
	p->missing = xstrdup(path);
	return err_set(e, ERR_CONTEXT, "\"/%s\": not found", path);
}

static const char *below(const char *path, const char *top)
{
	size_t n = strlen(top);
	if (!n)
		return path;
	return path[n] == '/' ? path + n + 1 : "";
}

// The item that a hard link names, if it is taken with the same source; items are in path order.
static struct copy_item *linked_item(const struct planner *p, const char *path)
{
	struct copy_source *s = p->source;
	if (!fs_path_within(path, p->top))
		return NULL;
	const char *rel = below(path, p->top);
	for (size_t lo = 0, hi = s->n; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;
		int c = fs_path_cmp(s->items[mid].rel, rel);
		if (c == 0)
			return &s->items[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

// A folder's contents are copied, not the folder: where they go is made if need be, as BuildKit
// makes it, 0755 and root's whatever the source is. Only the time is the source's.
static void plain_top(struct entry *en)
{
	en->mode = 0755;
	en->uid = en->gid = 0;
	en->n_xattrs = 0;
}

// rel lives as long as the view, as en->path does.
static void add_item(struct planner *p, const char *rel, const struct entry *en)
{
	struct copy_item *to = NULL;
	if (en->type == ENTRY_FILE && en->link && (to = linked_item(p, en->link)))
		to->has_links = true;
	const char *link = to ? to->rel : NULL;
	struct copy_item *it = copy_source_add(p->source, rel, en, p->view);
	const char *chmod = p->step->copy.chmod;
	if (p->source->kind == COPY_DIR && !*rel && !p->step->copy.mount)
		plain_top(&it->en);
	if (chmod && en->type != ENTRY_SYMLINK && p->source->kind != COPY_ARCHIVE)
		it->en.mode = chmod_apply(chmod, it->en.mode, en->type == ENTRY_DIR);
	if (p->step->copy.chown)
		it->en.uid = it->en.gid = 0; // set when written
	if (en->type == ENTRY_FILE)
		it->en.link = link;
}

struct own_entry {
	const char *path;
	struct entry *ret;
	bool found;
};

static int note_own(void *arg, const struct entry *en, struct err *e)
{
	struct own_entry *own = arg;
	(void)e;
	own->found = !strcmp(en->path, own->path);
	if (own->found)
		*own->ret = *en;
	return -1; // that was all
}

// A folder. Of an archive's, which may be one that its paths only imply, what it says itself.
static bool find_parent(struct planner *p, const char *path, struct entry *ret)
{
	struct err ignored = ERR_INIT;
	struct own_entry own = {.path = path, .ret = ret};
	if (p->source->kind != COPY_ARCHIVE)
		return p->view->ops->lookup(p->view, path, ret, &ignored) == 1;
	p->view->ops->walk(p->view, path, note_own, &own, &ignored);
	return own.found;
}

// Folders on the way to rel that were not taken for themselves come with what they are.
static void flush_parents(struct planner *p, const char *rel)
{
	for (const char *s = strchr(rel, '/'); s; s = strchr(s + 1, '/')) {
		auto_free char *dir = xstrndup(rel, (size_t)(s - rel));
		if (map_has(&p->parents, dir))
			continue;
		auto_free char *path = *p->top ? xasprintf("%s/%s", p->top, dir) : xstrdup(dir);
		struct entry en;
		if (find_parent(p, path, &en))
			add_item(p, below(en.path, p->top), &en);
		map_set(&p->parents, dir, p);
	}
}

static int on_entry(void *arg, const struct entry *en, struct err *e)
{
	struct planner *p = arg;
	const char *rel = below(en->path, p->top);
	(void)e;
	if (en->type == ENTRY_SOCKET)
		return 0;
	if (*rel && p->excludes && ignore_excludes(p->excludes, rel, NULL))
		return en->type == ENTRY_DIR && ignore_prunes(p->excludes, rel) ? 1 : 0;
	if (*rel && (p->excludes || p->parents_pattern)) {
		flush_parents(p, rel);
		if (en->type == ENTRY_DIR)
			map_set(&p->parents, rel, p);
	}
	add_item(p, rel, en);
	return 0;
}

static int plan_dir(struct planner *p, const struct entry *en, struct err *e)
{
	p->source->kind = COPY_DIR;
	p->top = en->path;
	map_release(&p->parents);
	struct entry top = *en;
	if (!*en->path)
		add_item(p, "", &top); // a walk of the root does not report the root
	return p->view->ops->walk(p->view, en->path, on_entry, p, e);
}

static int plan_match(struct planner *p, const char *matched, struct err *e)
{
	auto_free char *path = NULL;
	struct entry en;
	int r = view_resolve(p->view, matched, 0, &path, &en, e);
	if (r <= 0)
		return r < 0 ? -1 : not_found(p, matched, e);
	const char *name = fs_base_name(matched);
	if (en.type != ENTRY_DIR && p->excludes && ignore_excludes(p->excludes, name, NULL))
		return 0;
	r = p->step->copy.add && p->step->copy.unpack && en.type == ENTRY_FILE
	            ? archive_is(p->view, &en, e)
	            : 0;
	if (r < 0)
		return -1;
	p->source = copy_plan_add(p->plan, name);
	if (r) {
		p->source->kind = COPY_ARCHIVE;
		p->source->file = en;
		return 0;
	}
	if (en.type == ENTRY_DIR)
		return plan_dir(p, &en, e);
	p->source->kind = COPY_FILE;
	en.link = en.type == ENTRY_SYMLINK ? en.link : NULL;
	add_item(p, "", &en);
	return 0;
}

// ---- wildcards: component by component, each folder listed once

// Below dir, through real folders only: a wildcard names links, but leads through none.
static int expand_glob(
        struct planner *p, const char *dir, const char *rest, struct strv *ret, struct err *e)
{
	const char *slash = strchr(rest, '/');
	auto_free char *part = slash ? xstrndup(rest, (size_t)(slash - rest)) : xstrdup(rest);
	auto_strv struct strv names = {0};
	if (p->view->ops->list(p->view, dir, &names, e))
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		int match = glob_match(part, names.v[i]);
		if (match < 0)
			return err_set(e, ERR_DOCKERFILE, "syntax error in pattern \"%s\"", part);
		if (!match)
			continue;
		auto_free char *path =
		        *dir ? xasprintf("%s/%s", dir, names.v[i]) : xstrdup(names.v[i]);
		struct entry en;
		int r = slash ? p->view->ops->lookup(p->view, path, &en, e) : 0;
		if (r < 0 || (r && en.type == ENTRY_DIR && expand_glob(p, path, slash + 1, ret, e)))
			return -1;
		if (!slash)
			strv_add(ret, path);
	}
	return 0;
}

// The part before the first component with a wildcard is a path as any other.
static int plan_glob(struct planner *p, const char *source, struct err *e)
{
	const char *rest = source;
	for (const char *slash; (slash = strchr(rest, '/')); rest = slash + 1) {
		auto_free char *part = xstrndup(rest, (size_t)(slash - rest));
		if (glob_has_wildcard(part))
			break;
	}
	auto_free char *before = xstrndup(source, (size_t)(rest - source));
	auto_free char *clean = fs_clean_rel(before);
	auto_free char *dir = NULL;
	auto_strv struct strv matches = {0};
	struct entry en;
	int r = view_resolve(p->view, clean, 0, &dir, &en, e);
	if (r <= 0)
		return r < 0 ? -1 : not_found(p, clean, e);
	if (en.type == ENTRY_DIR && expand_glob(p, dir, rest, &matches, e))
		return -1;
	for (size_t i = 0; i < matches.n; i++)
		if (plan_match(p, matches.v[i], e))
			return -1;
	return 0;
}

// ---- --parents: the path below the pivot "/./" is kept

static bool parents_match(const char *pattern, const char *rel)
{
	if (!*pattern || glob_match_deep(pattern, rel) == 1)
		return true;
	for (const char *s = strchr(rel, '/'); s; s = strchr(s + 1, '/')) {
		auto_free char *dir = xstrndup(rel, (size_t)(s - rel));
		if (glob_match_deep(pattern, dir) == 1)
			return true;
	}
	return false;
}

static int on_parents_entry(void *arg, const struct entry *en, struct err *e)
{
	struct planner *p = arg;
	const char *rel = below(en->path, p->top);
	if (!*rel)
		return 0;
	if (!parents_match(p->parents_pattern, rel))
		return en->type == ENTRY_DIR && !glob_may_lead_to(p->parents_pattern, rel);
	p->matched = true;
	return on_entry(arg, en, e);
}

static int plan_parents(struct planner *p, const char *source, struct err *e)
{
	const char *pivot = strstr(source, "/./");
	auto_free char *top = pivot ? xstrndup(source, (size_t)(pivot - source)) : xstrdup("");
	auto_free char *top_clean = fs_clean_rel(top);
	auto_free char *pattern = fs_clean_rel(pivot ? pivot + 3 : source);
	auto_free char *path = NULL;
	struct entry en;
	int r = view_resolve(p->view, top_clean, 0, &path, &en, e);
	if (r <= 0)
		return r < 0 ? -1 : not_found(p, top_clean, e);
	if (glob_match_deep(pattern, "") < 0)
		return err_set(e, ERR_DOCKERFILE, "syntax error in pattern \"%s\"", pattern);
	p->source = copy_plan_add(p->plan, "");
	p->source->kind = COPY_DIR;
	p->top = en.path;
	p->parents_pattern = pattern;
	p->matched = false;
	map_release(&p->parents);
	if (p->view->ops->walk(p->view, en.path, on_parents_entry, p, e))
		return -1;
	p->parents_pattern = NULL;
	if (p->matched || glob_has_wildcard(pattern))
		return 0;
	auto_free char *whole = fs_clean_rel(source);
	return not_found(p, whole, e);
}

// ---- all sources

// What files come from is opened when the first is asked for: without a build context, URLs and
// repositories can still be added.
static int need_view(struct planner *p, struct err *e)
{
	bool owned = false;
	if (!p->view)
		p->view = p->plan->root
		                  ? p->plan->root
		                  : source_view(p->x, &p->step->copy.from, p->step->id, &owned, e);
	if (owned)
		p->plan->root = p->view;
	return p->view ? 0 : -1;
}

// A downloaded file is excluded by its name, as one of a context is.
static void drop_excluded(struct planner *p)
{
	struct copy_source *s = &p->plan->sources[p->plan->n - 1];
	if (!p->excludes || !remote_is_file(s->remote) ||
	        !ignore_excludes(p->excludes, s->name, NULL))
		return;
	remote_free(s->remote);
	free(s->name);
	p->plan->n--;
}

static int plan_source(struct planner *p, const char *source, struct err *e)
{
	int remote = remote_source(p->x, p->step, source, p->plan, e);
	if (remote > 0)
		drop_excluded(p);
	if (remote)
		return remote < 0 ? -1 : 0;
	if (need_view(p, e))
		return -1;
	if (p->step->copy.parents)
		return plan_parents(p, source, e);
	auto_free char *clean = fs_clean_rel(source);
	bool wild = !p->step->copy.mount && glob_has_wildcard(clean);
	return wild ? plan_glob(p, clean, e) : plan_match(p, clean, e);
}

static void plan_inlines(struct planner *p)
{
	const struct copy_op *op = &p->step->copy;
	for (size_t i = 0; i < op->n_inlines; i++) {
		size_t n = strlen(op->inlines[i].data);
		struct entry en = {.path = op->inlines[i].name,
		        .type = ENTRY_FILE,
		        .mode = 0644,
		        .size = n,
		        .has_content = true,
		        .content = hash_bytes(op->inlines[i].data, n),
		        .offset = ENTRY_NO_OFFSET,
		        .mtime_sec = p->x->graph->has_epoch ? p->x->graph->epoch : 0};
		if (!p->x->graph->has_epoch)
			en.mtime_sec = time_now().sec;
		p->source = copy_plan_add(p->plan, op->inlines[i].name);
		p->source->kind = COPY_FILE;
		add_item(p, "", &en);
		p->source->items[0].view = NULL;
		p->source->items[0].data = op->inlines[i].data;
	}
}

// Says which ignore rule hid a missing file, where a link leads, or which name is near.
static int explain_missing(struct planner *p, struct err *e)
{
	if (!p->missing || p->step->copy.from.kind != FROM_CONTEXT)
		return -1;
	struct named_context *c = context_find(p->x, p->step->copy.from.context);
	const char *path = p->missing;
	struct entry en;
	struct err ignored = ERR_INIT;
	if (!c || !c->view)
		return -1;
	if (c->view->ops->lookup(c->view, path, &en, &ignored) == 1 && en.type == ENTRY_SYMLINK)
		return err_set(e, ERR_CONTEXT,
		        "\"/%s\": not found: it is a symbolic link to \"%s\", which leads to "
		        "nothing in the build context",
		        path, en.link);
	if (!c->is_folder)
		return err_set(e, ERR_CONTEXT, "\"/%s\": not found in the build context", path);
	int line = context_hidden_by(c->view, path);
	if (line)
		return err_set(e, ERR_CONTEXT,
		        "\"/%s\": not found: it exists, but %s line %d (%s) excludes it", path,
		        c->ignore_name, line, ignore_pattern_at(c->ignore, line));
	auto_strv struct strv names = {0};
	const char *slash = strrchr(path, '/');
	auto_free char *dir = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");
	if (c->view->ops->list(c->view, dir, &names, &ignored) == 0 && names.n) {
		const char *near =
		        str_nearest(fs_base_name(path), (const char *const *)names.v, names.n);
		if (near)
			return err_set(e, ERR_CONTEXT,
			        "\"/%s\": not found in the build context %s (did you mean "
			        "\"%s%s%s\"?)",
			        path, context_path(c->view), dir, *dir ? "/" : "", near);
	}
	return err_set(e, ERR_CONTEXT, "\"/%s\": not found in the build context %s", path,
	        context_path(c->view));
}

static int digest_files(struct planner *p, struct copy_source *s, struct err *e)
{
	if (s->kind == COPY_ARCHIVE &&
	        (need_view(p, e) || p->view->ops->digest(p->view, &s->file, e)))
		return -1;
	for (size_t k = 0; k < s->n; k++) {
		struct copy_item *it = &s->items[k];
		if (it->view && it->en.type == ENTRY_FILE && !it->en.has_content &&
		        it->view->ops->digest(it->view, &it->en, e))
			return -1;
	}
	return 0;
}

static int planner_open(struct planner *p, struct exec *x, const struct step *s,
        struct copy_plan *plan, struct err *e)
{
	*p = (struct planner){.x = x, .step = s, .plan = plan};
	if (s->copy.excludes.n)
		p->excludes = ignore_from_patterns(
		        (const char *const *)s->copy.excludes.v, s->copy.excludes.n, e);
	return p->excludes || !s->copy.excludes.n ? 0 : -1;
}

static void planner_close(struct planner *p)
{
	map_release(&p->parents);
	ignore_free(p->excludes);
	free(p->missing);
}

// The files in what the source owns.
static int list_owned(struct planner *p, struct copy_source *s, struct err *e)
{
	struct view *v = s->owned;
	struct planner inside = {.x = p->x,
	        .step = p->step,
	        .plan = p->plan,
	        .view = v,
	        .excludes = p->excludes,
	        .source = s,
	        .top = ""};
	if (s->kind != COPY_ARCHIVE) { // a walk of the root does not report the root
		struct entry en;
		int r = v->ops->lookup(v, s->kind == COPY_FILE ? s->name : "", &en, e);
		if (r <= 0)
			return r < 0 ? -1 : err_set(e, ERR_CONTEXT, "\"%s\": not found", s->name);
		add_item(&inside, "", &en);
	}
	int r = s->kind == COPY_FILE ? 0 : v->ops->walk(v, "", on_entry, &inside, e);
	map_release(&inside.parents);
	return r;
}

static int fetch(struct planner *p, struct copy_source *s, struct err *e)
{
	if (s->kind == COPY_REMOTE)
		return remote_fetch(p->x, p->step, s, e) ? -1 : list_owned(p, s, e);
	if (s->kind != COPY_ARCHIVE)
		return 0;
	if (need_view(p, e))
		return -1;
	s->owned = archive_view(p->x, p->view, &s->file, e);
	return s->owned ? list_owned(p, s, e) : err_wrap(e, "unpack \"%s\"", s->name);
}

int copy_plan_fetch(struct exec *x, const struct step *s, struct copy_plan *plan, struct err *e)
{
	struct planner p;
	int r = planner_open(&p, x, s, plan, e);
	for (size_t i = 0; !r && i < plan->n; i++)
		r = fetch(&p, &plan->sources[i], e);
	planner_close(&p);
	return r;
}

int copy_plan_make(struct exec *x, const struct step *s, struct copy_plan *ret, struct err *e)
{
	struct copy_plan plan = {0};
	struct planner p;
	int r = planner_open(&p, x, s, &plan, e);
	for (size_t i = 0; !r && i < s->copy.sources.n; i++) {
		r = plan_source(&p, s->copy.sources.v[i], e);
		if (r)
			explain_missing(&p, e);
	}
	if (!r)
		plan_inlines(&p);
	for (size_t i = 0; !r && i < plan.n; i++)
		r = digest_files(&p, &plan.sources[i], e);
	planner_close(&p);
	if (r)
		copy_plan_release(&plan);
	else
		*ret = plan;
	return r;
}
