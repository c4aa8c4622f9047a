// SPDX-License-Identifier: Apache-2.0
// Ignore files: what is excluded, by which line, and which folders need not be entered.
#include "base/buf.h"
#include "base/err.h"
#include "base/glob.h"
#include "base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct ignore *parse(const char *text)
{
	struct err e;
	struct ignore *ig = ignore_parse(text, strlen(text), &e);
	if (!ig)
		fail_msg("%s", e.msg);
	return ig;
}

static void test_excludes(void **state)
{
	static const struct {
		const char *file, *path;
		bool want;
		int line;
	} rows[] = {
	        {"", "a", false, 0},
	        {"a", "a", true, 1},
	        {"a", "a/b/c", true, 1}, // whole subtrees
	        {"a", "b/a", false, 0},
	        {"a", "ab", false, 0},
	        {"/a/", "a/b", true, 1},
	        {"./a//b/../c/.", "a/c", true, 1},
	        {"../a", "a", false, 0}, // outside, so nothing
	        {"a/../../b", "b", false, 0},
	        {"/../b", "b", true, 1},
	        {".", "a", false, 0},
	        {"/", "a", false, 0},
	        {"*", "a", true, 1},
	        {"*", "a/b", true, 1},
	        {"*", ".", false, 0},
	        {"*", "", false, 0},
	        {"**", "a/b", true, 1},
	        {"*.md", "x.md", true, 1},
	        {"*.md", "d/x.md", false, 0},
	        {"**/*.md", "d/x.md", true, 1},
	        {"*/b", "a/b/c", true, 1},
	        {"a\n!a/b", "a/c", true, 1},
	        {"a\n!a/b", "a/b", false, 2},
	        {"a\n!a/b", "a/b/c", false, 2},
	        {"a\n!a/b\na/b/c", "a/b/c", true, 3},
	        {"a\n!a/b\na/b/c", "a/b/d", false, 2},
	        {"!a\na", "a", true, 2},
	        {"*.md\n!README*.md\nREADME-secret.md", "README-x.md", false, 2},
	        {"*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true, 3},
	        {"**\n!util/docker/web", "util/docker/web/foo", false, 2},
	        {"**\n!util/docker/web\nutil/docker/web/foo", "util/docker/web/foo", true, 3},
	        {"docs/*\n!docs/README.md", "docs/README.md", false, 2},
	        {"docs/*\n!docs/README.md", "docs", false, 0},
	        {"docs\n!docs/README.md", "docs", true, 1},
	        {"*\n!src\n!src/**\nsrc/**/*.o", "src/a/b.o", true, 4},
	        // not asked for the folder, so not known to hold for what is in it
	        {"**/*.md\n!docs", "docs/a.md", true, 1},
	        {"**/*.md\n!docs/**", "docs/a.md", false, 2},
	        {"a\n!a/b\na", "a/b", false, 2},
	        {"a/b/c\n!a\n", "a/b/c", true, 1},
	        {"\xef\xbb\xbf# c\na", "a", true, 2},
	        {"# a\n#a\n\n  \n a \t\r\n", "a", true, 5},
	        {" # a", "# a", true, 1}, // a comment begins in column 0
	        {"a #b", "a #b", true, 1},
	        {"x\n! x/y ", "x/y", false, 2},
	        {"x\n!/x/y/", "x/y", false, 2},
	        {"A", "a", false, 0},
	        {"\\!a", "!a", true, 1},
	        {"\\#a", "#a", true, 1},
	        {"a /", "a", true, 1}, // what cleaning lays open is trimmed too ...
	        {"/ a", "a", true, 1},
	        {"a\n! a /", "a", false, 2},
	        {"x\n!/ x", "x", true, 1}, // ... but not behind a !
	        {"a\xc2\xa0", "a", true, 1},
	        {"\xe3\x80\x80 a", "a", true, 1},
	        {"a\n!.", "a", true, 1},
	        {"a b", "a b/c", true, 1},
	        {"**/node_modules", "x/node_modules/y/z", true, 1},
	        {"**/node_modules", "x/node_modules2/y", false, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ignore *ig = parse(rows[i].file);
		int line = -1;
		bool got = ignore_excludes(ig, rows[i].path, &line);
		if (got != rows[i].want || line != rows[i].line)
			fail_msg("\"%s\" on '%s': %d, line %d", rows[i].file, rows[i].path, got,
			        line);
		assert_int_equal(ignore_excludes(ig, rows[i].path, NULL), got); // remembered
		ignore_free(ig);
	}
}

static void test_errors(void **state)
{
	static const struct {
		const char *file, *says;
	} rows[] = {
	        {"a\n!", "line 2: illegal exclusion pattern"},
	        {"!  ", "line 1: illegal exclusion pattern"},
	        {"!/", "line 1: illegal exclusion pattern: \"!/\""},
	        {"a\n! /./", "line 2: illegal exclusion pattern"},
	        {"foo\\y", "line 1: syntax error in pattern \"foo\\y\""},
	        {"a\nb\n[x", "line 3: syntax error in pattern \"[x\""},
	        {"![a-]", "line 1: syntax error"},
	        {"../[", "line 1: syntax error"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		assert_null(ignore_parse(rows[i].file, strlen(rows[i].file), &e));
		assert_int_equal(e.kind, ERR_CONTEXT);
		if (!strstr(e.msg, rows[i].says))
			fail_msg("%s", e.msg);
	}
}

static void test_facts(void **state)
{
	static const char *const patterns[] = {" *.o ", "", "!keep.o"};
	struct err e;
	struct ignore *ig = parse("# c\n *.log \n\n!keep.log");
	assert_string_equal(ignore_pattern_at(ig, 2), "*.log");
	assert_string_equal(ignore_pattern_at(ig, 4), "!keep.log");
	assert_null(ignore_pattern_at(ig, 1));
	ignore_free(ig);
	ig = ignore_from_patterns(patterns, ARRAY_LEN(patterns), &e);
	assert_non_null(ig);
	assert_true(ignore_excludes(ig, "a.o", NULL));
	assert_false(ignore_excludes(ig, "keep.o", NULL));
	assert_string_equal(ignore_pattern_at(ig, 3), "!keep.o");
	ignore_free(ig);
	ig = ignore_parse(NULL, 0, &e);
	assert_false(ignore_prunes(ig, "a"));
	ignore_free(ig);
	ignore_free(NULL);
}

static void test_prunes(void **state)
{
	static const struct {
		const char *file, *dir;
		bool want;
	} rows[] = {
	        {"a", "a", true},
	        {"a", "b", false},
	        {"a\n!a/b", "a", false},
	        {"a\n!a/b", "a/c", true},
	        {"a\n!ab", "a", true},
	        {"a\n!a/b/c", "a/b", false},
	        {"*\n!src", "node_modules", true},
	        {"*\n!src", "src", false}, // is not excluded
	        {"*\n!src/*.c", "src", false},
	        {"*\n!src/*.c", "src/sub", true},
	        {"*\n!src/**", "lib", true},
	        {"*\n!src/**/x", "src/a/b", false},
	        {"a\n!**/x", "a", false},
	        {"a\n!**x", "a/b", false},
	        {"a\n!*/x", "a", false},
	        {"a\n!*/x", "a/b", true},
	        {"a\n!?b/x", "a", true},
	        {"!**/keep\nnode_modules", "node_modules", true}, // too early to take it back
	        {"node_modules\n!b", "node_modules", true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ignore *ig = parse(rows[i].file);
		if (ignore_prunes(ig, rows[i].dir) != rows[i].want)
			fail_msg("\"%s\" on '%s'", rows[i].file, rows[i].dir);
		ignore_free(ig);
	}
}

static uint32_t random_state;

static uint32_t pick(uint32_t n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 8) % n;
}

static void random_patterns(struct buf *out)
{
	static const char *const parts[] = {"a", "b", "*", "**", "a*", "?", "ab", "[ab]"};
	for (uint32_t i = 0, n = 1 + pick(4); i < n; i++) {
		buf_puts(out, pick(2) ? "!" : "");
		for (uint32_t k = 0, depth = 1 + pick(3); k < depth; k++)
			buf_printf(out, "%s%s", k ? "/" : "", parts[pick(ARRAY_LEN(parts))]);
		buf_puts(out, "\n");
	}
}

// All paths of up to three components of a, b, ab, c, parents first.
static size_t all_paths(char paths[100][16])
{
	static const char *const names[] = {"a", "b", "ab", "c"};
	size_t n = 0, level = 0;
	for (size_t i = 0; i < 4; i++)
		snprintf(paths[n++], 16, "%s", names[i]);
	for (int depth = 0; depth < 2; depth++) {
		size_t end = n;
		for (; level < end; level++)
			for (size_t i = 0; i < 4; i++)
				snprintf(paths[n++], 16, "%.8s/%s", paths[level], names[i]);
	}
	return n;
}

// Random ignore files: nothing below a pruned folder is included, and the order of questions does
// not matter.
static void test_random(void **state)
{
	static char paths[100][16];
	size_t n = all_paths(paths), pruned = 0;
	for (random_state = 1; pruned < 20000;) {
		auto_buf struct buf file = {0};
		random_patterns(&file);
		struct ignore *walk = parse(file.p), *jump = parse(file.p);
		for (size_t i = 0; i < n; i++) {
			size_t j = pick((uint32_t)n);
			bool other = ignore_excludes(jump, paths[j], NULL);
			if (ignore_excludes(walk, paths[j], NULL) != other)
				fail_msg("\"%s\" on '%s' depends on the order", file.p, paths[j]);
			if (!ignore_prunes(walk, paths[i]))
				continue;
			pruned++;
			for (size_t k = i; k < n; k++) {
				size_t len = strlen(paths[i]);
				if (strncmp(paths[k], paths[i], len) || paths[k][len] != '/')
					continue;
				if (!ignore_excludes(walk, paths[k], NULL))
					fail_msg("\"%s\" prunes '%s', includes '%s'", file.p,
					        paths[i], paths[k]);
			}
		}
		ignore_free(walk);
		ignore_free(jump);
	}
}

static void *ask(void *arg)
{
	size_t wrong = 0;
	char path[64];
	for (int i = 0; i < 3000; i++) {
		snprintf(path, sizeof(path), "d%d/e%d/f.%s", i % 7, i % 3, i % 2 ? "o" : "c");
		wrong += ignore_excludes(arg, path, NULL) != (i % 2 == 1 && i % 7 != 3);
	}
	return (void *)wrong;
}

static void test_threads(void **state)
{
	pthread_t t[4];
	struct ignore *ig = parse("**/*.o\n!d3/**");
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, ask, ig), 0);
	for (size_t i = 0; i < 4; i++) {
		void *wrong;
		pthread_join(t[i], &wrong);
		assert_null(wrong);
	}
	ignore_free(ig);
}

static double cost_ms(const struct buf *text, const char *path)
{
	struct timespec from, to;
	struct ignore *ig = parse(text->p);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (int i = 0; i < 20; i++)
		(void)ignore_excludes(ig, path, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	ignore_free(ig);
	return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

// Sixteen times the lines, or stars in a line, or folders in a path: sixteen times the time, where
// trying all ways would take for ever. The bound is wide, for busy machines.
static void test_growth(void **state)
{
	static const struct {
		const char *name, *line, *after, *folder;
		size_t lines, folders;
		bool longer_path; // or else more lines
	} rows[] = {
	        {"lines", "p/**/x*\n", "", "ab/", 100, 30, false},
	        {"exceptions", "*\n!**/p/*.go\n", "", "ab/", 100, 30, false},
	        {"stars", "a*", "b\n", "a", 4, 200, false},
	        {"stars and sets", "[a-z]*", "!\n", "a", 4, 200, false},
	        {"folders of any depth", "**/a/", "x\n", "a/", 4, 200, false},
	        {"a long name", "*a*b", "c\n", "ab", 20, 100, true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double cost[2];
		for (size_t k = 0; k < 2; k++) {
			auto_buf struct buf text = {0}, path = {0};
			size_t lines = rows[i].lines * (k && !rows[i].longer_path ? 16 : 1);
			size_t folders = rows[i].folders * (k && rows[i].longer_path ? 16 : 1);
			while (lines-- > 0)
				buf_puts(&text, rows[i].line);
			buf_puts(&text, rows[i].after);
			while (folders-- > 0)
				buf_puts(&path, rows[i].folder);
			buf_puts(&path, "z");
			cost[k] = cost_ms(&text, path.p);
		}
		print_message("%s: %.2f ms, then %.2f ms\n", rows[i].name, cost[0], cost[1]);
		assert_true(cost[1] < 100 * (cost[0] + 0.05));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_excludes),
	        cmocka_unit_test(test_errors),
	        cmocka_unit_test(test_facts),
	        cmocka_unit_test(test_prunes),
	        cmocka_unit_test(test_growth),
	        cmocka_unit_test(test_random),
	        cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
