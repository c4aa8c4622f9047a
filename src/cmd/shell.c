// SPDX-License-Identifier: Apache-2.0
// hew shell: stands where a step of a past build stood. Nothing is built: the layers are in the
// store, the rest in the build's record (src/exec/build_record.c).
#include "run/shell.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/event.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "exec/build.h"
#include "run/run.h"
#include "session/record.h"
#include "session/session.h"
#include "ui/ui.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LAYERS_MAX 4096
#define MOUNTS_MAX 1024

struct shell_options {
	struct strv env;
	const char *build, *user;
	bool before, insecure_registry;
};

#define AT(member) offsetof(struct shell_options, member)
static const struct option options[] = {
        {"before", 0, OPT_FLAG, AT(before), NULL, "The root filesystem before the step"},
        {"build", 0, OPT_STRING, AT(build), "ID", "A build of hew builds ls instead of the last"},
        {"env", 'e', OPT_LIST, AT(env), "KEY[=VALUE]", "Set an environment variable"},
        {"insecure", 0, OPT_FLAG, AT(insecure_registry), NULL,
                "Allow plain http and unverified certificates for base layers"},
        {"user", 'u', OPT_STRING, AT(user), "USER[:GROUP]", "Be this user"},
        OPTION_END,
};

static void release(void *p)
{
	strv_release(&((struct shell_options *)p)->env);
}

struct layer_list {
	struct digest *v; // top first while it is made
	size_t n;
};

struct place {
	const struct record *record;
	const struct jn *step;
	bool before;
	struct layer_list layers;
	struct shown_mount mounts[MOUNTS_MAX];
	size_t n_mounts;
	struct layer_list *shown; // one for each mount that needs them
	size_t n_shown;
	struct strv missing; // what cannot be shown
	char *script;        // where the step's script lies
};

// ---- which step

static const struct jn *step_of_id(const struct jn *steps, int64_t id)
{
	for (size_t i = 0; i < jn_len(steps); i++)
		if (jn_int(jn_get(jn_at(steps, i), "id"), -1) == id)
			return jn_at(steps, i);
	return NULL;
}

static bool has_ended_well(const struct jn *step)
{
	return record_step_state_is(step, "ran") || record_step_state_is(step, "cached");
}

// The one that failed, else the last of the result.
static const struct jn *usual_step(const struct record *r)
{
	const struct jn *last = step_of_id(r->steps, jn_int(jn_get(r->root, "result"), -1));
	for (size_t i = 0; i < jn_len(r->steps); i++)
		if (record_step_state_is(jn_at(r->steps, i), "failed"))
			return jn_at(r->steps, i);
	return last ? last : jn_at(r->steps, jn_len(r->steps) ? jn_len(r->steps) - 1 : 0);
}

static int find_step(
        const struct record *r, const char *which, const struct jn **ret, struct err *e)
{
	const struct jn *found = which ? NULL : usual_step(r);
	uint64_t line;
	for (size_t i = 0; which && i < jn_len(r->steps); i++) {
		const struct jn *step = jn_at(r->steps, i);
		if (!record_step_is(step, which))
			continue;
		if (found && !str_to_u64(which, &line))
			return err_set(e, ERR_USAGE,
			        "\"%s\" is in several steps, of the lines %lld and %lld: give the "
			        "line",
			        which, (long long)jn_int(jn_get(found, "line"), 0),
			        (long long)jn_int(jn_get(step, "line"), 0));
		found = step;
	}
	*ret = found;
	if (!found && which)
		return err_set(e, ERR_NOT_FOUND,
		        "build %s has no step \"%s\": give a line of the Dockerfile or a part of "
		        "the instruction; 'hew builds show' lists them",
		        r->row.id, which);
	if (!found && !strcmp(record_status(r), "ok"))
		return err_set(e, ERR_NOT_FOUND,
		        "build %s has no steps: its image is its base's, hew run shows that",
		        r->row.id);
	return found ? 0
	             : err_set(e, ERR_NOT_FOUND, "build %s did not come to a step%s%s", r->row.id,
	                       *record_text(r->root, "error") ? ": " : "",
	                       record_text(r->root, "error"));
}

