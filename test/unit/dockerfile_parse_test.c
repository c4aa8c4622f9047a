// SPDX-License-Identifier: Apache-2.0
// Whole files: what they are parsed to, and how mistakes are reported.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dockerfile_dump.h"

struct row {
	const char *name, *input, *want;
};

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct err e = ERR_INIT;
		auto_dockerfile struct dockerfile *d =
		        dockerfile_parse(rows[i].input, strlen(rows[i].input), "Dockerfile", &e);
		if (!d)
			fail_msg("%s: line %d: %s", rows[i].name, e.pos.line, e.msg);
		auto_buf struct buf b = {0};
		dump_file(&b, d);
		if (strcmp(buf_cstr(&b), rows[i].want) != 0)
			fail_msg("%s: got\n%s\nwant\n%s", rows[i].name, buf_cstr(&b), rows[i].want);
	}
}

static void test_lexical(void **state)
{
	static const struct row rows[] = {
	        {"plain", "FROM a\nRUN echo hi\n", "FROM base=<a>\nRUN <echo hi>\n"},
	        {"no newline at the end", "FROM a\nRUN echo hi", "FROM base=<a>\nRUN <echo hi>\n"},
	        {"byte order mark",
	                "\xef\xbb\xbf"
	                "FROM a\n",
	                "FROM base=<a>\n"},
	        {"crlf", "FROM a\r\nRUN a \\\r\n  b\r\n", "FROM base=<a>\nRUN <a   b>\n"},
	        {"names in any case", "from a\nRun x\n", "FROM base=<a>\nRUN <x>\n"},
	        {"leading blanks", "  \t FROM a\n\tRUN x  \n", "FROM base=<a>\nRUN <x>\n"},
	        {"continuation keeps blanks of later lines", "FROM a\nRUN a && \\\n    b\n",
	                "FROM base=<a>\nRUN <a &&     b>\n"},
	        {"blanks behind the escape", "FROM a\nRUN a\\ \t \nb\n",
	                "FROM base=<a>\nRUN <ab>\n"},
	        {"doubled escape ends the line", "FROM a\nRUN a \\\\\nRUN b\n",
	                "FROM base=<a>\nRUN <a \\\\>\nRUN <b>\n"},
	        {"continuation at the end of the file", "FROM a\nRUN x \\\n",
	                "FROM base=<a>\nRUN <x>\n"},
	        {"continuation, then nothing", "FROM a\nRUN x \\", "FROM base=<a>\nRUN <x>\n"},
	        {"comments and blank lines in a continuation",
	                "FROM a\nRUN a \\\n# c\n   # d\n\n  b # e\n",
	                "FROM base=<a>\nRUN <a   b # e>\n"},
	        {"comment after a continued comment line is code",
	                "FROM a\nRUN a; \\\n# c \\\n b\nRUN c\n",
	                "FROM base=<a>\nRUN <a;  b>\nRUN <c>\n"},
	        {"escape alone on a line", "FROM a\n\\\nRUN x\n", "FROM base=<a>\nRUN <x>\n"},
	        {"instruction over lines", "FROM \\\n a \\\n AS \\\n b\n",
	                "FROM base=<a> stage=<b>\n"},
	        {"escape directive", "# escape=`\nFROM a\nRUN dir c:\\\nRUN a `\n b\n",
	                "FROM base=<a>\nRUN <dir c:\\>\nRUN <a  b>\n"},
	        {"escape directive, any case and blanks", "#  EsCaPe =  `  \nFROM a\nRUN x\\\n",
	                "FROM base=<a>\nRUN <x\\>\n"},
	        {"escape after a comment is a comment", "# c\n# escape=`\nFROM a\nRUN a \\\n b\n",
	                "FROM base=<a>\nRUN <a  b>\n"},
	        {"escape after a blank line is a comment", "\n# escape=`\nFROM a\nRUN a \\\n b\n",
	                "FROM base=<a>\nRUN <a  b>\n"},
	        {"escape after an unknown directive is a comment",
	                "# foo=bar\n# escape=`\nFROM a\nRUN a \\\n b\n",
	                "FROM base=<a>\nRUN <a  b>\n"},
	        {"escape after syntax",
	                "# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nRUN a `\n b\n",
	                "FROM base=<a>\nRUN <a  b>\n"},
	        {"tabs between words", "FROM\ta\vAS\f b\n", "FROM base=<a> stage=<b>\n"},
	};
	check_rows(rows, ARRAY_LEN(rows));
}

