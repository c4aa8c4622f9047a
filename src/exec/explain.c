// SPDX-License-Identifier: Apache-2.0
// Why a step is not cached: of the records that may be what it was before, the one with the most
// equal components is taken, and the first component that differs is the reason. What differs in
// the step itself comes before what differs below it: that has a reason of its own.
#include "base/fs.h"
#include "base/json.h"
#include "base/map.h"
#include "exec/exec-int.h"
#include "image/config.h"

enum { CANDIDATES = 64, SHOWN_MAX = 200 };

void miss_release(struct miss *m)
{
	free(m->subject);
	free(m->before);
	free(m->after);
	free(m->text);
	*m = (struct miss){0};
}

const char *miss_kind_name(enum miss_kind kind)
{
	static const char *const names[] = {
	        "", "first", "asked", "lost", "file", "value", "base", "below"};
	return names[kind];
}

// Long values are cut: a script says enough with its beginning.
static char *shown(const char *s)
{
	if (!s)
		return xstrdup("nothing");
	size_t n = strlen(s);
	return n > SHOWN_MAX ? xasprintf("%.*s...", SHOWN_MAX, s) : xasprintf("\"%s\"", s);
}

// ---- files

struct file_search {
	struct miss *miss;
	const struct copy_op *op;
	struct layer_index *before;
	struct map seen; // paths in the layer that this step would write
	size_t n;        // differences
};

static void file_differs(
        struct file_search *f, const char *path, const char *how, char *before, char *after)
{
	if (f->n++) {
		free(before);
		free(after);
		return;
	}
	f->miss->kind = MISS_FILE;
	f->miss->subject = xstrdup(path);
	f->miss->text = xasprintf("%s %s", path, how);
	f->miss->before = before;
	f->miss->after = after;
}

static char *mode_text(uint32_t mode)
{
	return xasprintf("%04o", mode & 07777);
}

static char *content_text(const struct entry *en)
{
	char hex[HASH_HEX];
	if (!en->has_content)
		return NULL;
	hash_hex(&en->content, hex);
	return xasprintf("sha256:%s", hex);
}

// The layer's path of an item; a file goes into a folder or gets the folder's name.
static char *landing(
        const struct file_search *f, const struct copy_source *s, const struct copy_item *it)
{
	auto_free char *dest = fs_join_abs("/", f->op->dest);
	struct entry ignored;
	if (s->kind == COPY_FILE && !f->op->parents &&
	        f->op->dest[strlen(f->op->dest) - 1] != '/' &&
	        layer_index_find(f->before, dest + 1, &ignored) && ignored.type != ENTRY_DIR)
		return xstrdup(dest + 1);
	const char *rel = s->kind == COPY_FILE && !*it->rel ? s->name : it->rel;
	return dest[1] ? xasprintf("%s/%s", dest + 1, rel) : xstrdup(rel);
}

static void compare_item(struct file_search *f, const struct copy_item *it, const char *path)
{
	struct entry was;
	const struct entry *is = &it->en;
	if (!layer_index_find(f->before, path, &was))
		file_differs(f, is->path, "is new", NULL, content_text(is));
	else if (was.type != is->type)
		file_differs(f, is->path, "is of another type", NULL, NULL);
	else if (was.has_content && is->has_content && !hash_eq(&was.content, &is->content))
		file_differs(f, is->path, "changed", content_text(&was), content_text(is));
	else if (is->type == ENTRY_SYMLINK && was.link && is->link &&
	         strcmp(was.link, is->link) != 0)
		file_differs(f, is->path, "points elsewhere", xstrdup_null(was.link),
		        xstrdup_null(is->link));
	else if (was.mode != is->mode && is->type != ENTRY_SYMLINK)
		file_differs(
		        f, is->path, "has another mode", mode_text(was.mode), mode_text(is->mode));
}

static char *join(const char *folder, const char *rest)
{
	auto_free char *path = xasprintf("%s/%s", folder, rest);
	return fs_clean_rel(path);
}

// Where a file came from that is not there any more: known of a folder that is copied alone; of
// others its place in the image is said.
static char *origin(const struct copy_plan *plan, const char *dest, const char *landed)
{
	const struct copy_source *s = plan->sources;
	if (plan->n == 1 && s->kind == COPY_DIR)
		for (size_t i = 0; i < s->n; i++)
			if (!*s->items[i].rel)
				return join(s->items[i].en.path, landed + strlen(dest));
	return xasprintf("/%s", landed);
}

static void find_missing(struct file_search *f, const struct copy_plan *plan)
{
	auto_free char *dest = fs_join_abs("/", f->op->dest);
	size_t begin, end;
	layer_index_range(f->before, dest + 1, &begin, &end);
	for (size_t i = begin; i < end && !f->n; i++) {
		struct entry was;
		layer_index_at(f->before, i, &was);
		if (was.type != ENTRY_DIR && was.type != ENTRY_WHITEOUT &&
		        !map_has(&f->seen, was.path)) {
			auto_free char *path = origin(plan, dest + 1, was.path);
			file_differs(f, path, "is gone", content_text(&was), NULL);
		}
	}
}

