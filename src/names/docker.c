// SPDX-License-Identifier: Apache-2.0
// hew called docker, on a machine that has none: what pipelines and people type most, by hew's own
// verbs. There is no daemon, so nothing that would go on running.
#include "base/err.h"
#include "base/mem.h"
#include "cmd/verbs.h"
#include "names/names-int.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int build(struct asked *a, struct err *e)
{
	return buildx_build(a, e);
}

// ---- verbs that are hew's, too

static int login(struct asked *a, struct err *e)
{
	(void)e;
	return hand_over(&cmd_login, &a->args);
}

static int logout(struct asked *a, struct err *e)
{
	(void)e;
	return hand_over(&cmd_logout, &a->args);
}

static int pull(struct asked *a, struct err *e)
{
	static const char *const ignored[] = {"--disable-content-trust", NULL};
	(void)e;
	drop_options(&a->args, ignored);
	return hand_over(&cmd_pull, &a->args);
}

static int push(struct asked *a, struct err *e)
{
	static const char *const ignored[] = {"--disable-content-trust", NULL};
	(void)e;
	drop_options(&a->args, ignored);
	return hand_over(&cmd_push, &a->args);
}

static int tag(struct asked *a, struct err *e)
{
	(void)e;
	return hand_over(&cmd_tag, &a->args);
}

static int images(struct asked *a, struct err *e)
{
	(void)e;
	return hand_over(&cmd_images, &a->args);
}

static int rmi(struct asked *a, struct err *e)
{
	(void)e;
	return hand_over(&cmd_rmi, &a->args);
}

static int save(struct asked *a, struct err *e)
{
	(void)e;
	return hand_over(&cmd_save, &a->args);
}

static int load(struct asked *a, struct err *e)
{
	(void)e;
	return hand_over(&cmd_load, &a->args);
}

static int history(struct asked *a, struct err *e)
{
	(void)e;
	return hand_over(&cmd_history, &a->args);
}

static int inspect(struct asked *a, struct err *e)
{
	auto_free char *type = take_option(&a->args, "--type"),
	               *format = take_option(&a->args, "-f");
	if (type && strcmp(type, "image") != 0)
		return err_set(
		        e, ERR_UNSUPPORTED, "docker inspect --type %s: hew has images only", type);
	if (format)
		strv_addf(&a->args, "--format=%s", format);
	return hand_over(&cmd_inspect, &a->args);
}

// Its exit status is the program's.
static int run_image(struct asked *a, struct err *e)
{
	(void)e;
	return hand_over_as_is(&cmd_run, &a->args);
}

// ---- verbs with verbs

static int dispatch(
        const char *of, const struct stand_in *list, size_t n, struct asked *a, struct err *e)
{
	const struct stand_in *v = a->args.n ? stand_in_find(list, n, a->args.v[0]) : NULL;
	if (!v)
		return err_set(e, ERR_UNSUPPORTED,
		        "docker %s%s%s is not done by hew, which is called docker here", of,
		        a->args.n ? " " : "", a->args.n ? a->args.v[0] : "");
	drop_first(&a->args);
	return v->run(a, e);
}

static int du(struct asked *a, struct err *e)
{
	(void)e;
	return hand_over(&cmd_du, &a->args);
}

static int prune(struct asked *a, struct err *e)
{
	(void)e;
	return hand_over(&cmd_prune, &a->args);
}

static int image(struct asked *a, struct err *e)
{
	static const struct stand_in list[] = {{"build", build}, {"history", history},
	        {"inspect", inspect}, {"load", load}, {"ls", images}, {"list", images},
	        {"prune", prune}, {"pull", pull}, {"push", push}, {"rm", rmi}, {"save", save},
	        {"tag", tag}};
	return dispatch("image", list, ARRAY_LEN(list), a, e);
}

static int builder(struct asked *a, struct err *e)
{
	static const struct stand_in list[] = {{"build", build}, {"prune", prune}};
	return dispatch("builder", list, ARRAY_LEN(list), a, e);
}

