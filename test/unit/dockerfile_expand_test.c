// SPDX-License-Identifier: Apache-2.0
// Expansion of words: every form, quoting, patterns, words, bounds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "dockerfile/expand.h"

static struct strv vars;
static struct strv undefined;

static void note_undefined(void *arg, const char *name)
{
	strv_add(&undefined, name);
}

static struct expand_env test_env(char escape)
{
	return (struct expand_env){.get = expand_get_strv,
	        .arg = &vars,
	        .escape = escape,
	        .undefined = note_undefined};
}

static int setup(void **state)
{
	static const char *const set[] = {"PWD=/home", "SHELL=bash", "KOREAN=한국어",
	        "NULL=", "X=x", "FOO=xxyy", "STAR=a***yy*", "PATHS=/tmp/tmp/bar.txt", "SP=a b  c",
	        "Q='\"", "NEEDLE=\\*/", "GLOB=/foo*/*/*.txt", "U=äöü", "NL=a\nb\nc", "größe=1",
	        "1=one", "@=at", "SPECIAL=()[]{}^$.*?|\\x", "ESC=a\\b"};
	for (size_t i = 0; i < ARRAY_LEN(set); i++)
		strv_add(&vars, set[i]);
	return 0;
}

static int teardown(void **state)
{
	strv_release(&vars);
	strv_release(&undefined);
	return 0;
}

struct row {
	const char *input, *want; // want NULL: an error that contains `error`
	const char *error;
};

static void check_rows(const struct row *rows, size_t n, char escape)
{
	struct expand_env env = test_env(escape);
	for (size_t i = 0; i < n; i++) {
		struct err e = ERR_INIT;
		auto_free char *got = NULL;
		int r = expand_word(&env, rows[i].input, &got, &e);
		if (rows[i].want) {
			if (r < 0)
				fail_msg("%s: %s", rows[i].input, e.msg);
			if (strcmp(got, rows[i].want) != 0)
				fail_msg("%s: got '%s', want '%s'", rows[i].input, got,
				        rows[i].want);
		} else if (r == 0 || !strstr(e.msg, rows[i].error)) {
			fail_msg("%s: got %s, want error '%s'", rows[i].input, r ? e.msg : got,
			        rows[i].error);
		} else {
			assert_int_equal(e.kind, ERR_DOCKERFILE);
		}
	}
}

static void test_variables(void **state)
{
	static const struct row rows[] = {
	        {"hello", "hello"},
	        {"he'll'o", "hello"},
	        {"he'llo", NULL, "matching single-quote"},
	        {"he\\'llo", "he'llo"},
	        {"he\\\\'llo", NULL, "matching single-quote"},
	        {"abc\\tdef", "abctdef"},
	        {"\"abc\\tdef\"", "abc\\tdef"},
	        {"'abc\\tdef'", "abc\\tdef"},
	        {"hello\\", "hello"},
	        {"hello\\\\", "hello\\"},
	        {"\"hello", NULL, "matching double-quote"},
	        {"\"hello\\\"", NULL, "matching double-quote"},
	        {"\"hel'lo\"", "hel'lo"},
	        {"'hello\\there'", "hello\\there"},
	        {"''", ""},
	        {"\"\\\"\"", "\""},
	        {"\"\\$X \\x \\\\\"", "$X \\x \\"},
	        {"$.", "$."},
	        {"he$1x", "heonex"},
	        {"he$.x", "he$.x"},
	        {"he$pwd.", "he."},
	        {"he$PWD", "he/home"},
	        {"he\\$PWD", "he$PWD"},
	        {"he\\\\$PWD", "he\\/home"},
	        {"\"he\\$PWD\"", "he$PWD"},
	        {"'he$PWD'", "he$PWD"},
	        {"he${}", NULL, "bad substitution"},
	        {"he${:", NULL, "bad substitution"},
	        {"he${{", NULL, "bad substitution"},
	        {"he${", NULL, "missing '}'"},
	        {"he${PWD", NULL, "missing '}'"},
	        {"he${PWD}", "he/home"},
	        {"${PWD}he", "/homehe"},
	        {"${X=y}", NULL, "unsupported modifier (=)"},
	        {"${X:=y}", NULL, "unsupported modifier (:=)"},
	        {"${X:#y}", NULL, "unsupported modifier (:#)"},
	        {"$1$2$@$*$?$-$$$!$#", "oneat"},
	        {"$12x", "x"},
	        {"$KOREAN", "한국어"},
	        {"안녕$PWD", "안녕/home"},
	        {"$größe", "1"},
	        {"$", "$"},
	        {"a$", "a$"},
	        {"\xff$X\xc3", "\xffx\xc3"},
	        {"a << b <<<c", "a << b <<<c"},
	};
	check_rows(rows, ARRAY_LEN(rows), '\\');
}

