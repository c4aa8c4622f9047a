// SPDX-License-Identifier: Apache-2.0
// Several layers as one: by hand, and at random, where the one layer has to show on those below
// what all showed (the view that shows it has a test of its own, against a simulation).
#include "layer_fixture.h"

#include "layer/repack.h"

struct stack {
	struct tar_source src;
	struct layer_index *ix[8];
	int tars[8];
	size_t n;
};

static int stack_tar(struct tar_source *self, size_t layer, struct err *e)
{
	return ((struct stack *)self)->tars[layer];
}

// Layers are separated by '|', bottom first.
static void stack_make(struct stack *s, const char *spec)
{
	memset(s, 0, sizeof(*s));
	s->src.tar_fd = stack_tar;
	auto_strv struct strv parts = {0};
	strv_split(&parts, spec, '|');
	for (size_t i = 0; i < parts.n; i++) {
		struct err e = ERR_INIT;
		struct layer_result r = {0};
		s->tars[s->n] = scratch_fd();
		if (spec_write(parts.v[i], s->tars[s->n], &r, &e) != 0)
			fail_msg("'%s': %s", parts.v[i], e.msg);
		s->ix[s->n++] = r.index;
	}
}

static void stack_release(struct stack *s)
{
	for (size_t i = 0; i < s->n; i++) {
		layer_index_close(s->ix[i]);
		close(s->tars[i]);
	}
}

// Files with their bytes.
static int dump_one(void *arg, const struct entry *en, struct err *e)
{
	dump_entry(arg, en);
	return 0;
}

static char *dump_stack(struct stack *s)
{
	struct err e = ERR_INIT;
	struct buf out = {0};
	auto_view struct view *v = chain_new(s->ix, s->n, &s->src);
	MUST(v->ops->walk(v, "", dump_one, &out, &e), e);
	return buf_steal(&out);
}

// The layers from `first` on become one, read back from its tar.
static void squash(struct stack *s, size_t first)
{
	struct err e = ERR_INIT;
	struct layer_result r = {0}, again = {0};
	int tar = scratch_fd();
	auto_layer_writer struct layer_writer *w = layer_writer_new(tar, NULL);
	MUST(layer_squash(s->ix, s->n, first, &s->src, w, &e), e);
	MUST(layer_writer_finish(w, &r, &e), e);
	MUST(layer_import(tar, -1, 0, 0, &again, &e), e);
	layer_result_release(&r);
	while (s->n > first) {
		layer_index_close(s->ix[--s->n]);
		close(s->tars[s->n]);
	}
	s->ix[s->n] = again.index;
	s->tars[s->n++] = tar;
}

static void test_by_hand(void **state)
{
	static const struct {
		const char *name, *layers, *want;
		size_t first;
	} rows[] = {
	        {"changes", "f a|f a x|f a xy;f b", "f a 2;f b 0", 1},
	        {"all", "f a;f b|w a|f c", "f b 0;f c 0", 0},
	        {"what came and went is not told", "d d|f d/secret|w d/secret", "", 1},
	        {"deleted below", "d d;f d/a;f d/b|w d/a", "d d;w d/a", 1},
	        {"deleted in the root", "f a|w a", "w a", 1},
	        {"a folder deleted", "d a;d a/b;f a/b/c|w a|f x", "w a;f x 0", 1},
	        {"made again", "d a;f a/old;f a/kept|o a;f a/kept x", "d a;f a/kept 1;w a/old", 1},
	        {"deleted, made again", "d a;f a/old|w a|d a;f a/new", "d a;f a/new 0;w a/old", 1},
	        {"a file over a folder", "d a;f a/b|f a x", "f a 1", 1},
	        {"a folder over a file", "f a|d a;f a/b", "d a;f a/b 0", 1},
	        {"a link to what stays", "f z|f a x;h b a", "f a 1;h b a", 1},
	        {"links whose first name is gone", "f z|f a xy;h b a;h c a|w a", "f b 2;h c b", 1},
	        {"links whose first name is another file", "f z|f a xy;h b a|f a 1", "f a 1;f b 2",
	                1},
	        {"folders on the way", "d a;d a/b;f a/b/c|w a/b/c", "d a;d a/b;w a/b/c", 1},
	        {"a folder's mode", "d a|d a 700", "d a 700", 1},
	        {"the root's mode", "d .|d . 700;f a", "d . 700;f a 0", 1},
	        {"links, fifos, devices", "f z|s l t;p f;c d 1:3", "c d;p f;s l t", 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stack s;
		stack_make(&s, rows[i].layers);
		auto_free char *before = dump_stack(&s);
		squash(&s, rows[i].first);
		auto_free char *got = dump_index(s.ix[rows[i].first]);
		auto_free char *after = dump_stack(&s);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: got '%s', want '%s'", rows[i].name, got, rows[i].want);
		// The view says nothing of links between names of one file.
		if (!strchr(rows[i].layers, 'h') && strcmp(before, after) != 0)
			fail_msg("%s: shows '%s', before '%s'", rows[i].name, after, before);
		stack_release(&s);
	}
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void random_layer(uint32_t *seed, struct buf *out)
{
	for (uint32_t i = 0, n = 1 + next_random(seed) % 6; i < n; i++) {
		char kind = "dffwo"[next_random(seed) % 5];
		buf_printf(out, "%s%c ", i ? ";" : "", kind);
		for (uint32_t d = 0, depth = 1 + next_random(seed) % 3; d < depth; d++)
			buf_printf(out, "%s%c", d ? "/" : "", 'a' + (char)(next_random(seed) % 3));
		if (kind == 'f')
			buf_printf(out, " %.*s", (int)(next_random(seed) % 5), "12345");
	}
}

static void test_at_random(void **state)
{
	uint32_t seed = 7;
	for (int round = 0; round < 1500; round++) {
		auto_buf struct buf layers = {0};
		uint32_t n = 2 + next_random(&seed) % 4;
		for (uint32_t i = 0; i < n; i++) {
			buf_puts(&layers, i ? "|" : "");
			random_layer(&seed, &layers);
		}
		struct stack s;
		stack_make(&s, layers.p);
		auto_free char *want = dump_stack(&s);
		squash(&s, next_random(&seed) % n);
		auto_free char *got = dump_stack(&s);
		if (strcmp(got, want) != 0)
			fail_msg("'%s': shows '%s', before '%s'", layers.p, got, want);
		stack_release(&s);
	}
}

static void test_repack(void **state)
{
	struct err e = ERR_INIT;
	struct layer_result r = {0};
	static const char *const without[] = {"b", NULL};
	struct layer_writer_options o = {.clamp_mtime = true, .max_mtime = 999};
	struct stack s;
	stack_make(&s, "d a;f a/1 xyz;h a/2 a/1;d b;f b/c;o d;w e;s l t");
	auto_fd int tar = scratch_fd();
	auto_layer_writer struct layer_writer *w = layer_writer_new(tar, &o);
	MUST(layer_repack(s.ix[0], s.tars[0], without, w, &e), e);
	MUST(layer_writer_finish(w, &r, &e), e);
	auto_free char *got = dump_index(r.index);
	assert_string_equal(got, "d a;f a/1 3;h a/2 a/1;o d;w e;s l t");
	struct entry en;
	assert_true(layer_index_find(r.index, "a/1", &en));
	assert_int_equal(en.mtime_sec, 999);
	layer_result_release(&r);
	stack_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_by_hand),
	        cmocka_unit_test(test_at_random),
	        cmocka_unit_test(test_repack),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
