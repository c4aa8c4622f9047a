// SPDX-License-Identifier: Apache-2.0
// Weights and waste: rows by hand, and at random against plain simulations: of each entry every
// later layer is asked whether it hides it; and dive's trees are stacked as dive stacks them.
#include "lint/leftovers.h"
#include "size/rules.h"
#include "size/waste.h"

#include "layer_fixture.h"
#include <math.h>

#define LAYERS 6

struct stack {
	struct weigh_layer v[LAYERS];
	size_t n;
	struct weight w;
};

// Layers are separated by '|', bottom first.
static void stack_make(struct stack *s, const char *spec)
{
	auto_strv struct strv parts = {0};
	struct err e = ERR_INIT;
	*s = (struct stack){0};
	strv_split(&parts, spec, '|');
	for (; s->n < parts.n; s->n++) {
		const struct layer_index *ix = spec_index(parts.v[s->n], &e);
		if (!ix)
			fail_msg("'%s': %s", spec, e.msg);
		s->v[s->n] = (struct weigh_layer){ix, WEIGH_UNKNOWN, NULL};
	}
	MUST(weigh(s->v, s->n, &s->w, &e), e);
}

static void stack_release(struct stack *s)
{
	weight_release(&s->w);
	for (size_t i = 0; i < s->n; i++)
		layer_index_close((struct layer_index *)(uintptr_t)s->v[i].index);
}

// ---- by hand

