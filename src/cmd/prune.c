// SPDX-License-Identifier: Apache-2.0
// hew prune: what nothing needs; or by filters, limits or altogether what can be had again.
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/care.h"
#include "cmd/prompt.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "rootfs/engine.h"
#include "session/session.h"
#include "store/usage_filter.h"
#include "ui/ui.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct prune_flags {
	bool all, force, dry_run, verbose;
	struct strv filters;
	const char *keep_storage, *max_used, *reserved, *min_free, *format;
};

#define AT(member) offsetof(struct prune_flags, member)
static const struct option options[] = {
        {"all", 'a', OPT_FLAG, AT(all), NULL,
                "Remove all that can be had again, the whole build cache too"},
        {"dry-run", 0, OPT_FLAG, AT(dry_run), NULL, "Say what would go and why, remove nothing"},
        {"filter", 0, OPT_LIST, AT(filters), "KEY=VALUE",
                "Of the build cache only what matches: until=24h, id, type, ..."},
        {"force", 'f', OPT_FLAG, AT(force), NULL, "Do not ask"},
        {"format", 0, OPT_STRING, AT(format), "KIND", "table or json"},
        {"keep-storage", 0, OPT_STRING, AT(keep_storage), "SIZE",
                "The older name of --reserved-space"},
        {"max-used-space", 0, OPT_STRING, AT(max_used), "SIZE",
                "Remove what costs least until the store is no larger"},
        {"min-free-space", 0, OPT_STRING, AT(min_free), "SIZE",
                "Remove what costs least until so much is free on the disk"},
        {"reserved-space", 0, OPT_STRING, AT(reserved), "SIZE", "Leave the store this large"},
        {"verbose", 0, OPT_FLAG, AT(verbose), NULL, "List what goes"},
        OPTION_END,
};

static void release(void *p)
{
	strv_release(&((struct prune_flags *)p)->filters);
}

// ---- what goes, told

static void print_table(const struct prune_result *r)
{
	static const char *const heads[] = {"ID", "FORM", "SIZE", "DESCRIPTION", "WHY"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < r->n; i++) {
		const struct prune_item *item = &r->v[i];
		char size[24];
		auto_free char *id = short_id(item->id);
		auto_free char *what = short_text(item->what);
		size_format(item->bytes, size);
		ui_table_row(t, (const char *const[]){
		                        id, usage_kind_name(item->kind), size, what, item->why});
	}
	if (r->n > 0)
		ui_table_print(t);
	ui_table_free(t);
}

static void print_json(const struct prune_result *r, bool dry_run)
{
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 0);
	jw_object(&w);
	jw_kv_bool(&w, "dryRun", dry_run);
	jw_key(&w, "removed");
	jw_array(&w);
	for (size_t i = 0; i < r->n; i++) {
		const struct prune_item *item = &r->v[i];
		jw_object(&w);
		jw_kv(&w, "id", item->id);
		jw_kv(&w, "type", usage_type_name(item->type));
		jw_kv(&w, "form", usage_kind_name(item->kind));
		jw_kv(&w, "description", item->what);
		jw_kv_int(&w, "size", (int64_t)item->bytes);
		jw_kv_int(&w, "lastUsed", item->used);
		jw_kv(&w, "why", item->why);
		jw_object_end(&w);
	}
	jw_array_end(&w);
	jw_kv_int(&w, "reclaimed", (int64_t)(dry_run ? r->bytes : r->freed));
	jw_object_end(&w);
	puts(buf_cstr(&out));
}

static void print_result(const struct prune_flags *o, const struct prune_result *r, bool json)
{
	char size[24];
	if (json) {
		print_json(r, o->dry_run);
		return;
	}
	if (o->dry_run || o->verbose)
		print_table(r);
	size_format(o->dry_run ? r->bytes : r->freed, size);
	printf("Total %s: %s\n", o->dry_run ? "reclaimable space" : "reclaimed space", size);
}

// ---- asking

static const char *warning(const struct prune_flags *o, bool chosen)
{
	if (o->all && !chosen)
		return "This will remove all images without a name and the whole build cache.";
	if (chosen)
		return "This will remove what matches of the build cache.";
	return "This will remove all that no image with a name and no cached step needs.";
}