static void test_defaults(void **state)
{
	static const struct row rows[] = {
	        {"${XX:-y}", "y"},
	        {"${XX-y}", "y"},
	        {"${NULL:-y}", "y"},
	        {"${NULL-y}", ""},
	        {"${X:-y}", "x"},
	        {"${XX:-${PWD}:zz}", "/home:zz"},
	        {"${XX:-a${YY:-b${ZZ:-c}}}", "abc"},
	        {"${XX:-'}'}", "}"},
	        {"${XX:-\\}}", "}"},
	        {"${XX:-\"$PWD\"}", "/home"},
	        {"${XX:+y}", ""},
	        {"${X:+y}", "y"},
	        {"${NULL:+y}", ""},
	        {"${NULL+y}", "y"},
	        {"${XX+y}", ""},
	        {"v${X:+-${X}}", "v-x"},
	        {"${X:?gone}", "x"},
	        {"${NULL?gone}", ""},
	        {"${NULL:?gone $X}", NULL, "NULL: gone x"},
	        {"${XX?gone}", NULL, "XX: gone"},
	        {"${XX:?}", NULL, "XX: is not allowed to be unset"},
	        {"${NULL:?}", NULL, "NULL: is not allowed to be empty"},
	        {"${XX:-y", NULL, "missing '}'"},
	        {"${XX:", NULL, "missing '}'"},
	};
	check_rows(rows, ARRAY_LEN(rows), '\\');
}

static void test_patterns(void **state)
{
	static const struct row rows[] = {
	        {"${FOO#x}", "xyy"},
	        {"${FOO##x}", "xyy"},
	        {"${FOO#*x}", "xyy"},
	        {"${FOO##*x}", "yy"},
	        {"${FOO#*x*y}", "y"},
	        {"${FOO##*x*y}", ""},
	        {"${FOO#*}", "xxyy"},
	        {"${FOO##*}", ""},
	        {"${FOO#}", "xxyy"},
	        {"${FOO##}", "xxyy"},
	        {"${FOO%}", "xxyy"},
	        {"${FOO%y}", "xxy"},
	        {"${FOO%y*}", "xxy"},
	        {"${FOO%%y*}", "xx"},
	        {"${FOO%x*}", "x"},
	        {"${FOO%%x*}", ""},
	        {"${FOO%z}", "xxyy"},
	        {"${FOO#$X}", "xyy"},
	        {"${FOO#$NULL}", "xxyy"},
	        {"${FOO#?}", "xyy"},
	        {"${FOO#????}", ""},
	        {"${FOO#?????}", "xxyy"},
	        {"${STAR%%\\**\\*}", "a"},
	        {"${STAR#a\\*}", "**yy*"},
	        {"${STAR#\\?}", "a***yy*"},
	        {"${U#?}", "öü"},
	        {"${U%?}", "äö"},
	        {"${NL#*}", "a\nb\nc"},
	        {"${NL##*}", "\nb\nc"},
	        {"${NL%%*}", "a\nb\n"},
	        {"${NL##*\n*}", "\nc"},
	        {"${SPECIAL#()[]{\\}^$.\\*\\?|\\\\}", "x"},
	        {"${UNSET#*}", ""},
	        {"${FOO#\\x}", NULL, "invalid escape '\\x'"},
	        {"${FOO#a", NULL, "missing '}'"},
	        {"${FOO/x/.}", ".xyy"},
	        {"${FOO//x/.}", "..yy"},
	        {"${FOO//xx/}", "yy"},
	        {"${FOO/x*y/-}", "-"},
	        {"${FOO/?/-}", "-xyy"},
	        {"${FOO//?/-}", "----"},
	        {"${FOO/$NULL/ww}", "wwxxyy"},
	        {"${FOO//$NULL/-}", "-x-x-y-y-"},
	        {"${FOO///}", "xxyy"},
	        {"${FOO//z/w}", "xxyy"},
	        {"${FOO//ww}", NULL, "missing '/'"},
	        {"${FOO//}", NULL, "missing '/'"},
	        {"${FOO/a/b", NULL, "missing '}'"},
	        {"${PATHS/\\/tmp/}", "/tmp/bar.txt"},
	        {"${PATHS//\\/tmp/}", "/bar.txt"},
	        {"${PATHS//\\//-}", "-tmp-tmp-bar.txt"},
	        {"${GLOB/$NEEDLE/.} ${GLOB//$NEEDLE/.}", "/foo.*/*.txt /foo..*.txt"},
	        {"${U//?/é}", "ééé"},
	        {"${U/ö/}", "äü"},
	        {"${NL//?/-}", "-\n-\n-"},
	        {"${NL//*/-}", "-\n-\n-"},
	        {"${NL/b*/-}", "a\n-\nc"},
	        {"${UNSET/a/b}", ""},
	};
	check_rows(rows, ARRAY_LEN(rows), '\\');
}

