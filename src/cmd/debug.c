// SPDX-License-Identifier: Apache-2.0
// hew debug: how hew reads files, words, versions, what it knows of packages. Nothing is built.
#include "cmd/debug.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/glob.h"
#include "base/mem.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "dockerfile/dockerfile.h"
#include "dockerfile/expand.h"
#include "exec/build.h"
#include "graph/graph.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define PATTERNS_BYTES_MAX (4u << 20)

struct debug_verb {
	struct strv env;
	const char *format;
};

#define AT(member) offsetof(struct debug_verb, member)
static const struct option options[] = {
        {"env", 0, OPT_LIST, AT(env), "KEY=VALUE", "A variable for expand and words"},
        {"format", 0, OPT_STRING, AT(format), "KIND", "text (graph: dot; packages: table) or json"},
        OPTION_END,
};

static void release(void *p)
{
	strv_release(&((struct debug_verb *)p)->env);
}

// 1 json, 0 the other one, -1.
static int wants_json(const struct debug_verb *o, const char *other, struct err *e)
{
	if (!o->format || !strcmp(o->format, other))
		return 0;
	if (!strcmp(o->format, "json"))
		return 1;
	return err_set(e, ERR_USAGE, "unknown format \"%s\": %s or json", o->format, other);
}

static int read_input(const char *path, size_t max, struct buf *ret, struct err *e)
{
	if (strcmp(path, "-") != 0)
		return fs_read_file(AT_FDCWD, path, max, ret, e);
	return fs_read_fd(0, max, ret, e) ? err_wrap(e, "read standard input") : 0;
}

static int need(
        const struct strv *args, size_t least, size_t most, const char *usage, struct err *e)
{
	return need_args(args, least + 1, most + 1, usage, e);
}

// With the excerpt on stderr, as a build shows it.
static int show_failure(const struct dockerfile *d, struct err *e)
{
	auto_buf struct buf excerpt = {0};
	if (d && e->pos.line)
		dockerfile_excerpt(d, e->pos, &excerpt);
	fputs(buf_cstr(&excerpt), stderr);
	return -1;
}

static int parse(const struct debug_verb *o, const struct strv *args, struct err *e)
{
	auto_buf struct buf text = {0}, out = {0};
	auto_dockerfile struct dockerfile *d = NULL;
	int json = wants_json(o, "text", e);
	if (json < 0 || need(args, 1, 1, "debug parse FILE", e) ||
	        read_input(args->v[1], DOCKERFILE_MAX, &text, e))
		return -1;
	const struct dockerfile_options options_ = {.filename = fs_base_name(args->v[1])};
	if (dockerfile_read(buf_cstr(&text), text.n, &options_, &d, e)) {
		show_failure(d, e);
		return e->pos.line ? err_wrap(e, "dockerfile parse error on line %d", e->pos.line)
		                   : -1;
	}
	if (json) {
		debug_print_parse(d);
		return 0;
	}
	dockerfile_dump(d, &out);
	fwrite(buf_cstr(&out), 1, out.n, stdout);
	return 0;
}

static struct expand_env env_of(struct debug_verb *o)
{
	return (struct expand_env){.get = expand_get_strv, .arg = &o->env, .escape = '\\'};
}

static int expand(struct debug_verb *o, const struct strv *args, struct err *e)
{
	auto_free char *out = NULL;
	struct expand_env env = env_of(o);
	if (need(args, 1, 1, "debug expand --env KEY=VALUE... WORD", e) ||
	        expand_word(&env, args->v[1], &out, e))
		return -1;
	printf("%s\n", out);
	return 0;
}

static int words(struct debug_verb *o, const struct strv *args, struct err *e)
{
	auto_strv struct strv out = {0};
	struct expand_env env = env_of(o);
	if (need(args, 1, 1, "debug words --env KEY=VALUE... WORD", e) ||
	        expand_words(&env, args->v[1], &out, e))
		return -1;
	for (size_t i = 0; i < out.n; i++)
		printf("%s\n", out.v[i]);
	return 0;
}