// ---- its layers

static int push(struct layer_list *l, const char *text, struct err *e)
{
	struct digest d;
	if (l->n == LAYERS_MAX || !text || digest_parse(text, &d, e))
		return err_set(e, ERR_CORRUPT, "the record of the build is not readable");
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = d;
	return 0;
}

static int push_base(const struct record *r, int64_t id, struct layer_list *l, struct err *e)
{
	const struct jn *bases = jn_get(r->root, "bases");
	for (size_t i = 0; i < jn_len(bases); i++) {
		const struct jn *layers = jn_get(jn_at(bases, i), "layers");
		if (jn_int(jn_get(jn_at(bases, i), "id"), -1) != id)
			continue;
		for (size_t k = jn_len(layers); k-- > 0;)
			if (push(l, jn_str(jn_at(layers, k)), e))
				return -1;
		return 0;
	}
	return err_set(e, ERR_CORRUPT, "the record of the build is not readable");
}

// What step `id` made of what is below it; -1: nothing at all.
static int push_result(const struct record *r, int64_t id, struct layer_list *l, struct err *e)
{
	for (size_t depth = 0; id >= 0; depth++) {
		const struct jn *step = step_of_id(r->steps, id);
		if (!step)
			return push_base(r, id, l, e);
		if (!has_ended_well(step))
			return err_set(e, ERR_NOT_FOUND, "%s: this step did not get that far (%s)",
			        record_text(step, "name"), record_text(step, "state"));
		if (depth > LAYERS_MAX || push(l, jn_get_str(step, "layer"), e))
			return depth > LAYERS_MAX ? push(l, NULL, e) : -1;
		id = jn_int(jn_get(step, "parent"), -1);
	}
	return 0;
}

static void turn(struct layer_list *l)
{
	for (size_t i = 0; i < l->n / 2; i++) {
		struct digest d = l->v[i];
		l->v[i] = l->v[l->n - 1 - i];
		l->v[l->n - 1 - i] = d;
	}
}

static int find_layers(struct place *p, struct err *e)
{
	int64_t id = jn_int(jn_get(p->step, "id"), -1);
	if (p->before)
		id = jn_int(jn_get(p->step, "parent"), -1);
	if (!jn_get(p->step, "parent"))
		return err_set(e, ERR_NOT_FOUND,
		        "the record of this build is of an older hew and does not hold what a "
		        "shell "
		        "needs: build again");
	if (push_result(p->record, id, &p->layers, e))
		return -1;
	turn(&p->layers);
	return 0;
}

// ---- its mounts

static int shown_layers(struct place *p, const struct jn *m, struct shown_mount *ret, struct err *e)
{
	const char *layer = jn_get_str(m, "layer");
	struct layer_list *l = &p->shown[p->n_mounts];
	struct err why = ERR_INIT;
	if (!layer && !jn_get(m, "step")) {
		strv_addf(&p->missing,
		        "%s: the step was cached, so these files of the context were not kept",
		        ret->target);
		return 0;
	}
	if (layer ? push(l, layer, e) : 0)
		return -1;
	if (!layer && push_result(p->record, jn_int(jn_get(m, "step"), -1), l, &why)) {
		strv_addf(&p->missing, "%s: %s", ret->target, why.msg);
		l->n = 0;
		return 0;
	}
	turn(l);
	ret->kind = SHOWN_LAYERS;
	ret->source = record_text(m, "source");
	ret->layers = l->v;
	ret->n_layers = l->n;
	ret->read_only = jn_bool(jn_get(m, "read_only"), true);
	return 1;
}

