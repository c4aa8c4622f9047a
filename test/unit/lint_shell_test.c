// SPDX-License-Identifier: Apache-2.0
// Scripts as lists of commands, and where their words stand.
#include "lint/lint-int.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
// after the standard headers it needs
#include <cmocka.h>

static const struct {
	const char *script, *want; // commands in brackets, what joins them before
	bool lines;
} rows[] = {
        {"a b  c", "[a b c]"},
        {"a && b || c; d | e & f", "[a]&&[b]||[c];[d]|[e]&;[f]"},
        {"a 'b c' \"d $e\" f\\ g $(h i | j) `k l` ${m:-n o}",
                "[a/b c/d $e/f g/$(h i | j)/`k l`/${m:-n o}]"},
        {"A=1 B='2 3' c", "A=1,B=2 3[c]"},
        {"sudo -E apt-get x", "[apt-get x]sudo"},
        {"a >b 2>&1 <c d", "[a d]"},
        {"if a; then b; fi", "[a]n;[b]n"},
        {"for i in x y; do a; done", "[for i in x y];[a]n"},
        {"(cd x && y)", "[cd x]n&&[y]n"},
        {"a # b && c", "[a]comment"},
        {"a \\\n  b \\\n# not there\n\n  && c", "[a b]&&[c]"},
        {"a\nb \\\n  c\n# d\ne", "[a];[b c];[e]comment", true},
        {"a 'b", "[a b]odd"},
        {"a $(b", "[a $(b]odd"},
        {"(a", "[a]nodd"},
        {"a; b\nFROM not the script's", "[a];[b]"},
        {"a; b;", "[a];[b]dangling"},
        {"a &&", "[a]dangling"},
        {"(a; b;) >c", "[a]n;[b]n"},
        {"case $x in a) b;; c|d) e;; (f) g;; esac; h", ";[b]n;[e]n;[g]n;[h]"},
        {"case $x in\n a)\n b\n ;;\n c|d)\n e\nesac\nh", "[case $x in];[b]n;[e]n;[h]", true},
        {"a) b", ";[b]odd"},
        {"a |\nb", "[a]|[b]", true},
        {"a <<X >b\nc\nX\nd", "[a];[d]", true},
        {"a <<-'X Y' <<Z && b\nc\n\tX Y\n\tZ\nZ\nd", "[a]&&[b];[d]", true},
        {"a <<X\nb", "[a]odd", true},
        {"a <<<X\nb", "[a];[b]", true},
        {"", ""},
        {"A=1", "A=1[]"},
};

static void put(struct buf *out, const struct sh_script *s, const char *text)
{
	static const char *const joins[] = {"", ";", "&&", "||", "|"};
	for (size_t i = 0; i < s->n; i++) {
		const struct sh_command *c = &s->v[i];
		buf_puts(out, joins[c->join]);
		for (size_t k = 0; c->env && c->env[k]; k++)
			buf_printf(out, "%s%s", k ? "," : "", c->env[k]);
		buf_putc(out, '[');
		for (size_t k = 0; k < c->n; k++) {
			bool blank = strpbrk(c->words[k].text, " ") ||
			             (k > 0 && strpbrk(c->words[k - 1].text, " "));
			buf_printf(out, "%s%s", k ? blank ? "/" : " " : "", c->words[k].text);
			// the place holds the word, with its quotes
			assert_true(c->words[k].at < c->words[k].end);
			assert_true(c->words[k].end <= strlen(text));
		}
		buf_printf(out, "]%s%s%s", c->nested ? "n" : "", c->sudo ? "sudo" : "",
		        c->background ? "&" : "");
	}
	buf_printf(out, "%s%s%s", s->comment ? "comment" : "", s->odd ? "odd" : "",
	        s->dangling ? "dangling" : "");
}

static void test_commands(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_arena struct arena a = {0};
		auto_buf struct buf got = {0};
		struct sh_script s;
		const struct sh_input in = {
		        rows[i].script, 0, strlen(rows[i].script), '\\', rows[i].lines};
		sh_parse(&a, &in, &s);
		put(&got, &s, rows[i].script);
		if (strcmp(buf_cstr(&got), rows[i].want) != 0)
			fail_msg("%s: got %s, expected %s", rows[i].script, buf_cstr(&got),
			        rows[i].want);
	}
}

static void test_places(void **state)
{
	static const char text[] = "RUN apk \\\n  add 'x'   \nCMD y";
	auto_arena struct arena a = {0};
	struct sh_script s;
	const struct sh_input in = {text, 4, strlen(text), '\\', false};
	sh_parse(&a, &in, &s);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.v[0].n, 3);
	assert_memory_equal(text + s.v[0].words[1].at, "add", 3);
	assert_memory_equal(text + s.v[0].words[2].at, "'x'", 3);
	assert_int_equal(s.end, s.v[0].words[2].end); // not the blanks behind it
	assert_true(sh_verb_is(&s.v[0], "apk", "add"));
	assert_true(sh_has(&s.v[0], "x"));
	assert_false(sh_has(&s.v[0], "apk"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_commands),
	        cmocka_unit_test(test_places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
