// SPDX-License-Identifier: Apache-2.0
// Edits put into the text. Those of one finding are made together or not at all.
#include "base/buf.h"
#include "lint/lint-int.h"

struct chosen {
	const struct lint_edit *edit;
};

static int by_place(const void *a, const void *b)
{
	const struct lint_edit *x = ((const struct chosen *)a)->edit,
	                       *y = ((const struct chosen *)b)->edit;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return (x->end > y->end) - (x->end < y->end);
}

// Touching counts: two appended commands would otherwise both stand at the same place.
static bool overlaps(const struct lint_edit *a, const struct lint_edit *b)
{
	return a->at <= b->end && b->at <= a->end;
}

static bool is_free(const struct lint_finding *f, const struct chosen *v, size_t n)
{
	for (size_t i = 0; i < f->n_edits; i++)
		for (size_t k = 0; k < n; k++)
			if (overlaps(&f->edits[i], v[k].edit))
				return false;
	return true;
}

static void write_text(
        const char *text, size_t n, const struct chosen *v, size_t n_v, struct buf *ret)
{
	size_t at = 0;
	for (size_t i = 0; i < n_v; i++) {
		buf_add(ret, text + at, v[i].edit->at - at);
		buf_puts(ret, v[i].edit->text);
		at = v[i].edit->end;
	}
	buf_add(ret, text + at, n - at);
}

#define EDITS_A_ROUND 1000 // each is compared with those before it

size_t lint_apply(const struct lint_report *r, const char *text, size_t n, struct buf *ret)
{
	auto_free struct chosen *v = xcalloc(EDITS_A_ROUND + 2, sizeof(*v));
	size_t n_v = 0, done = 0;
	for (size_t i = 0; i < r->n && n_v < EDITS_A_ROUND; i++) {
		const struct lint_finding *f = &r->v[i];
		if (f->n_edits == 0 || !is_free(f, v, n_v))
			continue;
		for (size_t k = 0; k < f->n_edits; k++)
			v[n_v++].edit = &f->edits[k];
		done++;
	}
	if (done == 0)
		return 0;
	qsort(v, n_v, sizeof(*v), by_place);
	write_text(text, n, v, n_v, ret);
	return done;
}

bool lint_same_shape(const struct dockerfile *a, const struct dockerfile *b)
{
	if (a->n_stages != b->n_stages || a->n_global_args != b->n_global_args)
		return false;
	for (size_t i = 0; i < a->n_stages; i++) {
		const struct stage *x = &a->stages[i], *y = &b->stages[i];
		if (x->n_instrs != y->n_instrs)
			return false;
		for (size_t k = 0; k < x->n_instrs; k++) {
			enum instr_kind p = x->instrs[k]->kind, q = y->instrs[k]->kind;
			if (p != q && !(p == INSTR_ADD && q == INSTR_COPY))
				return false;
		}
	}
	return true;
}
