// SPDX-License-Identifier: Apache-2.0
// The way from a Dockerfile and a target to a graph; the work on stages is in stage.c.
#include "graph/graph-int.h"

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
	struct graph *g = b->g;
	g->result = s->rootfs;
	g->platform = s->platform;
	g->result_stage = s->display;
	image_config_copy(&g->config, &s->config);
	if (b->o->platform_given || !*g->config.platform.os || !*g->config.platform.arch)
		g->config.platform = b->o->target_platform;
	g->history_steps = steal_ptr(&s->history_steps);
	g->n_base_history = s->n_base_history;
	for (size_t i = 0; b->o->labels && i < b->o->labels->n; i++) {
		const char *kv = b->o->labels->v[i], *eq = strchr(kv, '=');
		auto_free char *key = eq ? xstrndup(kv, (size_t)(eq - kv)) : xstrdup(kv);
		image_config_set_label(&g->config, key, eq ? eq + 1 : "");
	}
}

struct graph *graph_build(struct dockerfile *df, const struct graph_options *o, struct err *e)
{
	struct graph *g = xcalloc(1, sizeof(*g));
	struct builder b = {.g = g, .df = df, .o = o};
	b.states = xcalloc(df->n_stages, sizeof(*b.states));
	int target = target_index(df, o->target, e);
	int failed = target < 0 || vars_globals(&b, e) || epoch_settle(&b, e) || check_froms(&b, e);
	for (size_t i = 0; !failed && o->all_stages && i < df->n_stages; i++)
		failed = stage_build(&b, i, e);
	if (!failed)
		failed = stage_build(&b, (size_t)target, e);
	if (!failed) {
		take_result(&b, &b.states[target]);
		outline_make(&b, target);
	}
	states_free(b.states, df->n_stages);
	strv_release(&b.globals);
	for (size_t i = 0; i < b.n_global_args; i++)
		strv_release(&b.global_args[i].deps);
	free(b.global_args);
	map_release(&b.global_at);
	map_release(&b.images);
	if (!failed)
		return g;
	graph_free(g);
	return NULL;
}
