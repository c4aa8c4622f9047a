// SPDX-License-Identifier: Apache-2.0
// BuildKit's checks that need variables, stages, base images or the ignore file: for each a file
// that it warns of and one that it does not.
#include "base/mem.h"
#include "graph/graph.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
// after the standard headers it needs
#include <cmocka.h>

static const struct platform amd64 = {.os = "linux", .arch = "amd64"};

// An image with a layer and HOME set; "shell": with SHELL; "arm": of another machine; "unknown".
static int resolve(struct graph_resolver *self, const char *ref, const struct platform *p,
        struct graph_image *ret, struct err *e)
{
	(void)self;
	(void)e;
	*ret = (struct graph_image){.name = xstrdup(ref)};
	struct image_config *c = &ret->config;
	struct digest d = digest_of(ref, strlen(ref));
	c->platform = *p;
	ret->unknown = !strcmp(ref, "unknown");
	strv_add(&c->env, "PATH=/bin");
	strv_add(&c->env, "HOME=/root");
	if (!strcmp(ref, "shell"))
		strv_add(&c->shell, "/bin/bash");
	if (!strcmp(ref, "arm"))
		snprintf(c->platform.arch, sizeof(c->platform.arch), "arm64");
	image_config_add_diff_id(c, &d);
	return 0;
}

static bool ignores(struct graph_resolver *self, const char *source)
{
	(void)self;
	return !strcmp(source, "hidden") || !strcmp(source, "./hidden") || strchr(source, '@');
}

struct row {
	const char *dockerfile, *build_arg, *want; // "line rule: detail" each
};