static void compare_files(struct file_search *f, const struct copy_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct copy_source *s = &plan->sources[i];
		for (size_t k = 0; k < s->n; k++) {
			const struct copy_item *it = &s->items[k];
			if (s->kind == COPY_DIR && !*it->rel)
				continue;
			auto_free char *path = landing(f, s, it);
			map_set(&f->seen, path, NULL);
			compare_item(f, it, path);
		}
	}
	if (!f->n)
		find_missing(f, plan);
	if (f->n > 1) {
		char *text = xasprintf("%s, and %zu more", f->miss->text, f->n - 1);
		free(f->miss->text);
		f->miss->text = text;
	}
}

// What is in an archive or behind an address is not looked at before it is needed.
static bool is_listed(const struct copy_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->sources[i].kind != COPY_FILE && plan->sources[i].kind != COPY_DIR)
			return false;
	return true;
}

// False: the files of before are not here, or cannot be told apart.
static bool explain_files(
        struct exec *x, const struct step *s, const struct step_record *before, struct miss *m)
{
	struct step_state *st = &x->states[s->id];
	struct file_search f = {.miss = m, .op = &s->copy};
	struct layer_info info;
	struct err ignored = ERR_INIT;
	if (!st->has_plan || !is_listed(&st->plan) || !before->has_layer ||
	        !store_layer_get(x->store, &before->diff_id, &info) || !info.has_index ||
	        store_layer_index(x->store, &before->diff_id, &f.before, &ignored))
		return false;
	compare_files(&f, &st->plan);
	map_release(&f.seen);
	return f.n > 0;
}

static void explain_sources(struct exec *x, const struct step *s, const struct step_record *before,
        const struct jn *was, const struct jn *is, struct miss *m)
{
	const char *name;
	const struct jn *digest;
	if (explain_files(x, s, before, m))
		return;
	m->kind = MISS_FILE;
	for (size_t i = 0; jn_member(is, i, &name, &digest); i++) {
		const char *old = jn_get_str(was, name);
		if (old && !strcmp(old, jn_str(digest)))
			continue;
		m->subject = xstrdup(name);
		m->text = xasprintf("what is copied as %s %s", name, old ? "changed" : "is new");
		m->before = xstrdup_null(old);
		m->after = xstrdup_null(jn_str(digest));
		return;
	}
	m->text = xstrdup("a source less is copied");
}

// ---- values

static const char *value_in(const struct jn *list, const char *name, size_t n)
{
	for (size_t i = 0; i < jn_len(list); i++) {
		const char *kv = jn_str(jn_at(list, i));
		if (kv && !strncmp(kv, name, n) && kv[n] == '=')
			return kv + n + 1;
	}
	return NULL;
}

static void variable(struct miss *m, const char *name, size_t n, const char *was, const char *is)
{
	m->kind = MISS_VALUE;
	m->subject = xstrndup(name, n);
	bool secret = name_is_secret(m->subject);
	m->before = xstrdup_null(was && secret ? "***" : was);
	m->after = xstrdup_null(is && secret ? "***" : is);
	auto_free char *before = shown(m->before), *after = shown(m->after);
	m->text = xasprintf("variable %s is %s, was %s", m->subject, after, before);
}

// The first "NAME=value" of one list that the other has not.
static bool explain_env(const struct jn *was, const struct jn *is, bool gone, struct miss *m)
{
	for (size_t i = 0; i < jn_len(is); i++) {
		const char *kv = jn_str(jn_at(is, i)), *eq = kv ? strchr(kv, '=') : NULL;
		size_t n = eq ? (size_t)(eq - kv) : 0;
		const char *other = eq ? value_in(was, kv, n) : NULL;
		if (!eq || (other && !strcmp(other, eq + 1)))
			continue;
		variable(m, kv, n, gone ? eq + 1 : other, gone ? other : eq + 1);
		return true;
	}
	return false;
}

static char *value_text(const struct jn *n)
{
	struct buf out = {0};
	if (jn_is_null(n))
		return NULL;
	if (jn_is_string(n))
		return xstrdup(jn_str(n));
	if (jn_is_array(n) && jn_len(n)) // of a command the last word is the line for the shell
		return xstrdup_null(jn_str(jn_at(n, jn_len(n) - 1)));
	jn_dump(n, &out);
	return buf_steal(&out);
}

static void explain_value(
        const char *name, const struct jn *was, const struct jn *is, struct miss *m)
{
	if (!strcmp(name, "env") &&
	        (explain_env(was, is, false, m) || explain_env(is, was, true, m)))
		return;
	m->kind = MISS_VALUE;
	m->subject = xstrdup(name);
	if (!strcmp(name, "env")) { // their values are for explain_env alone, which masks secrets
		m->text = xstrdup("the variables come in another order");
		return;
	}
	m->before = value_text(was);
	m->after = value_text(is);
	auto_free char *before = shown(m->before), *after = shown(m->after);
	m->text = xasprintf("%s is %s, was %s", name, after, before);
}