static void test_forms(void **state)
{
	static const struct row rows[] = {
	        {"json", "FROM a\nRUN [\"a\", \"b c\"]\nCMD [\"x\"]\n",
	                "FROM base=<a>\nRUN json <a> <b c>\nCMD json <x>\n"},
	        {"json over lines", "FROM a\nCMD [ \"a\", \\\n \"b\" ]\n",
	                "FROM base=<a>\nCMD json <a> <b>\n"},
	        {"empty json", "FROM a\nCMD []\nENTRYPOINT [ ]\n",
	                "FROM base=<a>\nCMD json\nENTRYPOINT json\n"},
	        {"json escapes", "FROM a\nCMD [\"\\u00e4\\n\\\"\\ud83d\\ude00\\ud800\"]\n",
	                "FROM base=<a>\nCMD json <ä\\n\"😀\ufffd>\n"},
	        {"not json: single quotes", "FROM a\nCMD ['a']\n", "FROM base=<a>\nCMD <['a']>\n"},
	        {"not json: more behind", "FROM a\nCMD [\"a\"] # b\n",
	                "FROM base=<a>\nCMD <[\"a\"] # b>\n"},
	        {"not json: comma", "FROM a\nCMD [\"a\",]\n", "FROM base=<a>\nCMD <[\"a\",]>\n"},
	        {"not json: escape", "FROM a\nRUN [\"c:\\x\"]\n",
	                "FROM base=<a>\nRUN <[\"c:\\x\"]>\n"},
	        {"not json: test", "FROM a\nRUN [ -f x ]\n", "FROM base=<a>\nRUN <[ -f x ]>\n"},
	        {"nothing", "FROM a\nCMD\nENTRYPOINT\n", "FROM base=<a>\nCMD\nENTRYPOINT\n"},
	        {"copy json", "FROM a\nCOPY [\"a b\", \"c\"]\n",
	                "FROM base=<a>\nCOPY json <a b> <c>\n"},
	        {"copy words", "FROM a\nCOPY  a  b\tc/\n", "FROM base=<a>\nCOPY <a> <b> <c/>\n"},
	        {"copy broken json", "FROM a\nCOPY [\"a\", b]\n",
	                "FROM base=<a>\nCOPY <[\"a\",> <b]>\n"},
	        {"volume", "FROM a\nVOLUME /a /b\nVOLUME [\" /c \"]\n",
	                "FROM base=<a>\nVOLUME </a> </b>\nVOLUME json </c>\n"},
	        {"shell", "FROM a\nSHELL [\"sh\", \"-c\"]\n",
	                "FROM base=<a>\nSHELL json <sh> <-c>\n"},
	        {"one argument",
	                "FROM a\nUSER a b\nWORKDIR /a b\nSTOPSIGNAL SIGINT\nMAINTAINER a <b@c>\n",
	                "FROM base=<a>\nUSER <a b>\nWORKDIR </a b>\nSTOPSIGNAL "
	                "<SIGINT>\nMAINTAINER <a <b@c>>\n"},
	        {"expose is sorted", "FROM a\nEXPOSE 80 443/tcp 1-2 $P\n",
	                "FROM base=<a>\nEXPOSE <$P> <1-2> <443/tcp> <80>\n"},
	        {"env", "FROM a\nENV a=b c=\"d e\" f='g h' i=j\\ k l=\n",
	                "FROM base=<a>\nENV <a>=<b> <c>=<\"d e\"> <f>=<'g h'> <i>=<j\\ k> "
	                "<l>=<>\n"},
	        {"env legacy", "FROM a\nENV a b  \"c\" d=e \nLABEL x  y\n",
	                "FROM base=<a>\nENV legacy <a>=<b  \"c\" d=e>\nLABEL legacy <x>=<y>\n"},
	        {"env over lines", "FROM a\nENV a=1 \\\n    b=2\n",
	                "FROM base=<a>\nENV <a>=<1> <b>=<2>\n"},
	        {"label with quoted name", "FROM a\nLABEL \"a b\"=\"c=d\"\n",
	                "FROM base=<a>\nLABEL <\"a b\">=<\"c=d\">\n"},
	        {"arg", "ARG a\nARG b=c d e=\"f g\"\nFROM a\nARG a=\n",
	                "ARG <a>\nARG <b>=<c> <d> <e>=<\"f g\">\nFROM base=<a>\nARG <a>=<>\n"},
	        {"arg ignores flags", "FROM a\nARG --x y\n", "FROM base=<a>\nARG <y>\n"},
	        {"from", "FROM --platform=$P a:b@sha256:c as B-_.1\n",
	                "FROM platform=<$P> base=<a:b@sha256:c> stage=<b-_.1>\n"},
	        {"health",
	                "FROM a\nHEALTHCHECK NONE\nHEALTHCHECK --interval=1m30s --timeout=1.5s "
	                "--start-period=0 --start-interval=2ms --retries=3 CMD a b\n"
	                "healthcheck cmd [\"a\", \"b\"]\nHEALTHCHECK --retries=0 --interval= CMD "
	                "x\n",
	                "FROM base=<a>\nHEALTHCHECK none\n"
	                "HEALTHCHECK 90000000000/1500000000/0/2000000/3 <a b>\n"
	                "HEALTHCHECK json <a> <b>\nHEALTHCHECK <x>\n"},
	        {"onbuild", "FROM a\nONBUILD COPY --from=x a b\nonbuild run [\"x\"]\n",
	                "FROM base=<a>\nONBUILD [COPY from=<x> <a> <b>]\nONBUILD [RUN json <x>]\n"},
	};
	check_rows(rows, ARRAY_LEN(rows));
}

