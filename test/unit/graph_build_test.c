// SPDX-License-Identifier: Apache-2.0
// Dockerfiles to steps, configuration and history: each row is a Dockerfile and the dump it must
// give.
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

// An image called "base": one layer, an environment, a trigger if its tag asks for one.
static int resolve(struct graph_resolver *self, const char *ref, const struct platform *p,
        struct graph_image *ret, struct err *e)
{
	(void)self;
	if (str_has_prefix(ref, "missing"))
		return err_set(e, ERR_NOT_FOUND, "%s: not found", ref);
	*ret = (struct graph_image){.name = xstrdup(ref)};
	struct image_config *c = &ret->config;
	c->platform = *p;
	strv_add(&c->env, "PATH=/bin");
	strv_add(&c->env, "FROM_BASE=1");
	strv_add(&c->cmd, "sh");
	c->has_cmd = true;
	struct digest d = digest_of(ref, strlen(ref));
	image_config_add_diff_id(c, &d);
	image_config_add_history(c)->created_by = xstrdup("base layer");
	if (str_has_suffix(ref, ":onbuild"))
		strv_add(&c->on_build, "COPY . /src");
	return 0;
}

// The contexts of all rows: "folder" is files, "tool" the image base:2, "offline" cannot be had.
static int named_context(struct graph_resolver *self, const char *name, const struct platform *p,
        struct graph_context *ret, struct err *e)
{
	(void)self, (void)p;
	if (!strcmp(name, "offline"))
		return err_set(e, ERR_NET, "no network");
	*ret = (struct graph_context){.name = "folder"};
	if (!strcmp(name, "tool"))
		ret->image = "base:2";
	return !strcmp(name, "folder") || ret->image;
}

static const char *source_text(struct arena *a, const struct file_source *f)
{
	if (f->kind == FROM_STEP)
		return arena_printf(a, "step %d", f->step);
	return f->kind == FROM_SCRATCH ? "scratch" : f->context ? f->context : "context";
}

static void dump_run(struct arena *a, const struct run_op *op, struct buf *out)
{
	for (size_t i = 0; i < op->argv.n; i++)
		buf_printf(out, " '%s'", op->argv.v[i]);
	buf_printf(out, " cwd=%s user=%s\n", op->cwd, op->user);
	for (size_t i = 0; i < op->env.n; i++)
		if (!str_has_prefix(op->env.v[i], "PATH="))
			buf_printf(out, "  env %s\n", op->env.v[i]);
	for (size_t i = 0; i < op->n_mounts; i++)
		buf_printf(out, "  mount %d %s from %s:%s id=%s%s\n", op->mounts[i].type,
		        op->mounts[i].target ? op->mounts[i].target : "-",
		        source_text(a, &op->mounts[i].from), op->mounts[i].source,
		        op->mounts[i].id ? op->mounts[i].id : "-",
		        op->mounts[i].read_only ? " ro" : "");
	if (op->script)
		buf_printf(out, "  script %s\n", op->script_name);
}

static void dump_copy(struct arena *a, const struct copy_op *op, struct buf *out)
{
	buf_printf(out, " from %s:", source_text(a, &op->from));
	for (size_t i = 0; i < op->sources.n; i++)
		buf_printf(out, " %s", op->sources.v[i]);
	for (size_t i = 0; i < op->n_inlines; i++)
		buf_printf(out, " <<%s=%s", op->inlines[i].name, op->inlines[i].data);
	buf_printf(out, " -> %s%s%s%s%s%s\n", op->dest, op->chown ? " chown=" : "",
	        op->chown ? op->chown : "", op->chmod ? " chmod=" : "", op->chmod ? op->chmod : "",
	        op->link ? " link" : "");
}

