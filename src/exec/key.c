// SPDX-License-Identifier: Apache-2.0
// Cache keys. A key is the hash of named components; the same components, as JSON, are stored
// beside the record, so that a later miss can name the first that differs. Contents count, never
// times.
#include "base/json.h"
#include "exec/exec-int.h"

// Feeds the hash and the JSON together, so that they cannot disagree.
struct key_builder {
	struct hasher *h;
	struct buf json;
	struct jw w;
};

static void key_begin(struct key_builder *k, const char *op)
{
	*k = (struct key_builder){.h = hasher_new()};
	jw_begin(&k->w, &k->json, 0);
	jw_object(&k->w);
	hasher_str(k->h, "hew step key " KEY_VERSION);
	hasher_str(k->h, op);
	jw_kv(&k->w, "op", op);
}

// shown: the name in the JSON, where each occurs once.
static void key_as(struct key_builder *k, const char *name, const char *shown, const char *value)
{
	hasher_str(k->h, name);
	hasher_str(k->h, value);
	jw_kv(&k->w, shown, value);
}

static void key_str(struct key_builder *k, const char *name, const char *value)
{
	key_as(k, name, name, value);
}

static void key_list(struct key_builder *k, const char *name, const struct strv *v)
{
	hasher_str(k->h, name);
	hasher_u64(k->h, v->n);
	jw_key(&k->w, name);
	jw_array(&k->w);
	for (size_t i = 0; i < v->n; i++) {
		hasher_str(k->h, v->v[i]);
		jw_str(&k->w, v->v[i]);
	}
	jw_array_end(&k->w);
}

static void key_hash(struct key_builder *k, const char *name, const struct hash *v)
{
	char hex[HASH_HEX];
	hash_hex(v, hex);
	key_str(k, name, hex);
}

static void key_platform(struct key_builder *k, const struct platform *p)
{
	char text[80];
	platform_text(p, text);
	key_str(k, "platform", text);
}

static void key_epoch(struct key_builder *k, const struct exec *x)
{
	if (!x->graph->has_epoch)
		return;
	auto_free char *text = xasprintf("%lld", (long long)x->graph->epoch);
	key_str(k, "epoch", text);
}

static void key_end(struct key_builder *k, struct step_state *st)
{
	jw_object_end(&k->w);
	st->key = hasher_end(k->h);
	free(st->components);
	st->components = buf_steal(&k->json);
	hasher_free(k->h);
}

// ---- sources

struct view *source_view(
        struct exec *x, const struct file_source *from, int step, bool *ret_owned, struct err *e)
{
	*ret_owned = from->kind != FROM_CONTEXT;
	if (from->kind == FROM_CONTEXT) {
		struct named_context *c = context_find(x, from->context);
		if (!c || !c->view) {
			err_set(e, ERR_CONTEXT,
			        "there is no build context: nothing can be copied from it");
			return NULL;
		}
		return c->view;
	}
	struct rootfs root = {0};
	if (from->kind == FROM_STEP)
		rootfs_copy(&root, &x->states[from->step].root);
	struct view *v = rootfs_view(&x->engine, &root, step, e);
	rootfs_release(&root);
	return v;
}

// Of a bind mount: one path, all of it.
static int mount_digest(
        struct exec *x, const struct run_mount *m, int step, struct hash *ret, struct err *e)
{
	struct step s = {.id = step, .kind = STEP_COPY, .parent = -1};
	struct selection taken = {0};
	struct copy_plan plan = {0};
	bool has_plan;
	s.copy.from = m->from;
	s.copy.mount = true;
	s.copy.dest = "/";
	strv_add(&s.copy.sources, m->source);
	int r = selection_read(x, &s, &taken, &plan, &has_plan, e);
	if (!r)
		*ret = selection_digest(&taken);
	selection_release(&taken);
	copy_plan_release(&plan);
	strv_release(&s.copy.sources);
	return r;
}

// ---- the kinds of step

// For people: what counts is the root that it gives.
static void note_base(struct key_builder *k, const struct graph_image *image)
{
	char digest[DIGEST_TEXT];
	digest_text(&image->manifest, digest);
	auto_free char *text = xasprintf("%s@%s", image->name, digest);
	jw_kv(&k->w, "base", text);
}

static void key_below(struct exec *x, struct key_builder *k, const struct step *s)
{
	struct hash none = {{0}};
	key_hash(k, "root", s->parent < 0 ? &none : &x->states[s->parent].root.chain_id);
	if (s->parent >= 0 && x->graph->steps[s->parent]->kind == STEP_IMAGE)
		note_base(k, x->graph->steps[s->parent]->image);
}

// One entry a source, so that a miss can say which of them differs.
static void key_sources(struct key_builder *k, const struct selection *taken)
{
	hasher_str(k->h, "sources");
	hasher_u64(k->h, taken->names.n);
	jw_key(&k->w, "sources");
	jw_object(&k->w);
	for (size_t i = 0; i < taken->names.n; i++) {
		char hex[HASH_HEX];
		hash_hex(&taken->digests[i], hex);
		hasher_hash(k->h, &taken->digests[i]);
		jw_kv(&k->w, taken->names.v[i], hex);
	}
	jw_object_end(&k->w);
}