static const struct row rows[] = {
        // JSONArgsRecommended
        {"FROM a\nCMD x\n", NULL,
                "2 JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended "
                "behavior related to OS signals\n"},
        {"FROM a\nEntryPoint x\n", NULL,
                "2 ConsistentInstructionCasing: Command 'EntryPoint' should match the case of the "
                "command majority (uppercase)\n"
                "2 JSONArgsRecommended: JSON arguments recommended for EntryPoint to prevent "
                "unintended behavior related to OS signals\n"},
        {"FROM a\nCMD [\"x\"]\n", NULL, ""},
        {"FROM shell\nCMD x\n", NULL, ""},
        {"FROM a AS b\nSHELL [\"x\"]\nFROM b\nCMD x\n", NULL, ""},
        // only what is carried out is checked, unless all stages are
        {"FROM a AS b\nCMD x\nFROM a\n", NULL, ""},
        // MultipleInstructionsDisallowed
        {"FROM a\nCMD [\"x\"]\nCMD [\"y\"]\nHEALTHCHECK NONE\nHEALTHCHECK CMD x\n", NULL,
                "2 MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in "
                "the same stage because only the last one will be used\n"
                "4 MultipleInstructionsDisallowed: Multiple HEALTHCHECK instructions should not be "
                "used in the same stage because only the last one will be used\n"},
        {"FROM a AS b\nCMD [\"x\"]\nFROM b\nCMD [\"y\"]\n", NULL, ""},
        // LegacyKeyValueFormat
        {"FROM a\nENV a b\nlabel c d\n", NULL,
                "3 ConsistentInstructionCasing: Command 'label' should match the case of the "
                "command majority (uppercase)\n"
                "2 LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy \"ENV "
                "key value\" format\n"
                "3 LegacyKeyValueFormat: \"label key=value\" should be used instead of legacy "
                "\"label key value\" format\n"},
        {"FROM a\nENV a=b\nLABEL c=d\n", NULL, ""},
        // SecretsUsedInArgOrEnv
        {"FROM a\nARG SECRET_PASSPHRASE\nENV SUPER_Secret=1 git_key=\nENV apikey=x flower=y\n",
                NULL,
                "2 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data "
                "(ARG \"SECRET_PASSPHRASE\")\n"
                "3 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data "
                "(ENV \"SUPER_Secret\")\n"
                "3 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data "
                "(ENV \"git_key\")\n"
                "4 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data "
                "(ENV \"apikey\")\n"},
        {"FROM a\nENV PUBLIC_KEY=1 TOKEN_FILE=x KEYBOARD=y AUTH_VERSION=2 tokens=z\n", NULL, ""},
        // WorkdirRelativePath
        {"FROM a\nWORKDIR app/\nWORKDIR b\n", NULL,
                "2 WorkdirRelativePath: Relative workdir \"app/\" can have unexpected results if "
                "the base image changes\n"},
        {"FROM a AS b\nWORKDIR /app\nFROM b\nWORKDIR sub\n", NULL, ""},
        // UndefinedVar
        {"FROM a\nCOPY $foo .\nARG foo=bar\nCOPY $foo .\n", NULL,
                "2 UndefinedVar: Usage of undefined variable '$foo'\n"},
        {"FROM a\nARG DIR_ASSETS=x\nCOPY $DIR_ASSET .\nENV PATH=$PAHT:/x\n", NULL,
                "3 UndefinedVar: Usage of undefined variable '$DIR_ASSET' (did you mean "
                "$DIR_ASSETS?)\n"
                "4 UndefinedVar: Usage of undefined variable '$PAHT' (did you mean $PATH?)\n"},
        {"FROM a\nARG foo\nCOPY a${foo} .\nRUN echo $bar\nLABEL h=$HOME x=${y:-z}\n", NULL, ""},
        {"FROM a AS b\nARG foo=x\nFROM b\nCOPY $foo .\n", NULL, ""},
        {"FROM a\nCOPY <<E /x\n$nothing\nE\nRUN --mount=type=cache,target=/x$nope true\n", NULL,
                "2 UndefinedVar: Usage of undefined variable '$nothing'\n"
                "5 UndefinedVar: Usage of undefined variable '$nope'\n"},
        {"FROM unknown\nCOPY $JAVA_HOME .\n", NULL, ""},
        // UndefinedArgInFrom
        {"ARG tag=1\nFROM a:${tag}${version}\n", NULL,
                "2 UndefinedArgInFrom: FROM argument 'version' is not declared\n"},
        {"FROM --platform=$BULIDPLATFORM a\n", NULL,
                "1 UndefinedArgInFrom: FROM argument 'BULIDPLATFORM' is not declared (did you mean "
                "BUILDPLATFORM?)\n"
                "ERROR 1: empty platform value from expression $BULIDPLATFORM (did you mean "
                "BUILDPLATFORM?)\n"},
        {"ARG tag\nFROM a:x$tag\nFROM --platform=$BUILDPLATFORM b AS c\nFROM c\n", NULL, ""},
        // InvalidDefaultArgInFrom
        {"ARG VERSION\nFROM a:$VERSION\n", "VERSION=1",
                "2 InvalidDefaultArgInFrom: Default value for ARG a:$VERSION results in empty or "
                "invalid base image name\n"},
        {"ARG VERSION=2\nARG V\nFROM a:$VERSION$V\n", "VERSION=1", ""},
        // RedundantTargetPlatform, FromPlatformFlagConstDisallowed
        {"FROM --platform=${TARGETPLATFORM} a\n", NULL,
                "1 RedundantTargetPlatform: Setting platform to predefined ${TARGETPLATFORM} in "
                "FROM is redundant as this is the default behavior\n"},
        {"FROM --platform=linux/amd64 a\n", NULL,
                "1 FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant "
                "value \"linux/amd64\"\n"},
        {"FROM --platform=linux/amd64 a AS for_amd64\nFROM --platform=$BUILDPLATFORM a\n", NULL,
                ""},
        // InvalidBaseImagePlatform
        {"FROM arm\n", NULL,
                "1 InvalidBaseImagePlatform: Base image arm was pulled with platform "
                "\"linux/arm64\", expected \"linux/amd64\" for current build\n"},
        // CopyIgnoredFile
        {"FROM a\nCOPY ./hidden b /\nADD hidden /\n", NULL,
                "2 CopyIgnoredFile: Attempting to Copy file \"hidden\" that is excluded by "
                ".dockerignore\n"
                "3 CopyIgnoredFile: Attempting to Add file \"hidden\" that is excluded by "
                ".dockerignore\n"},
        {"FROM a AS b\nFROM a\nCOPY --from=b hidden /\nCOPY seen /\n", NULL, ""},
        {"FROM a\nADD git@github.com:a/b.git ssh://git@github.com/a/b.git /x/\n", NULL, ""},
        // ExposeProtoCasing, ExposeInvalidFormat
        {"FROM a\nEXPOSE 80/TcP 443/udp\n", NULL,
                "2 ExposeProtoCasing: Defined protocol '80/TcP' in EXPOSE instruction should be "
                "lowercase\n"},
        {"FROM a\nEXPOSE 127.0.0.1:80:80 81:82 :83 84-85\n", NULL,
                "2 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or "
                "host-port mapping, found '127.0.0.1:80:80'\n"
                "2 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or "
                "host-port mapping, found '81:82'\n"},
        // silenced
        {"# check=skip=JSONArgsRecommended\nFROM a\nCMD x\nENV a b\n", NULL,
                "4 LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy \"ENV "
                "key value\" format\n"},
        {"FROM a\n# check=skip=JSONArgsRecommended\nCMD x\n", NULL, ""},
        {"# check=skip=UndefinedArgInFrom,UndefinedVar\nFROM a$b\nCOPY $c /\n", NULL, ""},
};