static void test_other_escape(void **state)
{
	static const struct row rows[] = {
	        {"a`$X", "a$X"},
	        {"c:\\$X", "c:\\x"},
	        {"a``b", "a`b"},
	        {"\"`\"\"", "\""},
	        {"a`", "a"},
	};
	check_rows(rows, ARRAY_LEN(rows), '`');
}

static void test_keep_quotes(void **state)
{
	static const struct row rows[] = {
	        {"\"$X\" '$X'\n", "\"x\" 'x'\n"},
	        {"it's\n", "it's\n"},
	        {"\\\n", "\n"},
	        {"\\\\\n", "\\\n"},
	        {"\\$\n", "$\n"},
	};
	struct expand_env env = test_env('\\');
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		auto_free char *got = NULL;
		assert_int_equal(expand_keep_quotes(&env, rows[i].input, &got, &e), 0);
		assert_string_equal(got, rows[i].want);
	}
}

static void test_words(void **state)
{
	static const struct row rows[] = {
	        {"hello there", "hello|there"},
	        {"  a \t b  ", "a|b"},
	        {"a$SP-z", "aa|b|c-z"},
	        {"\"a$SP\"", "aa b  c"},
	        {"'a b' c", "a b|c"},
	        {"a\\ b", "a b"},
	        {"''", ""},
	        {"$UNSET", ""},
	        {"80 $X/tcp 81", "80|x/tcp|81"},
	        {"<< EOF a", "<< EOF|a"},
	        {"<<- EOF", "<<-|EOF"},
	        {"1\u00a02", "1|2"},
	};
	struct expand_env env = test_env('\\');
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		auto_strv struct strv got = {0};
		auto_buf struct buf b = {0};
		assert_int_equal(expand_words(&env, rows[i].input, &got, &e), 0);
		for (size_t k = 0; k < got.n; k++)
			buf_printf(&b, "%s%s", k ? "|" : "", got.v[k]);
		assert_string_equal(buf_cstr(&b), rows[i].want);
	}
}

static void test_undefined(void **state)
{
	struct expand_env env = test_env('\\');
	struct err e = ERR_INIT;
	auto_free char *got = NULL;
	strv_release(&undefined);
	assert_int_equal(
	        expand_word(
	                &env, "$A ${B} ${C:-x} ${D#x} ${E+x} $NULL ${F/a/b} '$G' \"$H\"", &got, &e),
	        0);
	auto_buf struct buf b = {0};
	for (size_t i = 0; i < undefined.n; i++)
		buf_puts(&b, undefined.v[i]);
	assert_string_equal(buf_cstr(&b), "ABDFH");
}

static char *repeat(const char *s, size_t n)
{
	struct buf b = {0};
	while (n-- > 0)
		buf_puts(&b, s);
	return buf_steal(&b);
}

static void test_bounds(void **state)
{
	struct expand_env env = test_env('\\');
	struct err e = ERR_INIT;
	char *got = NULL;
	auto_free char *deep = repeat("${Z:-", 100000);
	assert_int_equal(expand_word(&env, deep, &got, &e), -1);
	assert_non_null(strstr(e.msg, "nested deeper"));

	auto_free char *big = repeat("a", 1 << 20), *var = xasprintf("BIG=%s", big);
	strv_add(&vars, var);
	auto_free char *many = repeat("$BIG", 1000);
	assert_int_equal(expand_word(&env, many, &got, &e), -1);
	assert_non_null(strstr(e.msg, "larger than"));
	assert_int_equal(expand_word(&env, "${BIG//a/$BIG}", &got, &e), -1);
	// The results are thrown away, the work is not.
	auto_free char *idle = repeat("${UNSET:+$BIG}", 10000);
	assert_int_equal(expand_word(&env, idle, &got, &e), -1);
	assert_non_null(strstr(e.msg, "too much work"));

	auto_free char *half = repeat("a", 1 << 19), *pattern = xasprintf("${BIG#*%sb}", half);
	assert_int_equal(expand_word(&env, pattern, &got, &e), -1);
	assert_non_null(strstr(e.msg, "too much work"));
	assert_int_equal(expand_word(&env, "${BIG//a*b*c/}", &got, &e), 0);
	assert_string_equal(got, big);
	free(got);
	assert_int_equal(expand_word(&env, "${BIG%%*a*a*a*b}", &got, &e), 0);
	assert_string_equal(got, big);
	free(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_variables),
	        cmocka_unit_test(test_defaults),
	        cmocka_unit_test(test_patterns),
	        cmocka_unit_test(test_other_escape),
	        cmocka_unit_test(test_keep_quotes),
	        cmocka_unit_test(test_words),
	        cmocka_unit_test(test_undefined),
	        cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
