// SPDX-License-Identifier: Apache-2.0
// What a target takes, for `hew build --call=outline`: the build arguments that its stages declare
// or that their FROM lines mention, secrets and ssh sockets. A stage knows its own; the target's
// are put together from all stages it is made from, each name once, nearest first, as BuildKit
// does (dockerfile2llb's outline.go).
#include "graph/graph-int.h"

void outline_used(struct stage_state *s, const char *name)
{
	if (!strv_has(&s->used, name))
		strv_add(&s->used, name);
}

void outline_arg(struct stage_state *s, const struct instr *in, const struct key_value *kv,
        const char *value)
{
	size_t i = 0;
	while (i < s->n_own && strcmp(s->own[i].name, kv->key) != 0)
		i++;
	if (i == s->n_own)
		s->own = xreallocarray(s->own, ++s->n_own, sizeof(*s->own));
	s->own[i] = (struct arg_info){
	        .name = kv->key, .value = value ? value : "", .doc = kv->doc, .pos = in->pos};
}

static void add_entry(struct outline_entry **v, size_t *n, const struct outline_entry *entry)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp((*v)[i].name, entry->name) == 0)
			return;
	*v = xreallocarray(*v, *n + 1, sizeof(**v));
	(*v)[(*n)++] = *entry;
}

void outline_need(
        struct builder *b, struct stage_state *s, const struct instr *in, const struct run_mount *m)
{
	if ((m->type != MOUNT_SECRET && m->type != MOUNT_SSH) || !m->id)
		return;
	struct outline_entry entry = {
	        .name = arena_strdup(&b->g->arena, m->id), .required = m->required, .pos = in->pos};
	if (m->type == MOUNT_SECRET)
		add_entry(&s->secrets, &s->n_secrets, &entry);
	else
		add_entry(&s->sockets, &s->n_sockets, &entry);
}

void outline_from(struct stage_state *s, int stage)
{
	s->needs = xreallocarray(s->needs, s->n_needs + 1, sizeof(*s->needs));
	s->needs[s->n_needs++] = stage;
}

void outline_release(struct stage_state *s)
{
	strv_release(&s->used);
	free(s->needs);
	free(s->own);
	free(s->secrets);
	free(s->sockets);
}

// ---- the target's

struct gather {
	struct builder *b;
	struct outline_entry *args, *secrets, *sockets;
	size_t n_args, n_secrets, n_sockets;
	bool *seen; // stages
};

static const struct arg_info *find(const struct arg_info *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			return &v[i];
	return NULL;
}

static void gather_arg(struct gather *g, const struct stage_state *s, const char *name)
{
	const struct arg_info *a = find(s->own, s->n_own, name);
	if (!a)
		a = find(g->b->global_args, g->b->n_global_args, name);
	if (!a)
		return;
	struct outline_entry entry = {
	        .name = a->name, .value = a->value, .doc = a->doc ? a->doc : "", .pos = a->pos};
	add_entry(&g->args, &g->n_args, &entry);
}

static void gather_args(struct gather *g, const struct stage_state *s)
{
	size_t at = g->n_args;
	for (size_t i = 0; i < s->used.n; i++)
		gather_arg(g, s, s->used.v[i]);
	for (; at < g->n_args; at++) { // and what their defaults mention
		const struct arg_info *a =
		        find(g->b->global_args, g->b->n_global_args, g->args[at].name);
		for (size_t i = 0; a && a->value == g->args[at].value && i < a->deps.n; i++)
			gather_arg(g, s, a->deps.v[i]);
	}
}

static void gather_stage(struct gather *g, int index)
{
	const struct stage_state *s = &g->b->states[index];
	if (g->seen[index])
		return;
	g->seen[index] = true;
	gather_args(g, s);
	for (size_t i = 0; i < s->n_secrets; i++)
		add_entry(&g->secrets, &g->n_secrets, &s->secrets[i]);
	for (size_t i = 0; i < s->n_sockets; i++)
		add_entry(&g->sockets, &g->n_sockets, &s->sockets[i]);
	for (size_t i = 0; i < s->n_needs; i++)
		gather_stage(g, s->needs[i]);
}

static int by_line(const void *a, const void *b)
{
	const struct outline_entry *x = a, *y = b;
	int line = (x->pos.line > y->pos.line) - (x->pos.line < y->pos.line);
	return line ? line : strcmp(x->name, y->name);
}

// Sorted, and moved to where the graph's own things are.
static struct outline_entry *settle(struct builder *b, struct outline_entry *v, size_t n)
{
	struct outline_entry *ret = arena_alloc(&b->g->arena, (n + 1) * sizeof(*ret));
	if (n > 0) {
		qsort(v, n, sizeof(*v), by_line);
		memcpy(ret, v, n * sizeof(*v));
	}
	free(v);
	return ret;
}

void outline_make(struct builder *b, int target)
{
	struct graph_outline *o = &b->g->outline;
	const struct stage *stage = &b->df->stages[target];
	struct gather g = {.b = b, .seen = xcalloc(b->df->n_stages, sizeof(bool))};
	gather_stage(&g, target);
	free(g.seen);
	o->name = stage->name ? stage->name : "";
	o->doc = stage->doc ? stage->doc : "";
	o->args = settle(b, g.args, g.n_args);
	o->secrets = settle(b, g.secrets, g.n_secrets);
	o->sockets = settle(b, g.sockets, g.n_sockets);
	o->n_args = g.n_args;
	o->n_secrets = g.n_secrets;
	o->n_sockets = g.n_sockets;
}
