// SPDX-License-Identifier: Apache-2.0
// Patterns: filepath.Match of Go, and the patterns of ignore files.
#include "base/glob.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct row {
	const char *pattern, *name;
	int want;
};

static void check(const struct row *rows, size_t n, int (*match)(const char *, const char *))
{
	for (size_t i = 0; i < n; i++) {
		int got = match(rows[i].pattern, rows[i].name);
		if (got != rows[i].want)
			fail_msg("'%s' on '%s': %d", rows[i].pattern, rows[i].name, got);
	}
}

static void test_match(void **state)
{
	static const struct row rows[] = {
	        {"", "", 1},
	        {"", "a", 0},
	        {"abc", "abc", 1},
	        {"abc", "ab", 0},
	        {"ab", "abc", 0},
	        {"*", "", 1},
	        {"*", "abc", 1},
	        {"*", "a/b", 0},
	        {"**", "abc", 1},
	        {"**", "a/b", 0},
	        {"*c", "abc", 1},
	        {"*c", "abcd", 0},
	        {"a*", "a", 1},
	        {"a*", "a/c", 0},
	        {"a*/b", "abc/b", 1},
	        {"a*/b", "a/c/b", 0},
	        {"*/*", "a/b", 1},
	        {"*/*", "a/b/c", 0},
	        {"*.go", ".go", 1},
	        {"a*b*c*d*e*/f", "axbxcxdxexxx/f", 1},
	        {"a*b*c*d*e*/f", "axbxcxdxe/xxx/f", 0},
	        {"a*b?c*x", "abxbbxdbxebxczzx", 1},
	        {"a*b?c*x", "abxbbxdbxebxczzy", 0},
	        {"*ab", "aab", 1},
	        {"*aab*b", "aaabab", 1},
	        {"ab[c]", "abc", 1},
	        {"ab[b-d]", "abc", 1},
	        {"ab[e-g]", "abc", 0},
	        {"ab[^c]", "abc", 0},
	        {"ab[^e-g]", "abc", 1},
	        {"ab[!c]", "ab!", 1}, // no negation in Go
	        {"[d-b]", "c", 0},
	        {"a\\*b", "a*b", 1},
	        {"a\\*b", "axb", 0},
	        {"\\a\\b", "ab", 1},
	        {"a?b",
	                "a\xe2\x98\xba"
	                "b",
	                1},
	        {"a[^a]b",
	                "a\xe2\x98\xba"
	                "b",
	                1},
	        {"a???b",
	                "a\xe2\x98\xba"
	                "b",
	                0},
	        {"*??x", "\xe2\x98\xbax", 1}, // a star moves byte by byte
	        {"?", "\xff", 1},
	        {"??", "\xff\xfe", 1},
	        {"\xff", "\xff", 1},
	        {"\xa9", "\xc2\xa9", 0},
	        {"[a-\xce\xb6]*", "\xce\xb1", 1},
	        {"*[a-\xce\xb6]", "A", 0},
	        {"a?b", "a/b", 0},
	        {"a*b", "a/b", 0},
	        {"a[^x]b", "a/b", 1}, // a class may
	        {"a[/]b", "a/b", 1},
	        {"*[^x]b*c", "yb/bc", 0}, // the first place that fits is kept
	        {"[\\]a]", "]", 1},
	        {"[\\-]", "-", 1},
	        {"[x\\-]", "-", 1},
	        {"[x\\-]", "z", 0},
	        {"[\\-x]", "a", 0},
	        {"[a\\-z]", "m", 0},
	        {"[^^]", "^", 0},
	        {"[*]", "*", 1},
	        {"[?*]x*", "*xy", 1},
	        {"]", "]", 1},
	        {"a]*", "a]b", 1},
	        {"*x", "xxx", 1},
	};
	check(rows, ARRAY_LEN(rows), glob_match);
}

static void test_bad_patterns(void **state)
{
	static const char *const patterns[] = {"[]a]", "[-]", "[x-]", "[-x]", "\\", "a\\",
	        "[a-b-c]", "[", "[^", "[^bc", "a[", "[a", "[a-", "[a\\", "[]", "[^]", "[\xff]",
	        "[a-\xff]", "b*[", "x/*[]a]", "*\\", "[a-]z]"};
	static const char *const names[] = {"", "a", "]", "x/y", "zzz"};
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			if (glob_match(patterns[i], names[k]) != -1)
				fail_msg("'%s' on '%s'", patterns[i], names[k]);
			if (glob_match_deep(patterns[i], names[k]) != -1)
				fail_msg("deep '%s' on '%s'", patterns[i], names[k]);
		}
}

