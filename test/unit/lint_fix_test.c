// SPDX-License-Identifier: Apache-2.0
// Edits: what a file looks like after all rounds of them, and that a second time changes nothing.
#include "lint_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
// after the standard headers it needs
#include <cmocka.h>

#include "base/buf.h"

static bool is_plain(void *arg, const char *path)
{
	(void)arg;
	return strcmp(path, "archive") != 0;
}

#define SAME(text)         \
	{                  \
		text, text \
	}

static const struct {
	const char *before, *after;
} rows[] = {
        // nothing to do
        {"FROM a:1\nRUN true\n", "FROM a:1\nRUN true\n"},
        // package managers
        {"FROM a:1\nRUN apt-get update && apt-get install -y x\n",
                "FROM a:1\nRUN apt-get update && apt-get install -y x && rm -rf "
                "/var/lib/apt/lists/*\n"},
        {"FROM a:1\nRUN apt-get update \\\n    && apt-get install -y \\\n      x\nCMD [\"y\"]\n",
                "FROM a:1\nRUN apt-get update \\\n    && apt-get install -y \\\n      x \\\n      "
                "&& rm -rf /var/lib/apt/lists/*\nCMD [\"y\"]\n"},
        {"FROM a:1\r\nRUN apt-get update && \\\r\n  apt-get install -y x  \r\n",
                "FROM a:1\r\nRUN apt-get update && \\\r\n  apt-get install -y x \\\r\n  && rm -rf "
                "/var/lib/apt/lists/*  \r\n"},
        {"# escape=`\nFROM a:1\nRUN apt-get update && `\n  apt-get install -y x",
                "# escape=`\nFROM a:1\nRUN apt-get update && `\n  apt-get install -y x `\n  && rm "
                "-rf /var/lib/apt/lists/*"},
        // a later RUN needs the lists: left alone
        {"FROM a:1\nRUN apt-get update\nRUN apt-get install -y x\n",
                "FROM a:1\nRUN apt-get update\nRUN apt-get install -y x\n"},
        // nothing is appended behind a comment, to the background, to what is not closed
        {"FROM a:1\nRUN apt-get update # why\n", "FROM a:1\nRUN apt-get update # why\n"},
        {"FROM a:1\nRUN apt-get update &\n", "FROM a:1\nRUN apt-get update &\n"},
        {"FROM a:1\nRUN <<E\napt-get update\nE\n", "FROM a:1\nRUN <<E\napt-get update\nE\n"},
        {"FROM a:1\nRUN [\"apt-get\", \"update\"]\n", "FROM a:1\nRUN [\"apt-get\", \"update\"]\n"},
        SAME("FROM a:1\nRUN apt-get update; apt-get install -y x;\n"),
        SAME("FROM a:1\nRUN apt-get update && apt-get install -y x |\n"),
        // what a later RUN may use stays
        SAME("FROM a:1\nRUN apt-get update\nRUN apt-get -y upgrade\n"),
        SAME("FROM a:1\nRUN apt-get update\nRUN ./install-deps.sh\n"),
        SAME("FROM a:1 AS b\nRUN apt-get update\nFROM b\nRUN [\"./install-deps.sh\"]\n"),
        SAME("FROM a:1\nRUN apt-get update && apt-get install -y x\n"
             "RUN apt-get -o Acquire::Retries=3 install -y y\n"),
        SAME("FROM a:1\nRUN apt-get update && apt-get install -y x\n"
             "RUN apt-get -yt stable build-dep y\n"),
        SAME("FROM a:1\nRUN apt-get update && apt-get install -y x\n"
             "RUN apt-get install -y y && apt-get update\nRUN apt-cache show y\n"),
        {"FROM a:1\nRUN apt-get update\n",
                "FROM a:1\nRUN apt-get update && rm -rf /var/lib/apt/lists/*\n"},
        {"FROM a:1\nRUN apt-get update && apt-get -y -qq -o=X=y --option Y=z upgrade\nRUN z\n",
                "FROM a:1\nRUN apt-get update && apt-get -y -qq -o=X=y --option Y=z upgrade && rm "
                "-rf /var/lib/apt/lists/*\nRUN z\n"},
        // as whom it was made
        {"FROM a:1\nRUN sudo apt-get update && sudo apt-get install x\n",
                "FROM a:1\nRUN sudo apt-get update && sudo apt-get install x && sudo rm -rf "
                "/var/lib/apt/lists/*\n"},
        {"FROM a:1\nRUN sudo -E dnf install -y x\n",
                "FROM a:1\nRUN sudo -E dnf install -y x && sudo dnf clean all\n"},
        {"FROM a:1\nRUN apt install -y x\n", "FROM a:1\nRUN apt-get install -y x\n"},
        // apt-get has no such verb, or another one of that name
        SAME("FROM a:1\nRUN apt list --installed && apt show x && apt -y full-upgrade\n"),
        // the patterns of a case
        {"FROM a:1\nRUN case $X in apt) apt install -y x;; a|apt|b) y;; (apt) z;; esac\n",
                "FROM a:1\nRUN case $X in apt) apt-get install -y x;; a|apt|b) y;; (apt) z;; "
                "esac\n"},
        // what is no shell's
        SAME("FROM a:1\nRUN <<EOF\n#!/usr/bin/env python3\napt install -y x\nEOF\n"),
        {"FROM a:1\nRUN <<EOF\n#!/usr/bin/env -S A=b bash -e\napt install -y x\nEOF\n",
                "FROM a:1\nRUN <<EOF\n#!/usr/bin/env -S A=b bash -e\napt-get install -y x\nEOF\n"},
        {"FROM a:1\nRUN <<EOF\ncat >/x <<M; cat <<-'N M'\napt install\n\tM\nM\n\tapt install\n\tN "
         "M\n"
         "apt install -y x\nEOF\n",
                "FROM a:1\nRUN <<EOF\ncat >/x <<M; cat <<-'N M'\napt install\n\tM\nM\n\tapt "
                "install\n\tN M\napt-get install -y x\nEOF\n"},
        // what a cache mount holds, or may hold
        SAME("FROM a:1\nRUN --mount=type=cache,target=/root/.cache/yarn yarn install --prod\n"),
        SAME("FROM a:1\nRUN --mount=type=cache,target=/home/node/.npm npm ci --omit=dev\n"),
        SAME("FROM a:1\nRUN --mount=type=cache,target=/c npm ci --omit=dev --cache=/c\n"),
        SAME("FROM a:1\nRUN --mount=type=cache,target=/var/cache/libdnf5 dnf install -y x\n"),
        SAME("FROM a:1\nRUN --mount=type=cache,target=/home/app/.cache/pip pip install x\n"),
        SAME("FROM a:1\nRUN --mount=type=cache,target=/home/app/.cache pip install x\n"),
        {"FROM a:1\nRUN --mount=type=cache,target=/var/cache/apt apt-get update && npm ci -P\n",
                "FROM a:1\nRUN --mount=type=cache,target=/var/cache/apt apt-get update && npm ci "
                "-P && rm -rf /var/lib/apt/lists/* && npm cache clean --force\n"},
        {"FROM a:1\nRUN apk add x && \\\n# c\n apk add y\n",
                "FROM a:1\nRUN apk add --no-cache x && \\\n# c\n apk add --no-cache y\n"},
        // the word ends before the line that is continued, not behind the comment
        {"FROM a:1\nRUN apk add\\\n#c", "FROM a:1\nRUN apk add --no-cache\\\n#c"},
        {"FROM a:1\nRUN dnf install -y x\\\n#c\n",
                "FROM a:1\nRUN dnf install -y x \\\n&& dnf clean all\\\n#c\n"},
        {"FROM a:1\nRUN <<E\nset -e\napk add \\\n  x\nE\n",
                "FROM a:1\nRUN <<E\nset -e\napk add --no-cache \\\n  x\nE\n"},
        {"FROM a:1\nRUN python -m pip install x\nRUN pip3 install -r y\n",
                "FROM a:1\nRUN python -m pip install --no-cache-dir x\nRUN pip3 install "
                "--no-cache-dir -r y\n"},
        {"FROM a:1\nRUN npm ci --omit=dev\n",
                "FROM a:1\nRUN npm ci --omit=dev && npm cache clean --force\n"},
        {"FROM a:1\nRUN dnf install -y x\n", "FROM a:1\nRUN dnf install -y x && dnf clean all\n"},
        {"FROM a:1\nONBUILD RUN apk add x\n", "FROM a:1\nONBUILD RUN apk add x\n"},
        // ADD
        {"FROM a:1\nADD x /\nADD archive /\nADD y.tar /\n",
                "FROM a:1\nCOPY x /\nADD archive /\nADD y.tar /\n"},
        // the way it is written
        {"From a:1 as Build\nrun x\nRUN y\n", "FROM a:1 AS build\nRUN x\nRUN y\n"},
        {"\xef\xbb\xbf"
         "From a:1\nRUN y\nRUN z\n",
                "\xef\xbb\xbf"
                "FROM a:1\nRUN y\nRUN z\n"},
        {"FROM a:1\nRUN a \\\n\n  b \\\n   \n\n  c\n", "FROM a:1\nRUN a \\\n  b \\\n  c\n"},
        {"FROM a:1\nENV a b\nENV c d e $f\nLABEL g h\nENV i \"j\"\n",
                "FROM a:1\nENV a=b\nENV c=\"d e $f\"\nLABEL g=h\nENV i \"j\"\n"},
        {"FROM a:1\nENV a b\xc2\xa0"
         "c=d\nENV e f\vg=h\nENV i j\f\n",
                "FROM a:1\nENV a=\"b\xc2\xa0"
                "c=d\"\nENV e=\"f\vg=h\"\nENV i=j\f\n"},
        SAME("FROM a:1\nENV a\xc2\xa0"
             "b c=d\n"),
        {"FROM --platform=$TARGETPLATFORM a:1\n", "FROM a:1\n"},
        SAME("ARG TARGETPLATFORM=linux/arm64\nFROM --platform=$TARGETPLATFORM a:1\n"),
        {"FROM a:1\nEXPOSE 80/TCP 81/udp 180/UDP 80/UDP\n",
                "FROM a:1\nEXPOSE 80/tcp 81/udp 180/udp 80/udp\n"},
        {"from a:1\nenv a=b\nRUN x\nCMD y\n", "FROM a:1\nENV a=b\nRUN x\nCMD y\n"},
        {"from a:1\nrun case x in a) b;; esac\nRUN x\nCMD y\nUSER z\n",
                "FROM a:1\nRUN case x in a) b;; esac\nRUN x\nCMD y\nUSER z\n"},
        // silenced: left as it is
        {"FROM a:1\n# hew: skip=ApkCacheLeft\nRUN apk add x\n",
                "FROM a:1\n# hew: skip=ApkCacheLeft\nRUN apk add x\n"},
};

