// SPDX-License-Identifier: Apache-2.0
// hew lock: what the names in a Dockerfile stand for now, written down beside it.
#include "lock/lock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/build_platforms.h"
#include "cmd/build_sources.h"
#include "cmd/build_values.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "dockerfile/git_ref.h"
#include "exec/build.h"
#include "session/session.h"
#include "ui/ui.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct lock_options {
	struct strv build_args, contexts, secrets, ssh, platforms;
	const char *file, *target, *progress, *format;
	bool check, prune, quiet, insecure;
};

#define AT(member) offsetof(struct lock_options, member)
static const struct option options[] = {
        {"build-arg", 0, OPT_LIST, AT(build_args), "KEY[=VALUE]", "Set a build argument"},
        {"build-context", 0, OPT_LIST, AT(contexts), "NAME=SOURCE",
                "As for hew build: what it names is not looked up"},
        {"check", 0, OPT_FLAG, AT(check), NULL,
                "Change nothing; status 1 if a name stands for something else"},
        {"file", 'f', OPT_STRING, AT(file), "PATH", "Dockerfile (PATH/Dockerfile by default)"},
        {"format", 0, OPT_STRING, AT(format), "KIND", "Print json instead of lines"},
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"platform", 0, OPT_LIST, AT(platforms), "OS/ARCH[,...]",
                "Platforms that are built for (default: this machine's)"},
        {"progress", 0, OPT_STRING, AT(progress), "KIND", "auto, tty, plain, rawjson or quiet"},
        {"prune", 0, OPT_FLAG, AT(prune), NULL, "Drop names that this Dockerfile does not use"},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "Print nothing"},
        {"secret", 0, OPT_LIST, AT(secrets), "id=ID[,src=FILE|env=VAR]",
                "Credentials for URLs and repositories, as for hew build"},
        {"ssh", 0, OPT_LIST, AT(ssh), "default|ID[=SOCKET|KEY[,KEY...]]",
                "An ssh agent, or keys, for git"},
        {"target", 0, OPT_STRING, AT(target), "STAGE",
                "Only what this stage needs (default: all stages)"},
        OPTION_END,
};

static void release(void *p)
{
	struct lock_options *o = p;
	strv_release(&o->build_args);
	strv_release(&o->contexts);
	strv_release(&o->secrets);
	strv_release(&o->ssh);
	strv_release(&o->platforms);
}

static int take_options(
        const struct lock_options *o, const char *path, struct build_request *r, struct err *e)
{
	struct buf unused = {0};
	if (!strcmp(path, "-") || source_is_url(path) || git_ref_is(path, true) ||
	        (o->file && (!strcmp(o->file, "-") || source_is_url(o->file))))
		return err_set(e, ERR_USAGE,
		        "a Dockerfile in a folder is needed: " LOCK_FILE " lies beside it");
	build_take_args(&o->build_args, r);
	build_take_contexts(&o->contexts, r);
	r->target = o->target;
	r->all_stages = !o->target;
	return build_take_platforms(&o->platforms, r, e) ||
	                       build_take_context(path, o->file, &unused, r, e) ||
	                       build_take_secrets(&o->secrets, r, e) ||
	                       build_take_ssh(&o->ssh, r, e)
	               ? -1
	               : 0;
}

static char *lock_path(const struct lock_options *o, const char *context)
{
	if (!o->file)
		return xasprintf("%s/" LOCK_FILE, context);
	return xasprintf("%.*s" LOCK_FILE, (int)(fs_base_name(o->file) - o->file), o->file);
}

static int read_old(const char *path, bool must, struct lock *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	if (fs_read_file(AT_FDCWD, path, LOCK_MAX, &text, e)) {
		if (e->sys != ENOENT)
			return -1;
		*e = ERR_INIT;
		return must ? err_set(e, ERR_NOT_FOUND, "there is no '%s': run 'hew lock'", path)
		            : 0;
	}
	return lock_parse(buf_cstr(&text), text.n, ret, e) ? err_wrap(e, "'%s'", path) : 0;
}

// ---- what changes

struct changes {
	struct lock_change *v;
	size_t n, added, changed, removed;
};

static void count(struct changes *c)
{
	for (size_t i = 0; i < c->n; i++)
		*(!c->v[i].was ? &c->added : !c->v[i].is ? &c->removed : &c->changed) += 1;
}

// As much of a digest or commit as people compare.
static int shown(const char *value)
{
	return str_has_prefix(value, "sha256:") ? 7 + 12 : 12;
}

