// SPDX-License-Identifier: Apache-2.0
// The checks that the text alone decides, and how they are silenced.
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
        {"FROM scratch\nCOPY a \\\n\nb\n", "4 NoEmptyContinuation Empty continuation line\n"},
        {"FROM scratch\nCOPY a \\\n# c\nb\n", ""},
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
        {"FROM a\nENV a b\nLABEL c d\n", "2 LegacyKeyValueFormat \"ENV key=value\" should be used "
                                         "instead of legacy \"ENV key value\" "
                                         "format\n"
                                         "3 LegacyKeyValueFormat \"LABEL key=value\" should be "
                                         "used instead of legacy \"LABEL key "
                                         "value\" format\n"},
        {"FROM a\nCMD x\n",
                "2 JSONArgsRecommended JSON arguments recommended for CMD to prevent unintended "
                "behavior related to OS signals\n"},
        {"FROM a\nENTRYPOINT x\n",
                "2 JSONArgsRecommended JSON arguments recommended for ENTRYPOINT to prevent "
                "unintended behavior related to OS signals\n"},
        {"FROM a\nCMD [\"x\"]\n", ""},
        {"FROM a AS b\nSHELL [\"x\"]\nCMD x\nFROM b\nCMD x\n", ""},
        {"FROM a AS b\nSHELL [\"x\"]\nFROM a AS b\nFROM b\nCMD x\n",
                "3 DuplicateStageName Duplicate stage name \"b\", stage names should be unique\n"
                "5 JSONArgsRecommended JSON arguments recommended for CMD to prevent unintended "
                "behavior "
                "related to OS signals\n"},
        {"FROM a\nCMD [\"x\"]\nCMD [\"y\"]\nHEALTHCHECK NONE\nHEALTHCHECK CMD x\nFROM b\nCMD []\n",
                "2 MultipleInstructionsDisallowed Multiple CMD instructions should not be used in "
                "the same "
                "stage because only the last one will be used\n"
                "4 MultipleInstructionsDisallowed Multiple HEALTHCHECK instructions should not be "
                "used in "
                "the same stage because only the last one will be used\n"},
        {"# check=skip=MaintainerDeprecated,JSONArgsRecommended\nFROM a\nMAINTAINER x\nCMD x\nENV "
         "a b\n",
                "5 LegacyKeyValueFormat \"ENV key=value\" should be used instead of legacy \"ENV "
                "key value\" "
                "format\n"},
        {"# check=error=true;skip=all\nFROM a\nMAINTAINER x\nCMD x\n", ""},
        {"FROM a\n# check=skip=JSONArgsRecommended\n# more\nCMD x\nENTRYPOINT x\n",
                "5 JSONArgsRecommended JSON arguments recommended for ENTRYPOINT to prevent "
                "unintended "
                "behavior related to OS signals\n"},
        {"FROM a\n# check=skip=all\nMAINTAINER x\n", ""},
        {"FROM a\n# check=error=true\nMAINTAINER x\n",
                "3 MaintainerDeprecated Maintainer instruction is deprecated in favor of using "
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_warnings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