static void test_flags(void **state)
{
	static const struct row rows[] = {
	        {"copy",
	                "FROM a\nCOPY --from=B --chown=1:2 --chmod=u=rwX --link --parents "
	                "--exclude=*.a "
	                "--exclude=b a /b\n",
	                "FROM base=<a>\nCOPY from=<B> chown=<1:2> chmod=<u=rwX> exclude=<*.a> "
	                "exclude=<b> "
	                "link parents <a> </b>\n"},
	        {"add",
	                "FROM a\nADD --checksum=sha256:1 --keep-git-dir=TRUE --unpack=false "
	                "--link=false a b\n",
	                "FROM base=<a>\nADD checksum=<sha256:1> nolink nounpack keep-git-dir <a> "
	                "<b>\n"},
	        {"run",
	                "FROM a\nRUN --network=none --security=insecure --device=v/c=n,required "
	                "--device=x "
	                "--mount=type=cache,target=/c --mount=target=/b cmd --flag\n",
	                "FROM base=<a>\nRUN network=<none> security=<insecure> "
	                "device=<v/c=n,required> "
	                "device=<x> mount=<type=cache,target=/c> mount=<target=/b> <cmd --flag>\n"},
	        {"quotes in flags", "FROM a\nCOPY --chown=\"a b\":c\\ d 'x y' z\n",
	                "FROM base=<a>\nCOPY chown=<a b:c d> <'x> <y'> <z>\n"},
	        {"-- ends the flags", "FROM a\nRUN --network=host -- --mount=x\n",
	                "FROM base=<a>\nRUN network=<host> <--mount=x>\n"},
	        {"empty text flags are as if absent",
	                "FROM --platform= a\nCOPY --from= --chown= a b\n",
	                "FROM base=<a>\nCOPY <a> <b>\n"},
	        {"flags over lines",
	                "FROM a\nRUN --network=none \\\n  --mount=target=/x \\\n  cmd\n",
	                "FROM base=<a>\nRUN network=<none> mount=<target=/x> <cmd>\n"},
	};
	check_rows(rows, ARRAY_LEN(rows));
}

