// SPDX-License-Identifier: Apache-2.0
// Heredocs: which words are some, what the bodies are, and what RUN, COPY and ONBUILD make of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dockerfile_dump.h"

struct row {
	const char *input, *want; // one instruction after FROM
};

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct err e = ERR_INIT;
		auto_free char *text = xasprintf("FROM a\n%s", rows[i].input);
		auto_dockerfile struct dockerfile *d =
		        dockerfile_parse(text, strlen(text), "Dockerfile", &e);
		if (!d)
			fail_msg("%s: line %d: %s", rows[i].input, e.pos.line, e.msg);
		auto_buf struct buf b = {0};
		for (size_t k = 0; k < d->stages[0].n_instrs; k++) {
			buf_puts(&b, k ? "\n" : "");
			dump_instr(&b, d->stages[0].instrs[k]);
		}
		if (strcmp(buf_cstr(&b), rows[i].want) != 0)
			fail_msg(
			        "%s: got\n%s\nwant\n%s", rows[i].input, buf_cstr(&b), rows[i].want);
	}
}

static void test_run(void **state)
{
	static const struct row rows[] = {
	        {"RUN <<E\nE\n", "RUN <<<E> heredoc-only {E -1 <>}"},
	        {"RUN 3<<E\nE", "RUN <3<<E> heredoc-only {E 3 <>}"},
	        {"RUN <<E\n# kept\n\techo \\\n\n  x\nE\nRUN y\n",
	                "RUN <<<E> heredoc-only {E -1 <# kept\\n\\techo \\\\n\\n  x\\n>}\nRUN <y>"},
	        {"RUN <<-E\n\t\ta\n\tb\t\n  c\n\tE\n",
	                "RUN <<<-E> heredoc-only {E chomp -1 <a\\nb\\t\\n  c\\n>}"},
	        {"RUN <<E\n\tE\nE\n", "RUN <<<E> heredoc-only {E -1 <\\tE\\n>}"},
	        {"RUN <<'E'\n$x\nE\n", "RUN <<<'E'> heredoc-only {E raw -1 <$x\\n>}"},
	        {"RUN <<\"E\"\nE\n", "RUN <<<\"E\"> heredoc-only {E raw -1 <>}"},
	        {"RUN <<eo'f'\neof\n", "RUN <<<eo'f'> heredoc-only {eof raw -1 <>}"},
	        {"RUN <<eo\\'f\neo'f\n", "RUN <<<eo\\'f> heredoc-only {eo'f -1 <>}"},
	        {"RUN <<'e'o\\'f\neo'f\n", "RUN <<<'e'o\\'f> heredoc-only {eo'f raw -1 <>}"},
	        {"RUN <<'one two'\none two\n",
	                "RUN <<<'one two'> heredoc-only {one two raw -1 <>}"},
	        {"RUN <<$E\n$E\n", "RUN <<<$E> heredoc-only {$E -1 <>}"},
	        {"RUN <<${E:-x}\n${E:-x}\n", "RUN <<<${E:-x}> heredoc-only {${E:-x} -1 <>}"},
	        {"RUN <<  E\nE\n", "RUN <<<  E> heredoc-only {E -1 <>}"},
	        {"RUN << -E\n-E\n", "RUN <<< -E> heredoc-only {-E -1 <>}"},
	        {"RUN <<  E  > f\nE\n", "RUN <<<  E  > f\\nE> {E -1 <>}"},
	        {"RUN <<E python3\nprint(1)\nE\n",
	                "RUN <<<E python3\\nprint(1)\\nE> {E -1 <print(1)\\n>}"},
	        {"RUN <<-E cat\n\ta\n\tE\n", "RUN <<<-E cat\\n\\ta\\nE> {E chomp -1 <a\\n>}"},
	        {"RUN cat <<A <<B && \\\n  x\na\nA\nb\nB\n",
	                "RUN <cat <<A <<B &&   x\\na\\nA\\nb\\nB> {A -1 <a\\n>} {B -1 <b\\n>}"},
	        {"RUN <<A <<B\nB\nA\nA\nB\n",
	                "RUN <<<A <<B\\nB\\nA\\nA\\nB> {A -1 <B\\n>} {B -1 <A\\n>}"},
	        {"RUN --network=none <<E\nx\nE\n",
	                "RUN network=<none> <<<E> heredoc-only {E -1 <x\\n>}"},
	        {"RUN <<E\r\na\r\nE\r\nRUN b\r\n",
	                "RUN <<<E> heredoc-only {E -1 <a\\r\\n>}\nRUN <b>"},
	        {"RUN <<E\nE x\n E\nE\n", "RUN <<<E> heredoc-only {E -1 <E x\\n E\\n>}"},
	};
	check_rows(rows, ARRAY_LEN(rows));
}

