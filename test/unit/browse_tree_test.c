// SPDX-License-Identifier: Apache-2.0
// Trees of two stacks of layers, and the rows that are shown of them.
#include "browse/rows.h"
#include "browse/tree.h"
#include "layer_fixture.h"

struct pair {
	struct layer_index *ix[8];
	size_t n;
	struct view *lower, *upper;
	struct tree tree;
};

// Layers are separated by '|', bottom first; the lower view has `n_lower` of them.
static void pair_make(struct pair *p, const char *spec, size_t n_lower)
{
	struct err e = ERR_INIT;
	auto_strv struct strv parts = {0};
	memset(p, 0, sizeof(*p));
	strv_split(&parts, spec, '|');
	for (size_t i = 0; i < parts.n; i++) {
		p->ix[p->n] = spec_index(parts.v[i], &e);
		if (!p->ix[p->n++])
			fail_msg("'%s': %s", parts.v[i], e.msg);
	}
	p->lower = chain_new(p->ix, n_lower, NULL);
	p->upper = chain_new(p->ix, p->n, NULL);
	MUST(tree_make(p->lower, p->upper, &p->tree, &e), e);
}

static void pair_release(struct pair *p)
{
	tree_release(&p->tree);
	view_free(p->lower);
	view_free(p->upper);
	for (size_t i = 0; i < p->n; i++)
		layer_index_close(p->ix[i]);
}

static void put_node(struct buf *out, const struct tree_node *node)
{
	buf_printf(out, "%s%c%s %llu", out->n ? ";" : "", " +-~"[node->mark], node -> path,
	        (unsigned long long)node -> bytes);
}

