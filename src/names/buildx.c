// SPDX-License-Identifier: Apache-2.0
// hew called docker-buildx (docker's plugin) or buildx: what pipelines ask of docker buildx, by
// hew's own verbs.
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cmd/verbs.h"
#include "engine/engine.h"
#include "names/builders.h"
#include "names/names-int.h"
#include "ui/ui.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int version(struct asked *a, struct err *e)
{
	(void)a;
	(void)e;
	printf("github.com/docker/buildx v%s hew-%s\n", BUILDX_AS, HEW_VERSION);
	return 0;
}

// That it is there, and what it says of registries, is all that a builder is good for. The variable
// may be the name of one of docker's contexts: the docker command sets it so.
static int take_builder(const struct asked *a, struct err *e)
{
	auto_builder struct builder b = {0};
	auto_free char *current = NULL;
	struct err absent = ERR_INIT;
	if (a->builder)
		return builder_read(a->builder, &b, e) ? -1 : builder_apply(&b, e);
	if (builder_current(&current, &absent) || builder_read(current, &b, &absent))
		return 0;
	return builder_apply(&b, e);
}

// ---- build

// Is it said where the image goes, or that there is none?
static bool says_where(const struct strv *args)
{
	static const char *const options[] = {
	        "--output", "-o", "--push", "--load", "--call", "--check", "--help"};
	for (size_t i = 0; i < args->n && strcmp(args->v[i], "--") != 0; i++)
		for (size_t k = 0; k < ARRAY_LEN(options); k++)
			if (str_has_prefix(args->v[i], options[k]))
				return true;
	return false;
}

// Not one that was made, but docker's own.
static bool is_default(const struct asked *a)
{
	auto_builder struct builder b = {0};
	auto_free char *current = NULL;
	struct err absent = ERR_INIT;
	if (!a->builder && builder_current(&current, &absent))
		return false;
	const char *name = a->builder ? a->builder : current;
	return !strcmp(name, BUILDER_DEFAULT) || builder_read(name, &b, &absent);
}

// What docker builds by itself it has, and `docker run` is the next that people type.
static bool belongs_to_docker(const struct asked *a)
{
	const char *front = getenv("DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND");
	struct err none = ERR_INIT;
	if (a->own_store || !front || !*front || says_where(&a->args) || !is_default(a))
		return false;
	auto_engine struct engine *g = engine_open(NULL, &none);
	return g != NULL;
}

int buildx_build(struct asked *a, struct err *e)
{
	static const char *const ignored[] = {"--policy=", "--debug", "-D", NULL};
	auto_free char *policy = take_option(&a->args, "--policy");
	if (policy)
		return err_set(
		        e, ERR_UNSUPPORTED, "--policy %s: policies are not evaluated", policy);
	drop_options(&a->args, ignored);
	if (a->own_store) // what docker would be given is where that docker looks
		take_flag(&a->args, "--load");
	if (take_builder(a, e))
		return -1;
	return belongs_to_docker(a) ? hand_over_first(&cmd_build, "--load", &a->args)
	                            : hand_over(&cmd_build, &a->args);
}

// ---- hew's other verbs

static int imagetools(struct asked *a, struct err *e)
{
	return take_builder(a, e) ? -1 : hand_over(&cmd_index, &a->args);
}

static int du(struct asked *a, struct err *e)
{
	return take_builder(a, e) ? -1 : hand_over(&cmd_du, &a->args);
}

static int prune(struct asked *a, struct err *e)
{
	return take_builder(a, e) ? -1 : hand_over(&cmd_prune, &a->args);
}

// ---- history: the builds that hew keeps. An id may have the builder and the node ahead.
static int history(struct asked *a, struct err *e)
{
	static const struct {
		const char *theirs, *ours;
	} verbs[] = {{"ls", "ls"}, {"inspect", "show"}, {"logs", "logs"}, {"rm", "rm"}};
	static const char *const ignored[] = {"--no-trunc", "--local", "--progress=", NULL};
	const char *ours = NULL;
	auto_free char *verb = xstrdup(a->args.n ? a->args.v[0] : "");
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (!strcmp(verbs[i].theirs, verb))
			ours = verbs[i].ours;
	if (!ours)
		return err_set(e, ERR_UNSUPPORTED,
		        "buildx history %s is not done here: ls, inspect, logs and rm are", verb);
	drop_first(&a->args);
	drop_options(&a->args, ignored);
	for (size_t i = 0; i < a->args.n && strcmp(ours, "ls") != 0; i++) {
		const char *word = a->args.v[i], *before = i ? a->args.v[i - 1] : "";
		if (*word == '-' || !strcmp(before, "--format") || !strchr(word, '/'))
			continue;
		char *id = xstrdup(fs_base_name(word));
		free(a->args.v[i]);
		a->args.v[i] = id;
	}
	return take_builder(a, e) ? -1 : hand_over_first(&cmd_builds, ours, &a->args);
}