static void dump(const struct graph *g, struct buf *out)
{
	const struct graph_result *r = &g->results[0];
	struct arena a = {0};
	static const char *const kinds[] = {"image", "run", "copy", "workdir"};
	for (size_t i = 0; i < g->n_steps; i++) {
		const struct step *s = g->steps[i];
		buf_printf(out, "%d %s on %d", s->id, kinds[s->kind], s->parent);
		if (s->kind == STEP_RUN)
			dump_run(&a, &s->run, out);
		else if (s->kind == STEP_COPY)
			dump_copy(&a, &s->copy, out);
		else
			buf_printf(out, " %s\n",
			        s->kind == STEP_IMAGE ? s->image->name : s->workdir.path);
	}
	buf_printf(out, "result %d\n", r->step);
	for (size_t i = r->n_base_history; i < r->config.n_history; i++)
		buf_printf(out, "history %s%s\n", r->config.history[i].created_by,
		        r->config.history[i].empty_layer ? " (empty)" : "");
	for (size_t i = 0; i < r->config.cmd.n; i++)
		buf_printf(out, "cmd %s\n", r->config.cmd.v[i]);
	for (size_t i = 0; i < r->config.labels.n; i++)
		buf_printf(out, "label %s\n", r->config.labels.v[i]);
	arena_release(&a);
}

struct row {
	const char *name, *dockerfile, *target, *build_arg,
	        *want; // want: the dump, or "ERROR line: text"
};

