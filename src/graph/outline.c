// SPDX-License-Identifier: Apache-2.0
// What a target takes, for `hew build --call=outline`: the build arguments that its stages declare
// or that their FROM lines mention, secrets and ssh sockets. A stage knows its own; the target's
// are put together from all stages it is made from, each name once, nearest first, as BuildKit
// does (dockerfile2llb's outline.go).
#include "graph/graph-int.h"

void outline_used(struct stage_state *s, const char *name)
{
	if (map_has(&s->used_at, name))
		return;
	map_set(&s->used_at, name, s);
	strv_add(&s->used, name);
}

void outline_arg(struct stage_state *s, const struct instr *in, const struct key_value *kv,
        const char *value)
{
	size_t at = (uintptr_t)map_get(&s->own_at, kv->key);
	if (at == 0) {
		if ((s->n_own & (s->n_own - 1)) == 0) // 0, 1, 2, 4, ...
			s->own =
			        xreallocarray(s->own, s->n_own ? 2 * s->n_own : 1, sizeof(*s->own));
		at = ++s->n_own;
		map_set(&s->own_at, kv->key, (void *)(uintptr_t)at);
	}
	s->own[at - 1] = (struct arg_info){
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
	map_release(&s->used_at);
	free(s->needs);
	free(s->own);
	map_release(&s->own_at);
	free(s->secrets);
	free(s->sockets);
}

// ---- the target's

struct gather {
	struct builder *b;
	struct outline_entry *args, *secrets, *sockets;
	size_t n_args, n_secrets, n_sockets;
	struct map known; // names of args
	bool *seen;       // stages
};

static const struct arg_info *find(
        const struct arg_info *v, const struct map *places, const char *name)
{
	size_t at = (uintptr_t)map_get(places, name);
	return at ? &v[at - 1] : NULL;
}

static void gather_arg(struct gather *g, const struct stage_state *s, const char *name)
{
	const struct arg_info *a = find(s->own, &s->own_at, name);
	if (!a)
		a = find(g->b->global_args, &g->b->global_at, name);
	if (!a || map_has(&g->known, a->name))
		return;
	map_set(&g->known, a->name, g);
	struct outline_entry entry = {
	        .name = a->name, .value = a->value, .doc = a->doc ? a->doc : "", .pos = a->pos};
	if ((g->n_args & (g->n_args - 1)) == 0) // 0, 1, 2, 4, ...
		g->args = xreallocarray(g->args, g->n_args ? 2 * g->n_args : 1, sizeof(*g->args));
	g->args[g->n_args++] = entry;
}

static void gather_args(struct gather *g, const struct stage_state *s)
{
	size_t at = g->n_args;
	for (size_t i = 0; i < s->used.n; i++)
		gather_arg(g, s, s->used.v[i]);
	for (; at < g->n_args; at++) { // and what their defaults mention
		const struct arg_info *a =
		        find(g->b->global_args, &g->b->global_at, g->args[at].name);
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
	map_release(&g.known);
	o->name = stage->name ? stage->name : "";
	o->doc = stage->doc ? stage->doc : "";
	o->args = settle(b, g.args, g.n_args);
	o->secrets = settle(b, g.secrets, g.n_secrets);
	o->sockets = settle(b, g.sockets, g.n_sockets);
	o->n_args = g.n_args;
	o->n_secrets = g.n_secrets;
	o->n_sockets = g.n_sockets;
}