static void test_deep(void **state)
{
	static const struct row rows[] = {
	        {"**", "file", 1},
	        {"**", "dir/file", 1},
	        {"**/", "dir/file", 1},
	        {"**/**", "dir/file", 1},
	        {"**/**", "", 1},
	        {"dir/**", "dir/file", 1},
	        {"dir/**", "dir/dir2/file", 1},
	        {"dir/**", "dir", 0},
	        {"dir/**", "dirx/file", 0},
	        {"dir**", "dirx/file", 1},
	        {"**/dir", "dir", 1},
	        {"**/dir", "a/b/dir", 1},
	        {"**/dir", "xdir", 0},
	        {"**/dir", "dir/file", 0},
	        {"**/dir2/*", "dir/dir2/file", 1},
	        {"**/dir2/*", "dir/dir2/a/file", 0},
	        {"**/dir2/**", "dir/dir2/dir3/file", 1},
	        {"**/dir2/**", "dir2/x", 1},
	        {"**/dir2/**", "dir2", 0},
	        {"**file", "file", 1},
	        {"**file", "dir/dir/file", 1},
	        {"**file", "xfile", 1}, // a suffix as a string ...
	        {"**.pyc", "a/b.pyc", 1},
	        {"**file*", "xfile", 0}, // ... but not once another wildcard is there
	        {"**file*", "a/filex", 1},
	        {"**/file*txt", "dir/dir/file.txt", 1},
	        {"**/**/*.txt", "file.txt", 1},
	        {"**/**/*.txt", "dir/dir/file.txt", 1},
	        {"**/**/*.txt2", "dir/dir/file.txt", 0},
	        {"a**/*.txt", "a/file.txt", 1},
	        {"a**/*.txt", "a/dir/dir/file.txt", 1},
	        {"a**/*.txt", "ab/file.txt", 1}, // (.*/)? may begin anywhere
	        {"a/*.txt", "a/dir/file.txt", 0},
	        {"a/*.txt**", "a/file.txt", 1},
	        {"a/**/b", "a/b", 1},
	        {"a/**/b", "a/x/y/b", 1},
	        {"a/**/b", "a/xb", 0},
	        {"a/**b", "a/xb", 0},
	        {"a/**b", "a/x/b", 1},
	        {"***", "a", 1},
	        {"a[b-d]e", "ace", 1},
	        {"a[^b-d]e", "aze", 1},
	        {"**/[ab]", "x/b", 1},
	        {".*", ".foo", 1},
	        {".*", "foo", 0},
	        {"abc.def", "abcZdef", 0},
	        {"a.|)$(}+{bc", "a.|)$(}+{bc", 1},
	        {"a.|)$(}+{*", "a.|)$(}+{bc", 1},
	        {"a\\\\", "a\\", 1},
	        {"a\\*b", "a*b", 1},
	        {"**/a\\*b", "x/a*b", 1},
	        {"\xff*",
	                "\xff"
	                "a",
	                1},
	        {"\xa9*", "\xc2\xa9", 0},
	        {"a?c",
	                "a\xc3\xa9"
	                "c",
	                1},
	};
	check(rows, ARRAY_LEN(rows), glob_match_deep);
}

// What a regular expression of Go makes of escapes and of ^.
static void test_expressions(void **state)
{
	static const struct row rows[] = {
	        {"\\a1", "a1", 0},
	        {"\\a1", "\a1", 1},
	        {"\\t\\f\\n\\r\\v", "\t\f\n\r\v", 1},
	        {"\\d\\D", "7a", 1},
	        {"\\d\\D", "77", 0},
	        {"\\s\\S", " a", 1},
	        {"\\s\\S", "\va", 0},
	        {"a\\Wb", "a/b", 1}, // unlike ? and *
	        {"\\w\\w", "_9", 1},
	        {"\\w\\w", "a-", 0},
	        {"\\w", "\xc3\xa9", 0},
	        {"foo\\bar", "foobar", 0},
	        {"foo\\bar", "foo/ar", 0},
	        {"\\bin", "in", 1},
	        {"*\\b-x", "a-x", 1},
	        {"*\\b-x", "--x", 0},
	        {"*\\B-x", "--x", 1},
	        {"*\\b", "ab", 1},
	        {"*\\b", "a-", 0},
	        {"\\Aa\\z", "a", 1},
	        {"*\\za", "a", 0},
	        {"**/\\Aa*", "ab", 1},
	        {"**/\\Aa*", "x/ab", 0},
	        {"a\\_\\.\\^?", "a_.^b", 1},
	        {"^*.txt", "a.txt", 1},
	        {"^*.txt", "^a.txt", 1},
	        {"a^b*", "a^b", 0},
	        {"?^", "a^", 0},
	        {"**/^e*", "e1", 1},
	        {"**/^e*", "x/e1", 0},
	        {"^a", "^a", 1}, // compared as text
	        {"**^a", "x^a", 1},
	        {"a^**", "a^/b", 1},
	        {"[\\d_]x", "7x", 1},
	        {"[\\d_]x", "_x", 1},
	        {"[\\d_]x", "dx", 0},
	        {"[^\\W]", "a", 1},
	        {"[^\\W]", "-", 0},
	        {"[\\t-\\r]", "\n", 1},
	        {"[[:digit:]a]", "7", 1},
	        {"[[:digit:]a]", "a", 1},
	        {"[[:digit:]a]", ":", 0},
	        {"[^[:^upper:]]", "A", 1},
	        {"[^[:^upper:]]", "a", 0},
	        {"[[:x]", ":", 1},
	};
	static const char *const bad[] = {"\\y", "a\\1*", "\\x41", "\\pL", "\\Qa", "\\E", "\\C",
	        "[\\y]", "[a-\\y]", "\\\xc3\xa9", "\\\xc5\xa2", "[[:alpha:]", "[a-\\d]"};
	check(rows, ARRAY_LEN(rows), glob_match_deep);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (glob_match_deep(bad[i], "a") != -1)
			fail_msg("'%s'", bad[i]);
		assert_int_not_equal(glob_match(bad[i], "a"), -1);
	}
}