static int system_verbs(struct asked *a, struct err *e)
{
	static const struct stand_in list[] = {{"df", du}, {"info", docker_info}, {"prune", prune}};
	return dispatch("system", list, ARRAY_LEN(list), a, e);
}

static int container(struct asked *a, struct err *e)
{
	static const struct stand_in list[] = {{"run", run_image}};
	return dispatch("container", list, ARRAY_LEN(list), a, e);
}

static int as_command(const struct command *c, const struct asked *a)
{
	auto_strv struct strv words = {0};
	if (a->builder)
		strv_addf(&words, "--builder=%s", a->builder);
	for (size_t i = 0; i < a->args.n; i++)
		strv_add(&words, a->args.v[i]);
	return hand_over_as_is(c, &words);
}

// What `docker build` and `docker run` see is the same store, so an image need not be loaded.
static int buildx(struct asked *a, struct err *e)
{
	if (a->args.n && !strcmp(a->args.v[0], "build")) {
		auto_free char *name = NULL;
		drop_first(&a->args);
		name = take_option(&a->args, "--builder");
		if (name)
			a->builder = name;
		int rc = buildx_build(a, e);
		a->builder = NULL;
		return rc;
	}
	return as_command(&cmd_buildx, a);
}

static int scout(struct asked *a, struct err *e)
{
	(void)e;
	return as_command(&cmd_scout, a);
}

static const struct stand_in verbs[] = {
        {"build", build},
        {"builder", builder},
        {"buildx", buildx},
        {"container", container},
        {"context", docker_context},
        {"history", history},
        {"image", image},
        {"images", images},
        {"info", docker_info},
        {"inspect", inspect},
        {"load", load},
        {"login", login},
        {"logout", logout},
        {"pull", pull},
        {"push", push},
        {"rmi", rmi},
        {"run", run_image},
        {"save", save},
        {"scout", scout},
        {"system", system_verbs},
        {"tag", tag},
        {"version", docker_version},
};

static int refuse(const char *name, struct err *e)
{
	const char *names[ARRAY_LEN(verbs)];
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		names[i] = verbs[i].name;
	const char *near = str_nearest(name, names, ARRAY_LEN(names));
	return err_set(e, ERR_UNSUPPORTED,
	        "docker %s is not done by hew, which is called docker here: it builds, fetches, "
	        "sends "
	        "and tries images, and leaves nothing running%s%s%s",
	        name, near ? " (did you mean docker " : "", near ? near : "", near ? "?)" : "");
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	const struct docker_flags *f = opts;
	docker_flags_apply(f);
	if (f->version) {
		printf("Docker version %s, build hew-%s\n", DOCKER_AS, HEW_VERSION);
		return 0;
	}
	if (!args->n || !strcmp(args->v[0], "help")) {
		auto_buf struct buf text = {0};
		command_help(&cmd_docker, &text);
		fputs(buf_cstr(&text), stdout);
		return 0;
	}
	const struct stand_in *v = stand_in_find(verbs, ARRAY_LEN(verbs), args->v[0]);
	if (!v)
		return refuse(args->v[0], e);
	struct asked a = {.own_store = true, .builder = f->builder};
	strv_copy(&a.args, args);
	drop_first(&a.args);
	int rc = v->run(&a, e);
	strv_release(&a.args);
	return rc;
}

const struct command cmd_docker = {
        .name = "docker",
        .args = "COMMAND [OPTIONS]",
        .summary = "hew by the command line of docker, where there is none",
        .details = "build, buildx, builder      hew build, and what docker buildx has\n"
                   "pull, push, tag, images, rmi, save, load, history, inspect, image\n"
                   "                            images, in hew's store\n"
                   "run                         try an image; nothing goes on running\n"
                   "login, logout               docker's config.json\n"
                   "version, info, context      what pipelines ask first\n"
                   "system df, system prune     hew du, hew prune\n",
        .options = docker_options,
        .size = sizeof(struct docker_flags),
        .stop_at_args = true,
        .failure_status = 1,
        .page = "buildx",
        .run = run,
};
