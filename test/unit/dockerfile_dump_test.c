// SPDX-License-Identifier: Apache-2.0
// The S-expressions, against what Node.Dump of BuildKit's parser prints (worked out by hand from
// its source).
#include "base/buf.h"
#include "dockerfile/dockerfile.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// after the standard headers it needs
#include <cmocka.h>

static const struct {
	const char *input, *want;
} rows[] = {
        {"FROM alpine\n", "(from \"alpine\")\n"},
        {"From --platform=linux/amd64 a AS B\n",
                "(from [\"--platform=linux/amd64\"] \"a\" \"AS\" \"B\")\n"},
        {"ARG A\nFROM b\nARG c=1 d\n", "(arg \"A\")\n(from \"b\")\n(arg \"c=1\" \"d\")\n"},
        {"FROM a\nENV k=v 'x y'=\"z\"\nENV old style  value\nLABEL a=b\n",
                "(from \"a\")\n(env \"k\" \"v\" \"=\" \"'x y'\" \"\\\"z\\\"\" \"=\")\n"
                "(env \"old\" \"style  value\" \"\")\n(label \"a\" \"b\" \"=\")\n"},
        {"FROM a\nRUN echo \\\n  hi\nRUN [\"b\", \"c\\td\"]\n",
                "(from \"a\")\n(run \"echo   hi\")\n(run \"b\" \"c\\td\")\n"},
        {"FROM a\nCOPY --from=b --chown=1 x y /z\nEXPOSE 90 80\n",
                "(from \"a\")\n(copy [\"--from=b\" \"--chown=1\"] \"x\" \"y\" \"/z\")\n(expose "
                "\"90\" \"80\")\n"},
        {"FROM a\nONBUILD RUN x y\nONBUILD COPY --link a b\n",
                "(from \"a\")\n(onbuild (run \"x y\"))\n(onbuild (copy [\"--link\"] \"a\" "
                "\"b\"))\n"},
        {"FROM a\nHEALTHCHECK --interval=5s CMD x y\nHEALTHCHECK NONE\n",
                "(from \"a\")\n(healthcheck [\"--interval=5s\"] \"CMD\" \"x y\")\n(healthcheck "
                "\"NONE\")\n"},
        {"FROM a\nCOPY <<EOF /x\nbody\nEOF\nRUN <<E\ny\nE\n",
                "(from \"a\")\n(copy \"<<EOF\" \"/x\")\n(run \"<<E\")\n"},
        {"FROM a\nVOLUME  /a\t/b \nUSER u\nCMD\n",
                "(from \"a\")\n(volume \"/a\" \"/b\")\n(user \"u\")\n(cmd)\n"},
};

static void test_dump(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		auto_buf struct buf got = {0};
		auto_dockerfile struct dockerfile *d =
		        dockerfile_parse(rows[i].input, strlen(rows[i].input), NULL, &e);
		if (!d)
			fail_msg("%s: %s", rows[i].input, e.msg);
		dockerfile_dump(d, &got);
		assert_string_equal(buf_cstr(&got), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_dump),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