static const struct row rows[] = {
        {"run", "FROM base\nRUN echo hi\n", NULL, NULL,
                "0 image on -1 base\n1 run on 0 '/bin/sh' '-c' 'echo hi' cwd=/ user=\n  env "
                "FROM_BASE=1\nresult 1\n"
                "history RUN /bin/sh -c echo hi # buildkit\ncmd sh\n"},
        {"exec form, shell, user and workdir",
                "FROM scratch\nSHELL [\"/x\",\"-y\"]\nUSER u\nWORKDIR a\nRUN b\nRUN "
                "[\"c\",\"d\"]\n",
                NULL, NULL,
                "0 workdir on -1 /a\n1 run on 0 '/x' '-y' 'b' cwd=/a user=u\n2 run on 1 'c' 'd' "
                "cwd=/a user=u\nresult 2\n"
                "history SHELL [/x -y] (empty)\nhistory USER u (empty)\nhistory WORKDIR "
                "/a\nhistory RUN /x -y b # buildkit\n"
                "history RUN c d # buildkit\n"},
        {"only what the target needs",
                "FROM base AS a\nRUN a\nFROM base AS b\nRUN b\nFROM a\nCMD [\"x\"]\n", NULL, NULL,
                "0 image on -1 base\n1 run on 0 '/bin/sh' '-c' 'a' cwd=/ user=\n  env "
                "FROM_BASE=1\nresult 1\n"
                "history CMD [\"x\"] (empty)\ncmd x\n"},
        {"target", "FROM base AS a\nLABEL x=1\nFROM a\nLABEL y=2\n", "A", NULL,
                "0 image on -1 base\nresult 0\nhistory LABEL x=1 (empty)\ncmd sh\nlabel x=1\n"},
        {"copy from stage by name, number and image",
                "FROM base AS a\nFROM scratch\nCOPY --from=a /x /y/\nCOPY --from=0 --chown=1:2 "
                "--chmod=644 --link f g\nCOPY --from=other z /\n",
                NULL, NULL,
                "0 image on -1 base\n1 copy on -1 from step 0: /x -> /y/\n2 copy on 1 from step 0: "
                "f -> /g chown=1:2 chmod=644 link\n"
                "3 image on -1 other\n4 copy on 2 from step 3: z -> /\nresult 4\nhistory COPY /x "
                "/y/ # buildkit\n"
                "history COPY --chown=1:2 --chmod=644 f g # buildkit\nhistory COPY z / # "
                "buildkit\n"},
        {"arguments: default, given, global, and in history",
                "ARG V=1\nFROM base\nARG V\nARG W=w$V\nARG U\nENV E=$W\nRUN x\n", NULL, "U=u",
                "0 image on -1 base\n1 run on 0 '/bin/sh' '-c' 'x' cwd=/ user=\n  env "
                "FROM_BASE=1\n  env V=1\n  env W=w1\n"
                "  env U=u\n  env E=w1\nresult 1\nhistory ARG V=1 (empty)\nhistory ARG W=w1 "
                "(empty)\nhistory ARG U=u (empty)\n"
                "history ENV E=w1 (empty)\nhistory RUN |3 V=1 W=w1 U=u /bin/sh -c x # "
                "buildkit\ncmd sh\n"},
        {"arguments: declared again, without a value and then with one, a variable's name, "
         "inherited",
                "FROM scratch AS a\nARG U\nARG V=1\nRUN x\nARG V=2\nENV U=e\nRUN y\nFROM a\nARG "
                "W=3\n"
                "RUN z\n",
                NULL, NULL,
                "0 run on -1 '/bin/sh' '-c' 'x' cwd=/ user=\n  env V=1\n"
                "1 run on 0 '/bin/sh' '-c' 'y' cwd=/ user=\n  env V=2\n  env U=e\n"
                "2 run on 1 '/bin/sh' '-c' 'z' cwd=/ user=\n  env V=2\n  env U=e\n  env W=3\n"
                "result 2\nhistory ARG W=3 (empty)\n"
                "history RUN |3 U=e V=2 W=3 /bin/sh -c z # buildkit\n"},
        {"one instruction sees the variables before it",
                "FROM scratch\nENV a=1\nENV a=2 b=$a\nLABEL l=$b$a\n", NULL, NULL,
                "result -1\nhistory ENV a=1 (empty)\nhistory ENV a=2 b=1 (empty)\nhistory LABEL "
                "l=12 (empty)\nlabel l=12\n"},
        {"entrypoint clears an inherited command only", "FROM base\nENTRYPOINT [\"e\"]\n", NULL,
                NULL, "0 image on -1 base\nresult 0\nhistory ENTRYPOINT [\"e\"] (empty)\n"},
        {"entrypoint keeps a command of the stage", "FROM base\nCMD c\nENTRYPOINT [\"e\"]\n", NULL,
                NULL,
                "0 image on -1 base\nresult 0\nhistory CMD [\"/bin/sh\" \"-c\" \"c\"] "
                "(empty)\nhistory ENTRYPOINT [\"e\"] (empty)\n"
                "cmd /bin/sh\ncmd -c\ncmd c\n"},
        {"triggers of the base run first", "FROM base:onbuild\nRUN x\n", NULL, NULL,
                "0 image on -1 base:onbuild\n1 copy on 0 from context: . -> /src\n2 run on 1 "
                "'/bin/sh' '-c' 'x' cwd=/ user=\n"
                "  env FROM_BASE=1\nresult 2\nhistory RUN /bin/sh -c x # buildkit\ncmd sh\n"},
        {"mounts build their stages first",
                "FROM base AS a\nRUN a\nFROM scratch\nRUN --mount=from=a,target=m "
                "--mount=type=cache,target=/c --mount=type=secret,id=s [\"p\"]\n",
                NULL, NULL,
                "0 image on -1 base\n1 run on 0 '/bin/sh' '-c' 'a' cwd=/ user=\n  env "
                "FROM_BASE=1\n2 run on -1 'p' cwd=/ user=\n"
                "  mount 0 /m from step 1:/ id=- ro\n  mount 1 /c from scratch:/ id=/c\n  mount 3 "
                "/run/secrets/s from scratch:/ id=s\n"
                "result 2\nhistory RUN p # buildkit\n"},
        {"heredocs",
                "FROM scratch\nARG A=1\nCOPY <<E <<'F' /d/\n$A\nE\n$A\nF\nRUN <<S\n#!/x\nS\nRUN "
                "<<S\ny\nS\n",
                NULL, NULL,
                "0 copy on -1 from context: <<E=1\n <<F=$A\n -> /d/\n1 run on 0 '/bin/sh' '-c' "
                "'/dev/pipes/S' "
                "cwd=/ user=\n  env A=1\n  script S\n"
                "2 run on 1 '/bin/sh' '-c' 'y\n' cwd=/ user=\n  env A=1\nresult 2\nhistory ARG A=1 "
                "(empty)\n"
                "history COPY <<E <<F /d/ # buildkit\nhistory RUN |1 A=1 /bin/sh -c /dev/pipes/S # "
                "buildkit\n"
                "history RUN |1 A=1 /bin/sh -c y\n # buildkit\n"},
        {"ports are sorted and lower-cased", "FROM scratch\nEXPOSE 443/UDP 80 81-82\n", NULL, NULL,
                "result -1\nhistory EXPOSE [443/udp 80/tcp 81/tcp 82/tcp] (empty)\n"},
        {"platform arguments",
                "FROM scratch\nARG TARGETPLATFORM\nARG TARGETSTAGE\nLABEL p=$TARGETPLATFORM "
                "s=$TARGETSTAGE\n",
                NULL, NULL,
                "result -1\nhistory ARG TARGETPLATFORM=linux/amd64 (empty)\nhistory ARG "
                "TARGETSTAGE=default (empty)\n"
                "history LABEL p=linux/amd64 s=default (empty)\nlabel p=linux/amd64\nlabel "
                "s=default\n"},
        {"durations in the history",
                "FROM scratch\nHEALTHCHECK --interval=1m30s --timeout=1500ms "
                "--start-period=2h0m0.25s --start-interval=1001us CMD x\n",
                NULL, NULL,
                "result -1\nhistory HEALTHCHECK {Test:[CMD-SHELL x] Interval:1m30s Timeout:1.5s "
                "StartPeriod:2h0m0.25s StartInterval:1.001ms Retries:0} (empty)\n"},
        {"quotes in the history", "FROM scratch\nCMD [\"a b\",\"\\\"\\u0007\\u00a0é\"]\n", NULL,
                NULL,
                "result -1\nhistory CMD [\"a b\" \"\\\"\\a\\u00a0é\"] (empty)\ncmd a b\ncmd "
                "\"\a\xc2\xa0é\n"},
        {"a context of files is a base", "FROM folder\nCOPY a /b\n", NULL, NULL,
                "0 copy on -1 from folder: / -> /\n1 copy on 0 from context: a -> /b\nresult 1\n"
                "history COPY a /b # buildkit\n"},
        {"a context takes the place of a stage", "FROM base AS folder\nRUN x\nFROM folder\n", NULL,
                NULL, "0 copy on -1 from folder: / -> /\nresult 0\n"},
        {"and of one that files are copied from",
                "FROM base AS tool\nRUN x\nFROM scratch\nCOPY --from=tool a /\n"
                "COPY --from=folder b /\n",
                NULL, NULL,
                "0 image on -1 base:2\n1 copy on -1 from step 0: a -> /\n2 copy on 1 from folder: "
                "b -> /\nresult 2\nhistory COPY a / # buildkit\nhistory COPY b / # buildkit\n"},
        {"and of the target", "FROM scratch AS tool\nRUN x\n", "tool", NULL,
                "0 image on -1 base:2\nresult 0\ncmd sh\n"},
        // what must fail
        {"a context that cannot be had", "FROM scratch\nCOPY --from=offline a /\n", NULL, NULL,
                "ERROR 2: no network"},
        {"the same under FROM", "FROM scratch\nFROM offline\n", NULL, NULL, "ERROR 2: no network"},
        {"git for COPY", "FROM scratch\nCOPY git@h:r /\n", NULL, NULL,
                "ERROR 2: source can't be a git ref for COPY (use ADD)"},
        {"checksum of a file", "FROM scratch\nADD --checksum=sha256:1 f /\n", NULL, NULL,
                "ERROR 2: checksum requires HTTP(S) or Git sources"},
        {"unknown target", "FROM scratch AS build\n", "biuld", NULL,
                "ERROR 0: target stage \"biuld\" could not be found (did you mean build?)"},
        {"copy from itself", "FROM scratch AS a\nCOPY --from=a x /\n", NULL, NULL,
                "ERROR 2: circular dependency detected on stage: a"},
        {"copy from a later stage", "FROM scratch AS a\nCOPY --from=b x /\nFROM scratch AS b\n",
                "a", NULL,
                "ERROR 2: cannot copy from stage \"b\", it needs to be defined before current "
                "stage"},
        {"stage number out of range", "FROM scratch\nCOPY --from=7 x /\n", NULL, NULL,
                "ERROR 2: invalid stage index 7: the Dockerfile has 1 stages"},
        {"misspelt stage", "FROM scratch AS builder\nFROM scratch\nCOPY --from=missingx x /\n",
                NULL, NULL, "ERROR 3: missingx: not found"},
        {"empty base", "ARG B\nFROM $B\n", NULL, NULL,
                "ERROR 2: base name ($B) should not be blank"},
        {"url for COPY", "FROM scratch\nCOPY http://x/y /\n", NULL, NULL,
                "ERROR 2: source can't be a URL for COPY (use ADD)"},
        {"bad mode", "FROM scratch\nCOPY --chmod=99999 a /\n", NULL, NULL,
                "ERROR 2: invalid chmod parameter: '99999'. it should be octal string and between "
                "0 and 07777"},
        {"bad signal", "FROM scratch\nSTOPSIGNAL SIGTREM\n", NULL, NULL,
                "ERROR 2: invalid signal: SIGTREM (did you mean SIGTERM?)"},
        {"mount at the root", "FROM base\nRUN --mount=type=tmpfs,target=/ x\n", NULL, NULL,
                "ERROR 2: invalid mount target \"/\""},
};