// On a terminal, as docker does; a script is not asked.
static int confirm(const struct prune_flags *o, bool chosen, struct err *e)
{
	auto_buf struct buf question = {0}, answer = {0};
	if (o->force || o->dry_run || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return 0;
	buf_printf(&question, "WARNING! %s\nAre you sure you want to continue? [y/N] ",
	        warning(o, chosen));
	if (prompt_line(buf_cstr(&question), false, &answer, e))
		return -1;
	if (answer.n && (*answer.p == 'y' || *answer.p == 'Y'))
		return 0;
	return err_set(e, ERR_CANCELLED, "nothing was removed");
}

// ---- what is asked for

static int take_limits(
        const struct prune_flags *o, uint64_t disk, struct prune_limits *ret, struct err *e)
{
	if (o->keep_storage && o->reserved)
		return err_set(e, ERR_USAGE,
		        "--keep-storage is the older name of --reserved-space: give one of them");
	return size_of(o->keep_storage, "--keep-storage", disk, &ret->reserved, e) < 0 ||
	                       size_of(o->reserved, "--reserved-space", disk, &ret->reserved, e) <
	                               0 ||
	                       size_of(o->max_used, "--max-used-space", disk, &ret->max_used, e) <
	                               0 ||
	                       size_of(o->min_free, "--min-free-space", disk, &ret->min_free, e) < 0
	               ? -1
	               : 0;
}

static int take_filters(const struct prune_flags *o, struct usage_filter *ret, struct err *e)
{
	for (size_t i = 0; i < o->filters.n; i++)
		if (usage_filter_add(ret, o->filters.v[i], time_now().sec, e) < 0)
			return -1;
	return 0;
}

struct pruning {
	const struct prune_flags *o;
	struct store *store;
	struct prune_options how;
	bool chosen; // by a filter or a limit
	bool listed; // what goes is shown
};

// What would go if nothing was chosen.
static int look(const struct pruning *p, struct prune_result *ret, struct err *e)
{
	struct prune_options how = p->how;
	how.dry_run = true;
	return p->o->all ? store_prune(p->store, &how, ret, e)
	                 : store_unneeded(p->store, how.helper, ret, e);
}

static int remove_unneeded(const struct pruning *p, struct prune_result *ret, struct err *e)
{
	bool all = p->o->all && !p->chosen;
	return p->how.filter ? 0 : store_gc(p->store, all ? STORE_GC_STEPS : 0, &ret->freed, e);
}

static int remove_chosen(const struct pruning *p, struct prune_result *ret, struct err *e)
{
	struct prune_result more = {0};
	if (!p->chosen && !p->o->all)
		return 0;
	if (store_prune(p->store, &p->how, &more, e) < 0)
		return -1;
	more.freed += ret->freed;
	ret->freed = more.freed;
	if (p->chosen) {
		prune_result_release(ret);
		*ret = more;
	} else {
		prune_result_release(&more); // listed before
	}
	return 0;
}

static int prune(const struct pruning *p, struct prune_result *ret, struct err *e)
{
	if (!p->chosen && (p->listed || p->how.dry_run) && look(p, ret, e) < 0)
		return -1;
	if (p->how.dry_run)
		return p->chosen ? store_prune(p->store, &p->how, ret, e) : 0;
	return remove_unneeded(p, ret, e) < 0 ? -1 : remove_chosen(p, ret, e);
}

static int run_in(struct session *s, const struct prune_flags *o, struct usage_filter *f,
        struct prune_result *ret, struct err *e)
{
	struct engine g = {.store = s->store, .stop_fd = -1};
	const struct usage_helper helper = {engine_measure, &g};
	struct pruning p = {.o = o,
	        .store = s->store,
	        .listed = o->verbose || o->format,
	        .how = {.filter = o->filters.n ? f : NULL,
	                .internal = o->all,
	                .dry_run = o->dry_run,
	                .helper = &helper}};
	if (take_limits(o, store_disk_size(s->store), &p.how.limits, e) < 0)
		return -1;
	p.chosen = p.how.filter || o->keep_storage || o->reserved || o->max_used || o->min_free;
	if (confirm(o, p.chosen, e) < 0)
		return -1;
	engine_init(&g);
	int rc = prune(&p, ret, e);
	engine_release(&g);
	if (rc < 0 || o->dry_run)
		return rc;
	if (store_trash_is_foreign(s->store) && ret->freed < ret->bytes)
		ret->freed = ret->bytes; // another process will have deleted the rest
	engine_reap(s->store);
	return 0;
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct prune_flags *o = opts;
	auto_session struct session s = {0};
	auto_usage_filter struct usage_filter f = {0};
	auto_prune_result struct prune_result r = {0};
	int json = format_is_json(o->format, e);
	if (json < 0 || need_args(args, 0, 0, "prune [OPTIONS]", e) || take_filters(o, &f, e))
		return -1;
	int opened = session_open(&s, false, e);
	if (opened && e->kind != ERR_NOT_FOUND) // no store: nothing to remove
		return -1;
	if (!opened && run_in(&s, o, &f, &r, e) < 0)
		return -1;
	print_result(o, &r, json);
	return 0;
}

const struct command cmd_prune = {
        .name = "prune",
        .args = "[OPTIONS]",
        .summary = "Remove what no image and no cached step needs",
        .details = "With --filter or a limit it chooses from the build cache, whether a step could "
                   "use "
                   "it or not:\nwhat matches, or what costs the least time to have again. What an "
                   "image with a name or a running\ncommand needs stays. Sizes: 10GB, 512m, 20% of "
                   "the disk.\n",
        .options = options,
        .size = sizeof(struct prune_flags),
        .run = run,
        .release = release,
};
