// SPDX-License-Identifier: Apache-2.0
// The checks that the parser makes, and how all of them are silenced or made errors.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "dockerfile/dockerfile.h"

static const struct row {
	const char *input, *want; // "line rule detail" each
} rows[] = {
        {"FROM scratch AS a\nRUN x\n", ""},
        {"FROM scratch AS BadName\n",
                "1 StageNameCasing Stage name 'BadName' should be lowercase\n"},
        {"FROM scratch as b\n", "1 FromAsCasing 'as' and 'FROM' keywords' casing do not match\n"},
        {"from scratch AS b\n", "1 FromAsCasing 'AS' and 'from' keywords' casing do not match\n"},
        {"from scratch as b\n", ""},
        {"FROM scratch AS a\nFrom scratch as b\n", // the other rule's business
                "2 ConsistentInstructionCasing Command 'From' should match the case of the command "
                "majority (uppercase)\n"},
        {"FROM scratch\nCOPY a \\\n\nb\n", "4 NoEmptyContinuation Empty continuation line\n"},
        {"FROM scratch\nCOPY a \\\n# c\nb\n", ""},
        {"FROM scratch\nMAINTAINER a\nCOPY a \\\n\nb\n", // found first, in BuildKit's order
                "5 NoEmptyContinuation Empty continuation line\n"
                "2 MaintainerDeprecated Maintainer instruction is deprecated in favor of using "
                "label\n"},
        {"FROM a\ncopy a b\nCOPY a b\n", "2 ConsistentInstructionCasing Command 'copy' should "
                                         "match the case of the command majority "
                                         "(uppercase)\n"},
        {"from a\nCOPY a b\ncopy a b\n", "2 ConsistentInstructionCasing Command 'COPY' should "
                                         "match the case of the command majority "
                                         "(lowercase)\n"},
        {"FROM a\nRun a\n",
                "2 ConsistentInstructionCasing Command 'Run' should match the case of the command "
                "majority (uppercase)\n"},
        {"FROM a AS x\nFROM b AS X\n",
                "2 StageNameCasing Stage name 'X' should be lowercase\n"
                "2 DuplicateStageName Duplicate stage name \"x\", stage names should be unique\n"},
        {"FROM a AS context\nFROM b AS scratch\n", "1 ReservedStageName Stage name should not use "
                                                   "the same name as reserved stage \"context\"\n"
                                                   "2 ReservedStageName Stage name should not use "
                                                   "the same name as reserved stage \"scratch\"\n"},
        {"FROM a\nMAINTAINER me\n", "2 MaintainerDeprecated Maintainer instruction is deprecated "
                                    "in favor of using label\n"},
        // descriptions are checked when asked for
        {"# what it is\nARG a\nFROM b AS c\n", ""},
        {"# check=experimental=InvalidDefinitionDescription\n# a is a\nARG a\n# text\nARG b\n# d "
         "it is\nFROM x AS d\n# text\nFROM x AS e\n# text\n\nFROM x AS f\n# text\nARG g h\n",
                "5 InvalidDefinitionDescription Comment for ARG should follow the format: `# b "
                "<description>`\n"
                "9 InvalidDefinitionDescription Comment for FROM should follow the format: `# e "
                "<description>`\n"
                "14 InvalidDefinitionDescription Comment for ARG should follow the format: `# "
                "<arg_key> <description>`\n"},
        {"# check=experimental=all;skip=all\n# text\nARG a\nFROM B AS C\n",
                "3 InvalidDefinitionDescription Comment for ARG should follow the format: `# a "
                "<description>`\n"},
        // silenced
        {"# check=skip=MaintainerDeprecated,StageNameCasing\nFROM a AS B\nMAINTAINER x\nfrom c\n",
                "4 ConsistentInstructionCasing Command 'from' should match the case of the command "
                "majority (uppercase)\n"},
        {"# check=error=true;skip=all\nFROM a AS B\nMAINTAINER x\n", ""},
        {"FROM a\n# check=skip=MaintainerDeprecated\n# more\nMAINTAINER x\nMAINTAINER y\n",
                "5 MaintainerDeprecated Maintainer instruction is deprecated in favor of using "
                "label\n"},
        {"FROM a\n# check=skip=MaintainerDeprecated\n\nMAINTAINER x\n", // not right above
                "4 MaintainerDeprecated Maintainer instruction is deprecated in favor of using "
                "label\n"},
        {"FROM a\n# check=skip=all\nMAINTAINER x\n", ""},
        {"FROM a\n# check=error=true\nMAINTAINER x\n",
                "3 MaintainerDeprecated Maintainer instruction is deprecated in favor of using "
                "label\n"},
        {"FROM a\n# check=nonsense\n# check=skip=all\nMAINTAINER x\n", // the first one counts
                "4 MaintainerDeprecated Maintainer instruction is deprecated in favor of using "
                "label\n"},
};

