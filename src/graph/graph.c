// SPDX-License-Identifier: Apache-2.0
// The way from a Dockerfile and a target to a graph; the work on stages is in stage.c.
#include "graph/graph-int.h"

#define GRAPH_BYTES_MAX (128u << 20)

void graph_image_release(struct graph_image *i)
{
	free(i->name);
	image_config_release(&i->config);
	*i = (struct graph_image){0};
}

void graph_free_ptr(struct graph **g)
{
	graph_free(*g);
}

int check_size(const struct builder *b, const struct instr *in, struct err *e)
{
	if (b->g->arena.total + b->copied <= GRAPH_BYTES_MAX)
		return 0;
	return err_at(e, in->pos,
	        "with its variables expanded the Dockerfile comes to more than %u MB up to here: "
	        "there are too many steps with so many variables, or these are too long",
	        GRAPH_BYTES_MAX >> 20);
}

static int target_index(struct dockerfile *df, const char *target, struct err *e)
{
	if (!target || !*target)
		return (int)df->n_stages - 1;
	int index = dockerfile_find_stage(df, target, df->n_stages);
	if (index >= 0)
		return index;
	const char **names = xcalloc(df->n_stages + 1, sizeof(*names));
	size_t n = 0;
	for (size_t i = 0; i < df->n_stages; i++)
		if (df->stages[i].name)
			names[n++] = df->stages[i].name;
	const char *near = str_nearest(target, names, n);
	err_set(e, ERR_DOCKERFILE, "target stage \"%s\" could not be found%s%s%s", target,
	        near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
	free(names);
	return -1;
}

static void states_free(struct stage_state *states, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		image_config_release(&states[i].config);
		strv_release(&states[i].vars);
		free(states[i].history_steps);
		free(states[i].args);
		map_release(&states[i].args_at);
		outline_release(&states[i]);
	}
	free(states);
}

static void take_result(struct builder *b, struct stage_state *s)
{
	struct graph_result *r = &b->g->results[b->g->n_results++];
	r->platform = *b->target;
	r->step = s->rootfs;
	r->stage = s->display;
	r->config = s->config; // the walk is over
	s->config = (struct image_config){0};
	if (b->o->platform_given || !*r->config.platform.os || !*r->config.platform.arch)
		r->config.platform = *b->target;
	r->history_steps = steal_ptr(&s->history_steps);
	r->n_base_history = s->n_base_history;
	for (size_t i = 0; b->o->labels && i < b->o->labels->n; i++) {
		const char *kv = b->o->labels->v[i], *eq = strchr(kv, '=');
		auto_free char *key = eq ? xstrndup(kv, (size_t)(eq - kv)) : xstrdup(kv);
		image_config_set_label(&r->config, key, eq ? eq + 1 : "");
	}
}

static bool same_warning(const struct warning *a, const struct warning *b)
{
	return !strcmp(a->rule, b->rule) && a->pos.line == b->pos.line &&
	       !strcmp(a->detail, b->detail);
}

// What is said of every platform is said once.
static void drop_repeated(struct dockerfile *df, size_t known)
{
	size_t kept = known;
	for (size_t i = known; i < df->n_warnings; i++) {
		size_t k = 0;
		while (k < known && !same_warning(&df->warnings[k], &df->warnings[i]))
			k++;
		if (k == known)
			df->warnings[kept++] = df->warnings[i];
	}
	df->n_warnings = kept;
}

// Walks the stages that the target needs, as they are for one platform.
static int walk(struct builder *b, int target, struct err *e)
{
	size_t n_stages = b->df->n_stages, known = b->df->n_warnings;
	bool is_first = b->g->n_results == 0;
	b->states = xcalloc(n_stages, sizeof(*b->states));
	b->depth = 0;
	b->epoch = NULL;
	int failed = vars_globals(b, e) || epoch_settle(b, e) || check_froms(b, e);
	for (size_t i = 0; !failed && b->o->all_stages && i < n_stages; i++)
		failed = stage_build(b, i, e);
	if (!failed)
		failed = stage_build(b, (size_t)target, e);
	if (!failed) {
		take_result(b, &b->states[target]);
		if (is_first)
			outline_make(b, target);
		else
			drop_repeated(b->df, known);
	}
	states_free(b->states, n_stages);
	strv_release(&b->globals);
	for (size_t i = 0; i < b->n_global_args; i++)
		strv_release(&b->global_args[i].deps);
	free(steal_ptr(&b->global_args));
	b->n_global_args = 0;
	map_release(&b->global_at);
	return failed ? -1 : 0;
}

struct graph *graph_build(struct dockerfile *df, const struct graph_options *o, struct err *e)
{
	struct graph *g = xcalloc(1, sizeof(*g));
	struct builder b = {.g = g, .df = df, .o = o};
	g->results = xcalloc(o->n_platforms, sizeof(*g->results));
	int target = target_index(df, o->target, e);
	bool failed = target < 0;
	for (size_t i = 0; !failed && i < o->n_platforms; i++) {
		b.target = &o->platforms[i];
		failed = walk(&b, target, e);
	}
	map_release(&b.images);
	map_release(&b.unique);
	if (!failed)
		return g;
	graph_free(g);
	return NULL;
}
