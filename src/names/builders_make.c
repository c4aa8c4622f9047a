// SPDX-License-Identifier: Apache-2.0
// buildx create, use, rm, stop: names come and go. Nothing is started, so nothing has to be
// stopped.
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "image/platform.h"
#include "names/builders.h"
#include "names/names-int.h"
#include "registry/buildkitd_toml.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

struct create_options {
	const char *name, *driver, *flags, *config, *node, *old_flags;
	struct strv driver_options, platforms;
	bool append, use, bootstrap, leave;
};

#define AT(member) offsetof(struct create_options, member)
static const struct option create_options[] = {
        {"append", 0, OPT_FLAG, AT(append), NULL, "Add a node to a builder"},
        {"bootstrap", 0, OPT_FLAG, AT(bootstrap), NULL, "Accepted: there is nothing to start"},
        {"buildkitd-config", 0, OPT_STRING, AT(config), "FILE",
                "What it says of registries counts"},
        {"buildkitd-flags", 0, OPT_STRING, AT(flags), "FLAGS", "Kept and shown"},
        {"config", 0, OPT_STRING, AT(config), "FILE", NULL},
        {"driver", 0, OPT_STRING, AT(driver), "NAME", "Kept and shown (docker-container)"},
        {"driver-opt", 0, OPT_LIST, AT(driver_options), "KEY=VALUE", "Kept and shown"},
        {"leave", 0, OPT_FLAG, AT(leave), NULL, "Remove a node from a builder"},
        {"name", 0, OPT_STRING, AT(name), "NAME", "Name of the builder"},
        {"node", 0, OPT_STRING, AT(node), "NAME", "Name of the node"},
        {"platform", 0, OPT_LIST, AT(platforms), "OS/ARCH[,...]", "Platforms to prefer"},
        {"use", 0, OPT_FLAG, AT(use), NULL, "Use it from now on"},
        OPTION_END,
};

static void release(void *p)
{
	struct create_options *o = p;
	strv_release(&o->driver_options);
	strv_release(&o->platforms);
}

static int check(const struct create_options *o, const struct strv *args, struct err *e)
{
	static const char *const drivers[] = {BUILDER_DRIVER, "kubernetes", "remote", "cloud"};
	bool known = !o->driver;
	for (size_t i = 0; i < ARRAY_LEN(drivers) && !known; i++)
		known = !strcmp(drivers[i], o->driver);
	if (!known)
		return err_set(e, ERR_USAGE,
		        "invalid --driver \"%s\": docker-container, kubernetes, remote or cloud",
		        o->driver);
	if (args->n > 1)
		return err_set(e, ERR_USAGE, "unexpected argument \"%s\": one endpoint is expected",
		        args->v[1]);
	if (o->append && !o->name)
		return err_set(e, ERR_USAGE, "--append needs --name");
	if (o->leave && (!o->name || !o->node))
		return err_set(e, ERR_USAGE, "--leave needs --name and --node");
	return o->name ? builder_check_name(o->name, e) : 0;
}

static char *invented_name(void)
{
	unsigned char random[4] = {0};
	(void)!getrandom(random, sizeof(random), 0);
	return xasprintf("hew-%02x%02x%02x%02x", random[0], random[1], random[2], random[3]);
}

static int take_platforms(const struct create_options *o, struct builder_node *n, struct err *e)
{
	for (size_t i = 0; i < o->platforms.n; i++)
		strv_split(&n->platforms, o->platforms.v[i], ',');
	for (size_t i = 0; i < n->platforms.n; i++) {
		struct platform p;
		char text[80];
		if (platform_parse(n->platforms.v[i], &p, e))
			return -1;
		platform_text(&p, text);
		free(n->platforms.v[i]);
		n->platforms.v[i] = xstrdup(text);
	}
	return 0;
}

static int take_config(const struct create_options *o, struct builder_node *n, struct err *e)
{
	auto_buf struct buf text = {0};
	struct registries_conf rules = {0};
	if (!o->config)
		return 0;
	if (fs_read_file(AT_FDCWD, o->config, BUILDER_CONFIG_MAX, &text, e))
		return -1;
	int rc = buildkitd_toml_parse(buf_cstr(&text), text.n, &rules, e);
	registries_conf_release(&rules);
	if (rc)
		return err_wrap(e, "'%s'", o->config);
	n->config = buf_steal(&text);
	return 0;
}

// "NAME0", or the first number that is free.
static char *next_node_name(const struct builder *b)
{
	char *name = xasprintf("%s0", b->name);
	for (size_t i = 1; builder_find_node(b, name); i++) {
		free(name);
		name = xasprintf("%s%zu", b->name, i);
	}
	return name;
}

static int add_node(
        const struct create_options *o, const char *endpoint, struct builder *b, struct err *e)
{
	auto_free char *name = o->node ? xstrdup(o->node) : next_node_name(b);
	if (b->n >= BUILDER_MAX)
		return err_set(e, ERR_USAGE, "a builder has %d nodes at most", BUILDER_MAX);
	struct builder_node *n = builder_add_node(b, name, endpoint);
	auto_strv struct strv words = {0};
	strv_split(&words, o->flags ? o->flags : "", ' ');
	for (size_t i = 0; i < words.n; i++)
		if (*words.v[i])
			strv_add(&n->flags, words.v[i]);
	for (size_t i = 0; i < o->driver_options.n; i++)
		if (!strv_split_csv(&n->options, o->driver_options.v[i]))
			return err_set(e, ERR_USAGE, "invalid --driver-opt \"%s\"",
			        o->driver_options.v[i]);
	return take_platforms(o, n, e) || take_config(o, n, e) ? -1 : 0;
}