static void test_warnings(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		auto_dockerfile struct dockerfile *d =
		        dockerfile_parse(rows[i].input, strlen(rows[i].input), NULL, &e);
		if (!d)
			fail_msg("%s: %s", rows[i].input, e.msg);
		auto_buf struct buf b = {0};
		for (size_t k = 0; k < d->n_warnings; k++)
			buf_printf(&b, "%d %s %s\n", d->warnings[k].pos.line, d->warnings[k].rule,
			        d->warnings[k].detail);
		if (strcmp(buf_cstr(&b), rows[i].want) != 0)
			fail_msg(
			        "%s: got\n%s\nwant\n%s", rows[i].input, buf_cstr(&b), rows[i].want);
	}
}

static struct dockerfile *read(const char *text, const char *check, int want, struct err *e)
{
	const struct dockerfile_options o = {.check = check};
	struct dockerfile *d = NULL;
	int got = dockerfile_read(text, strlen(text), &o, &d, e);
	if (got != want)
		fail_msg("%s: %d: %s", text, got, e->msg);
	return d;
}

// What is wrong with `check=` itself, in Go's words.
static void test_options(void **state)
{
	static const struct {
		const char *check, *want;
	} bad[] = {
	        {"nonsense", "failed to parse check options: invalid check option \"nonsense\""},
	        {"skip=A;foo=b", "failed to parse check options: invalid check option \"foo\""},
	        {"error=maybe",
	                "failed to parse check options: failed to parse check option "
	                "\"error=maybe\": strconv.ParseBool: parsing \"maybe\": invalid syntax"},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = ERR_INIT;
		auto_dockerfile struct dockerfile *d = read("FROM a\n", bad[i].check, -1, &e);
		assert_true(!d || e.kind != ERR_NONE);
		assert_string_equal(e.msg, bad[i].want);
	}
}

// The build argument takes the place of the directive; error=true names the rules.
static void test_error(void **state)
{
	const char *text = "# check=error=true\nFROM a as B\nMAINTAINER x\n";
	struct err e = ERR_INIT;
	auto_dockerfile struct dockerfile *d = read(text, NULL, 0, &e);
	assert_int_equal(dockerfile_check_error(d, &e), -1);
	assert_string_equal(e.msg, "lint violation found for rules: FromAsCasing, "
	                           "MaintainerDeprecated, StageNameCasing");
	auto_dockerfile struct dockerfile *quiet = read(text, "skip=all;error=true", 0, &e);
	assert_int_equal(dockerfile_check_error(quiet, &e), 0);
	auto_dockerfile struct dockerfile *tolerant = read(text, "", 0, &e);
	assert_int_equal(tolerant->n_warnings, 3);
	assert_int_equal(dockerfile_check_error(tolerant, &e), 0);
}

// What stands above a line that does not parse has been checked, and can be shown.
static void test_before_failure(void **state)
{
	struct err e = ERR_INIT;
	auto_buf struct buf b = {0};
	auto_dockerfile struct dockerfile *d =
	        read("FROM a AS Bad\nMAINTAINER x\nBADCMD\n", NULL, -1, &e);
	assert_int_equal(e.pos.line, 3);
	assert_int_equal(d->n_warnings, 2);
	dockerfile_excerpt(d, e.pos, &b);
	assert_string_equal(buf_cstr(&b),
	        "Dockerfile:3\n--------------------\n   1 |     FROM a AS "
	        "Bad\n   2 |     MAINTAINER x\n   3 | >>> BADCMD\n   4 |     "
	        "\n--------------------\n");
}

static void test_rules(void **state)
{
	assert_int_equal(n_check_rules, 22);
	for (size_t i = 0; i < n_check_rules; i++) {
		const struct check_rule *r = &check_rules[i];
		assert_ptr_equal(check_rule_find(r->name), r);
		assert_int_equal(
		        r->experimental, strcmp(r->name, "InvalidDefinitionDescription") == 0);
		assert_int_equal(!r->url, strcmp(r->name, "InvalidBaseImagePlatform") == 0);
	}
	assert_string_equal(check_rule_find("JSONArgsRecommended")->url,
	        "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_warnings),
	        cmocka_unit_test(test_options),
	        cmocka_unit_test(test_error),
	        cmocka_unit_test(test_before_failure),
	        cmocka_unit_test(test_rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