static int key_copy(struct exec *x, const struct step *s, struct step_state *st, struct err *e)
{
	const struct copy_op *op = &s->copy;
	struct selection taken = {0};
	if (op->chmod && chmod_parse_check(op->chmod, e)) {
		e->pos = s->pos;
		return -1;
	}
	step_plan_drop(st);
	if (selection_read(x, s, &taken, &st->plan, &st->has_plan, e))
		return -1;
	struct key_builder k;
	key_begin(&k, op->add ? "ADD" : "COPY");
	key_platform(&k, &s->platform);
	if (!op->link)
		key_below(x, &k, s);
	key_str(&k, "destination", op->dest);
	key_str(&k, "chown", op->chown);
	key_str(&k, "chmod", op->chmod);
	key_str(&k, "flags",
	        op->link      ? op->parents ? "link parents" : "link"
	        : op->parents ? "parents"
	                      : "");
	key_epoch(&k, x);
	key_sources(&k, &taken);
	key_end(&k, st);
	selection_release(&taken);
	return 0;
}

// What a cache begins with counts; whose it is and what is in it by now does not.
static bool mount_has_content(const struct run_mount *m)
{
	return m->type == MOUNT_BIND || (m->type == MOUNT_CACHE && m->from.kind != FROM_SCRATCH);
}

static int look_at_mounts(
        struct exec *x, const struct step *s, struct step_state *st, struct err *e)
{
	const struct run_op *op = &s->run;
	if (!st->mounted && op->n_mounts)
		st->mounted = xcalloc(op->n_mounts, sizeof(*st->mounted));
	for (size_t i = 0; i < op->n_mounts; i++)
		if (mount_has_content(&op->mounts[i]) &&
		        mount_digest(x, &op->mounts[i], s->id, &st->mounted[i].content, e))
			return -1;
	return 0;
}

static void key_mount(
        struct key_builder *k, const struct run_mount *m, const struct mounted_layer *shown)
{
	static const char *const types[] = {"bind", "cache", "tmpfs", "secret", "ssh"};
	auto_free char *text =
	        xasprintf("%s target=%s ro=%d id=%s env=%s size=%lld mode=%lld uid=%lld gid=%lld%s",
	                types[m->type], m->target ? m->target : "", m->read_only,
	                m->id && m->type != MOUNT_CACHE ? m->id : "", m->env ? m->env : "",
	                (long long)m->size, (long long)m->mode, (long long)m->uid,
	                (long long)m->gid, m->required ? " required" : "");
	auto_free char *name = xasprintf("mount %s", m->target ? m->target : "");
	key_as(k, "mount", name, text);
	if (mount_has_content(m)) {
		char hex[HASH_HEX];
		hash_hex(&shown->content, hex);
		auto_free char *what = xasprintf("content of mount %s", m->target ? m->target : "");
		key_as(k, "mount content", what, hex);
	}
}

// Only what was asked for: most builds have none of it. Of an entry in /etc/hosts the name counts,
// not where it leads.
static void key_settings(
        struct key_builder *k, const struct build_request *r, const struct run_op *op)
{
	auto_strv struct strv names = {0}, limits = {0};
	if (op->insecure)
		key_str(k, "security", "insecure");
	if (op->hostname)
		key_str(k, "hostname", op->hostname);
	for (size_t i = 0; i < r->hosts.n; i++)
		strv_add(&names, strchr(r->hosts.v[i], '\t') + 1);
	if (names.n)
		key_list(k, "hosts", &names);
	for (size_t i = 0; i < r->n_ulimits; i++)
		strv_addf(&limits, "%s=%lld:%lld", r->ulimits[i].name,
		        (long long)r->ulimits[i].soft, (long long)r->ulimits[i].hard);
	if (limits.n)
		key_list(k, "ulimits", &limits);
	if (r->shm_size) {
		auto_free char *size = xasprintf("%llu", (unsigned long long)r->shm_size);
		key_str(k, "shm-size", size);
	}
}

void run_key(struct exec *x, const struct step *s, struct step_state *st)
{
	const struct run_op *op = &s->run;
	struct key_builder k;
	key_begin(&k, "RUN");
	key_platform(&k, &s->platform);
	key_below(x, &k, s);
	key_list(&k, "command", &op->argv);
	key_str(&k, "script", op->script);
	key_list(&k, "env", &op->env);
	key_str(&k, "workdir", op->cwd);
	key_str(&k, "user", op->user);
	key_str(&k, "network", net_mode_name(op->network));
	key_settings(&k, x->req, op);
	key_epoch(&k, x);
	for (size_t i = 0; i < op->n_mounts; i++)
		key_mount(&k, &op->mounts[i], &st->mounted[i]);
	key_end(&k, st);
}

static int key_run(struct exec *x, const struct step *s, struct step_state *st, struct err *e)
{
	if (look_at_mounts(x, s, st, e))
		return -1;
	run_key(x, s, st);
	return 0;
}

static void key_workdir(struct exec *x, const struct step *s, struct step_state *st)
{
	struct key_builder k;
	key_begin(&k, "WORKDIR");
	key_platform(&k, &s->platform);
	key_below(x, &k, s);
	key_str(&k, "path", s->workdir.path);
	key_str(&k, "user", s->workdir.user);
	key_epoch(&k, x);
	key_end(&k, st);
}

int step_key(struct exec *x, const struct step *s, struct step_state *st, struct err *e)
{
	free(steal_ptr(&st->components));
	switch (s->kind) {
	case STEP_RUN:
		return key_run(x, s, st, e);
	case STEP_COPY:
		return key_copy(x, s, st, e);
	default:
		key_workdir(x, s, st);
		return 0;
	}
}