static void test_errors(void **state)
{
	static const struct {
		const char *input;
		int line, end_line;
		const char *want;
	} rows[] = {
	        {"", 1, 1, "the Dockerfile cannot be empty"},
	        {"# only\n\n", 2, 2, "file with no instructions"},
	        {"ARG a\n", 1, 1, "dockerfile contains no stages to build"},
	        {"FROM a\nRU\0N", 2, 2, "NUL byte"},
	        {"RUN x\nFROM a\n", 1, 1, "no build stage in current context"},
	        {"FROM a\n\nRUNN x\n", 3, 3, "unknown instruction: RUNN (did you mean RUN?)"},
	        {"FROM a\ncoppy x\n", 2, 2, "unknown instruction: coppy (did you mean copy?)"},
	        {"FROM a\nXYZZY\n", 2, 2, "unknown instruction: XYZZY"},
	        {"FROM a\nCOPY --form=b a \\\n b\n", 2, 3,
	                "unknown flag: --form (did you mean from?)"},
	        {"FROM a\nUSER --x y\n", 2, 2, "unknown flag: --x"},
	        {"FROM a\nRUN --from=x y\n", 2, 2, "unknown flag: --from"},
	        {"FROM a\nCOPY --link --link a b\n", 2, 2, "duplicate flag specified: --link"},
	        {"FROM a\nCOPY --link= a b\n", 2, 2, "missing a value on flag: --link"},
	        {"FROM a\nCOPY --link=1 a b\n", 2, 2,
	                "expecting boolean value for flag --link, not: 1"},
	        {"FROM a\nCOPY --from a b\n", 2, 2, "missing a value on flag: --from"},
	        {"FROM a\nCOPY --from=$x a b\n", 2, 2,
	                "variable expansion is not supported for --from"},
	        {"FROM\n", 1, 1, "FROM requires either one or three arguments"},
	        {"FROM a b\n", 1, 1, "FROM requires either one or three arguments"},
	        {"FROM a is b\n", 1, 1, "FROM requires either one or three arguments"},
	        {"FROM a AS 1b\n", 1, 1, "invalid name for build stage: \"1b\", name can't start"},
	        {"FROM a AS b/c\n", 1, 1, "invalid name for build stage"},
	        {"FROM a\nCOPY a\n", 2, 2,
	                "COPY requires at least two arguments, but only one was"},
	        {"FROM a\nADD [\"a\"]\n", 2, 2, "ADD requires at least two arguments"},
	        {"FROM a\nCMD [\"a\", 1]\n", 2, 2, "arrays must be comprised of strings only"},
	        {"FROM a\nCOPY [\"a\", {\"b\": [null, -1.5e3]}]\n", 2, 2,
	                "comprised of strings only"},
	        {"FROM a\nENV\n", 2, 2, "ENV requires at least one argument"},
	        {"FROM a\nENV a\n", 2, 2, "ENV must have two arguments"},
	        {"FROM a\nLABEL a=b c\n", 2, 2,
	                "Syntax error - can't find = in \"c\". Must be of the form: name=value"},
	        {"FROM a\nENV =b\n", 2, 2, "ENV names can not be blank"},
	        {"FROM a\nARG =b\n", 2, 2, "ARG names can not be blank"},
	        {"FROM a\nARG\n", 2, 2, "ARG requires at least one argument"},
	        {"FROM a\nRUN\n", 2, 2, "RUN requires at least one argument"},
	        {"FROM a\nUSER\n", 2, 2, "USER requires exactly one argument"},
	        {"FROM a\nWORKDIR \\\n\n", 2, 3, "WORKDIR requires exactly one argument"},
	        {"FROM a\nSTOPSIGNAL\n", 2, 2, "STOPSIGNAL requires exactly one argument"},
	        {"FROM a\nMAINTAINER\n", 2, 2, "MAINTAINER requires exactly one argument"},
	        {"FROM a\nEXPOSE\n", 2, 2, "EXPOSE requires at least one argument"},
	        {"FROM a\nVOLUME []\n", 2, 2, "VOLUME requires at least one argument"},
	        {"FROM a\nVOLUME [\" \"]\n", 2, 2, "VOLUME specified can not be an empty string"},
	        {"FROM a\nSHELL sh -c\n", 2, 2, "SHELL requires the arguments to be in JSON form"},
	        {"FROM a\nSHELL []\n", 2, 2, "SHELL requires at least one argument"},
	        {"FROM a\nONBUILD\n", 2, 2, "ONBUILD requires at least one argument"},
	        {"FROM a\nONBUILD FROM b\n", 2, 2, "FROM isn't allowed as an ONBUILD trigger"},
	        {"FROM a\nONBUILD maintainer b\n", 2, 2,
	                "MAINTAINER isn't allowed as an ONBUILD trigger"},
	        {"FROM a\nONBUILD ONBUILD RUN b\n", 2, 2, "Chaining ONBUILD via `ONBUILD ONBUILD`"},
	        {"FROM a\nONBUILD --x RUN b\n", 2, 2, "unknown flag: --x"},
	        {"FROM a\nONBUILD COPY a\n", 2, 2, "COPY requires at least two arguments"},
	        {"FROM a\nHEALTHCHECK\n", 2, 2, "HEALTHCHECK requires at least one argument"},
	        {"FROM a\nHEALTHCHECK NONE x\n", 2, 2, "HEALTHCHECK NONE takes no arguments"},
	        {"FROM a\nHEALTHCHECK CMD\n", 2, 2, "Missing command after HEALTHCHECK CMD"},
	        {"FROM a\nHEALTHCHECK CMD []\n", 2, 2, "Missing command after HEALTHCHECK CMD"},
	        {"FROM a\nHEALTHCHECK curl x\n", 2, 2,
	                "Unknown type \"CURL\" in HEALTHCHECK (try CMD)"},
	        {"FROM a\nHEALTHCHECK --interval=50ns CMD x\n", 2, 2,
	                "Interval \"interval\" cannot be less than 1ms"},
	        {"FROM a\nHEALTHCHECK --timeout=5 CMD x\n", 2, 2,
	                "time: missing unit in duration \"5\""},
	        {"FROM a\nHEALTHCHECK --timeout=5d CMD x\n", 2, 2,
	                "time: unknown unit \"d\" in duration \"5d\""},
	        {"FROM a\nHEALTHCHECK --timeout=x CMD x\n", 2, 2, "time: invalid duration \"x\""},
	        {"FROM a\nHEALTHCHECK --timeout=99999999999h CMD x\n", 2, 2,
	                "time: invalid duration"},
	        {"FROM a\nHEALTHCHECK --retries=-1 CMD x\n", 2, 2,
	                "--retries cannot be negative (-1)"},
	        {"FROM a\nHEALTHCHECK --retries=x CMD x\n", 2, 2,
	                "strconv.ParseInt: parsing \"x\""},
	        {"FROM a\nRUN --network=x y\n", 2, 2, "invalid network mode \"x\""},
	        {"FROM a\nRUN --security=x y\n", 2, 2, "security \"x\" is not valid"},
	        {"# escape=`\n# escape=`\nFROM a\n", 2, 2,
	                "only one escape parser directive can be used"},
	        {"# syntax=a\n# Syntax=b\nFROM a\n", 2, 2,
	                "only one syntax parser directive can be used"},
	        {"# escape=x\nFROM a\n", 1, 1, "invalid escape token 'x' does not match ` or \\"},
	        {"FROM a\nRUN <<E\nx\n", 2, 3, "unterminated heredoc"},
	        {"FROM a\nRUN <<E <<F\nE\nx\n", 2, 4, "unterminated heredoc"},
	        {"FROM a\nCOPY a <<E\nE\n", 2, 3, "COPY cannot accept a heredoc as a destination"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = strstr(rows[i].want, "NUL") ? 11 : strlen(rows[i].input);
		struct err e = ERR_INIT;
		auto_dockerfile struct dockerfile *d =
		        dockerfile_parse(rows[i].input, n, "Dockerfile", &e);
		if (d)
			fail_msg("%s: parsed, want '%s'", rows[i].input, rows[i].want);
		if (!strstr(e.msg, rows[i].want) || e.pos.line != rows[i].line ||
		        e.pos.end_line != rows[i].end_line || e.kind != ERR_DOCKERFILE)
			fail_msg("%s: got %d-%d %s, want %d-%d %s", rows[i].input, e.pos.line,
			        e.pos.end_line, e.msg, rows[i].line, rows[i].end_line,
			        rows[i].want);
	}
}

static struct dockerfile *parse(const char *text)
{
	struct err e = ERR_INIT;
	struct dockerfile *d = dockerfile_parse(text, strlen(text), "Dockerfile", &e);
	if (!d)
		fail_msg("%s", e.msg);
	return d;
}

static void test_directives(void **state)
{
	static const struct {
		const char *input, *syntax, *check;
		char escape;
	} rows[] = {
	        {"# syntax=docker/dockerfile:1 x\n# check=skip=A,B;error=true\nFROM a\n",
	                "docker/dockerfile:1", "skip=A,B;error=true", '\\'},
	        {"#!/usr/bin/env x\n# syntax = a\nFROM a\n", "a", NULL, '\\'},
	        {"// syntax=b\nFROM a\n", "b", NULL, 0},
	        {"#!/bin/x\n//syntax = b c\n", "b", NULL, 0},
	        {"// other=b\n// syntax=b\n", NULL, NULL, 0},
	        {"{\"syntax\": \"b/c d\", \"x\": [1]}", "b/c d", NULL, 0},
	        {"#!/bin/x\n \n {\"x\": {\"syntax\": \"b\"}, \"syntax\": \"c\"}\n", "c", NULL, 0},
	        {"\xef\xbb\xbf{\"syntax\":\"b\"}", "b", NULL, 0},
	        {"{\"Syntax\": \"b\"}", NULL, NULL, 0},
	        {"{\"syntax\": 1}", NULL, NULL, 0},
	        {"{\"syntax\": \"b\"}x", NULL, NULL, 0},
	        {"{\"check\": \"skip=all\", \"syntax\": \"b\"", NULL, NULL, 0},
	        {"FROM a\n# syntax=a\n", NULL, NULL, '\\'},
	        {"# ESCAPE=`\n# Syntax=a\nFROM a\n", "a", NULL, '`'},
	        {"#syntax=\nFROM a\n", NULL, NULL, '\\'},
	        {"\xef\xbb\xbf# syntax=a\nFROM a\n", "a", NULL, '\\'},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		const struct dockerfile_options o = {0};
		auto_dockerfile struct dockerfile *d = NULL;
		int status = dockerfile_read(rows[i].input, strlen(rows[i].input), &o, &d, &e);
		// 0: for another frontend; not an instruction for this one
		assert_int_equal(status, rows[i].escape ? 0 : -1);
		assert_non_null(d);
		if (rows[i].escape)
			assert_int_equal(d->escape, rows[i].escape);
		else
			assert_int_equal(strstr(e.msg, "is for the frontend") != NULL,
			        rows[i].syntax != NULL);
		assert_string_equal(
		        d->syntax ? d->syntax : "-", rows[i].syntax ? rows[i].syntax : "-");
		assert_string_equal(d->check ? d->check : "-", rows[i].check ? rows[i].check : "-");
	}
}

static void test_stages(void **state)
{
	auto_dockerfile struct dockerfile *d =
	        parse("ARG v=1\nFROM a AS One\nRUN x\nRUN y \\\n z\n\nFROM b\nFROM c AS one\nRUN "
	              "w\nFROM one AS z\n");
	assert_int_equal(d->n_global_args, 1);
	assert_int_equal(d->n_stages, 4);
	assert_string_equal(d->stages[0].name, "one");
	assert_string_equal(d->stages[0].from->stage_name_raw, "One");
	assert_null(d->stages[1].name);
	assert_int_equal(d->stages[0].n_instrs, 2);
	assert_int_equal(d->stages[2].index, 2);
	assert_int_equal(d->stages[0].pos.line, 2);
	assert_int_equal(d->stages[0].pos.end_line, 5);
	assert_int_equal(d->stages[0].instrs[1]->pos.line, 4);
	assert_int_equal(d->stages[0].instrs[1]->pos.end_line, 5);
	assert_int_equal(dockerfile_find_stage(d, "ONE", 4), 2);
	assert_int_equal(dockerfile_find_stage(d, "one", 2), 0);
	assert_int_equal(dockerfile_find_stage(d, "one", 0), -1);
	assert_int_equal(dockerfile_find_stage(d, "z", 100), 3);
	assert_int_equal(dockerfile_find_stage(d, "b", 4), -1);
}

static void test_originals(void **state)
{
	auto_dockerfile struct dockerfile *d = parse("FROM a\n  Run  a \\\n# c\n   b  \n"
	                                             "ONBUILD   RUN x \\\n  y\n"
	                                             "ONBUILD COPY <<-E /d\n\tb\n\tE\n");
	struct instr **in = d->stages[0].instrs;
	assert_string_equal(in[0]->original, "Run  a    b");
	assert_string_equal(in[0]->keyword, "Run");
	assert_int_equal(in[0]->pos.col, 3);
	assert_string_equal(in[1]->original, "ONBUILD   RUN x   y");
	assert_string_equal(in[1]->trigger->original, "RUN x   y");
	assert_string_equal(in[2]->trigger->original, "COPY <<-E /d\n\tb\nE");
	assert_string_equal(in[2]->trigger->heredocs[0].body, "b\n");
	assert_int_equal(in[2]->pos.end_line, 9);
}

static void test_docs(void **state)
{
	auto_dockerfile struct dockerfile *d =
	        parse("# syntax=x\n# foo sets foo\nARG foo=bar\n\n"
	              "# base defines it\n#   base again\nFROM a AS Base\n"
	              "# this is irrelevant\nARG foo\n"
	              "# bar defines bar\n# baz is else\nARG bar baz=1\n"
	              "# x is forgotten\n#\nARG x\n");
	struct stage *s = &d->stages[0];
	assert_string_equal(d->global_args[0]->doc, "sets foo");
	assert_string_equal(s->doc, "defines it");
	assert_null(s->instrs[0]->doc);
	assert_string_equal(s->instrs[1]->pairs[0].doc, "defines bar");
	assert_string_equal(s->instrs[1]->pairs[1].doc, "is else");
	assert_null(s->instrs[2]->doc);
}

static void test_trigger(void **state)
{
	auto_arena struct arena a = {0};
	static const struct row rows[] = {
	        {"run", "RUN a b", "RUN <a b>"},
	        {"heredoc", "COPY <<E /d\nx\nE", "COPY </d> {E -1 <x\\n>}"},
	        {"two", "RUN a\nRUN b", "!onbuild trigger should be a single expression"},
	        {"none", "# x", "!onbuild trigger should be a single expression"},
	        {"empty", "", "!onbuild trigger should be a single expression"},
	        {"from", "FROM x", "!FROM isn't allowed as an ONBUILD trigger"},
	        {"bad", "COPY x", "!COPY requires at least two arguments"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		auto_buf struct buf b = {0};
		struct instr *in = dockerfile_parse_trigger(&a, rows[i].input, &e);
		if (in)
			dump_instr(&b, in);
		if (in ? strcmp(buf_cstr(&b), rows[i].want) != 0 : !strstr(e.msg, rows[i].want + 1))
			fail_msg("%s: %s %s", rows[i].name, buf_cstr(&b), e.msg);
	}
}

static void test_excerpt(void **state)
{
	auto_dockerfile struct dockerfile *d =
	        parse("FROM a\nRUN 1\nRUN 2 \\\r\n  3\x1b[m\t\xc2\x9b\x9b\xc3\xa4\nRUN 4\n");
	static const struct {
		int line, end_line;
		const char *want;
	} rows[] = {
	        {3, 4,
	                "Dockerfile:3\n--------------------\n   2 |     RUN 1\n   3 | >>> RUN 2 "
	                "\\\n"
	                "   4 | >>>   3\\x1b[m\t\\xc2\\x9b\\x9b\xc3\xa4\n   5 |     RUN "
	                "4\n--------------------\n"},
	        {1, 1,
	                "Dockerfile:1\n--------------------\n   1 | >>> FROM a\n   2 |     RUN 1\n"
	                "   3 |     RUN 2 \\\n--------------------\n"},
	        {0, 0, ""},
	        {99, 99, ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf b = {0};
		dockerfile_excerpt(d, (struct pos){rows[i].line, 1, rows[i].end_line, 1}, &b);
		assert_string_equal(buf_cstr(&b), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_lexical),
	        cmocka_unit_test(test_forms),
	        cmocka_unit_test(test_flags),
	        cmocka_unit_test(test_errors),
	        cmocka_unit_test(test_directives),
	        cmocka_unit_test(test_stages),
	        cmocka_unit_test(test_originals),
	        cmocka_unit_test(test_docs),
	        cmocka_unit_test(test_trigger),
	        cmocka_unit_test(test_excerpt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