static void test_marks(void **state)
{
	static const struct {
		const char *name, *layers;
		size_t n_lower;
		const char *want;
	} rows[] = {
	        {"nothing", "", 0, ""},
	        {"the first layer adds", "d a;f a/b xx;f c y", 0, "+a 2;+a/b 2;+c 1"},
	        {"the same", "d a;f a/b xx", 1, " a 2; a/b 2"},
	        {"added", "d a;f a/b xx|d a;f a/c yyy", 1, "~a 5; a/b 2;+a/c 3"},
	        {"changed", "f a x|f a yy", 1, "~a 2"},
	        {"written again", "f a x|f a x", 1, " a 1"},
	        {"a mode", "d a 700|d a 711", 1, "~a 0"},
	        {"a parent that is repeated", "d a;f b|d a;f c", 1, " a 0; b 0;+c 0"},
	        {"deleted", "f a x;f b yy|w a", 1, "-a 1; b 2"},
	        {"deleted folder", "d a;f a/b xx;f a/c/d yyy|w a", 1,
	                "-a 5;-a/b 2;-a/c 3;-a/c/d 3"},
	        {"deleted inside", "d a;f a/b xx;f a/c y|w a/b", 1, "~a 1;-a/b 2; a/c 1"},
	        {"deleted and again", "f a x|w a|f a yy", 1, "~a 2"},
	        {"came and went", "f a x|f b y|w b", 1, " a 1"},
	        {"against the layer below", "f a x|f b y|w b", 2, " a 1;-b 1"},
	        {"opaque", "d a;f a/1 x|o a;f a/2 yy", 1, "~a 2;-a/1 1;+a/2 2"},
	        {"file over folder", "d a;f a/1 x;f b y|f a zz", 1, "~a 2; b 1"},
	        {"folder over file", "f a x;f b y|d a;f a/1 zz", 1, "~a 2;+a/1 2; b 1"},
	        {"implied folders", "f a/b/c x|f a/b/d y", 1, "~a 2;~a/b 2; a/b/c 1;+a/b/d 1"},
	        {"deep change", "f a/b/c x;f a/e y|f a/b/c zz", 1, "~a 3;~a/b 2;~a/b/c 2; a/e 1"},
	        {"hard links weigh once", "d a;f a/1 xxx;h a/2 a/1", 0, "+a 3;+a/1 3;+a/2 0"},
	        {"names like paths", "d a;f a/b x;f a-c y;f a.d z|f a-c yy", 1,
	                " a 1; a/b 1;~a-c 2; a.d 1"},
	        {"a link elsewhere", "s a b|s a c", 1, "~a 0"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pair p;
		auto_buf struct buf got = {0};
		pair_make(&p, rows[i].layers, rows[i].n_lower);
		for (size_t k = 0; k < p.tree.n; k++)
			put_node(&got, &p.tree.v[k]);
		if (strcmp(buf_cstr(&got), rows[i].want) != 0)
			fail_msg("%s: '%s', not '%s'", rows[i].name, buf_cstr(&got), rows[i].want);
		pair_release(&p);
	}
}

static void test_places(void **state)
{
	struct pair p;
	pair_make(&p, "f a/b/c x;f a/d yy;f e z|w a/b/c;f a/b/f", 1);
	const struct tree *t = &p.tree; // a a/b a/b/c a/b/f a/d e
	assert_int_equal(t->n, 6);
	assert_int_equal(t->bytes, 3);
	static const struct {
		const char *path;
		uint32_t at, parent, end, depth;
	} want[] = {
	        {"a", 0, TREE_NONE, 5, 0},
	        {"a/b", 1, 0, 4, 1},
	        {"a/b/c", 2, 1, 3, 2},
	        {"a/b/f", 3, 1, 4, 2},
	        {"a/d", 4, 0, 5, 1},
	        {"e", 5, TREE_NONE, 6, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		uint32_t at = tree_find(t, want[i].path);
		assert_int_equal(at, want[i].at);
		assert_int_equal(t->v[at].parent, want[i].parent);
		assert_int_equal(t->v[at].end, want[i].end);
		assert_int_equal(t->v[at].depth, want[i].depth);
	}
	assert_int_equal(tree_find(t, "a/"), TREE_NONE);
	assert_int_equal(tree_find(t, "zz"), TREE_NONE);
	pair_release(&p);
}

// ---- rows

static char *dump_rows(const struct pair *p, const struct rows *r)
{
	struct buf out = {0};
	for (size_t i = 0; i < r->n; i++)
		buf_printf(&out, "%s%s%s", i ? " " : "", p->tree.v[r->v[i]].path,
		        rows_is_last(r, r->v[i]) ? "." : "");
	return buf_steal(&out);
}

static void rows_are(
        const struct pair *p, const struct rows_choice *c, struct rows *r, const char *want)
{
	rows_make(&p->tree, c, r);
	auto_free char *got = dump_rows(p, r);
	assert_string_equal(got, want);
}

static void test_folds(void **state)
{
	struct pair p;
	struct folds f = {0};
	struct path_filter none = {0};
	struct rows r = {0};
	struct rows_choice c = {.folds = &f, .filter = &none};
	pair_make(&p, "f a/b/c x;f a/d y;f e zzz;d g", 0);
	rows_are(&p, &c, &r, "a e g.");
	folds_set(&f, "a", true);
	rows_are(&p, &c, &r, "a a/b a/d. e g.");
	folds_set(&f, "a", false);
	folds_reveal(&f, "a/b/c");
	rows_are(&p, &c, &r, "a a/b a/b/c. a/d. e g.");
	folds_set_all(&f, true);
	rows_are(&p, &c, &r, "a a/b a/b/c. a/d. e g.");
	folds_set(&f, "a/b", false);
	rows_are(&p, &c, &r, "a a/b a/d. e g.");
	assert_int_equal(rows_near(&r, &p.tree, tree_find(&p.tree, "a/b/c")), 1);
	assert_int_equal(rows_near(&r, &p.tree, tree_find(&p.tree, "e")), 3);
	assert_int_equal(rows_near(&r, &p.tree, TREE_NONE), 0);
	folds_set_all(&f, false);
	rows_are(&p, &c, &r, "a e g.");
	c.by_size = true;
	rows_are(&p, &c, &r, "e a g.");
	rows_release(&r);
	folds_release(&f);
	pair_release(&p);
}

static void test_hidden(void **state)
{
	struct pair p;
	struct folds f = {.open = true};
	struct path_filter none = {0};
	struct rows r = {0};
	struct rows_choice c = {.folds = &f, .filter = &none};
	pair_make(&p, "f a/b x;f a/c y;f d;f e|w a/b;f a/n;f d x", 1);
	rows_are(&p, &c, &r, "a a/b a/c a/n. d e.");
	c.hidden[MARK_SAME] = true;
	rows_are(&p, &c, &r, "a a/b a/n. d.");
	c.hidden[MARK_REMOVED] = true;
	rows_are(&p, &c, &r, "a a/n. d.");
	c.hidden[MARK_CHANGED] = true;
	rows_are(&p, &c, &r, "a. a/n.");
	c.hidden[MARK_ADDED] = true;
	rows_are(&p, &c, &r, "");
	rows_release(&r);
	folds_release(&f);
	pair_release(&p);
}

static void test_filters(void **state)
{
	static const struct {
		const char *text, *want;
		bool regex, broken;
	} rows[] = {
	        {"", "etc etc/a.conf etc/b+c. usr usr/bin usr/bin/aconf. usr/c. x.", false, false},
	        {"conf", "etc etc/a.conf. usr. usr/bin. usr/bin/aconf.", false, false},
	        {"/a.conf", "etc. etc/a.conf.", true, false},
	        {"^/usr/", "usr. usr/bin usr/bin/aconf. usr/c.", true, false},
	        {"(conf|x)$", "etc etc/a.conf. usr usr/bin. usr/bin/aconf. x.", true, false},
	        {"b+c", "", true, false},
	        {"b[+]c", "etc. etc/b+c.", true, false},
	        {"(", "", false, true},
	        {"usr", "usr. usr/bin usr/bin/aconf. usr/c.", false, false},
	        {"/x", "x.", false, false},
	        {"nothing", "", false, false},
	};
	struct pair p;
	struct folds f = {.open = true};
	struct rows r = {0};
	pair_make(&p, "f etc/a.conf;f etc/b+c;f usr/bin/aconf;f usr/c;f x", 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct path_filter filter = {0};
		struct rows_choice c = {.folds = &f, .filter = &filter};
		path_filter_set(&filter, rows[i].text);
		assert_int_equal(filter.is_regex, rows[i].regex);
		assert_int_equal(filter.is_broken, rows[i].broken);
		rows_are(&p, &c, &r, rows[i].want);
		path_filter_release(&filter);
	}
	rows_release(&r);
	pair_release(&p);
}

// A path may be a name of a few thousand characters, or as many folders.
static void test_deep(void **state)
{
	auto_buf struct buf spec = {0};
	struct pair p;
	struct folds f = {.open = true};
	struct path_filter filter = {0};
	struct rows r = {0};
	struct rows_choice c = {.folds = &f, .filter = &filter};
	buf_puts(&spec, "f ");
	for (int i = 0; i < 2000; i++)
		buf_puts(&spec, "a/");
	buf_puts(&spec, "end");
	pair_make(&p, buf_cstr(&spec), 0);
	path_filter_set(&filter, "a/a/end");
	rows_make(&p.tree, &c, &r);
	assert_int_equal(r.n, 2001);
	assert_int_equal(r.fitting, 1);
	path_filter_release(&filter);
	rows_release(&r);
	pair_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_marks),
	        cmocka_unit_test(test_places),
	        cmocka_unit_test(test_folds),
	        cmocka_unit_test(test_hidden),
	        cmocka_unit_test(test_filters),
	        cmocka_unit_test(test_deep),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
