// SPDX-License-Identifier: Apache-2.0
// The chain view against overlayfs's rules: by hand, and at random against a plain simulation that
// unpacks one layer after the other.
#include "layer_fixture.h"

struct stack {
	struct tar_source src;
	struct layer_index *ix[8];
	int tars[8];
	size_t n;
	struct view *view;
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
	s->view = chain_new(s->ix, s->n, &s->src);
}

static void stack_release(struct stack *s)
{
	view_free(s->view);
	for (size_t i = 0; i < s->n; i++) {
		layer_index_close(s->ix[i]);
		close(s->tars[i]);
	}
}

static int dump_one(void *arg, const struct entry *en, struct err *e)
{
	dump_entry(arg, en);
	return 0;
}

static char *dump_view(struct view *v, const char *dir)
{
	struct err e = ERR_INIT;
	struct buf out = {0};
	MUST(v->ops->walk(v, dir, dump_one, &out, &e), e);
	return buf_steal(&out);
}

static void test_walk(void **state)
{
	static const struct {
		const char *name, *layers, *dir, *want;
	} rows[] = {
	        {"nothing", "", "", ""},
	        {"one layer", "d a;f a/b x", "", "d a;f a/b 1"},
	        {"merge", "d a;f a/1|d a;f a/2", "", "d a;f a/1 0;f a/2 0"},
	        {"metadata from the top", "d a 700;f a/1|d a 711", "", "d a 711;f a/1 0"},
	        {"replace", "f a x|f a xyz", "", "f a 3"},
	        {"whiteout", "f a;f b|w a", "", "f b 0"},
	        {"whiteout of a tree", "d a;f a/b;d a/c;f a/c/d;f z|w a", "", "f z 0"},
	        {"whiteout and again", "f a x|w a|f a yy", "", "f a 2"},
	        {"whiteout of nothing", "f a|w b", "", "f a 0"},
	        {"opaque", "d a;f a/1|o a;f a/2", "", "d a;f a/2 0"},
	        {"opaque deep", "d a;d a/b;f a/b/c;f a/d|o a;d a/b", "", "d a;d a/b"},
	        {"opaque then more", "d a;f a/1|o a;f a/2|d a;f a/3", "", "d a;f a/2 0;f a/3 0"},
	        {"opaque root", "f a|o .;f b", "", "f b 0"},
	        {"file over directory", "d a;f a/1|f a x", "", "f a 1"},
	        {"directory over file", "f a x|d a;f a/1", "", "d a;f a/1 0"},
	        {"directory over file over directory", "d a;f a/1|f a|d a;f a/2", "",
	                "d a;f a/2 0"},
	        {"link over directory", "d a;f a/1|s a b", "", "s a b"},
	        {"implied keeps lower metadata", "d a 1777|f a/b", "", "d a 1777;f a/b 0"},
	        {"implied with none below", "f a/b/c", "", "d a;d a/b;f a/b/c 0"},
	        {"implied over file", "f a x|f a/b", "", "d a;f a/b 0"},
	        {"implied over whiteout", "d a 700;f a/x|w a|f a/b", "", "d a;f a/b 0"},
	        {"implied between", "d a;f a/z|f a/m/n", "", "d a;d a/m;f a/m/n 0;f a/z 0"},
	        {"below a directory", "d a;f a/1;f b|d a;f a/2", "a", "d a;f a/1 0;f a/2 0"},
	        {"below an implied directory", "f a/b/c;f a/d", "a/b", "d a/b;f a/b/c 0"},
	        {"below what is deleted", "d a;f a/1|w a", "a", ""},
	        {"below what is hidden", "d a;d a/b;f a/b/c|o a", "a/b", ""},
	        {"below a file", "f a", "a/b", ""},
	        {"a file", "f a x;f ab", "a", "f a 1"},
	        {"below a link", "s a b;f b/c", "a/c", ""},
	        {"slash order across layers", "f a.b|d a;f a/x|f a-b", "",
	                "d a;f a/x 0;f a-b 0;f a.b 0"},
	        {"whiteout in the middle only", "d a;f a/1|d a;w a/1|d a;f a/2", "", "d a;f a/2 0"},
	        {"sibling prefix", "d ab;f ab/1;d a;f a/1|w a", "", "d ab;f ab/1 0"},
	        {"hard link", "f a xx;h b a", "", "f a 2;h b a"},
	        {"hard link to what is replaced", "f a xx;h b a|f a yyy", "", "f a 3;f b 2"},
	        {"hard link to what is deleted", "f a xx;h b a;h c a|w a", "", "f b 2;f c 2"},
	        {"hard link to what is hidden", "d a;f a/1 xx;h b a/1|o a;f a/1 yyy", "",
	                "d a;f a/1 3;f b 2"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stack s;
		stack_make(&s, rows[i].layers);
		auto_free char *got = dump_view(s.view, rows[i].dir);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: got '%s', want '%s'", rows[i].name, got, rows[i].want);
		stack_release(&s);
	}
}

static void test_lookup(void **state)
{
	static const struct {
		const char *layers, *path, *want; // want NULL: absent
		int layer;
	} rows[] = {
	        {"f a", "", "d .", -1},
	        {"d . 700", "", "d . 700", 0},
	        {"f a x|f a xx", "a", "f a 2", 1},
	        {"f a x|f b", "a", "f a 1", 0},
	        {"f a|w a", "a", NULL, -1},
	        {"d a;f a/b|w a", "a/b", NULL, -1},
	        {"d a;f a/b|o a", "a/b", NULL, -1},
	        {"d a;f a/b|s a x", "a/b", NULL, -1},
	        {"d a 700|f a/b", "a", "d a 700", 0},
	        {"f a/b/c", "a/b", "d a/b", -1},
	        {"f a/b/c|w a", "a/b", NULL, -1},
	        {"f abc", "ab", NULL, -1},
	        {"f a/b|f a", "a/b", NULL, -1},
	        {"s l d;d d;f d/x", "l/x", NULL, -1},
	        {"d a;f a/x|f a|f a/y", "a/x", NULL, -1},
	        {"d a;f a/x|f a|f a/y", "a/y", "f a/y 0", 2},
	        {"d a;f a/x|w a|f a/y", "a/x", NULL, -1},
	        {"o a;f a/x", "a", "d a", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stack s;
		struct err e = ERR_INIT;
		stack_make(&s, rows[i].layers);
		struct entry en;
		int rc = s.view->ops->lookup(s.view, rows[i].path, &en, &e);
		auto_buf struct buf got = {0};
		if (rc == 1)
			dump_entry(&got, &en);
		if (rc != (rows[i].want != NULL) || (rc == 1 && strcmp(got.p, rows[i].want) != 0) ||
		        chain_layer_of(s.view, rows[i].path) != rows[i].layer)
			fail_msg("'%s' in '%s': '%s' from %d", rows[i].path, rows[i].layers,
			        buf_cstr(&got), chain_layer_of(s.view, rows[i].path));
		stack_release(&s);
	}
}

static void test_list(void **state)
{
	struct err e = ERR_INIT;
	struct stack s;
	stack_make(&s, "d a;f a/z;d a/m;f a/m/1;f a/gone|f a/b.c;f a/b/x;w a/gone;f top");
	auto_strv struct strv names = {0};
	MUST(s.view->ops->list(s.view, "a", &names, &e), e);
	static const char *const want[] = {"b", "b.c", "m", "z"};
	assert_int_equal(names.n, ARRAY_LEN(want));
	for (size_t i = 0; i < names.n; i++)
		assert_string_equal(names.v[i], want[i]);
	strv_release(&names);
	MUST(s.view->ops->list(s.view, "", &names, &e), e);
	assert_int_equal(names.n, 2);
	strv_release(&names);
	MUST(s.view->ops->list(s.view, "nothing", &names, &e), e);
	assert_int_equal(names.n, 0);
	stack_release(&s);
}

static int stop_at(void *arg, const struct entry *en, struct err *e)
{
	dump_entry(arg, en);
	if (strcmp(en->path, "stop") == 0)
		return err_set(e, ERR_FAIL, "stopped");
	return strcmp(en->path, "skip") == 0;
}

static void test_walk_control(void **state)
{
	struct err e = ERR_INIT;
	struct stack s;
	stack_make(&s, "d skip;f skip/1;f t|f skip/2;f u");
	auto_buf struct buf out = {0};
	MUST(s.view->ops->walk(s.view, "", stop_at, &out, &e), e);
	assert_string_equal(out.p, "d skip;f t 0;f u 0");
	buf_reset(&out);
	MUST(s.view->ops->walk(s.view, "skip", stop_at, &out, &e), e);
	assert_string_equal(out.p, "d skip");
	stack_release(&s);
	stack_make(&s, "f a;f stop;f z");
	buf_reset(&out);
	assert_int_equal(s.view->ops->walk(s.view, "", stop_at, &out, &e), -1);
	assert_string_equal(out.p, "f a 0;f stop 0");
	assert_string_equal(e.msg, "stopped");
	stack_release(&s);
}

static void test_open_and_digest(void **state)
{
	struct err e = ERR_INIT;
	struct stack s;
	stack_make(&s, "f a old;f z keep;h b z;f empty|f a newer");
	static const struct {
		const char *path, *want;
	} rows[] = {{"a", "newer"}, {"z", "keep"}, {"b", "keep"}, {"empty", ""}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf got = {0};
		assert_int_equal(view_read_file(s.view, rows[i].path, 100, &got, &e), 1);
		assert_string_equal(buf_cstr(&got), rows[i].want);
		struct entry en;
		assert_int_equal(s.view->ops->lookup(s.view, rows[i].path, &en, &e), 1);
		struct hash want = hash_bytes(rows[i].want, strlen(rows[i].want));
		assert_true(en.has_content && hash_eq(&en.content, &want));
		en.has_content = false;
		memset(&en.content, 0, sizeof(en.content));
		MUST(s.view->ops->digest(s.view, &en, &e), e);
		assert_true(en.has_content && hash_eq(&en.content, &want));
	}
	struct entry nothing = {.path = "nothing", .type = ENTRY_FILE};
	struct content c = CONTENT_NONE;
	assert_int_equal(s.view->ops->open(s.view, &nothing, &c, &e), -1);
	stack_release(&s);
}

static void test_chain_id(void **state)
{
	struct hash zero = {0}, a = hash_bytes("a", 1), b = hash_bytes("b", 1);
	struct hash ab = chain_id_next(&a, &b), ba = chain_id_next(&b, &a);
	struct hash za = chain_id_next(&zero, &a);
	assert_false(hash_eq(&ab, &ba));
	assert_false(hash_eq(&za, &a));
}

// --- against a simulation ----------------------------------------------------------------------

// A small closed world: what each path is after all layers were unpacked one over the other.
#define NAMES 3
#define DEPTH 3
struct world {
	struct strv paths; // all that exist: "d PATH" or "f PATH SIZE"
};

static void world_remove(struct world *w, const char *path, bool itself)
{
	struct strv kept = {0};
	for (size_t i = 0; i < w->paths.n; i++) {
		auto_free char *p = xstrdup(w->paths.v[i] + 2);
		p[strcspn(p, " ")] = '\0';
		bool hit = fs_path_within(p, path) && (itself || strcmp(p, path) != 0);
		if (!hit)
			strv_add(&kept, w->paths.v[i]);
	}
	strv_release(&w->paths);
	w->paths = kept;
}

static bool world_is_dir(const struct world *w, const char *path)
{
	auto_free char *want = xasprintf("d %s", path);
	return strv_has(&w->paths, want);
}

static void world_mkdirs(struct world *w, const char *path)
{
	for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
		auto_free char *dir = xstrndup(path, (size_t)(slash - path));
		if (world_is_dir(w, dir))
			continue;
		world_remove(w, dir, true);
		strv_addf(&w->paths, "d %s", dir);
	}
}

static int world_apply(void *arg, const struct entry *en, const char *text, struct err *e)
{
	struct world *w = arg;
	// Whoever unpacks a whiteout makes the directories it lies in, as a tree for overlayfs has
	// them.
	world_mkdirs(w, en->path);
	if (en->type == ENTRY_WHITEOUT) {
		world_remove(w, en->path, true);
		return 0;
	}
	if (en->type == ENTRY_DIR) {
		bool was = world_is_dir(w, en->path);
		world_remove(w, en->path, !was);
		if (was && !en->opaque)
			fail_msg("unreachable");
		if (!was)
			strv_addf(&w->paths, "d %s", en->path);
		return 0;
	}
	world_remove(w, en->path, true);
	strv_addf(&w->paths, "f %s %llu", en->path, (unsigned long long)en->size);
	return 0;
}

static int world_apply_dir(void *arg, const struct entry *en, const char *text, struct err *e)
{
	// A directory that exists and is not opaque changes nothing here (all modes are equal).
	if (en->type == ENTRY_DIR && !en->opaque && world_is_dir(arg, en->path))
		return 0;
	return world_apply(arg, en, text, e);
}

static int cmp_lines(const void *a, const void *b)
{
	auto_free char *x = xstrdup(*(char *const *)a + 2), *y = xstrdup(*(char *const *)b + 2);
	x[strcspn(x, " ")] = '\0';
	y[strcspn(y, " ")] = '\0';
	return fs_path_cmp(x, y);
}

static char *world_dump(struct world *w)
{
	struct buf out = {0};
	if (w->paths.n > 0)
		qsort(w->paths.v, w->paths.n, sizeof(char *), cmp_lines);
	for (size_t i = 0; i < w->paths.n; i++)
		buf_printf(&out, "%s%s", i ? ";" : "", w->paths.v[i]);
	return buf_steal(&out);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

// A random layer in canonical form: no contradictions (those are the builder's business).
static char *random_layer(uint32_t *seed)
{
	auto_buf struct buf raw = {0};
	int n = 1 + (int)(next_random(seed) % 6);
	for (int i = 0; i < n; i++) {
		static const char kinds[] = "dffwo";
		char kind = kinds[next_random(seed) % 5];
		buf_printf(&raw, "%s%c ", raw.n ? ";" : "", kind);
		int depth = 1 + (int)(next_random(seed) % DEPTH);
		for (int d = 0; d < depth; d++)
			buf_printf(
			        &raw, "%s%c", d ? "/" : "", 'a' + (int)(next_random(seed) % NAMES));
		if (kind == 'f')
			buf_printf(&raw, " %.*s", (int)(next_random(seed) % 5), "12345");
	}
	struct err e = ERR_INIT;
	struct layer_index *ix = spec_index(buf_cstr(&raw), &e);
	if (!ix)
		fail_msg("'%s': %s", raw.p, e.msg);
	struct buf out = {0};
	for (size_t i = 0; i < layer_index_count(ix); i++) {
		struct entry en;
		layer_index_at(ix, i, &en);
		if (en.type == ENTRY_FILE)
			buf_printf(&out, "%sf %s %.*s", out.n ? ";" : "", en.path, (int)en.size,
			        "12345");
		else
			dump_entry(&out, &en);
	}
	layer_index_close(ix);
	return buf_steal(&out);
}

static void check_points(struct stack *s, const char *dump, const char *layers)
{
	// Every path of the small world, one by one, must agree with the walk.
	static const char *const dirs[] = {"", "a/", "b/", "c/", "a/a/", "a/b/", "a/c/", "b/a/",
	        "b/b/", "b/c/", "c/a/", "c/b/", "c/c/"};
	auto_free char *fenced = xasprintf(";%s;", dump);
	for (size_t d = 0; d < ARRAY_LEN(dirs); d++) {
		for (char c = 'a'; c < 'a' + NAMES; c++) {
			struct err e = ERR_INIT;
			struct entry en;
			auto_free char *path = xasprintf("%s%c", dirs[d], c);
			auto_free char *as_dir = xasprintf(";d %s;", path);
			auto_free char *as_file = xasprintf(";f %s ", path);
			int want = strstr(fenced, as_dir)    ? ENTRY_DIR
			           : strstr(fenced, as_file) ? ENTRY_FILE
			                                     : -1;
			int rc = s->view->ops->lookup(s->view, path, &en, &e);
			if ((rc == 1 ? (int)en.type : -1) != want)
				fail_msg("'%s': lookup of '%s'", layers, path);
			auto_free char *below = dump_view(s->view, path);
			if ((rc == 1) != (below[0] != '\0') || (rc == 1 && !strstr(fenced, below)))
				fail_msg("'%s': walk of '%s': '%s' not in '%s'", layers, path,
				        below, dump);
		}
	}
}

static void test_against_simulation(void **state)
{
	uint32_t seed = 20;
	for (int round = 0; round < 1500; round++) {
		auto_buf struct buf layers = {0};
		struct world w = {0};
		int n = 1 + (int)(next_random(&seed) % 5);
		for (int i = 0; i < n; i++) {
			auto_free char *layer = random_layer(&seed);
			buf_printf(&layers, "%s%s", i ? "|" : "", layer);
			auto_arena struct arena a = {0};
			struct err e = ERR_INIT;
			MUST(spec_each(&a, layer, world_apply_dir, &w, &e), e);
		}
		auto_free char *want = world_dump(&w);
		struct stack s;
		stack_make(&s, buf_cstr(&layers));
		auto_free char *got = dump_view(s.view, "");
		if (strcmp(got, want) != 0)
			fail_msg("'%s': got '%s', want '%s'", layers.p, got, want);
		if (round % 10 == 0)
			check_points(&s, got, layers.p);
		stack_release(&s);
		strv_release(&w.paths);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_walk),
	        cmocka_unit_test(test_lookup),
	        cmocka_unit_test(test_list),
	        cmocka_unit_test(test_walk_control),
	        cmocka_unit_test(test_open_and_digest),
	        cmocka_unit_test(test_chain_id),
	        cmocka_unit_test(test_against_simulation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