// ---- what lies below

static void explain_root(struct exec *x, const struct step *s, const struct jn *was, struct miss *m)
{
	const struct step *p = s->parent < 0 ? NULL : x->graph->steps[s->parent];
	const char *base = jn_get_str(was, "base");
	m->kind = MISS_BELOW;
	if (p && p->kind != STEP_IMAGE) {
		m->cause = p->id;
		m->subject = xstrdup(p->name);
		m->text = xasprintf("%s, which it follows, has another result", p->name);
		return;
	}
	m->kind = MISS_BASE;
	m->subject = xstrdup(p ? p->image->name : "scratch");
	m->before = xstrdup_null(base);
	if (p) {
		char digest[DIGEST_TEXT];
		digest_text(&p->image->manifest, digest);
		m->after = xasprintf("%s@%s", p->image->name, digest);
	}
	m->text = base ? xasprintf("the base is %s, was %s", m->after ? m->after : "scratch", base)
	               : xasprintf("it follows FROM %s, was after another step", m->subject);
}

// ---- the comparison

static bool equal_values(const struct jn *a, const struct jn *b)
{
	auto_buf struct buf x = {0}, y = {0};
	if (!a || !b)
		return a == b;
	jn_dump(a, &x);
	jn_dump(b, &y);
	return x.n == y.n && (!x.n || !memcmp(x.p, y.p, x.n));
}

static bool is_own(const char *name)
{
	return strcmp(name, "root") != 0 && strcmp(name, "base") != 0;
}

static size_t count_equal(const struct jn *a, const struct jn *b)
{
	size_t n = 0;
	const char *name;
	const struct jn *value;
	for (size_t i = 0; jn_member(a, i, &name, &value); i++)
		n += equal_values(value, jn_get(b, name));
	return n;
}

static void compare(struct exec *x, const struct step *s, const struct step_record *before,
        const struct jn *was, const struct jn *is, struct miss *m)
{
	const char *name;
	const struct jn *value;
	for (size_t i = 0; jn_member(is, i, &name, &value); i++) {
		if (!is_own(name) || equal_values(value, jn_get(was, name)))
			continue;
		if (!strcmp(name, "sources"))
			explain_sources(x, s, before, jn_get(was, name), value, m);
		else
			explain_value(name, jn_get(was, name), value, m);
		return;
	}
	for (size_t i = 0; jn_member(was, i, &name, &value); i++)
		if (is_own(name) && !jn_get(is, name)) {
			explain_value(name, value, NULL, m);
			return;
		}
	explain_root(x, s, was, m);
}

struct candidate {
	const struct step_row *row;
	struct jdoc *doc;
	size_t equal;
};

static struct candidate nearest(const struct step_list *l, const struct jn *is)
{
	struct candidate best = {0};
	const char *op = jn_get_str(is, "op");
	for (size_t i = 0; i < l->n; i++) {
		const char *json = l->v[i].record.components;
		struct err ignored = ERR_INIT;
		auto_jdoc struct jdoc *doc = jdoc_parse(json, strlen(json), &ignored);
		const char *its = doc ? jn_get_str(jdoc_root(doc), "op") : NULL;
		size_t equal = its && op && !strcmp(its, op) ? count_equal(is, jdoc_root(doc)) : 0;
		if (equal <= best.equal)
			continue;
		jdoc_free(best.doc);
		best = (struct candidate){&l->v[i], steal_ptr(&doc), equal};
	}
	return best;
}

static void look_back(struct exec *x, const struct step *s, struct miss *m)
{
	const struct step_state *st = &x->states[s->id];
	struct err ignored = ERR_INIT;
	struct step_list like = {0};
	auto_jdoc struct jdoc *doc = jdoc_parse(st->components, strlen(st->components), &ignored);
	auto_free char *lost = store_step_lost(x->store, &st->key);
	if (lost) {
		m->kind = MISS_LOST;
		m->text = xasprintf("its layer is gone from %s", lost);
		return;
	}
	store_steps_like(x->store, s->name, CANDIDATES, &like, &ignored);
	struct candidate c = doc ? nearest(&like, jdoc_root(doc)) : (struct candidate){0};
	if (!c.doc) {
		m->kind = MISS_FIRST;
		m->text = xstrdup("nothing like it was built here before");
	} else if (hash_eq(&c.row->key, &st->key)) {
		m->kind = MISS_LOST;
		m->text = xstrdup("its layer is not here any more");
	} else {
		compare(x, s, &c.row->record, jdoc_root(c.doc), jdoc_root(doc), m);
	}
	jdoc_free(c.doc);
	step_list_release(&like);
}

void explain_miss(struct exec *x, const struct step *s)
{
	struct miss *m = &x->states[s->id].miss;
	miss_release(m);
	m->cause = -1;
	if (s->no_cache) {
		m->kind = MISS_ASKED;
		m->text = xstrdup("not to be cached was asked for");
	} else {
		look_back(x, s, m);
	}
	if (x->req->explain)
		event_note(x->req->sink, "%s: not cached: %s", s->name, m->text);
}
