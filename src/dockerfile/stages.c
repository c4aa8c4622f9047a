// SPDX-License-Identifier: Apache-2.0
// Instructions to stages: global ARGs, then everything between one FROM and the next.
#include "base/err.h"
#include "dockerfile/parse-int.h"

// Room for one more of n elements: the new place of v, or NULL if there is room already.
static void *arena_grow(struct arena *a, const void *v, size_t n, size_t size)
{
	if (n > 0 && (n & (n - 1)) != 0)
		return NULL;
	void *bigger = arena_alloc(a, (n ? n * 2 : 1) * size);
	if (n > 0)
		memcpy(bigger, v, n * size);
	return bigger;
}

static void add_instr(struct arena *a, struct instr ***v, size_t *n, struct instr *in)
{
	struct instr **bigger = arena_grow(a, *v, *n, sizeof(**v));
	if (bigger)
		*v = bigger;
	(*v)[(*n)++] = in;
}

int stages_add(struct dockerfile *d, struct instr *in, struct err *e)
{
	if (in->kind == INSTR_FROM) {
		struct stage *bigger =
		        arena_grow(&d->arena, d->stages, d->n_stages, sizeof(*d->stages));
		if (bigger)
			d->stages = bigger;
		d->stages[d->n_stages] = (struct stage){.name = in->stage_name,
		        .doc = in->doc,
		        .index = (int)d->n_stages,
		        .from = in,
		        .pos = in->pos};
		d->n_stages++;
		return 0;
	}
	if (d->n_stages > 0) {
		struct stage *s = &d->stages[d->n_stages - 1];
		add_instr(&d->arena, &s->instrs, &s->n_instrs, in);
		s->pos.end_line = in->pos.end_line;
		s->pos.end_col = in->pos.end_col;
		return 0;
	}
	if (in->kind != INSTR_ARG)
		return err_set(e, ERR_DOCKERFILE, "no build stage in current context");
	add_instr(&d->arena, &d->global_args, &d->n_global_args, in);
	return 0;
}

int dockerfile_find_stage(const struct dockerfile *d, const char *name, size_t before)
{
	for (size_t i = before < d->n_stages ? before : d->n_stages; i-- > 0;)
		if (d->stages[i].name && str_ieq(d->stages[i].name, name))
			return (int)i;
	return -1;
}
