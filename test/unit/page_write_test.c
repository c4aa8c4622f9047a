// SPDX-License-Identifier: Apache-2.0
// Texts made safe, numbers as people read them, trees that are gathered, and what times come to.
#include "page/page-int.h"

#include "base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void texts(void **state)
{
	static const struct {
		const char *in, *html, *json;
		size_t most;
	} rows[] = {
	        {"plain", "plain", "\"plain\"", 100},
	        {"<a href='x'>\"&", "&lt;a href=&#39;x&#39;&gt;&quot;&amp;",
	                "\"\\u003ca href='x'\\u003e\\\"\\u0026\"", 100},
	        {"</script>", "&lt;/script&gt;", "\"\\u003c/script\\u003e\"", 100},
	        {"\x1b[31m\n", "\\x1b[31m\\x0a", "\"\\\\x1b[31m\\\\x0a\"", 100},
	        {"\xe2\x80\xae\xe2\x80\xa8", "\\u202e\\u2028", "\"\\\\u202e\\\\u2028\"", 100},
	        {"a\xff\xc3", "a\\xff\\xc3", "\"a\\\\xff\\\\xc3\"", 100},
	        {"\xc2\x9b", "\\u009b", "\"\\\\u009b\"", 100},
	        {"\xc3\xa4\xc3\xb6", "\xc3\xa4\xe2\x80\xa6", "\"\xc3\xa4\xe2\x80\xa6\"", 3},
	        {"abc", "abc", "\"abc\"", 3},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf html = {0}, json = {0};
		html_text(&html, rows[i].in, rows[i].most);
		html_json(&json, rows[i].in, rows[i].most);
		assert_string_equal(buf_cstr(&html), rows[i].html);
		assert_string_equal(buf_cstr(&json), rows[i].json);
	}
	auto_buf struct buf lines = {0};
	html_lines(&lines, "a\n\tb\r", 100);
	assert_string_equal(buf_cstr(&lines), "a\n\tb\\x0d");
}

static void numbers(void **state)
{
	static const struct {
		uint64_t n;
		const char *bytes;
	} sizes[] = {{0, "0 B"}, {999, "999 B"}, {1000, "1.0 kB"}, {99949, "99.9 kB"},
	        {99950, "100 kB"}, {1234567, "1.2 MB"}, {PAGE_UNKNOWN, "unknown"}};
	static const struct {
		int64_t ns;
		const char *text;
	} times[] = {{0, "0 s"}, {4000000, "0.00 s"}, {94000000, "0.09 s"}, {96000000, "0.1 s"},
	        {1500000000, "1.5 s"}, {5000000000, "5 s"}, {59940000000, "59.9 s"},
	        {61000000000, "1 min 1 s"}, {3661000000000, "1 h 1 min"}, {-5, "0 s"}};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		auto_buf struct buf b = {0};
		html_bytes(&b, sizes[i].n);
		assert_string_equal(buf_cstr(&b), sizes[i].bytes);
	}
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		auto_buf struct buf b = {0};
		html_seconds(&b, times[i].ns);
		assert_string_equal(buf_cstr(&b), times[i].text);
	}
}

static void sums(const struct page_node *n)
{
	uint64_t bytes = n->rest_bytes, hidden = n->rest_hidden;
	size_t files = n->rest_files;
	for (size_t i = 0; i < n->n_children; i++) {
		bytes += n->children[i]->bytes;
		hidden += n->children[i]->hidden;
		files += n->children[i]->files;
		if (i)
			assert_true(n->children[i - 1]->bytes >= n->children[i]->bytes);
		sums(n->children[i]);
	}
	if (n->n_children || n->rest_files) {
		assert_int_equal(bytes, n->bytes);
		assert_int_equal(hidden, n->hidden);
		assert_int_equal(files, n->files);
	}
}

static size_t count(const struct page_node *n)
{
	size_t all = 1;
	for (size_t i = 0; i < n->n_children; i++)
		all += count(n->children[i]);
	return all;
}

