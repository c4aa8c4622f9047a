// SPDX-License-Identifier: Apache-2.0
// hew builds: what was built here, how it went and what it said.
#include "cmd/builds.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/care.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "session/record.h"
#include "session/session.h"
#include "ui/ui.h"
#include <stdio.h>
#include <string.h>

struct builds_options {
	struct strv filters;
	const char *format;
	bool all, quiet;
};

#define AT(member) offsetof(struct builds_options, member)
static const struct option options[] = {
        {"all", 'a', OPT_FLAG, AT(all), NULL, "rm: all builds that are over"},
        {"filter", 'f', OPT_LIST, AT(filters), "KEY=VALUE",
                "ls: status=ok|failed|cancelled|running|killed, name=PATTERN"},
        {"format", 0, OPT_STRING, AT(format), "KIND", "table or json"},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "ls: ids only"},
        OPTION_END,
};

static void release(void *p)
{
	strv_release(&((struct builds_options *)p)->filters);
}

static int list(struct session *s, struct builds_options *o, const struct strv *args, bool json,
        struct err *e)
{
	if (need_args(args, 1, 1, "builds ls [OPTIONS]", e))
		return -1;
	return builds_list(s->store, &o->filters, json, o->quiet, e);
}

// ---- show

static void put_head(const char *name, const char *value)
{
	auto_buf struct buf clean = {0};
	ui_escape(value, strlen(value), &clean);
	if (clean.n)
		printf("%-12s %s\n", name, buf_cstr(&clean));
}

static void put_times(const struct record *r)
{
	char at[TIME_TEXT], age[TIME_TEXT];
	const struct timestamp t = record_time(r);
	int64_t took = jn_int(jn_get(r->root, "duration_ns"), 0);
	time_format(t, at);
	time_age(t, age);
	auto_free char *created = xasprintf("%s (%s)", at, age);
	auto_free char *duration = xasprintf("%.2fs", (double)took / 1e9);
	put_head("Created:", created);
	put_head("Duration:", took ? duration : "");
}

static void put_heads(const struct record *r)
{
	static const struct {
		const char *name, *key;
	} texts[] = {{"Context:", "context"}, {"Dockerfile:", "dockerfile"}, {"Target:", "target"}};
	const struct jn *names = jn_get(r->root, "names");
	const struct jn *platforms = jn_get(r->root, "platforms");
	char size[24];
	put_head("Build:", r->row.id);
	for (size_t i = 0; i < jn_len(names); i++)
		put_head("Name:", jn_str(jn_at(names, i)));
	put_head("Status:", record_status(r));
	put_times(r);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		put_head(texts[i].name, record_text(r->root, texts[i].key));
	for (size_t i = 0; i < jn_len(platforms); i++)
		put_head("Platform:", jn_str(jn_at(platforms, i)));
	size_format((uint64_t)jn_int(jn_get(r->root, "image_size"), 0), size);
	auto_free char *image = xasprintf("%s  %s", record_text(r->root, "image_id"), size);
	put_head("Image:", jn_get(r->root, "image_id") ? image : "");
	put_head("Error:", record_text(r->root, "error"));
}

static void put_step(struct ui_table *t, const struct jn *step)
{
	const struct jn *took = jn_get(step, "duration_ns"), *size = jn_get(step, "size");
	char bytes[24] = "";
	auto_buf struct buf name = {0}, why = {0};
	const char *text = record_text(step, "name");
	const char *reason = record_text(jn_get(step, "reason"), "text");
	auto_free char *line = xasprintf("%lld", (long long)jn_int(jn_get(step, "line"), 0));
	auto_free char *started =
	        xasprintf("%.1fs", (double)jn_int(jn_get(step, "started_ns"), 0) / 1e9);
	auto_free char *duration = xasprintf("%.1fs", (double)jn_int(took, 0) / 1e9);
	auto_free char *start = short_text(text);
	ui_escape(start, strlen(start), &name);
	ui_escape(reason, strlen(reason), &why);
	if (size)
		size_format((uint64_t)jn_int(size, 0), bytes);
	ui_table_row(t, (const char *const[]){line, buf_cstr(&name), record_text(step, "state"),
	                        took ? started : "", took ? duration : "", bytes, buf_cstr(&why)});
}

// The record as it is, but for what became of a build that was killed.
static void show_json(const struct record *r)
{
	auto_buf struct buf out = {0};
	struct jw w;
	const char *key;
	const struct jn *value;
	jw_begin(&w, &out, 2);
	jw_object(&w);
	for (size_t i = 0; jn_member(r->root, i, &key, &value); i++) {
		jw_key(&w, key);
		if (!strcmp(key, "status"))
			jw_str(&w, record_status(r));
		else
			jw_raw(&w, value);
	}
	jw_object_end(&w);
	puts(buf_cstr(&out));
}

