// SPDX-License-Identifier: Apache-2.0
// hew cache-mount: what is in the caches of RUN --mount=type=cache, taken elsewhere and back.
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/build_cache.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "rootfs/rootfs.h"
#include "ui/ui.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct mount_options {
	const char *format, *output;
	bool all, insecure;
};

#define AT(member) offsetof(struct mount_options, member)
static const struct option options[] = {
        {"all", 'a', OPT_FLAG, AT(all), NULL, "export, rm: every cache mount"},
        {"format", 0, OPT_STRING, AT(format), "KIND", "ls: table or json"},
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"output", 'o', OPT_STRING, AT(output), "SPEC",
                "export: a file, or as for hew build --cache-to"},
        OPTION_END,
};

// ---- what there is

static const char *copy_of(const struct cache_mount *m)
{
	return strchr(m->name, '\n');
}

static bool is_id(const struct cache_mount *m, const char *id)
{
	size_t n = strlen(id);
	return !strncmp(m->name, id, n) && (!m->name[n] || m->name[n] == '\n');
}

static char *id_of(const struct cache_mount *m)
{
	const char *copy = copy_of(m);
	return copy ? xstrndup(m->name, (size_t)(copy - m->name)) : xstrdup(m->name);
}

static uint64_t bytes_of(struct session *s, struct engine *g, const struct cache_mount *m)
{
	struct fs_usage u = {0};
	struct err ignored = ERR_INIT;
	uint64_t bytes;
	fs_measure(store_root_fd(s->store), m->path, &u, &ignored);
	bytes = u.bytes;
	if (u.denied)
		engine_measure(g, store_root_fd(s->store), m->path, &bytes);
	fs_usage_release(&u);
	return bytes;
}

static void print_json(struct session *s, struct engine *g, const struct cache_mount_list *l)
{
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 2);
	jw_array(&w);
	for (size_t i = 0; i < l->n; i++) {
		const struct cache_mount *m = &l->v[i];
		auto_free char *id = id_of(m);
		char used[TIME_TEXT];
		time_format((struct timestamp){m->used, 0}, used);
		jw_object(&w);
		jw_kv(&w, "id", id);
		jw_kv_int(&w, "bytes", (int64_t)bytes_of(s, g, m));
		jw_kv(&w, "used", used);
		jw_kv(&w, "sharing", m->sharing);
		if (copy_of(m))
			jw_kv(&w, "copy", copy_of(m) + 1);
		jw_kv_bool(&w, "in_use", m->in_use);
		jw_object_end(&w);
	}
	jw_array_end(&w);
	puts(buf_cstr(&out));
}

static void print_table(struct session *s, struct engine *g, const struct cache_mount_list *l)
{
	static const char *const heads[] = {"ID", "SIZE", "SHARING", "LAST USED"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < l->n; i++) {
		const struct cache_mount *m = &l->v[i];
		auto_free char *id = id_of(m);
		auto_buf struct buf shown = {0};
		char size[24], used[TIME_TEXT];
		ui_escape(id, strlen(id), &shown);
		if (copy_of(m))
			buf_printf(&shown, " (copy %s)", copy_of(m) + 1);
		size_format(bytes_of(s, g, m), size);
		time_age((struct timestamp){m->used, 0}, used);
		ui_table_row(t, (const char *const[]){buf_cstr(&shown), size, m->sharing,
		                        m->in_use ? "in use" : used});
	}
	ui_table_print(t);
	ui_table_free(t);
}

static int list(struct session *s, const struct mount_options *o, struct err *e)
{
	struct cache_mount_list l = {0};
	struct engine g;
	int json = format_is_json(o->format, e);
	if (json < 0 || store_cache_list(s->store, &l, e))
		return -1;
	session_engine(s, &g);
	(json ? print_json : print_table)(s, &g, &l);
	engine_release(&g);
	cache_mount_list_release(&l);
	return 0;
}

// ---- out