static int leave(const struct create_options *o, struct builder *b, struct err *e)
{
	struct builder left = {.name = b->name, .driver = b->driver};
	left.nodes = xcalloc(b->n + 1, sizeof(*left.nodes));
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->nodes[i].name, o->node) != 0)
			left.nodes[left.n++] = b->nodes[i];
	int rc = left.n == b->n ? err_set(e, ERR_NOT_FOUND, "builder %s has no node \"%s\"",
	                                  b->name, o->node)
	                        : builder_write(&left, e);
	free(left.nodes); // the nodes are b's
	return rc;
}

static int change(
        const struct create_options *o, const char *endpoint, struct builder *b, struct err *e)
{
	if (o->leave)
		return leave(o, b, e);
	return add_node(o, endpoint, b, e) || builder_write(b, e) ? -1 : 0;
}

static int create(void *opts, const struct strv *args, struct err *e)
{
	struct create_options *o = opts;
	auto_builder struct builder b = {0};
	struct err absent = ERR_INIT;
	if (check(o, args, e))
		return -1;
	auto_free char *name = o->name ? xstrdup(o->name) : invented_name();
	bool exists = builder_read(name, &b, &absent) == 0;
	if (!exists && absent.kind != ERR_NOT_FOUND) {
		*e = absent;
		return -1;
	}
	if (exists && (!strcmp(name, BUILDER_DEFAULT) || !(o->append || o->node)))
		return err_set(e, ERR_USAGE, "there is a builder \"%s\" already%s", name,
		        strcmp(name, BUILDER_DEFAULT) ? ": --append adds a node to it" : "");
	if (!exists && (o->append || o->leave))
		fprintf(stderr, "hew: there is no builder %s yet\n", name);
	if (!exists) {
		b.name = xstrdup(name);
		b.driver = xstrdup(o->driver ? o->driver : BUILDER_DRIVER);
	}
	if (change(o, args->n ? args->v[0] : NULL, &b, e) || (o->use && builder_select(name, e)))
		return -1;
	puts(name);
	return 0;
}

int buildx_create(struct asked *a, struct err *e)
{
	static const struct command c = {.name = "buildx create",
	        .args = "[OPTIONS] [ENDPOINT]",
	        .summary = "Make a builder: a name, for those who ask for one",
	        .options = create_options,
	        .size = sizeof(struct create_options),
	        .page = "buildx",
	        .run = create,
	        .release = release};
	(void)e;
	return hand_over(&c, &a->args);
}

static int refuse_rest(const struct strv *args, size_t most, struct err *e)
{
	if (args->n && args->v[0][0] == '-')
		return err_set(e, ERR_USAGE, "unknown flag: %s", args->v[0]);
	if (args->n <= most)
		return 0;
	return err_set(e, ERR_USAGE, "unexpected argument \"%s\"", args->v[most]);
}

// Whichever is named, or else in use.
static int which(struct asked *a, const char *named, char **ret, struct err *e)
{
	if (!named)
		named = a->builder;
	if (!named)
		return builder_current(ret, e);
	*ret = xstrdup(named);
	return 0;
}

static int which_is_there(struct asked *a, char **ret, struct err *e)
{
	auto_builder struct builder b = {0};
	return refuse_rest(&a->args, 1, e) || which(a, a->args.n ? a->args.v[0] : NULL, ret, e) ||
	                       builder_read(*ret, &b, e)
	               ? -1
	               : 0;
}

int buildx_use(struct asked *a, struct err *e)
{
	static const char *const flags[] = {"--default", "--global", NULL};
	auto_free char *name = NULL;
	drop_options(&a->args, flags);
	if (!a->args.n && !a->builder)
		return err_set(e, ERR_USAGE, "missing argument: usage: buildx use NAME");
	return which_is_there(a, &name, e) || builder_select(name, e) ? -1 : 0;
}

int buildx_stop(struct asked *a, struct err *e)
{
	auto_free char *name = NULL;
	return which_is_there(a, &name, e);
}

static int remove_one(struct asked *a, const char *named, struct err *e)
{
	auto_free char *name = NULL;
	if (which(a, named, &name, e))
		return -1;
	if (!strcmp(name, BUILDER_DEFAULT))
		return err_set(e, ERR_USAGE, "the builder \"%s\" is this program: it stays", name);
	if (builder_remove(name, e))
		return -1;
	fprintf(stderr, "%s removed\n", name);
	return 0;
}

int buildx_rm(struct asked *a, struct err *e)
{
	static const char *const flags[] = {
	        "--force", "-f", "--keep-state", "--keep-daemon", "--timeout=", NULL};
	auto_strv struct strv all = {0};
	drop_options(&a->args, flags);
	bool inactive = take_flag(&a->args, "--all-inactive");
	if (refuse_rest(&a->args, BUILDER_MAX, e) || (inactive && builder_names(&all, e)))
		return -1;
	if (inactive && a->args.n)
		return err_set(
		        e, ERR_USAGE, "--all-inactive is for all of them: leave the names out");
	const struct strv *names = inactive ? &all : &a->args;
	if (!names->n)
		return inactive ? 0 : remove_one(a, NULL, e);
	for (size_t i = 0; i < names->n; i++)
		if (remove_one(a, names->v[i], e))
			return -1;
	return 0;
}