static void test_weights(void **state)
{
	// of each layer: bytes and files, and how much of both is hidden
	static const struct {
		const char *layers, *want;
	} rows[] = {
	        {"", "0,0,0,0"},
	        {"f x 12345; d d; s l x", "5,2,0,0"},
	        {"f x 12345|f x 123", "5,1,5,1 3,1,0,0"},
	        {"f x 12345|w x", "5,1,5,1 0,0,0,0"},
	        {"d d; f d/x 1; f d/y 22|w d", "3,2,3,2 0,0,0,0"},
	        {"d d; f d/x 1; f d/y 22|d d; f d/y 4444", "3,2,2,1 4,1,0,0"},
	        {"d d; f d/x 1; f d/y 22|o d; f d/z 4444", "3,2,3,2 4,1,0,0"},
	        {"d d; f d/x 1|f d 22", "1,1,1,1 2,1,0,0"},
	        {"f d 1|d d; f d/x 22", "1,1,1,1 2,1,0,0"},
	        // a folder that no layer has an entry for
	        {"f d/x 1|w d", "1,1,1,1 0,0,0,0"},
	        // hidden, and there again
	        {"f x 1|w x|f x 22", "1,1,1,1 0,0,0,0 2,1,0,0"},
	        {"o .; f x 1", "1,1,0,0"},
	        {"f x 1|o .; f y 22", "1,1,1,1 2,1,0,0"},
	        // several names: the bytes are seen as long as one of them is
	        {"f a 123; h b a", "3,2,0,0"},
	        {"f a 123; h b a|w a", "3,2,0,1 0,0,0,0"},
	        {"f a 123; h b a|w b", "3,2,0,1 0,0,0,0"},
	        {"f a 123; h b a; h c a|w a", "3,3,0,1 0,0,0,0"},
	        {"f a 123; h b a|w a; w b", "3,2,3,2 0,0,0,0"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stack s;
		auto_buf struct buf got = {0};
		stack_make(&s, rows[i].layers);
		for (size_t l = 0; l < s.n; l++) {
			const struct layer_weight *lw = &s.w.layers[l];
			buf_printf(&got, "%s%d,%zu,%d,%zu", l ? " " : "", (int)lw->bytes, lw->files,
			        (int)lw->hidden_bytes, lw->hidden_files);
		}
		if (strcmp(buf_cstr(&got), rows[i].want) != 0)
			fail_msg("'%s': %s, not %s", rows[i].layers, got.p, rows[i].want);
		stack_release(&s);
	}
}

static void test_packed(void **state)
{
	struct stack s;
	struct weight w;
	struct err e = ERR_INIT;
	stack_make(&s, "f x 1234; f y 1234|w x");
	assert_true(s.w.packed == WEIGH_UNKNOWN && s.w.packed_efficiency < 0);
	s.v[0].packed = 100;
	s.v[1].packed = 50;
	MUST(weigh(s.v, s.n, &w, &e), e);
	assert_int_equal(w.packed, 150);
	// half of the first layer is seen, and the second has nothing to hide
	assert_true(fabs(w.packed_efficiency - 100.0 / 150) < 1e-9);
	weight_release(&w);
	stack_release(&s);
	MUST(weigh(s.v, 0, &w, &e), e);
	assert_true(w.packed_efficiency == 1 && w.dive.efficiency == 1);
	weight_release(&w);
	assert_int_equal(weigh(s.v, WEIGH_LAYERS_MAX + 1, &w, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
}

static void print_finding(struct buf *out, const struct waste_finding *f)
{
	buf_printf(out, "%s%s %s%s %zu>%zu %d/%zu", out->n ? "; " : "", waste_kind_name(f->kind),
	        f->path, f->folder ? "/" : "", f->layer, f->by, (int)f->bytes, f->files);
	assert_non_null(f->advice);
}

static void test_findings(void **state)
{
	static const struct {
		const char *layers, *want;
	} rows[] = {
	        {"f x 12345", ""},
	        {"f x 12345|f x 123", "overwritten x 0>1 5/1"},
	        {"f x 12345|f x 12345", "repeated x 0>1 5/1"},
	        {"f x 12345|w x", "deleted x 0>1 5/1"},
	        {"f x 1|w x|f x 22", "deleted x 0>1 1/1"},
	        // a folder that is hidden wholly is one finding, and a file of it alone is named
	        {"d d; f d/x 1; f d/y 22|w d", "deleted d/ 0>1 3/2"},
	        {"d a; d a/d; f a/d/x 1; f a/d/y 22|w a", "deleted a/d/ 0>1 3/2"},
	        {"d a; f a/k 1; d a/d; f a/d/x 1; f a/d/y 22|d a; w a/d", "deleted a/d/ 0>1 3/2"},
	        {"d d; f d/x 1|w d", "deleted d/x 0>1 1/1"},
	        {"f d/x 1; f d/y 22|w d", "deleted d/ 0>1 3/2"},
	        {"d d; f d/x 1; f d/y 22|d d; f d/x 1; f d/y 33", "overwritten d/ 0>1 3/2"},
	        {"d d; f d/x 1; f d/y 22|d d; f d/x 1; f d/y 22", "repeated d/ 0>1 3/2"},
	        // what two layers hide is two findings
	        {"d d; f d/x 1; f d/y 22|w d/x|w d/y", "deleted d/y 0>2 2/1; deleted d/x 0>1 1/1"},
	        {"d d; f d/x 1|d d; f d/y 22|w d", "deleted d/y 1>2 2/1; deleted d/x 0>2 1/1"},
	        {"d a; f a/x 1; f a/y 1; d b; f b/x 1; f b/y 1; f c 1|w a; w b",
	                "deleted a/ 0>1 2/2; deleted b/ 0>1 2/2"},
	        // seen twice
	        {"f a 12345; d d; f d/b 12345|f c 12345", "duplicate c 1>1 10/2"},
	        {"f a 12345; h b a", ""},
	        {"f a; f b", ""},
	        // by their place
	        {"f var/lib/apt/lists/x 123; f var/lib/apt/y 1",
	                "leftover var/lib/apt/lists/ 0>0 3/1"},
	        {"f var/lib/apt/lists/x 123|w var/lib/apt/lists/x",
	                "deleted var/lib/apt/lists/x 0>1 3/1"},
	        {"f root/.npm/x 123; f home/me/.npm/y 1; f home/.npm/z 22",
	                "leftover root/.npm/ 0>0 3/1; leftover home/me/.npm/ 0>0 1/1"},
	        {"f usr/share/doc/x 1; f usr/share/documents 22; f usr/share/locale/de 333",
	                "locale usr/share/locale/ 0>0 3/1; documentation usr/share/doc/ 0>0 1/1"},
	        {"f app/.git/HEAD 123; f app/x.git/y 1; f .git/x 4444; f app/.gitignore 55",
	                "history .git/ 0>0 4/1; history app/.git/ 0>0 3/1"},
	        {"f usr/lib/debug/x 1; f opt/.debug/y 22",
	                "debug opt/.debug/ 0>0 2/1; debug usr/lib/debug/ 0>0 1/1"},
	        {"f tmp/x 1; f var/tmp/y 22|f tmp/z 333",
	                "leftover tmp/ 1>1 3/1; leftover var/tmp/ 0>0 2/1; leftover tmp/ 0>0 1/1"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stack s;
		auto_waste struct waste_list l = {0};
		auto_buf struct buf got = {0};
		stack_make(&s, rows[i].layers);
		waste_find(&s.w, NULL, NULL, &l);
		for (size_t k = 0; k < l.n; k++)
			print_finding(&got, &l.v[k]);
		if (strcmp(buf_cstr(&got), rows[i].want) != 0)
			fail_msg("'%s': %s, not %s", rows[i].layers, got.p, rows[i].want);
		stack_release(&s);
	}
}

static void test_heaviest(void **state)
{
	struct stack s;
	struct heavy_file *v;
	auto_buf struct buf got = {0};
	stack_make(
	        &s, "f a 1; f b 22222; f c 333; f d 4444; h e d; s f a; f g 55|w b; f h 7777777");
	for (size_t max = 0; max < 4; max++) {
		size_t n = weight_heaviest(&s.w, max, &v);
		for (size_t i = 0; i < n; i++)
			buf_printf(&got, "%s%zu:%d ", v[i].path, v[i].layer, (int)v[i].bytes);
		buf_puts(&got, "| ");
		free(v);
	}
	assert_string_equal(got.p, "| h1:7 | h1:7 d0:4 | h1:7 d0:4 c0:3 | ");
	assert_int_equal(weight_heaviest(&s.w, SIZE_MAX, &v), 5);
	free(v);
	stack_release(&s);
	// the name that can be seen
	stack_make(&s, "f a 1; h b a; h c a|w a; w b");
	assert_int_equal(weight_heaviest(&s.w, 9, &v), 1);
	assert_string_equal(v[0].path, "c");
	free(v);
	stack_release(&s);
}

static void test_build_tools(void **state)
{
	static const char *const are[] = {"gcc", "gcc-12", "g++-12", "cpp-12", "libpq-dev",
	        "openssl-devel", "openjdk-17-jdk-headless", "default-jdk", "golang-1.22", "make"};
	static const char *const are_not[] = {"gcc-12-base", "libgcc-s1", "makedev", "go-task",
	        "openjdk-17-jre", "python3.11", "12", "", "-12", "clang-format"};
	for (size_t i = 0; i < ARRAY_LEN(are); i++)
		if (!package_is_build_tool(are[i]))
			fail_msg("%s is none", are[i]);
	for (size_t i = 0; i < ARRAY_LEN(are_not); i++)
		if (package_is_build_tool(are_not[i]))
			fail_msg("%s is one", are_not[i]);
}

// At its very threshold a rule holds, as dive has it; and so it does where there is no number.
static void test_rules(void **state)
{
	static const struct {
		enum size_rule_kind kind;
		const char *value;
		struct dive_figures figures;
		bool holds;
	} rows[] = {
	        {RULE_LOWEST_EFFICIENCY, "0.9", {.efficiency = 0.9}, true},
	        {RULE_LOWEST_EFFICIENCY, "0.9", {.efficiency = 0.89999}, false},
	        {RULE_LOWEST_EFFICIENCY, "disabled", {.efficiency = 0}, true},
	        {RULE_HIGHEST_WASTED_BYTES, "20MB", {.wasted_bytes = 20000000}, true},
	        {RULE_HIGHEST_WASTED_BYTES, "20MB", {.wasted_bytes = 20000001}, false},
	        {RULE_HIGHEST_WASTED_BYTES, "20MiB", {.wasted_bytes = 20971520}, true},
	        {RULE_HIGHEST_WASTED_BYTES, "OFF", {.wasted_bytes = UINT64_MAX}, true},
	        {RULE_HIGHEST_USER_WASTED, "0.1", {.user_wasted = 0.1}, true},
	        {RULE_HIGHEST_USER_WASTED, "0.1", {.user_wasted = 0.11}, false},
	        {RULE_HIGHEST_USER_WASTED, "1", {.user_wasted = INFINITY}, false},
	        {RULE_HIGHEST_USER_WASTED, "0", {.user_wasted = NAN}, true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		char why[SIZE_RULE_TEXT];
		struct size_rules r = size_rules_default();
		MUST(size_rule_set(&r, rows[i].kind, rows[i].value, &e), e);
		if (size_rule_holds(&r, rows[i].kind, &rows[i].figures, why) != rows[i].holds)
			fail_msg("row %zu: %s", i, why);
		assert_int_equal(rows[i].holds, !*why);
	}
}

// ---- at random

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void random_layer(uint32_t *seed, struct buf *out)
{
	int n = 1 + (int)(next_random(seed) % 7);
	for (int i = 0; i < n; i++) {
		char kind = "dffwwo"[next_random(seed) % 6];
		buf_printf(out, "%s%c ", i ? ";" : "", kind);
		for (int d = 1 + (int)(next_random(seed) % 3); d > 0; d--)
			buf_printf(
			        out, "%c%s", 'a' + (int)(next_random(seed) % 3), d > 1 ? "/" : "");
		if (kind == 'f')
			buf_printf(out, " %.*s", (int)(next_random(seed) % 5), "12345");
	}
}

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);
	return n == 0 || (!strncmp(path, dir, n) && path[n] == '/');
}

// Does a layer hide what a lower one has as en?
static bool hides(const struct layer_index *ix, const struct entry *en, enum fate_kind *ret)
{
	struct entry at;
	if (layer_index_find(ix, en->path, &at) &&
	        !(at.type == ENTRY_DIR && en->type == ENTRY_DIR)) {
		bool same = at.type == ENTRY_FILE && en->type == ENTRY_FILE && at.size == en->size;
		*ret = at.type == ENTRY_WHITEOUT ? FATE_DELETED
		       : same                    ? FATE_REPEATED
		                                 : FATE_OVERWRITTEN;
		return true;
	}
	*ret = FATE_DELETED;
	for (size_t i = 0; i < layer_index_count(ix); i++) {
		layer_index_at(ix, i, &at);
		if (strcmp(at.path, en->path) != 0 && is_below(en->path, at.path) &&
		        (at.type != ENTRY_DIR || at.opaque))
			return true;
	}
	return false;
}

static void check_fates(const struct stack *s, const char *spec)
{
	struct entry en;
	for (size_t l = 0; l < s->n; l++)
		for (size_t i = 0; i < layer_index_count(s->v[l].index); i++) {
			enum fate_kind want = FATE_STAYS;
			size_t by = l + 1;
			layer_index_at(s->v[l].index, i, &en);
			if (en.type == ENTRY_WHITEOUT)
				continue;
			while (by < s->n && !hides(s->v[by].index, &en, &want))
				by++;
			if (by == s->n)
				want = FATE_STAYS, by = 0;
			struct fate got = weight_fate(&s->w, l, i);
			if (got.kind != want || got.by != by)
				fail_msg("'%s': %s of %zu: %d by %zu, not %d by %zu", spec, en.path,
				        l, got.kind, got.by, want, by);
		}
}

// A tree as dive stacks them: removing takes all below, adding replaces one node.
struct node {
	char path[16];
	uint64_t size;
	bool folder;
};
struct tree {
	struct node v[256];
	size_t n;
};

static void tree_remove(struct tree *t, const char *path)
{
	size_t n = 0;
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i].path, path) != 0 && !is_below(t->v[i].path, path))
			t->v[n++] = t->v[i];
	t->n = n;
}

