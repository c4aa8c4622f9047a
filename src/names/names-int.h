// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cmd/command.h"
#include "names/names.h"

// What programs that ask for a version want to hear: they look up in tables of their own what that
// one could do. hew's own version comes after it.
#define DOCKER_AS "29.7.2"
#define BUILDX_AS "0.36.1"
#define BUILDKIT_AS "v0.32.2" // as it is printed, unlike the others

extern const struct command cmd_buildx, cmd_docker, cmd_grype, cmd_scout, cmd_structure_test,
        cmd_trivy;

// docker's options ahead of a verb; buildx has them, too.
struct docker_flags {
	const char *config, *context, *host, *builder, *ignored;
	bool debug, version, tls;
};
extern const struct option docker_options[];
void docker_flags_apply(const struct docker_flags *f);

// A verb of another program's.
struct asked {
	struct strv args;    // what follows it
	const char *builder; // --builder, from before or after the verb; NULL
	bool own_store;      // whoever called takes hew's store for docker's
};
struct stand_in {
	const char *name;
	int (*run)(struct asked *a, struct err *e); // -1, or an exit status
};
const struct stand_in *stand_in_find(const struct stand_in *list, size_t n, const char *name);

// A verb of hew's with these words. Says what goes wrong, and returns docker's exit status for it.
int hand_over(const struct command *c, const struct strv *args);
int hand_over_first(const struct command *c, const char *first, const struct strv *args);
int hand_over_as_is(const struct command *c, const struct strv *args); // with hew's exit status
// Options of a verb that hew has not got. names ends with NULL; those with '=' take a value.
void drop_options(struct strv *args, const char *const *names);
// Takes "--NAME VALUE" or "--NAME=VALUE" out of the words. The last one; NULL if there is none.
// Caller frees.
char *take_option(struct strv *args, const char *name);
bool take_flag(struct strv *args, const char *name);
void drop_first(struct strv *args);

// A document by --format: a template, "json", or NULL for what `otherwise` prints.
int print_document(const char *json, const char *format, struct err *e);

// docker's end of a plugin: it ends the connection to have the work given up.
int plugin_watch(struct err *e);
int plugin_metadata(const struct command *c);

// docker version, docker info, docker context.
int docker_version(struct asked *a, struct err *e);
int docker_info(struct asked *a, struct err *e);
int docker_context(struct asked *a, struct err *e);
// buildx create, use, ls, inspect, rm, stop.
int buildx_create(struct asked *a, struct err *e);
int buildx_use(struct asked *a, struct err *e);
int buildx_ls(struct asked *a, struct err *e);
int buildx_inspect(struct asked *a, struct err *e);
int buildx_rm(struct asked *a, struct err *e);
int buildx_stop(struct asked *a, struct err *e);
int buildx_build(struct asked *a, struct err *e);
