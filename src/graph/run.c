// SPDX-License-Identifier: Apache-2.0
// RUN: the command line with its shell, what it may see (variables, proxies, mounts) and how
// history words it.
#include "base/fs.h"
#include "graph/graph-int.h"

static int mount_from(struct builder *b, struct stage_state *s, const struct instr *in,
        const struct mount_spec *m, struct run_mount *to, struct err *e)
{
	to->from = (struct file_source){.kind = FROM_CONTEXT};
	if (m->type == MOUNT_CACHE)
		to->from.kind = FROM_SCRATCH;
	if (m->type != MOUNT_BIND && m->type != MOUNT_CACHE)
		to->from.kind = FROM_SCRATCH;
	if (!m->from)
		return 0;
	if (strchr(m->from, '$'))
		return err_at(e, in->pos,
		        "'from' doesn't support variable expansion, define alias stage instead");
	return source_find(b, s, in, m->from, false, &to->from, e);
}

// Where it appears; NULL for a secret that is only in the environment and for an ssh socket's
// default.
static int mount_target(struct builder *b, struct stage_state *s, const struct instr *in,
        const struct mount_spec *m, struct run_mount *to, struct err *e)
{
	const char *target = m->target;
	if (!target && m->type == MOUNT_SECRET && !m->env) {
		const char *id = m->id ? m->id : m->source ? fs_base_name(m->source) : NULL;
		if (!id)
			return err_at(e, in->pos, "secret mount needs an id, a source or a target");
		target = arena_printf(&b->g->arena, "/run/secrets/%s", fs_base_name(id));
	}
	if (!target && (m->type == MOUNT_SSH || m->type == MOUNT_SECRET))
		return 0;
	if (!target)
		return err_at(e, in->pos, "mount needs a target (target=/path)");
	to->target = stage_path(b, s, target);
	if (!strcmp(to->target, "/"))
		return err_at(e, in->pos, "invalid mount target \"/\"");
	return 0;
}

// Builds with another BUILDKIT_CACHE_MOUNT_NS have other caches.
static const char *cache_id(struct builder *b, const char *id)
{
	const char *space = build_arg(b, "BUILDKIT_CACHE_MOUNT_NS");
	return space && *space ? arena_printf(&b->g->arena, "%s/%s", space, id) : id;
}

static const char *mount_id(const struct mount_spec *m, const struct run_mount *to)
{
	if (m->id)
		return m->id;
	switch (m->type) {
	case MOUNT_CACHE:
		return to->target;
	case MOUNT_SECRET:
		return m->source ? m->source : to->target ? fs_base_name(to->target) : m->env;
	case MOUNT_SSH:
		return "default";
	default:
		return NULL;
	}
}

static int mount_convert(struct builder *b, struct stage_state *s, const struct instr *in,
        const struct mount_spec *raw, struct run_mount *to, struct err *e)
{
	struct undefined u = {b, s, in, {0}};
	struct expand_env env = vars_env(s, &u);
	struct mount_spec m;
	int status = dockerfile_expand_mount(&b->g->arena, raw, &env, &m, e);
	undefined_report(&u);
	if (status) {
		e->pos = in->pos;
		return -1;
	}
	if (mount_from(b, s, in, &m, to, e) || mount_target(b, s, in, &m, to, e))
		return -1;
	to->type = (int)m.type;
	to->source = m.source ? m.source : "/";
	to->env = m.env;
	to->id = mount_id(&m, to);
	if (m.type == MOUNT_CACHE)
		to->id = cache_id(b, to->id);
	to->read_only = m.read_only_set ? m.read_only : m.type == MOUNT_BIND;
	to->required = m.required;
	to->sharing = (int)m.sharing;
	to->size = m.size;
	to->mode = m.mode;
	to->uid = m.uid;
	to->gid = m.gid;
	outline_need(b, s, in, to);
	return check_size(b, in, e);
}

static int add_mounts(struct builder *b, struct stage_state *s, const struct instr *in,
        struct run_op *op, struct err *e)
{
	op->mounts = arena_alloc(&b->g->arena, (in->n_mounts + 1) * sizeof(*op->mounts));
	for (size_t i = 0; i < in->n_mounts; i++) {
		if (mount_convert(b, s, in, &in->mounts[i], &op->mounts[i], e))
			return -1;
		op->n_mounts++;
	}
	return 0;
}

