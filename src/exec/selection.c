// SPDX-License-Identifier: Apache-2.0
// What a COPY, ADD or bind mount takes, as one digest a source: what keys are made of. The digests
// of a selection from another step follow from that step's chain id and the words of the
// instruction, so they are kept as a record of their own: a cached build then opens no layer.
#include "base/json.h"
#include "exec/exec-int.h"

void selection_release(struct selection *s)
{
	strv_release(&s->names);
	free(s->digests);
	*s = (struct selection){0};
}

static void add(struct selection *s, const char *name, const struct hash *digest)
{
	strv_add(&s->names, name);
	s->digests = xreallocarray(s->digests, s->names.n, sizeof(*s->digests));
	s->digests[s->names.n - 1] = *digest;
}

static void hash_list(struct hasher *h, const struct strv *v)
{
	hasher_u64(h, v->n);
	for (size_t i = 0; i < v->n; i++)
		hasher_str(h, v->v[i]);
}

static struct hash source_hash(const struct copy_op *op, const struct copy_source *s)
{
	auto_hasher struct hasher *h = hasher_new();
	hasher_u64(h, (uint64_t)s->kind);
	hasher_str(h, s->kind == COPY_FILE ? s->name : "");
	if (s->kind == COPY_ARCHIVE || s->kind == COPY_REMOTE) {
		hasher_hash(h, s->remote ? remote_id(s->remote) : &s->file.content);
		hash_list(h, &op->excludes); // which were not applied yet
	}
	hasher_u64(h, s->n);
	for (size_t i = 0; i < s->n; i++) {
		hasher_str(h, s->items[i].rel);
		entry_hash(&s->items[i].en, h);
	}
	return hasher_end(h);
}

static void digest_sources(
        const struct copy_op *op, const struct copy_plan *plan, struct selection *ret)
{
	for (size_t i = 0; i < plan->n; i++) {
		struct hash digest = source_hash(op, &plan->sources[i]);
		add(ret, plan->sources[i].name, &digest);
	}
}

struct hash selection_digest(const struct selection *s)
{
	auto_hasher struct hasher *h = hasher_new();
	for (size_t i = 0; i < s->names.n; i++)
		hasher_hash(h, &s->digests[i]);
	return hasher_end(h);
}

struct hash copy_plan_digest(const struct copy_op *op, const struct copy_plan *p)
{
	struct selection taken = {0};
	digest_sources(op, p, &taken);
	struct hash digest = selection_digest(&taken);
	selection_release(&taken);
	return digest;
}

// ---- the record

// Everything that copy_plan.c looks at.
static struct hash record_key(const struct exec *x, const struct copy_op *op)
{
	auto_hasher struct hasher *h = hasher_new();
	hasher_str(h, "hew selection " KEY_VERSION);
	hasher_hash(h, &x->states[op->from.step].root.chain_id);
	hash_list(h, &op->sources);
	hash_list(h, &op->excludes);
	hasher_u64(h, op->parents);
	hasher_u64(h, op->mount);
	hasher_str(h, op->chmod);
	hasher_u64(h, op->chown != NULL); // whose is counted with the destination
	hasher_u64(h, op->n_inlines);
	for (size_t i = 0; i < op->n_inlines; i++) {
		hasher_str(h, op->inlines[i].name);
		hasher_str(h, op->inlines[i].data);
	}
	return hasher_end(h);
}

static bool parse_record(const char *json, struct selection *ret)
{
	struct err ignored = ERR_INIT;
	auto_jdoc struct jdoc *doc = jdoc_parse(json, strlen(json), &ignored);
	const struct jn *list = doc ? jn_get(jdoc_root(doc), "sources") : NULL;
	for (size_t i = 0; i < jn_len(list); i++) {
		const char *name = jn_get_str(jn_at(list, i), "name");
		const char *hex = jn_get_str(jn_at(list, i), "digest");
		struct hash digest;
		if (!name || !hex || !hash_parse(hex, &digest))
			return false;
		add(ret, name, &digest);
	}
	return jn_is_array(list);
}

static char *print_record(const struct selection *s)
{
	struct buf json = {0};
	struct jw w;
	jw_begin(&w, &json, 0);
	jw_object(&w);
	jw_kv(&w, "op", "selection");
	jw_key(&w, "sources");
	jw_array(&w);
	for (size_t i = 0; i < s->names.n; i++) {
		char hex[HASH_HEX];
		hash_hex(&s->digests[i], hex);
		jw_object(&w);
		jw_kv(&w, "name", s->names.v[i]);
		jw_kv(&w, "digest", hex);
		jw_object_end(&w);
	}
	jw_array_end(&w);
	jw_object_end(&w);
	return buf_steal(&json);
}

// 1, 0, -1
static int recall(struct exec *x, const struct hash *key, struct selection *ret, struct err *e)
{
	struct step_record r = {0};
	int found = store_step_get(x->store, key, &r, e);
	if (found == 1 && !(r.components && parse_record(r.components, ret))) {
		selection_release(ret);
		found = 0;
	}
	step_record_release(&r);
	return found;
}

static int remember(
        struct exec *x, const struct hash *key, const struct selection *s, struct err *e)
{
	auto_free char *json = print_record(s);
	struct step_record r = {.components = json};
	return store_step_put(x->store, key, &r, e);
}

int selection_read(struct exec *x, const struct step *s, struct selection *ret,
        struct copy_plan *ret_plan, bool *ret_has_plan, struct err *e)
{
	struct selection made = {0};
	struct copy_plan plan = {0};
	bool kept = s->copy.from.kind == FROM_STEP;
	struct hash key = kept ? record_key(x, &s->copy) : (struct hash){{0}};
	int found = kept ? recall(x, &key, &made, e) : 0;
	int r = found < 0 || (!found && copy_plan_make(x, s, &plan, e)) ? -1 : 0;
	if (!r && !found) {
		digest_sources(&s->copy, &plan, &made);
		r = kept ? remember(x, &key, &made, e) : 0;
	}
	if (r) {
		selection_release(&made);
		copy_plan_release(&plan);
		return -1;
	}
	if (kept) {
		auto_free char *json = print_record(&made);
		struct step_record record = {.components = json};
		step_list_add(&x->states[s->id].selections, &key, &record);
	}
	*ret = made;
	*ret_plan = plan;
	*ret_has_plan = !found;
	return 0;
}