static void small_tree(void **state)
{
	auto_page_tree struct page_tree *t = page_tree_new("image", 1000, 100);
	page_tree_group(t, "one");
	page_tree_add(t, "a/b/c", (struct page_sum){300, 0, 1});
	page_tree_add(t, "a/b/d/e", (struct page_sum){100, 100, 1});
	page_tree_add(t, "a/x", (struct page_sum){0, 0, 1});
	page_tree_group(t, "two");
	page_tree_add(t, "a/b", (struct page_sum){500, 0, 1});
	page_tree_leaf(t, "n/m", (struct page_sum){100, 0, 7});
	const struct page_node *root = page_tree_end(t);
	sums(root);
	assert_int_equal(root->bytes, 1000);
	assert_int_equal(root->hidden, 100);
	assert_int_equal(root->files, 11);
	assert_string_equal(root->children[0]->name, "two");
	assert_string_equal(root->children[0]->children[1]->name, "n/m");
	assert_string_equal(root->children[1]->children[0]->children[0]->name, "b");
	assert_int_equal(root->children[1]->children[0]->rest_files, 1);
}

// Many folders of many files: few nodes, and no byte is lost.
static void large_tree(void **state)
{
	auto_page_tree struct page_tree *t = page_tree_new("/", 60000 * 100, 500);
	for (int i = 0; i < 60000; i++) {
		char path[80];
		snprintf(path, sizeof(path), "d%03d/e%02d/f%05d", i / 200, i / 20 % 10, i);
		page_tree_add(t, path, (struct page_sum){100, i % 2 ? 100 : 0, 1});
	}
	const struct page_node *root = page_tree_end(t);
	sums(root);
	assert_int_equal(root->bytes, 6000000);
	assert_int_equal(root->hidden, 3000000);
	assert_int_equal(root->files, 60000);
	assert_true(count(root) >= 400 && count(root) <= 581);
}

static void deep_tree(void **state)
{
	char path[4000] = "";
	auto_page_tree struct page_tree *t = page_tree_new("/", 10, 10000);
	for (size_t i = 0; i < 999; i++)
		memcpy(path + 4 * i, "abc/", 5);
	memcpy(path + 3996, "x", 2);
	page_tree_add(t, path, (struct page_sum){10, 0, 1});
	sums(page_tree_end(t));
	assert_int_equal(page_tree_root(t)->bytes, 10);
}

#define S ((int64_t)1000000000)

// Two chains side by side, joined by a third step; a cached step between.
static void times(void **state)
{
	static const int on_0[] = {0}, on_1_2[] = {1, 2}, on_3[] = {3};
	const struct page_step steps[] = {
	        {.name = "a", .stage = "", .state = "ran", .has_time = true, .took_ns = 5 * S},
	        {.name = "b", .stage = "", .state = "ran", .has_time = true, .took_ns = 2 * S},
	        {.name = "c", .stage = "", .state = "cached", .needs = on_0, .n_needs = 1},
	        {.name = "d",
	                .stage = "",
	                .state = "ran",
	                .has_time = true,
	                .began_ns = 6 * S,
	                .took_ns = S,
	                .needs = on_1_2,
	                .n_needs = 2},
	        {.name = "e",
	                .stage = "",
	                .state = "failed",
	                .has_time = true,
	                .began_ns = 7 * S,
	                .took_ns = 3 * S,
	                .needs = on_3,
	                .n_needs = 1},
	};
	const struct page_build b = {.took_ns = 9 * S, .steps = steps, .n_steps = 5};
	struct timeline t;
	timeline_make(&b, &t);
	assert_int_equal(t.span_ns, 10 * S);
	assert_int_equal(t.busy_ns, 11 * S);
	assert_int_equal(t.most, 2);
	assert_int_equal(t.ran, 3);
	assert_int_equal(t.cached, 1);
	assert_int_equal(t.failed, 1);
	assert_int_equal(t.waited_for[3], 0);
	assert_int_equal(t.ready_ns[3], 5 * S);
	assert_int_equal(t.waited_for[1], -1);
	assert_int_equal(t.chain_ns, 9 * S);
	assert_true(t.in_chain[0] && !t.in_chain[1] && !t.in_chain[2] && t.in_chain[3]);
	timeline_release(&t);
}