static struct node *tree_find(struct tree *t, const char *path)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->v[i].path, path))
			return &t->v[i];
	return NULL;
}

static void tree_stack(struct tree *t, const struct layer_index *ix)
{
	struct entry en;
	for (size_t i = 0; i < layer_index_count(ix); i++) {
		layer_index_at(ix, i, &en);
		if (en.type == ENTRY_WHITEOUT) {
			tree_remove(t, en.path);
			continue;
		}
		struct node *at = tree_find(t, en.path);
		if (!at)
			at = &t->v[t->n++];
		*at = (struct node){.size = en.size, .folder = en.type == ENTRY_DIR};
		snprintf(at->path, sizeof(at->path), "%s", en.path);
	}
}

static uint64_t whiteout_bytes(const struct stack *s, size_t layer, const char *path)
{
	struct tree *t = xcalloc(1, sizeof(*t));
	uint64_t n = 0;
	for (size_t l = 0; l < layer; l++)
		tree_stack(t, s->v[l].index);
	const struct node *at = tree_find(t, path);
	for (size_t i = 0; at && at->folder && i < t->n; i++)
		n += is_below(t->v[i].path, path) ? t->v[i].size : 0;
	free(t);
	return n;
}

static void check_dive(const struct stack *s, const char *spec)
{
	struct tally {
		char path[16];
		uint64_t all, least;
		size_t n;
	} v[256];
	size_t n = 0;
	uint64_t all = 0, least = 0, wasted = 0;
	for (size_t l = 0; l < s->n; l++)
		for (size_t i = 0; i < layer_index_count(s->v[l].index); i++) {
			struct entry en, next = {.path = ""};
			layer_index_at(s->v[l].index, i, &en);
			if (i + 1 < layer_index_count(s->v[l].index))
				layer_index_at(s->v[l].index, i + 1, &next);
			if (!*en.path || is_below(next.path, en.path))
				continue;
			uint64_t size =
			        en.type == ENTRY_WHITEOUT ? whiteout_bytes(s, l, en.path) : en.size;
			size_t k = 0;
			while (k < n && strcmp(v[k].path, en.path) != 0)
				k++;
			if (k == n) {
				v[n] = (struct tally){.least = UINT64_MAX};
				snprintf(v[n++].path, sizeof(v[0].path), "%s", en.path);
			}
			v[k].all += size;
			v[k].least = size < v[k].least ? size : v[k].least;
			v[k].n++;
		}
	for (size_t k = 0; k < n; k++) {
		all += v[k].all;
		least += v[k].least;
		wasted += v[k].n > 1 ? v[k].all : 0;
	}
	double want = all ? (double)least / (double)all : 1;
	if (fabs(want - s->w.dive.efficiency) > 1e-9 || wasted != s->w.dive.wasted_bytes)
		fail_msg("'%s': efficiency %f, not %f; wasted %d, not %d", spec,
		        s->w.dive.efficiency, want, (int)s->w.dive.wasted_bytes, (int)wasted);
}

