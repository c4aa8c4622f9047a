// SPDX-License-Identifier: Apache-2.0
// Steps that several platforms have in common are in the graph once: a stage that runs on the
// machine that builds, whatever it builds for, is the same step until it sees for what. Steps are
// equal if they stand at the same place of the Dockerfile and do the same to the same.
#include "base/hash.h"
#include "graph/graph-int.h"

static void add_list(struct hasher *h, const struct strv *v)
{
	hasher_u64(h, v->n);
	for (size_t i = 0; i < v->n; i++)
		hasher_str(h, v->v[i]);
}

static void add_source(struct hasher *h, const struct file_source *f)
{
	hasher_u64(h, f->kind);
	hasher_str(h, f->kind == FROM_CONTEXT ? f->context : NULL);
	hasher_u64(h, f->kind == FROM_STEP ? (uint64_t)f->step : 0);
}

static void add_mount(struct hasher *h, const struct run_mount *m)
{
	const int64_t numbers[] = {
	        m->type, m->read_only, m->required, m->sharing, m->size, m->mode, m->uid, m->gid};
	hasher_field(h, numbers, sizeof(numbers));
	hasher_str(h, m->target);
	hasher_str(h, m->source);
	hasher_str(h, m->id);
	hasher_str(h, m->env);
	add_source(h, &m->from);
}

static void add_run(struct hasher *h, const struct run_op *op)
{
	add_list(h, &op->argv);
	add_list(h, &op->env);
	hasher_str(h, op->cwd);
	hasher_str(h, op->user);
	hasher_str(h, op->script);
	hasher_u64(h, op->n_mounts);
	for (size_t i = 0; i < op->n_mounts; i++)
		add_mount(h, &op->mounts[i]);
}

static void add_copy(struct hasher *h, const struct copy_op *op)
{
	add_source(h, &op->from);
	add_list(h, &op->sources);
	add_list(h, &op->excludes);
	hasher_u64(h, op->n_inlines);
	for (size_t i = 0; i < op->n_inlines; i++) {
		hasher_str(h, op->inlines[i].name);
		hasher_str(h, op->inlines[i].data);
	}
	hasher_str(h, op->dest);
	hasher_str(h, op->chown);
	hasher_str(h, op->chmod);
	hasher_str(h, op->checksum);
}

// What the instruction's own words say (flags, network) is the same where the line is.
static struct hash identity(const struct step *s)
{
	char platform[80];
	auto_hasher struct hasher *h = hasher_new();
	platform_text(&s->platform, platform);
	hasher_u64(h, s->kind);
	hasher_u64(h, (uint64_t)(int64_t)s->parent);
	hasher_u64(h, (uint64_t)(int64_t)s->stage_index);
	hasher_u64(h, (uint64_t)s->pos.line);
	hasher_str(h, platform);
	if (s->kind == STEP_RUN)
		add_run(h, &s->run);
	if (s->kind == STEP_COPY)
		add_copy(h, &s->copy);
	hasher_str(h, s->workdir.path);
	hasher_str(h, s->workdir.user);
	return hasher_end(h);
}

struct step *step_unique(struct builder *b, struct step *last)
{
	char key[HASH_HEX];
	if (b->o->n_platforms < 2)
		return last;
	const struct hash h = identity(last);
	hash_hex(&h, key);
	struct step *known = map_get(&b->unique, key);
	if (!known) {
		map_set(&b->unique, key, last);
		return last;
	}
	b->g->n_steps--;
	step_release(last);
	return known;
}