static void build_row(const struct row *r, struct buf *out)
{
	struct err e = ERR_INIT;
	struct graph_resolver resolver = {.resolve = resolve, .named_context = named_context};
	auto_strv struct strv args = {0}, labels = {0};
	if (r->build_arg)
		strv_add(&args, r->build_arg);
	auto_dockerfile struct dockerfile *df =
	        dockerfile_parse(r->dockerfile, strlen(r->dockerfile), "Dockerfile", &e);
	if (!df)
		fail_msg("%s: does not parse: %s", r->name, e.msg);
	struct graph_options o = {
	        .target = r->target, .build_args = &args, .labels = &labels, .resolver = &resolver};
	o.platforms = &amd64;
	o.n_platforms = 1;
	o.build_platform = amd64;
	auto_graph struct graph *g = graph_build(df, &o, &e);
	if (g)
		dump(g, out);
	else
		buf_printf(out, "ERROR %d: %s", e.pos.line, e.msg);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf got = {0};
		build_row(&rows[i], &got);
		if (strcmp(buf_cstr(&got), rows[i].want))
			fail_msg("%s:\n--- got\n%s\n--- want\n%s", rows[i].name, buf_cstr(&got),
			        rows[i].want);
	}
}

// A chain of stages: the last one is built through all the others.
static void test_depth(void **state)
{
	(void)state;
	static const struct {
		int stages;
		const char *want;
	} chains[] = {{1000, "result -1\n"},
	        {100000 - 1, "ERROR 98999: stages are nested deeper than 1000 levels"}};
	for (size_t i = 0; i < ARRAY_LEN(chains); i++) {
		auto_buf struct buf text = {0}, got = {0};
		buf_puts(&text, "FROM scratch AS s0\n");
		for (int k = 1; k < chains[i].stages; k++)
			buf_printf(&text, "FROM s%d AS s%d\n", k - 1, k);
		build_row(&(struct row){"chain", buf_cstr(&text)}, &got);
		assert_string_equal(buf_cstr(&got), chains[i].want);
	}
}

