// SPDX-License-Identifier: Apache-2.0
// SOURCE_DATE_EPOCH, a build argument or the default of a global ARG: seconds, or where they come
// from: "context", a named context, or a stage that is one ADD from outside (BuildKit's
// frontend/dockerfile/dockerfile2llb/epoch.go). The argument is then that number everywhere.
#include "dockerfile/git_ref.h"
#include "graph/graph-int.h"

#define NAME "SOURCE_DATE_EPOCH"

// The one source of a stage that is FROM scratch and nothing but arguments and an ADD.
static const struct instr *find_add(const struct stage *stage, struct err *e)
{
	const struct instr *add = NULL;
	for (size_t i = 0; i < stage->n_instrs; i++) {
		const struct instr *in = stage->instrs[i];
		if (in->kind == INSTR_ARG)
			continue;
		if (in->kind != INSTR_ADD || add || in->n_heredocs > 0 || in->n_words != 2) {
			err_at(e, in->pos,
			        NAME " stage must contain exactly one ADD, of a URL or repository, "
			             "and nothing but ARG beside it");
			return NULL;
		}
		add = in;
	}
	if (!add)
		err_at(e, stage->from->pos,
		        NAME " stage must contain exactly one ADD, of a URL or repository");
	return add;
}

// A global default beats none, --build-arg beats all.
static int stage_args(
        struct builder *b, const struct stage *stage, struct strv *vars, struct err *e)
{
	for (size_t i = 0; i < stage->n_instrs; i++) {
		const struct instr *in = stage->instrs[i];
		for (size_t k = 0; in->kind == INSTR_ARG && k < in->n_pairs; k++)
			if (vars_default(
			            b, vars, in, &in->pairs[k], build_arg(b, in->pairs[k].key), e))
				return -1;
	}
	return 0;
}

static int of_stage(struct builder *b, const struct stage *stage, int64_t *ret, struct err *e)
{
	auto_strv struct strv vars = {0};
	struct expand_env env = {expand_get_strv, &vars, b->df->escape, NULL};
	auto_free char *base = NULL, *source = NULL;
	strv_copy(&vars, &b->globals);
	if (expand_word(&env, stage->from->base, &base, e))
		return err_at(e, stage->from->pos, "%s", e->msg);
	if (strcmp(base, "scratch") != 0)
		return err_at(e, stage->from->pos, NAME " stage must use FROM scratch");
	const struct instr *add = find_add(stage, e);
	if (!add || stage_args(b, stage, &vars, e))
		return -1;
	if (expand_word(&env, add->words[0], &source, e))
		return err_at(e, add->pos, "%s", e->msg);
	if (!source_is_url(source) && !git_ref_is(source, false))
		return err_at(
		        e, add->pos, NAME " stage source must be a single HTTP(S) or Git ADD");
	struct graph_resolver *r = b->o->resolver;
	return r->source_time ? r->source_time(r, NULL, source, ret, e) : 0;
}

// 1: *ret is the time; 0: there is none; -1.
static int of_name(struct builder *b, const char *name, int64_t *ret, struct err *e)
{
	struct graph_resolver *r = b->o->resolver;
	struct graph_context context = {0};
	if (strcmp(name, "context") == 0)
		return r->source_time ? r->source_time(r, NULL, NULL, ret, e) : 0;
	int found = r->named_context ? r->named_context(r, name, b->target, &context, e) : 0;
	if (found < 0)
		return -1;
	if (found)
		return context.image || !r->source_time
		               ? 0
		               : r->source_time(r, context.name, NULL, ret, e);
	for (size_t i = 0; i < b->df->n_stages; i++)
		if (b->df->stages[i].name && str_ieq(b->df->stages[i].name, name))
			return of_stage(b, &b->df->stages[i], ret, e);
	return err_set(e, ERR_DOCKERFILE,
	        "invalid " NAME ": %s: a number, context, a named context or a stage is expected",
	        name);
}

int epoch_settle(struct builder *b, struct err *e)
{
	const char *given = build_arg(b, NAME),
	           *text = given ? given : strv_env_get(&b->globals, NAME);
	if (!text)
		return 0;
	struct graph *g = b->g;
	int found = 0;
	bool plus = *text == '+' && text[1] != '-'; // a sign, to Go
	if (g->n_results > 0) {
		found = g->has_epoch; // as for the platform before
	} else if (str_to_i64(text + plus, &g->epoch)) {
		found = 1;
	} else if (*text) {
		auto_free char *name = xstrdup(text);
		found = of_name(b, name, &g->epoch, e);
	}
	if (found < 0)
		return -1;
	g->has_epoch = found;
	const char *number = found ? arena_printf(&g->arena, "%lld", (long long)g->epoch) : "";
	if (given)
		b->epoch = number;
	else
		strv_env_set(&b->globals, NAME, number);
	return 0;
}