static void test_none(void **state)
{
	static const struct row rows[] = {
	        {"RUN \"<<E\"\n", "RUN <\"<<E\">"},
	        {"RUN '<<E'\n", "RUN <'<<E'>"},
	        {"RUN cat<<E\n", "RUN <cat<<E>"},
	        {"RUN cat <<<E\n", "RUN <cat <<<E>"},
	        {"RUN cat <E\n", "RUN <cat <E>"},
	        {"RUN <<- E\n", "RUN <<<- E>"},
	        {"RUN x <<\n", "RUN <x <<>"},
	        {"RUN echo it's <<E\n", "RUN <echo it's <<E>"},
	        {"RUN echo $((1<<2))\n", "RUN <echo $((1<<2))>"},
	        {"RUN [\"<<E\"]\n", "RUN json <<<E>"},
	        {"RUN echo \\<<E\n", "RUN <echo \\<<E>"},
	        {"USER <<E\n", "USER <<<E>"},
	        {"ENV a=<<E\n", "ENV <a>=<<<E>"},
	        {"CMD <<E\n", "CMD <<<E>"},
	};
	check_rows(rows, ARRAY_LEN(rows));
}

static void test_copy(void **state)
{
	static const struct row rows[] = {
	        {"COPY <<E /d\nx\nE\n", "COPY </d> {E -1 <x\\n>}"},
	        {"COPY <<A b <<'C' d/\n1\nA\n2\nC\n",
	                "COPY <b> <d/> {A -1 <1\\n>} {C raw -1 <2\\n>}"},
	        {"COPY << E /d\nx\nE\n", "COPY </d> {E -1 <x\\n>}"},
	        {"ADD --chmod=755 <<-f.sh /d\n\tx\n\tf.sh\n",
	                "ADD chmod=<755> </d> {f.sh chomp -1 <x\\n>}"},
	        {"COPY <<E <<E /d/\n1\nE\n2\nE\n", "COPY </d/> {E -1 <1\\n>} {E -1 <2\\n>}"},
	        {"COPY [\"<<E\", \"/d\"]\n", "COPY json <<<E> </d>"},
	        {"COPY a<<E /d\n", "COPY <a<<E> </d>"},
	};
	check_rows(rows, ARRAY_LEN(rows));
}

static void test_onbuild(void **state)
{
	static const struct row rows[] = {
	        {"ONBUILD RUN <<E\nx\nE\nRUN y\n",
	                "ONBUILD [RUN <<<E> heredoc-only {E -1 <x\\n>}]\nRUN <y>"},
	        {"ONBUILD COPY <<E /d\nx\nE\n", "ONBUILD [COPY </d> {E -1 <x\\n>}]"},
	        {"ONBUILD USER <<E\n", "ONBUILD [USER <<<E>]"},
	};
	check_rows(rows, ARRAY_LEN(rows));
}

static void test_malformed(void **state)
{
	static const char *const inputs[] = {"FROM a\nRUN <<E\n", "FROM a\nRUN <<E",
	        "FROM a\nRUN <<-E\n E\n", "FROM a\nONBUILD RUN <<E\nx\n"};
	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		struct err e = ERR_INIT;
		auto_dockerfile struct dockerfile *d =
		        dockerfile_parse(inputs[i], strlen(inputs[i]), NULL, &e);
		assert_null(d);
		assert_string_equal(e.msg, "unterminated heredoc");
		assert_int_equal(e.pos.line, 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_run),
	        cmocka_unit_test(test_none),
	        cmocka_unit_test(test_copy),
	        cmocka_unit_test(test_onbuild),
	        cmocka_unit_test(test_malformed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