// A step that is recorded as needing itself or a later one is no loop.
static void loops(void **state)
{
	static const int itself[] = {0, 1, 7, -3};
	const struct page_step steps[] = {{.name = "a",
	        .stage = "",
	        .state = "ran",
	        .has_time = true,
	        .took_ns = S,
	        .needs = itself,
	        .n_needs = 4}};
	const struct page_build b = {.steps = steps, .n_steps = 1};
	struct timeline t;
	timeline_make(&b, &t);
	assert_int_equal(t.waited_for[0], -1);
	timeline_release(&t);
}

// Whatever the names, a page stays below its bound.
static void bound(void **state)
{
	enum { N = 3000 };
	char *name = xmalloc(2001);
	memset(name, '\x01', 2000);
	name[2000] = '\0';
	struct page_step *steps = xcalloc(N, sizeof(*steps));
	struct page_layer *layers = xcalloc(N, sizeof(*layers));
	struct page_package *packages = xcalloc(N, sizeof(*packages));
	struct page_waste *waste = xcalloc(N, sizeof(*waste));
	struct page_flaw *flaws = xcalloc(N, sizeof(*flaws));
	struct page_change *changes = xcalloc(N, sizeof(*changes));
	auto_page_tree struct page_tree *t = page_tree_new(name, N * 100, 2400);
	for (int i = 0; i < N; i++) {
		steps[i] = (struct page_step){name, name, "ran", i, true, i * S, S, 5, name, name,
		        name, name, name, NULL, 0};
		layers[i] = (struct page_layer){name, name, name, 5, 5, 5, 5, false};
		packages[i] = (struct page_package){name, name, name, 5, 0};
		waste[i] = (struct page_waste){name, name, name, name, 0, 50, 1};
		flaws[i] = (struct page_flaw){
		        PAGE_HIGH, name, name, name, name, name, name, name, true};
		changes[i] = (struct page_change){"gained", name, name, name, name};
		page_tree_leaf(t, name, (struct page_sum){100, 0, 1});
	}
	page_tree_end(t);
	const struct page_build build = {name, "failed", name, name, name, 5, steps, N};
	const struct page_image image = {.name = name,
	        .digest = name,
	        .id = name,
	        .platform = name,
	        .created = name,
	        .base = name,
	        .entry = name,
	        .user = name,
	        .bytes = 5,
	        .packed = 5,
	        .layers = layers,
	        .n_layers = N,
	        .packages = packages,
	        .n_packages = N,
	        .by_layer = t,
	        .by_folder = t,
	        .by_package = t,
	        .waste = waste,
	        .n_waste = N,
	        .flaws = {.v = flaws, .n = N, .data = name}};
	const struct page_comparison comparison = {.name = name,
	        .packages = changes,
	        .n_packages = N,
	        .flaws = changes,
	        .n_flaws = N,
	        .config = changes,
	        .n_config = N};
	const struct page p = {name, &image, &build, &comparison, "1"};
	auto_buf struct buf out = {0}, again = {0};
	page_write(&p, &out);
	page_write(&p, &again);
	assert_true(out.n < PAGE_BYTES_MAX);
	assert_true(out.n == again.n && !memcmp(out.p, again.p, out.n));
	free(name);
	free(steps);
	free(layers);
	free(packages);
	free(waste);
	free(flaws);
	free(changes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(texts),
	        cmocka_unit_test(numbers),
	        cmocka_unit_test(small_tree),
	        cmocka_unit_test(large_tree),
	        cmocka_unit_test(deep_tree),
	        cmocka_unit_test(times),
	        cmocka_unit_test(loops),
	        cmocka_unit_test(bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