static int show(struct session *s, const struct strv *args, bool json, struct err *e)
{
	static const char *const heads[] = {
	        "LINE", "STEP", "STATE", "STARTED", "TIME", "SIZE", "WHY"};
	auto_record struct record r = {0};
	if (need_args(args, 1, 2, "builds show [ID]", e) ||
	        record_find(s->store, args->n > 1 ? args->v[1] : NULL, &r, e))
		return -1;
	if (json) {
		show_json(&r);
		return 0;
	}
	put_heads(&r);
	if (!jn_len(r.steps))
		return 0;
	putchar('\n');
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < jn_len(r.steps); i++)
		put_step(t, jn_at(r.steps, i));
	ui_table_print(t);
	ui_table_free(t);
	return 0;
}

// ---- logs, rm

static int logs(struct session *s, const struct strv *args, bool json, struct err *e)
{
	auto_record struct record r = {0};
	if (need_args(args, 1, 2, "builds logs [ID]", e) ||
	        record_find(s->store, args->n > 1 ? args->v[1] : NULL, &r, e))
		return -1;
	return builds_log(s->store, &r, json, e);
}

static int remove_all(struct store *s, struct err *e)
{
	struct build_list list = {0};
	int status = store_build_list(s, &list, e);
	for (size_t i = 0; i < list.n && !status; i++)
		if (!list.v[i].running && !(status = store_build_remove(s, list.v[i].id, e)))
			puts(list.v[i].id);
	build_list_release(&list);
	return status;
}

// All are found first: a mistake in the last one's id must not cost the others.
static int remove_some(struct store *s, const struct strv *args, struct err *e)
{
	auto_strv struct strv ids = {0};
	for (size_t i = 1; i < args->n; i++) {
		struct build_row row = {0};
		if (store_build_find(s, args->v[i], &row, e))
			return -1;
		strv_add(&ids, row.id);
		build_row_release(&row);
	}
	for (size_t i = 0; i < ids.n; i++) {
		if (store_build_remove(s, ids.v[i], e))
			return -1;
		puts(ids.v[i]);
	}
	return 0;
}

static int remove_builds(
        struct session *s, const struct builds_options *o, const struct strv *args, struct err *e)
{
	if (need_args(args, o->all ? 1 : 2, o->all ? 1 : 10000, "builds rm ID...|--all", e))
		return -1;
	int status = o->all ? remove_all(s->store, e) : remove_some(s->store, args, e);
	store_reap(s->store);
	return status;
}

// ---- dispatch

static bool is_verb(const char *verb, const char *name, const char *alias)
{
	return !strcmp(verb, name) || (alias && !strcmp(verb, alias));
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	static const char *const verbs[] = {
	        "ls", "show", "logs", "rm", "inspect", "list", "remove"};
	struct builds_options *o = opts;
	auto_session struct session s = {0};
	const char *verb = args->n ? args->v[0] : "ls";
	const struct strv bare = {.v = (char *[]){(char[]){"ls"}, NULL}, .n = 1};
	bool known = false;
	int json = format_is_json(o->format, e);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		known |= !strcmp(verb, verbs[i]);
	if (!known) {
		const char *near = str_nearest(verb, verbs, ARRAY_LEN(verbs));
		return err_set(e, ERR_USAGE, "hew builds %s: ls, show, logs or rm%s%s%s", verb,
		        near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
	}
	bool lists = is_verb(verb, "ls", "list"), removes = is_verb(verb, "rm", "remove");
	if (json < 0)
		return -1;
	if (removes ? session_open(&s, false, e) : session_look(&s, e)) {
		// where nothing was built yet, the list is empty, and all of it is gone
		bool removes_all = removes && o->all;
		if (e->kind != ERR_NOT_FOUND || (!lists && !removes_all))
			return -1;
		if (removes_all)
			return 0;
	}
	if (lists)
		return list(&s, o, args->n ? args : &bare, json, e);
	if (is_verb(verb, "show", "inspect"))
		return show(&s, args, json, e);
	if (is_verb(verb, "logs", NULL))
		return logs(&s, args, json, e);
	return remove_builds(&s, o, args, e);
}

const struct command cmd_builds = {
        .name = "builds",
        .args = "[ls|show|logs|rm] [OPTIONS] [ID...]",
        .verbs = "ls show logs rm",
        .summary = "List past builds; show one, its output, or forget it",
        .details = "ls                 the builds, newest first\n"
                   "show [ID]          one with its steps: how long each took, what was cached, or "
                   "why not\n"
                   "logs [ID]          what its steps printed\n"
                   "rm ID...|--all     forget builds and their output\n"
                   "\n"
                   "ID is an id, the beginning of one, or ^N: N builds before the last. Without "
                   "one, the last.\n",
        .options = options,
        .size = sizeof(struct builds_options),
        .run = run,
        .release = release,
};