// The platform of the image: what it is made from decides, unless --platform does.
static void test_platform(void **state)
{
	(void)state;
	static const struct {
		const char *dockerfile;
		bool given;
		const char *want;
	} images[] = {{"FROM base\n", false, "linux/amd64"},
	        {"FROM --platform=linux/s390x base\n", false, "linux/s390x"},
	        {"FROM --platform=linux/s390x base\n", true, "linux/amd64"},
	        {"FROM --platform=linux/s390x scratch\n", false, "linux/amd64"}};
	for (size_t i = 0; i < ARRAY_LEN(images); i++) {
		struct err e = ERR_INIT;
		struct graph_resolver resolver = {.resolve = resolve};
		struct graph_options o = {.resolver = &resolver, .platform_given = images[i].given};
		char text[80];
		o.platforms = &amd64;
		o.n_platforms = 1;
		auto_dockerfile struct dockerfile *df = dockerfile_parse(
		        images[i].dockerfile, strlen(images[i].dockerfile), "Dockerfile", &e);
		auto_graph struct graph *g = graph_build(df, &o, &e);
		assert_non_null(g);
		platform_text(&g->results[0].config.platform, text);
		assert_string_equal(text, images[i].want);
	}
}

// An image that is only copied from is of the platform that is built for.
static void test_platform_copied(void **state)
{
	(void)state;
	static const char text[] = "FROM --platform=linux/s390x base\nCOPY --from=other x /\n";
	static const char *const want[] = {"linux/s390x", "linux/amd64"};
	struct err e = ERR_INIT;
	struct graph_resolver resolver = {.resolve = resolve};
	struct graph_options o = {.resolver = &resolver};
	o.platforms = &amd64;
	o.n_platforms = 1;
	auto_dockerfile struct dockerfile *df =
	        dockerfile_parse(text, strlen(text), "Dockerfile", &e);
	auto_graph struct graph *g = graph_build(df, &o, &e);
	assert_non_null(g);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		char got[80];
		assert_int_equal(g->steps[i]->kind, STEP_IMAGE);
		platform_text(&g->steps[i]->platform, got);
		assert_string_equal(got, want[i]);
	}
}