// Every hidden byte is in one finding, and no byte in two.
static void check_findings(const struct stack *s, const char *spec)
{
	auto_waste struct waste_list l = {0};
	uint64_t hidden = 0;
	waste_find(&s->w, NULL, NULL, &l);
	for (size_t i = 0; i < l.n; i++)
		hidden += l.v[i].kind <= WASTE_REPEATED ? l.v[i].bytes : 0;
	if (hidden != s->w.hidden_bytes)
		fail_msg("'%s': findings of %d bytes, not %d", spec, (int)hidden,
		        (int)s->w.hidden_bytes);
}

static void test_random(void **state)
{
	uint32_t seed = 9;
	for (int round = 0; round < 20000; round++) {
		auto_buf struct buf spec = {0};
		struct stack s;
		int n = 1 + (int)(next_random(&seed) % LAYERS);
		for (int i = 0; i < n; i++) {
			if (i)
				buf_putc(&spec, '|');
			random_layer(&seed, &spec);
		}
		stack_make(&s, buf_cstr(&spec));
		check_fates(&s, spec.p);
		check_dive(&s, spec.p);
		check_findings(&s, spec.p);
		stack_release(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_weights),
	        cmocka_unit_test(test_packed),
	        cmocka_unit_test(test_findings),
	        cmocka_unit_test(test_heaviest),
	        cmocka_unit_test(test_build_tools),
	        cmocka_unit_test(test_rules),
	        cmocka_unit_test(test_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