static void print_lines(const char *path, const struct changes *c, size_t names)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct lock_entry *was = c->v[i].was, *is = c->v[i].is;
		const struct lock_entry *any = is ? is : was;
		printf("%c %s %s ",
		        !was  ? '+'
		        : !is ? '-'
		              : '~',
		        lock_kind_name(any->kind), any->name);
		if (was && is)
			printf("%.*s -> ", shown(was->value), was->value);
		printf("%.*s\n", shown(any->value), any->value);
	}
	printf("%s: %zu name%s, %zu new, %zu changed, %zu removed\n", path, names,
	        names == 1 ? "" : "s", c->added, c->changed, c->removed);
}

static void print_json(const char *path, const struct changes *c, size_t names)
{
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 2);
	jw_object(&w);
	jw_kv(&w, "file", path);
	jw_kv_int(&w, "names", (int64_t)names);
	jw_key(&w, "changes");
	jw_array(&w);
	for (size_t i = 0; i < c->n; i++) {
		const struct lock_entry *was = c->v[i].was, *is = c->v[i].is;
		jw_object(&w);
		jw_kv(&w, "kind", lock_kind_name(is ? is->kind : was->kind));
		jw_kv(&w, "name", is ? is->name : was->name);
		jw_kv(&w, "was", was ? was->value : NULL);
		jw_kv(&w, "is", is ? is->value : NULL);
		jw_object_end(&w);
	}
	jw_array_end(&w);
	jw_object_end(&w);
	puts(buf_cstr(&out));
}

// ret: the file as it is to be.
static int apply(
        const struct lock *old, const struct lock *now, bool prune, struct lock *ret, struct err *e)
{
	const struct lock *from[] = {old, now};
	for (size_t k = prune; k < 2; k++)
		for (size_t i = 0; i < from[k]->n; i++) {
			const struct lock_entry *en = &from[k]->v[i];
			if (lock_set(ret, en->kind, en->name, en->value, e))
				return -1;
		}
	return 0;
}

static int stale(const char *path, const struct changes *c, struct err *e)
{
	return err_set(e, ERR_FAIL,
	        "'%s' is stale: %zu new, %zu changed, %zu not used: run 'hew lock%s'", path,
	        c->added, c->changed, c->removed, c->removed ? " --prune" : "");
}

static int settle(const struct lock_options *o, const char *path, const struct lock *now, int json,
        struct err *e)
{
	auto_lock struct lock old = {0}, next = {0};
	auto_buf struct buf text = {0};
	struct changes c = {0};
	if (read_old(path, o->check, &old, e))
		return -1;
	auto_free struct lock_change *v = xcalloc(old.n + now->n + 1, sizeof(*v));
	c.v = v;
	c.n = lock_compare(&old, now, o->prune, v);
	count(&c);
	if (apply(&old, now, o->prune, &next, e))
		return -1;
	if (json)
		print_json(path, &c, next.n);
	else if (!o->quiet)
		print_lines(path, &c, next.n);
	if (o->check)
		return c.n ? stale(path, &c, e) : 0;
	lock_write(&next, &text);
	return fs_replace_file(AT_FDCWD, path, text.p, text.n, 0644, e);
}

static int look_up(struct session *s, const struct lock_options *o, struct build_request *r,
        struct lock *ret, enum ui_progress kind, struct err *e)
{
	struct build_plan plan;
	s->ui = ui_new(o->quiet ? UI_QUIET : kind, "Looking up");
	r->sink = session_sink(s);
	r->found = ret;
	int rc = build_plan(s->store, r, &plan, e);
	if (rc && e->pos.line)
		err_wrap(e, "%s:%d", o->file ? o->file : "Dockerfile", e->pos.line);
	build_plan_release(&plan);
	ui_finish(s->ui, rc != 0);
	return rc;
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct lock_options *o = opts;
	auto_session struct session s = {.insecure = o->insecure};
	struct build_request r = {.registry = session_registry, .registry_arg = &s};
	auto_lock struct lock now = {0};
	enum ui_progress kind;
	int json = format_is_json(o->format, e);
	if (json < 0 || need_args(args, 0, 1, "lock [OPTIONS] [PATH]", e) ||
	        ui_progress_parse(o->progress, &kind, e))
		return -1;
	const char *context = args->n ? args->v[0] : ".";
	auto_free char *path = lock_path(o, context);
	int rc = take_options(o, context, &r, e) || session_open(&s, true, e) ||
	                         look_up(&s, o, &r, &now, kind, e) || settle(o, path, &now, json, e)
	                 ? -1
	                 : 0;
	build_request_release(&r);
	return rc;
}

const struct command cmd_lock = {
        .name = "lock",
        .args = "[OPTIONS] [PATH]",
        .summary = "Write down what the names in a Dockerfile stand for",
        .details = "The digests of base images, the sha256 of URLs and the commits of repositories "
                   "go into\n" LOCK_FILE
                   " beside the Dockerfile, and hew build --locked keeps to them.\n",
        .options = options,
        .size = sizeof(struct lock_options),
        .run = run,
        .release = release,
};