// The ids that were named, or all; each is there.
static int choose(struct session *s, const struct mount_options *o, const struct strv *args,
        struct strv *ret, struct err *e)
{
	struct cache_mount_list l = {0};
	int rc = 0;
	if ((args->n > 1) == o->all)
		return err_set(e, ERR_USAGE,
		        "%s: give ids (hew cache-mount ls shows them) or --all",
		        o->all ? "ids and --all do not go together" : "missing argument");
	if (store_cache_list(s->store, &l, e))
		return -1;
	for (size_t i = 0; i < l.n && o->all; i++) {
		auto_free char *id = id_of(&l.v[i]);
		if (!strv_has(ret, id))
			strv_add(ret, id);
	}
	for (size_t i = 1; i < args->n && !rc; i++) {
		bool found = false;
		for (size_t k = 0; k < l.n && !found; k++)
			found = is_id(&l.v[k], args->v[i]);
		if (!found)
			rc = err_set(e, ERR_NOT_FOUND,
			        "no such cache mount: %s (hew cache-mount ls shows what is here)",
			        args->v[i]);
		else if (!strv_has(ret, args->v[i]))
			strv_add(ret, args->v[i]);
	}
	cache_mount_list_release(&l);
	return rc;
}

static struct cache_request request(struct session *s)
{
	return (struct cache_request){.store = s->store,
	        .sink = session_sink(s),
	        .registry = session_registry,
	        .registry_arg = s};
}

static int export(
        struct session *s, const struct mount_options *o, const struct strv *args, struct err *e)
{
	struct cache_spec spec = {0};
	auto_strv struct strv ids = {0};
	struct step_list records = {0};
	if (!o->output)
		return err_set(e, ERR_USAGE, "where to? give -o FILE or -o type=registry,ref=NAME");
	if (choose(s, o, args, &ids, e))
		return -1;
	if (!strchr(o->output, '='))
		spec = cache_spec_archive(o->output);
	else if (cache_spec_parse(o->output, true, &spec, e))
		return -1;
	s->ui = ui_new(UI_AUTO, "Exporting");
	const struct cache_request q = request(s);
	const struct mount_choice m = {.ids = &ids, .wait = true};
	int rc = mounts_collect(s, &m, &records, e);
	if (!rc && !records.n)
		rc = err_set(e, ERR_NOT_FOUND, "there is nothing in %s",
		        ids.n == 1 ? "this cache mount" : "any of the cache mounts");
	if (!rc)
		rc = cache_export(&q, &spec, &records, e);
	ui_finish(s->ui, rc != 0);
	step_list_release(&records);
	cache_spec_release(&spec);
	return rc;
}

// ---- in

static int parse_source(const char *text, struct cache_spec *ret, struct err *e)
{
	if (access(text, F_OK) == 0 || !strcmp(text, "-")) {
		*ret = cache_spec_archive(text);
		return 0;
	}
	return cache_spec_parse(text, false, ret, e);
}

// What was in it goes: it is what the export had.
static int replace(struct session *s, struct engine *g, const char *id, struct err *e)
{
	bool ignored = false;
	struct store_lock *lock = cache_mount_lock(g, id, true, &ignored, e);
	if (!lock)
		return -1;
	int rc = store_cache_remove(s->store, id, e);
	if (rc > 0)
		rc = cache_mount_fill(g, id, "shared", -1, e);
	store_unlock(lock);
	return rc ? rc : err_set(e, ERR_FAIL, "cache mount %s is in use", id);
}