// A lone heredoc is the script itself: the shell's argument, or, if it begins with #!, a file that
// the shell is given the name of.
static void heredoc_script(const struct instr *in, struct run_op *op)
{
	const char *body = in->heredocs[0].body;
	char **argument = &op->argv.v[op->argv.n - 1];
	free(*argument);
	if (str_has_prefix(body, "#!")) {
		op->script = body;
		op->script_name = in->heredocs[0].name;
		*argument = xasprintf("/dev/pipes/%s", op->script_name);
	} else {
		*argument = xstrdup(body);
	}
}

static void history_run(struct builder *b, struct stage_state *s, const struct strv *argv, int step)
{
	auto_buf struct buf text = {0};
	buf_puts(&text, "RUN");
	if (s->n_args)
		buf_printf(&text, " |%zu", s->n_args);
	for (size_t i = 0; i < s->n_args; i++) {
		buf_putc(&text, ' ');
		buf_puts(&text, s->args[i].key);
		buf_putc(&text, '=');
		buf_puts(&text, vars_declared(s, &s->args[i]));
	}
	for (size_t i = 0; i < argv->n; i++)
		buf_printf(&text, " %s", argv->v[i]);
	buf_puts(&text, " # buildkit");
	history_add(b, s, buf_cstr(&text), step);
}

const char *net_mode_name(enum net_mode m)
{
	static const char *const names[] = {[NET_DEFAULT] = "default",
	        [NET_HOST] = "host",
	        [NET_NONE] = "none",
	        [NET_PASTA] = "pasta"};
	return names[m];
}

// A Dockerfile may take itself less than the command line gives it, and more only if that allows
// it: the host's network is more than none or pasta's.
static int run_network(struct builder *b, const struct instr *in, struct run_op *op, struct err *e)
{
	enum net_mode given = b->o->network;
	bool host = in->network && !strcmp(in->network, "host");
	bool closed = given == NET_NONE || given == NET_PASTA;
	op->network = given;
	if (host && closed && !b->o->allow_network_host)
		return err_at(e, in->pos,
		        "network.host is not allowed: the build has --network %s, which RUN "
		        "--network=host would leave; give --allow network.host if it may",
		        net_mode_name(given));
	if (host)
		op->network = NET_HOST;
	else if (in->network && !strcmp(in->network, "none"))
		op->network = NET_NONE;
	return 0;
}

static int run_flags(struct builder *b, const struct instr *in, struct run_op *op, struct err *e)
{
	op->insecure = in->security && !strcmp(in->security, "insecure");
	if (op->insecure && !b->o->allow_insecure)
		return err_at(e, in->pos,
		        "security.insecure is not allowed: RUN --security=insecure switches the "
		        "sandbox off; give --allow security.insecure if it may");
	if (in->device)
		return err_at(e, in->pos,
		        "RUN --device=%s: devices of the host (CDI) are not given to steps; they "
		        "have null, zero, full, random, urandom and tty",
		        in->device);
	const char *hostname = build_arg(b, "BUILDKIT_SANDBOX_HOSTNAME");
	if (hostname && *hostname)
		op->hostname = arena_strdup(&b->g->arena, hostname);
	return run_network(b, in, op, e);
}

int run_dispatch(struct builder *b, struct stage_state *s, const struct instr *in, bool on_build,
        struct err *e)
{
	// mounts first: they may build other stages, whose steps must come before this one
	struct run_op mounts = {0};
	if (add_mounts(b, s, in, &mounts, e))
		return -1;
	struct step *st = step_add(b, s, STEP_RUN, in, on_build);
	struct run_op *op = &st->run;
	op->mounts = mounts.mounts;
	op->n_mounts = mounts.n_mounts;
	shell_prepend(&s->config, in, &op->argv);
	if (in->heredoc_only)
		heredoc_script(in, op);
	for (size_t i = 0; i < op->argv.n; i++)
		b->copied += strlen(op->argv.v[i]);
	op->shown = arena_strdup(&b->g->arena, in->n_words ? in->words[in->n_words - 1] : "");
	vars_proxy(b, &op->proxy_env);
	if (run_flags(b, in, op, e))
		return -1;
	st = step_unique(b, st);
	history_run(b, s, &st->run.argv, st->id);
	s->rootfs = st->id;
	return 0;
}