// The main context has no time; folder's is 100; that of something from outside is its length.
static int source_time(struct graph_resolver *self, const char *context, const char *url,
        int64_t *ret, struct err *e)
{
	(void)self, (void)e;
	*ret = url ? (int64_t)strlen(url) : 100;
	return url || context;
}

#define ADD_STAGE "FROM scratch AS one\nADD "
#define LAST "\nFROM scratch\nARG SOURCE_DATE_EPOCH\nLABEL a=$SOURCE_DATE_EPOCH\n"

// What SOURCE_DATE_EPOCH may be; the label shows what a stage sees.
static void test_epoch(void **state)
{
	(void)state;
	static const struct {
		const char *given, *dockerfile, *want;
	} epochs[] = {
	        {NULL, LAST, "none, \"\""},
	        {"", LAST, "none, \"\""},
	        {"+007", LAST, "7, \"7\""},
	        {"-5", LAST, "-5, \"-5\""},
	        {"context", LAST, "none, \"\""},
	        {"folder", LAST, "100, \"100\""},
	        {"tool", LAST, "none, \"\""}, // an image
	        {"offline", LAST, "no network"},
	        {"other", LAST,
	                "invalid SOURCE_DATE_EPOCH: other: a number, context, a named context or a "
	                "stage is expected"},
	        {NULL, "ARG SOURCE_DATE_EPOCH=folder" LAST, "100, \"100\""},
	        {"3", "ARG SOURCE_DATE_EPOCH=folder" LAST, "3, \"3\""},
	        {"", "ARG SOURCE_DATE_EPOCH=3" LAST, "none, \"\""},
	        {NULL, "ARG B=5\nARG SOURCE_DATE_EPOCH=1$B" LAST, "15, \"15\""},
	        {"ONE", ADD_STAGE "http://x/y /" LAST, "10, \"10\""},
	        {"one", ADD_STAGE "git@h:p.git /" LAST, "11, \"11\""},
	        {"one", "ARG U=http://z\nFROM scratch AS one\nARG U\nARG V=$U/v\nADD ${V} /" LAST,
	                "10, \"10\""},
	        {"one", "FROM base AS one\nADD http://x/y /" LAST,
	                "1: SOURCE_DATE_EPOCH stage must use FROM scratch"},
	        {"one", ADD_STAGE "file /" LAST,
	                "2: SOURCE_DATE_EPOCH stage source must be a single HTTP(S) or Git ADD"},
	        {"one", ADD_STAGE "http://x/y /\nADD http://x/z /" LAST,
	                "3: SOURCE_DATE_EPOCH stage must contain exactly one ADD, of a URL or "
	                "repository, and nothing but ARG beside it"},
	        {"one", ADD_STAGE "http://x/y /\nUSER 1" LAST,
	                "3: SOURCE_DATE_EPOCH stage must contain exactly one ADD, of a URL or "
	                "repository, and nothing but ARG beside it"},
	        {"one", "FROM scratch AS one" LAST,
	                "1: SOURCE_DATE_EPOCH stage must contain exactly one ADD, of a URL or "
	                "repository"},
	};
	for (size_t i = 0; i < ARRAY_LEN(epochs); i++) {
		struct err e = ERR_INIT;
		struct graph_resolver resolver = {.resolve = resolve,
		        .named_context = named_context,
		        .source_time = source_time};
		auto_strv struct strv args = {0};
		struct graph_options o = {.resolver = &resolver, .build_args = &args};
		auto_buf struct buf got = {0};
		const char *text = epochs[i].dockerfile;
		if (epochs[i].given)
			strv_addf(&args, "SOURCE_DATE_EPOCH=%s", epochs[i].given);
		o.platforms = &amd64;
		o.n_platforms = 1;
		auto_dockerfile struct dockerfile *df =
		        dockerfile_parse(text, strlen(text), "Dockerfile", &e);
		assert_non_null(df);
		auto_graph struct graph *g = graph_build(df, &o, &e);
		if (!g)
			buf_printf(&got, e.pos.line ? "%d: %s" : "%.0d%s", e.pos.line, e.msg);
		else if (g->has_epoch)
			buf_printf(&got, "%lld", (long long)g->epoch);
		else
			buf_puts(&got, "none");
		if (g)
			buf_printf(
			        &got, ", \"%s\"", strv_env_get(&g->results[0].config.labels, "a"));
		if (strcmp(buf_cstr(&got), epochs[i].want))
			fail_msg("%zu: %s: got %s", i, epochs[i].want, buf_cstr(&got));
	}
}