static int import(struct session *s, const struct strv *args, struct err *e)
{
	struct cache_spec spec = {0};
	auto_strv struct strv came = {0};
	struct cache_request q = request(s);
	struct engine g;
	size_t n;
	if (need_args(args, 2, 1000, "cache-mount import SOURCE [ID...]", e) ||
	        parse_source(args->v[1], &spec, e))
		return -1;
	spec.only_mounts = true;
	spec.mounts = args->n > 2 ? MOUNTS_LISTED : MOUNTS_ALL;
	for (size_t i = 2; i < args->n; i++)
		strv_add(&spec.mount_ids, args->v[i]);
	q.mounts = &came;
	s->ui = ui_new(UI_AUTO, "Importing");
	int rc = cache_import(&q, &spec, &n, e);
	for (size_t i = 2; !rc && i < args->n; i++)
		if (!strv_has(&came, args->v[i]))
			rc = err_set(e, ERR_NOT_FOUND, "cache mount %s is not in %s", args->v[i],
			        args->v[1]);
	if (!rc && !came.n)
		rc = err_set(e, ERR_NOT_FOUND, "there is no cache mount in %s", args->v[1]);
	session_engine(s, &g);
	for (size_t i = 0; rc >= 0 && i < came.n; i++)
		rc = replace(s, &g, came.v[i], e);
	engine_release(&g);
	ui_finish(s->ui, rc < 0);
	for (size_t i = 0; rc >= 0 && i < came.n; i++) {
		auto_buf struct buf shown = {0};
		ui_escape(came.v[i], strlen(came.v[i]), &shown);
		puts(buf_cstr(&shown));
	}
	cache_spec_release(&spec);
	return rc < 0 ? -1 : 0;
}

// ---- away

// With all its copies, and what was imported for it.
static int remove_id(struct session *s, const char *id, struct err *e)
{
	struct cache_mount_list l = {0};
	struct hash key = store_cache_key(id);
	int rc = store_cache_list(s->store, &l, e);
	for (size_t i = 0; i < l.n && !rc; i++) {
		int removed = is_id(&l.v[i], id) ? store_cache_remove(s->store, l.v[i].name, e) : 1;
		if (!removed)
			rc = err_set(e, ERR_FAIL, "cache mount %s is in use", id);
		else if (removed < 0)
			rc = -1;
	}
	cache_mount_list_release(&l);
	return rc ? -1 : store_step_drop(s->store, &key, e);
}

static int remove_ids(
        struct session *s, const struct mount_options *o, const struct strv *args, struct err *e)
{
	auto_strv struct strv ids = {0};
	int rc = choose(s, o, args, &ids, e);
	for (size_t i = 0; i < ids.n && !rc; i++) {
		rc = remove_id(s, ids.v[i], e);
		auto_buf struct buf shown = {0};
		ui_escape(ids.v[i], strlen(ids.v[i]), &shown);
		if (!rc)
			printf("Deleted: %s\n", buf_cstr(&shown));
	}
	engine_reap(s->store);
	return rc;
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct mount_options *o = opts;
	auto_session struct session s = {.insecure = o->insecure};
	const char *verb = args->n ? args->v[0] : "";
	static const char *const verbs[] = {"ls", "export", "import", "rm"};
	size_t i = 0;
	while (i < ARRAY_LEN(verbs) && strcmp(verb, verbs[i]) != 0)
		i++;
	if (i == ARRAY_LEN(verbs))
		return err_set(e, ERR_USAGE, "cache-mount: ls, export, import or rm is expected");
	if ((i == 0 && need_args(args, 1, 1, "cache-mount ls", e)) || session_open(&s, i == 2, e))
		return -1;
	return i == 0   ? list(&s, o, e)
	       : i == 1 ? export(&s, o, args, e)
	       : i == 2 ? import(&s, args, e)
	                : remove_ids(&s, o, args, e);
}

const struct command cmd_cache_mount = {
        .name = "cache-mount",
        .args = "ls | export [OPTIONS] ID... | import SOURCE [ID...] | rm ID...",
        .summary = "Take caches of RUN --mount=type=cache elsewhere",
        .details =
                "export -o FILE ID... writes what is in cache mounts to an archive, a folder or a "
                "registry; import\n"
                "brings it back, in place of what is there. hew build does the same with "
                "mounts=ID|all in\n"
                "--cache-to, and fills empty caches from --cache-from.\n",
        .options = options,
        .size = sizeof(struct mount_options),
        .run = run,
};