static void run_row(const struct row *r, bool all, struct buf *out)
{
	struct err e = ERR_INIT;
	struct graph_resolver resolver = {.resolve = resolve, .ignores = ignores};
	auto_strv struct strv args = {0};
	if (r->build_arg)
		strv_add(&args, r->build_arg);
	auto_dockerfile struct dockerfile *df =
	        dockerfile_parse(r->dockerfile, strlen(r->dockerfile), NULL, &e);
	assert_non_null(df);
	struct graph_options o = {.build_args = &args, .resolver = &resolver, .all_stages = all};
	o.platforms = &amd64;
	o.n_platforms = 1;
	assert_int_equal(platform_parse("linux/riscv64", &o.build_platform, &e), 0);
	auto_graph struct graph *g = graph_build(df, &o, &e);
	for (size_t i = 0; i < df->n_warnings; i++)
		buf_printf(out, "%d %s: %s\n", df->warnings[i].pos.line, df->warnings[i].rule,
		        df->warnings[i].detail);
	if (!g)
		buf_printf(out, "ERROR %d: %s\n", e.pos.line, e.msg);
}

static void test_checks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf got = {0};
		run_row(&rows[i], false, &got);
		if (strcmp(buf_cstr(&got), rows[i].want) != 0)
			fail_msg("%s--- got\n%s--- expected\n%s", rows[i].dockerfile,
			        buf_cstr(&got), rows[i].want);
	}
}

static void test_all_stages(void **state)
{
	(void)state;
	auto_buf struct buf got = {0};
	const struct row r = {"FROM a AS one\nCOPY $foo .\nFROM a\nCOPY $bar .\n", NULL, NULL};
	run_row(&r, true, &got);
	assert_string_equal(buf_cstr(&got), "2 UndefinedVar: Usage of undefined variable '$foo'\n"
	                                    "4 UndefinedVar: Usage of undefined variable '$bar'\n");
}

// ---- outline

static void put_entries(struct buf *out, const char *key, const struct outline_entry *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%d %s %s=%s (%s)%s\n", v[i].pos.line, key, v[i].name,
		        v[i].value ? v[i].value : "", v[i].doc ? v[i].doc : "",
		        v[i].required ? " required" : "");
}

static void test_outline(void **state)
{
	(void)state;
	static const char text[] =
	        "ARG inherited=box\nARG inherited2=box2\nARG unused=abc${inherited2}\n# sfx is a "
	        "suffix\nARG sfx=\"usy${inherited}\"\nFROM b${sfx} AS first\n# not a "
	        "description\nARG "
	        "FOO=123\n# BAR is a number\nARG BAR=456\nRUN --mount=type=secret,target=/etc/pw,"
	        "required=true --mount=type=ssh true\nFROM a${unused} AS second\nARG BAZ\nRUN "
	        "--mount=type=secret,id=unused true\nFROM scratch AS third\nARG ABC=a\nARG "
	        "inherited\n"
	        "RUN --mount=type=secret,id=s${BAR} [\"x\"]\n# target defines build target\nFROM "
	        "third "
	        "AS target\nCOPY --from=first /etc/passwd /\nFROM second\n";
	struct err e = ERR_INIT;
	struct graph_resolver resolver = {.resolve = resolve};
	auto_strv struct strv args = {0};
	strv_add(&args, "BAR=678");
	auto_dockerfile struct dockerfile *df = dockerfile_parse(text, strlen(text), NULL, &e);
	struct graph_options o = {.target = "target", .build_args = &args, .resolver = &resolver};
	o.platforms = &amd64;
	o.n_platforms = 1;
	o.build_platform = amd64;
	auto_graph struct graph *g = graph_build(df, &o, &e);
	assert_non_null(g);
	auto_buf struct buf got = {0};
	buf_printf(&got, "%s: %s\n", g->outline.name, g->outline.doc);
	put_entries(&got, "arg", g->outline.args, g->outline.n_args);
	put_entries(&got, "secret", g->outline.secrets, g->outline.n_secrets);
	put_entries(&got, "ssh", g->outline.sockets, g->outline.n_sockets);
	assert_string_equal(buf_cstr(&got), "target: defines build target\n"
	                                    "1 arg inherited=box ()\n"
	                                    "5 arg sfx=usybox (is a suffix)\n"
	                                    "8 arg FOO=123 ()\n"
	                                    "10 arg BAR=678 (is a number)\n"
	                                    "16 arg ABC=a ()\n"
	                                    "11 secret pw= () required\n"
	                                    "18 secret s= ()\n"
	                                    "11 ssh default= ()\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_checks),
	        cmocka_unit_test(test_all_stages),
	        cmocka_unit_test(test_outline),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