// 1 shown, 0 not, -1.
static int shown_mount(struct place *p, const struct jn *m, struct shown_mount *ret, struct err *e)
{
	const char *type = record_text(m, "type");
	*ret = (struct shown_mount){.target = record_text(m, "target"),
	        .id = record_text(m, "id"),
	        .size = (uint64_t)jn_int(jn_get(m, "size"), 0),
	        .mode = (uint32_t)jn_int(jn_get(m, "mode"), 0) & 07777};
	if (!strcmp(type, "bind"))
		return shown_layers(p, m, ret, e);
	ret->kind = !strcmp(type, "cache") ? SHOWN_CACHE : SHOWN_TMPFS;
	if (!strcmp(type, "cache") || !strcmp(type, "tmpfs"))
		return 1;
	strv_addf(&p->missing, "%s %s: nothing of it is kept", type, ret->id);
	return 0;
}

static int find_mounts(struct place *p, struct err *e)
{
	const struct jn *mounts = jn_get(p->step, "mounts");
	const char *script = jn_get_str(p->step, "script");
	p->n_shown = jn_len(mounts) < MOUNTS_MAX ? jn_len(mounts) : MOUNTS_MAX - 1;
	p->shown = xcalloc(p->n_shown + 1, sizeof(*p->shown));
	for (size_t i = 0; i < p->n_shown; i++) {
		int shown = shown_mount(p, jn_at(mounts, i), &p->mounts[p->n_mounts], e);
		if (shown < 0)
			return -1;
		p->n_mounts += (size_t)shown;
	}
	if (!script)
		return 0;
	p->script = xasprintf("/dev/pipes/%s", record_text(p->step, "script_name"));
	p->mounts[p->n_mounts++] =
	        (struct shown_mount){.kind = SHOWN_FILE, .target = p->script, .data = script};
	return 0;
}

// ---- what is told

// Names, commands and targets are the Dockerfile's.
static void tell_line(const char *before, const char *text, const char *after)
{
	auto_buf struct buf clean = {0};
	ui_escape(text, strlen(text), &clean);
	fprintf(stderr, "%s%s%s\n", before, buf_cstr(&clean), after);
}

static void tell(const struct place *p, bool shell)
{
	const struct jn *command = jn_get(p->step, "command");
	bool failed = !has_ended_well(p->step);
	auto_buf struct buf line = {0};
	if (!shell)
		return;
	tell_line("", record_text(p->step, "name"), p->before ? ": before it" : ": after it");
	if (failed && p->before)
		fputs("What it wrote before it failed is not kept; hew build --on-error shell "
		      "shows that.\n",
		        stderr);
	if (command && p->before) {
		for (size_t i = 0; i < jn_len(command); i++)
			buf_printf(&line, " %s", jn_str(jn_at(command, i)));
		tell_line("Its command:", buf_cstr(&line), "");
	}
	fputs("Changes are thrown away.\n", stderr);
}

static void tell_missing(const struct place *p)
{
	for (size_t i = 0; i < p->missing.n; i++)
		tell_line("hew: not there: ", p->missing.v[i], "");
}

// ---- the process

// Those that are named like secrets come without a value.
static void take_env(struct place *p, const struct shell_options *o, struct strv *ret)
{
	const struct jn *all = jn_get(p->record->root, "environments");
	const struct jn *n = jn_get(p->step, "environment");
	const struct jn *env = n ? jn_at(all, (size_t)jn_int(n, 0)) : NULL;
	if (!n)
		strv_add(&p->missing, "environment of the step: it was too large to be kept");
	for (size_t i = 0; i < jn_len(env); i++) {
		const char *kv = jn_str(jn_at(env, i));
		if (kv && strchr(kv, '='))
			strv_add(ret, kv);
		else if (kv)
			strv_addf(&p->missing, "variable %s: its value is not kept (-e %s=VALUE)",
			        kv, kv);
	}
	for (size_t i = 0; i < o->env.n; i++)
		strv_add(ret, o->env.v[i]);
}

static int step_network(const struct place *p, enum step_network *ret, struct err *e)
{
	const char *word = jn_get_str(p->step, "network");
	enum net_mode mode = NET_DEFAULT;
	if (network_of(word, &mode, e))
		return -1;
	*ret = step_network_of(mode);
	return 0;
}