static int match(const struct strv *args, struct err *e)
{
	auto_buf struct buf text = {0};
	if (need(args, 2, SIZE_MAX - 2, "debug match PATTERNS-FILE PATH...", e) ||
	        read_input(args->v[1], PATTERNS_BYTES_MAX, &text, e))
		return -1;
	struct ignore *ig = ignore_parse(buf_cstr(&text), text.n, e);
	if (!ig)
		return err_wrap(e, "%s", args->v[1]);
	for (size_t i = 2; i < args->n; i++) {
		int line = 0;
		auto_free char *clean = fs_clean_rel(args->v[i]);
		bool excluded = *clean && ignore_excludes(ig, clean, &line);
		const char *pattern = line ? ignore_pattern_at(ig, line) : NULL;
		printf("%s\t%s\t%s\n", excluded ? "excluded" : "included", pattern ? pattern : "-",
		        args->v[i]);
	}
	ignore_free(ig);
	return 0;
}

static struct registry *no_registry(void *arg, struct err *e)
{
	(void)arg;
	err_set(e, ERR_NET, "hew debug fetches nothing");
	return NULL;
}

static int graph(const struct debug_verb *o, const struct strv *args, struct err *e)
{
	struct build_plan p;
	struct build_request r = {.registry = no_registry, .all_stages = true, .offline = true};
	const struct platform host = platform_host();
	auto_buf struct buf text = {0};
	int json = wants_json(o, "dot", e);
	if (json < 0 || need(args, 1, 1, "debug graph FILE", e) ||
	        read_input(args->v[1], DOCKERFILE_MAX, &text, e))
		return -1;
	r.dockerfile = args->v[1];
	r.dockerfile_text = buf_cstr(&text);
	r.dockerfile_len = text.n;
	build_request_add_platform(&r, &host);
	strv_copy(&r.build_args, &o->env);
	int status = build_plan(NULL, &r, &p, e);
	if (status)
		show_failure(p.file, e);
	else
		debug_print_graph(p.file, p.graph, !json);
	build_plan_release(&p);
	build_request_release(&r);
	return status;
}

static int advisories(const struct strv *args, struct err *e)
{
	return need(args, 2, 2, "debug advisories ECOSYSTEM[:RELEASE] PACKAGE", e)
	               ? -1
	               : debug_advisories(args, e);
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	static const char *const verbs[] = {
	        "parse", "expand", "words", "match", "graph", "advisories", "vercmp", "packages"};
	struct debug_verb *o = opts;
	const char *verb = args->n ? args->v[0] : "";
	if (!strcmp(verb, "parse"))
		return parse(o, args, e);
	if (!strcmp(verb, "expand"))
		return expand(o, args, e);
	if (!strcmp(verb, "words"))
		return words(o, args, e);
	if (!strcmp(verb, "match"))
		return match(args, e);
	if (!strcmp(verb, "graph"))
		return graph(o, args, e);
	if (!strcmp(verb, "advisories"))
		return advisories(args, e);
	if (!strcmp(verb, "vercmp"))
		return debug_vercmp(args, e);
	if (!strcmp(verb, "packages"))
		return debug_packages(args, o->format, e);
	const char *near = str_nearest(verb, verbs, ARRAY_LEN(verbs));
	return err_set(e, ERR_USAGE,
	        "hew debug %s: parse, expand, words, match, graph, advisories, vercmp or "
	        "packages%s%s%s",
	        verb, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

const struct command cmd_debug = {
        .name = "debug",
        .args = "parse|expand|words|match|graph|advisories|vercmp|packages [OPTIONS] ARGUMENT...",
        .verbs = "parse expand words match graph advisories vercmp packages",
        .summary = "Show how files, words and versions are read, or a package known",
        .details =
                "parse FILE                 the instructions as S-expressions; json: with "
                "positions\n"
                "expand --env K=V... WORD   the word with variables expanded and quotes gone\n"
                "words --env K=V... WORD    the same split at blanks, one a line\n"
                "match PATTERNS PATH...     whether an ignore file hides the paths, and why\n"
                "graph FILE                 stages and steps, for dot(1) or as JSON\n"
                "advisories ECOSYSTEM[:RELEASE] PACKAGE   what the advisory database has\n"
                "vercmp ECOSYSTEM A B       <, = or >: the order of two versions\n"
                "packages IMAGE|FOLDER      what is installed in it, and which layer brought it\n",
        .options = options,
        .size = sizeof(struct debug_verb),
        .run = run,
        .release = release,
};
