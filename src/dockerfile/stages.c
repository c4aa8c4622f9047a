// SPDX-License-Identifier: Apache-2.0
// Instructions to stages: global ARGs, then everything between one FROM and the next.
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
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

struct namesakes {
	size_t *v, n; // in the order of the file
};

static char *lower(const char *name)
{
	char *key = xstrdup(name);
	for (char *p = key; *p; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p | 0x20) : *p;
	return key;
}

// The stage that is about to be added.
static void name_stage(struct dockerfile *d, const char *name)
{
	if (!name)
		return;
	auto_free char *key = lower(name);
	if (!d->stage_names)
		d->stage_names = xcalloc(1, sizeof(*d->stage_names));
	struct namesakes *same = map_get(d->stage_names, key);
	if (!same) {
		same = arena_alloc(&d->arena, sizeof(*same));
		map_set(d->stage_names, key, same);
	}
	size_t *bigger = arena_grow(&d->arena, same->v, same->n, sizeof(*same->v));
	if (bigger)
		same->v = bigger;
	same->v[same->n++] = d->n_stages;
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
		name_stage(d, in->stage_name);
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
	auto_free char *key = lower(name);
	const struct namesakes *same = d->stage_names ? map_get(d->stage_names, key) : NULL;
	size_t low = 0, high = same ? same->n : 0;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (same->v[mid] < before)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? (int)same->v[low - 1] : -1;
}