// args: of the command.
static int open_place(struct session *s, struct place *p, const struct shell_options *o,
        const struct strv *args, struct foreground_result *ret, struct err *e)
{
	struct run_root root = {.layers = p->layers.v,
	        .n_layers = p->layers.n,
	        .mounts = p->mounts,
	        .n_mounts = p->n_mounts};
	const char *platform = jn_get_str(p->step, "platform");
	const char *hostname = jn_get_str(p->step, "hostname");
	const char *user = record_text(p->step, "user"); // root needs no /etc/passwd
	struct run_request r = {.image = "",
	        .root = &root,
	        .workdir = record_text(p->step, "cwd"),
	        .user = o->user                ? o->user
	                : strcmp(user, "root") ? user
	                                       : "0",
	        .hostname = hostname ? hostname : "buildkitsandbox",
	        .tty = shell_terminal() == STDOUT_FILENO,
	        .sink = session_sink(s),
	        .registry = session_registry,
	        .registry_arg = s};
	if ((platform && platform_parse(platform, &root.platform, e)) ||
	        step_network(p, &r.network, e))
		return -1;
	take_env(p, o, &r.env);
	strv_copy(&r.command, args);
	tell(p, !args->n && r.tty);
	tell_missing(p);
	int failed = image_run(s->store, &r, ret, e);
	run_request_release(&r);
	if (failed && e->kind == ERR_NOT_FOUND && str_has_prefix(e->msg, "layer "))
		return err_wrap(e,
		        "the files of this step are not here any more (a collection took them; "
		        "build again)");
	return failed;
}

// Everything before "--", and everything after it.
static void split(const struct strv *args, struct strv *ret_words, struct strv *ret_command)
{
	bool dashes = false;
	for (size_t i = 0; i < args->n; i++) {
		if (!dashes && !strcmp(args->v[i], "--"))
			dashes = true;
		else
			strv_add(dashes ? ret_command : ret_words, args->v[i]);
	}
}

static int run_shell(struct shell_options *o, const struct strv *args,
        struct foreground_result *ret, struct err *e)
{
	auto_session struct session s = {.insecure = o->insecure_registry};
	auto_record struct record r = {0};
	auto_strv struct strv words = {0}, command = {0};
	auto_free struct place *p = xcalloc(1, sizeof(*p));
	split(args, &words, &command);
	if (need_args(&words, 0, 1, "shell [OPTIONS] [STEP] [-- COMMAND...]", e) ||
	        session_open(&s, true, e))
		return -1;
	if (o->build ? record_find(s.store, o->build, &r, e) : record_find_over(s.store, &r, e))
		return -1;
	s.ui = ui_new(UI_PLAIN, "Running");
	p->record = &r;
	int status = find_step(&r, words.n ? words.v[0] : NULL, &p->step, e);
	if (!status) {
		p->before = o->before || !has_ended_well(p->step);
		status = find_layers(p, e) || find_mounts(p, e) ||
		                         open_place(&s, p, o, &command, ret, e)
		                 ? -1
		                 : 0;
	}
	for (size_t i = 0; p->shown && i < p->n_shown; i++)
		free(p->shown[i].v);
	free(p->shown);
	free(p->layers.v);
	free(p->script);
	strv_release(&p->missing);
	return status;
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct foreground_result result = {0};
	if (run_shell(opts, args, &result, e)) {
		if (e->kind != ERR_STEP)
			return -1;
		ui_error(e);
		return e->sys == ENOENT ? 127 : 126;
	}
	return result.status;
}

const struct command cmd_shell = {
        .name = "shell",
        .args = "[OPTIONS] [STEP] [-- COMMAND...]",
        .summary = "Look around in a step of the last build",
        .details = "Opens a shell, or runs a command, where a step of the last build stood: its "
                   "files, variables,\n"
                   "user, directory and mounts. Nothing is built, and changes are thrown away. "
                   "STEP is a line of\n"
                   "the Dockerfile or a part of the instruction; without one, the step that "
                   "failed, or the last.\n"
                   "A step that succeeded is seen after it, one that failed before it. The exit "
                   "status is the\n"
                   "command's.\n",
        .options = options,
        .size = sizeof(struct shell_options),
        .keep_dashes = true,
        .run = run,
        .release = release,
};