// ---- what is asked of others, and what hew has not got

// docker build is docker buildx build already where this plugin is found.
static int nothing(struct asked *a, struct err *e)
{
	(void)a;
	(void)e;
	return 0;
}

static int bake(struct asked *a, struct err *e)
{
	(void)a;
	return err_set(e, ERR_UNSUPPORTED,
	        "bake files are not read: one 'docker buildx build' for each target does what they "
	        "say");
}

static int dial_stdio(struct asked *a, struct err *e)
{
	(void)a;
	return err_set(
	        e, ERR_UNSUPPORTED, "buildx dial-stdio: there is no daemon to be connected to");
}

static int debug(struct asked *a, struct err *e)
{
	(void)a;
	return err_set(e, ERR_UNSUPPORTED,
	        "buildx debug: 'hew build --on-error shell' and 'hew shell' open a shell where a "
	        "step "
	        "failed");
}

static int complete(struct asked *a, struct err *e);

static const struct stand_in verbs[] = {
        {"bake", bake},
        {"b", buildx_build},
        {"build", buildx_build},
        {"create", buildx_create},
        {"dap", debug},
        {"debug", debug},
        {"dial-stdio", dial_stdio},
        {"du", du},
        {"f", bake},
        {"history", history},
        {"imagetools", imagetools},
        {"inspect", buildx_inspect},
        {"install", nothing},
        {"ls", buildx_ls},
        {"prune", prune},
        {"rm", buildx_rm},
        {"stop", buildx_stop},
        {"uninstall", nothing},
        {"use", buildx_use},
        {"version", version},
        {"__complete", complete},
        {"__completeNoDesc", complete},
};

// docker's shell completion asks its plugins: words, then what else the shell may offer (4:
// nothing).
static int complete(struct asked *a, struct err *e)
{
	(void)e;
	for (size_t i = 0; a->args.n <= 1 && i < ARRAY_LEN(verbs); i++)
		if (verbs[i].name[1] && verbs[i].name[0] != '_' &&
		        str_has_prefix(verbs[i].name, a->args.n ? a->args.v[0] : ""))
			puts(verbs[i].name);
	puts(a->args.n <= 1 ? ":4" : ":0");
	return 0;
}

static void usage(void)
{
	auto_buf struct buf text = {0};
	command_help(&cmd_buildx, &text);
	fputs(buf_cstr(&text), stdout);
}

static int run_verb(const struct stand_in *v, struct asked *a, struct err *e)
{
	auto_free char *builder = take_option(&a->args, "--builder");
	if (builder)
		a->builder = builder;
	return plugin_watch(e) ? -1 : v->run(a, e);
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	const struct docker_flags *f = opts;
	docker_flags_apply(f);
	if (f->version)
		return version(NULL, e);
	if (!args->n || !strcmp(args->v[0], "help")) {
		usage();
		return 0;
	}
	const struct stand_in *v = stand_in_find(verbs, ARRAY_LEN(verbs), args->v[0]);
	if (!v)
		return err_set(e, ERR_USAGE,
		        "unknown command: docker buildx %s (see docker buildx --help)", args->v[0]);
	struct asked a = {.builder = f->builder};
	strv_copy(&a.args, args);
	drop_first(&a.args);
	int rc = run_verb(v, &a, e);
	strv_release(&a.args);
	return rc;
}

const struct command cmd_buildx = {
        .name = "buildx",
        .alias = "docker-buildx",
        .args = "COMMAND [OPTIONS]",
        .summary = "Build with hew, by the command line of docker buildx",
        .details = "build              hew build\n"
                   "imagetools         hew index: create and inspect\n"
                   "du, prune          of hew's store\n"
                   "history            hew builds: ls, inspect, logs and rm\n"
                   "create, use, ls, inspect, rm, stop\n"
                   "                   builders: names that whoever made them finds again\n"
                   "version            which buildx this answers for\n",
        .options = docker_options,
        .size = sizeof(struct docker_flags),
        .stop_at_args = true,
        .failure_status = 1,
        .page = "buildx",
        .run = run,
};