static void test_leads(void **state)
{
	static const struct {
		const char *pattern, *dir;
		bool want;
	} rows[] = {
	        {"a/b/c", "", true},
	        {"a/b/c", "a", true},
	        {"a/b/c", "a/b", true},
	        {"a/b/c", "a/b/c", false},
	        {"a/b/c", "ab", false},
	        {"a/b/c", "b", false},
	        {"a/*/c", "a/x", true},
	        {"a/*/c", "a/x/y", false},
	        {"a/*/c", "x", false},
	        {"a*/c", "ab", true},
	        {"[ab]/c", "c", false},
	        {"**/c", "x/y", true},
	        {"a/**/c", "a/x/y", true},
	        {"a/**/c", "b/x", false},
	        {"a/**", "a", true},
	        {"[a", "a", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (glob_may_lead_to(rows[i].pattern, rows[i].dir) != rows[i].want)
			fail_msg("'%s' in '%s'", rows[i].pattern, rows[i].dir);
}

// Without ** both are the same, but for the quirks of filepath.Match that need a class for '/'.
static void test_both_agree(void **state)
{
	static const char alphabet[] = "ab/*?";
	char pattern[6], name[6];
	for (unsigned p = 0; p < 5 * 5 * 5 * 5 * 5; p++) {
		for (unsigned i = 0, v = p; i < 5; i++, v /= 5)
			pattern[i] = alphabet[v % 5];
		pattern[5] = '\0';
		if (strstr(pattern, "**"))
			continue;
		for (unsigned m = 0; m < 3 * 3 * 3 * 3; m++) {
			for (unsigned i = 0, v = m; i < 4; i++, v /= 3)
				name[i] = alphabet[v % 3];
			name[4] = '\0';
			if (glob_match(pattern, name) != glob_match_deep(pattern, name))
				fail_msg("'%s' on '%s'", pattern, name);
		}
	}
}

static void test_meta(void **state)
{
	assert_true(glob_has_wildcard("a*") && glob_has_wildcard("?") && glob_has_wildcard("[a]") &&
	            glob_has_wildcard("\\a*") && glob_has_wildcard("\\\\*"));
	assert_false(glob_has_wildcard("a]b/c.d-e^!") || glob_has_wildcard("\\*\\?\\[") ||
	             glob_has_wildcard("\\") || glob_has_wildcard(""));
}

// Texts that blow up a backtracking matcher.
static void test_time(void **state)
{
	enum { N = 4000 };
	auto_free char *name = xcalloc(N + 1, 1), *stars = xcalloc(N + 1, 1),
	               *deep = xcalloc(N + 1, 1);
	memset(name, 'a', N);
	for (size_t i = 0; i + 2 < N; i += 2)
		memcpy(stars + i, "*a", 2);
	memcpy(stars + N - 2, "*b", 2);
	for (size_t i = 0; i + 4 < 400; i += 4)
		memcpy(deep + i, "**/a", 4);
	clock_t start = clock();
	assert_int_equal(glob_match(stars, name), 0);
	name[400] = '\0';
	assert_int_equal(glob_match_deep(deep, name), 0);
	for (size_t i = 1; i < 400; i += 2)
		name[i] = '/';
	name[399] = 'b';
	assert_int_equal(glob_match_deep(deep, name), 0);
	assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
	char long_pattern[5000];
	memset(long_pattern, '*', sizeof(long_pattern));
	long_pattern[sizeof(long_pattern) - 1] = '\0';
	assert_int_equal(glob_match_deep(long_pattern, "a"), -1); // bounded
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_match),
	        cmocka_unit_test(test_bad_patterns),
	        cmocka_unit_test(test_deep),
	        cmocka_unit_test(test_expressions),
	        cmocka_unit_test(test_leads),
	        cmocka_unit_test(test_both_agree),
	        cmocka_unit_test(test_meta),
	        cmocka_unit_test(test_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