// As hew lint --fix does it. Returns the number of rounds.
static int fix_all(const char *text, struct buf *ret)
{
	const struct lint_options o = {.is_plain = is_plain};
	buf_reset(ret);
	buf_puts(ret, text);
	for (int round = 0; round < 20; round++) {
		auto_lint_report struct lint_report r = {0};
		auto_buf struct buf next = {0};
		auto_dockerfile struct dockerfile *d = lint_read(ret->p, ret->n, &o, &r);
		if (!d)
			fail_msg("round %d: does not parse:\n%s", round, buf_cstr(ret));
		if (lint_apply(&r, ret->p, ret->n, &next) == 0)
			return round;
		buf_reset(ret);
		buf_add(ret, next.p, next.n);
	}
	fail_msg("no end: %s", text);
	return -1;
}

static void test_fixes(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf once = {0}, twice = {0};
		fix_all(rows[i].before, &once);
		if (strcmp(buf_cstr(&once), rows[i].after) != 0)
			fail_msg("got\n%s--- expected\n%s", buf_cstr(&once), rows[i].after);
		assert_int_equal(fix_all(buf_cstr(&once), &twice), 0);
	}
}

static void test_shape(void **state)
{
	struct err e = ERR_INIT;
	static const char *const texts[] = {"FROM a\nADD x /\nRUN y\n", "from a\nCOPY x /\nrun z\n",
	        "FROM a\nRUN y\n", "FROM a\nADD x /\nFROM b\nRUN y\n"};
	struct dockerfile *d[ARRAY_LEN(texts)];
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		d[i] = dockerfile_parse(texts[i], strlen(texts[i]), NULL, &e);
	assert_true(lint_same_shape(d[0], d[1]));
	assert_false(lint_same_shape(d[1], d[0]));
	assert_false(lint_same_shape(d[0], d[2]));
	assert_false(lint_same_shape(d[0], d[3]));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		dockerfile_free(d[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_fixes),
	        cmocka_unit_test(test_shape),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