// Steps of several platforms: names say which, and what is the same is there once.
static void test_platforms(void **state)
{
	(void)state;
	static const struct {
		const char *dockerfile, *want;
	} builds[] = {// foreign steps are apart, contexts' files too
	        {"FROM base\nRUN a\nCOPY x /\n",
	                "base|[linux/amd64 2/3] RUN a|[linux/amd64 3/3] COPY x /|"
	                "base|[linux/arm64 2/3] RUN a|[linux/arm64 3/3] COPY x /|"
	                "linux/amd64=2 linux/arm64=5"},
	        // a native stage is shared until it sees what it builds for
	        {"FROM --platform=$BUILDPLATFORM base AS b\nRUN a\nARG TARGETARCH\nRUN "
	         "c\nFROM base\nCOPY --from=b /x /\n",
	                "base|base|[linux/riscv64 b 2/3] RUN a|[linux/riscv64->amd64 b 3/3] RUN c|"
	                "[linux/amd64 stage-1 2/2] COPY --from=b /x /|base|"
	                "[linux/riscv64->arm64 b 3/3] RUN c|"
	                "[linux/arm64 stage-1 2/2] COPY --from=b /x /|"
	                "linux/amd64=4 linux/arm64=7"},
	        // what it sees and does not use in a COPY is no difference
	        {"FROM --platform=$BUILDPLATFORM base\nARG TARGETARCH\nCOPY x /\nWORKDIR /w\n",
	                "base|[linux/riscv64->amd64 2/3] COPY x /|"
	                "[linux/riscv64->amd64 3/3] WORKDIR /w|"
	                "linux/amd64=2 linux/arm64=2"},
	        {"FROM --platform=$BUILDPLATFORM base\nARG TARGETARCH\nCOPY x-$TARGETARCH /\n",
	                "base|[linux/riscv64->amd64 2/2] COPY x-$TARGETARCH /|"
	                "[linux/riscv64->arm64 2/2] COPY x-$TARGETARCH /|"
	                "linux/amd64=1 linux/arm64=2"},
	        {"FROM scratch\n", "linux/amd64=-1 linux/arm64=-1"}};
	const struct platform both[] = {amd64, {.os = "linux", .arch = "arm64"}};
	for (size_t i = 0; i < ARRAY_LEN(builds); i++) {
		const char *text = builds[i].dockerfile;
		struct err e = ERR_INIT;
		struct graph_resolver resolver = {.resolve = resolve};
		struct graph_options o = {.resolver = &resolver,
		        .platforms = both,
		        .n_platforms = 2,
		        .platform_given = true,
		        .build_platform = {.os = "linux", .arch = "riscv64"}};
		auto_buf struct buf got = {0};
		auto_dockerfile struct dockerfile *df =
		        dockerfile_parse(text, strlen(text), "Dockerfile", &e);
		auto_graph struct graph *g = graph_build(df, &o, &e);
		assert_non_null(g);
		for (size_t k = 0; k < g->n_steps; k++) {
			const struct step *s = g->steps[k];
			buf_printf(&got, "%s|", s->kind == STEP_IMAGE ? s->stage : s->name);
		}
		for (size_t k = 0; k < g->n_results; k++) {
			char platform[80];
			platform_text(&g->results[k].config.platform, platform);
			buf_printf(&got, "%s%s=%d", k ? " " : "", platform, g->results[k].step);
		}
		assert_string_equal(buf_cstr(&got), builds[i].want);
	}
}

// A check that finds the same for every platform says it once.
static void test_platforms_warn_once(void **state)
{
	(void)state;
	static const char text[] =
	        "FROM --platform=$BUILDPLATFORM base\nRUN $NOWHERE\nENV A=$NOT\n";
	const struct platform both[] = {amd64, {.os = "linux", .arch = "arm64"}};
	struct err e = ERR_INIT;
	struct graph_resolver resolver = {.resolve = resolve};
	struct graph_options o = {.resolver = &resolver,
	        .platforms = both,
	        .n_platforms = 2,
	        .build_platform = amd64};
	auto_dockerfile struct dockerfile *df =
	        dockerfile_parse(text, strlen(text), "Dockerfile", &e);
	auto_graph struct graph *g = graph_build(df, &o, &e);
	assert_non_null(g);
	assert_int_equal(df->n_warnings, 1);
	assert_string_equal(df->warnings[0].rule, "UndefinedVar");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rows),
	        cmocka_unit_test(test_platform_copied),
	        cmocka_unit_test(test_platform),
	        cmocka_unit_test(test_depth),
	        cmocka_unit_test(test_epoch),
	        cmocka_unit_test(test_platforms),
	        cmocka_unit_test(test_platforms_warn_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
