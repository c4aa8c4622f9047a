// SPDX-License-Identifier: Apache-2.0
// hew builds ls.
#include "base/buf.h"
#include "base/err.h"
#include "base/glob.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/builds.h"
#include "session/images.h"
#include "session/record.h"
#include "ui/ui.h"
#include <stdio.h>
#include <string.h>

// buildx's words mean the same.
static const struct {
	const char *word, *status;
} statuses[] = {{"ok", "ok"}, {"completed", "ok"}, {"failed", "failed"}, {"error", "failed"},
        {"cancelled", "cancelled"}, {"canceled", "cancelled"}, {"running", "running"},
        {"killed", "killed"}};

static const char *status_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (!strcmp(statuses[i].word, word))
			return statuses[i].status;
	return NULL;
}

static bool is_filter(const char *filter, const char *key, const char **ret_value)
{
	if (!str_has_prefix(filter, key))
		return false;
	*ret_value = filter + strlen(key);
	return true;
}

static int check_filters(const struct strv *filters, struct err *e)
{
	for (size_t i = 0; i < filters->n; i++) {
		const char *f = filters->v[i], *value;
		if (is_filter(f, "name=", &value))
			continue;
		if (!is_filter(f, "status=", &value))
			return err_set(e, ERR_USAGE,
			        "invalid filter \"%s\": status=STATUS or name=PATTERN is expected",
			        f);
		if (!status_of(value))
			return err_set(e, ERR_USAGE,
			        "invalid filter \"%s\": ok, failed, cancelled, running or killed "
			        "is expected",
			        f);
	}
	return 0;
}

static bool has_name(const struct record *r, const char *pattern)
{
	auto_free char *shown = record_name(r);
	const struct jn *names = jn_get(r->root, "names");
	if (glob_match(pattern, shown) == 1)
		return true;
	for (size_t i = 0; i < jn_len(names); i++) {
		const char *full = jn_str(jn_at(names, i));
		auto_free char *name = short_name(full ? full : "");
		if (glob_match(pattern, name) == 1 || (full && glob_match(pattern, full) == 1))
			return true;
	}
	return false;
}

// As docker's: of the same key any will do, of different keys all count.
static bool passes(const struct record *r, const struct strv *filters)
{
	bool by_name = false, by_status = false, name = false, status = false;
	for (size_t i = 0; i < filters->n; i++) {
		const char *value;
		if (is_filter(filters->v[i], "name=", &value)) {
			by_name = true;
			name |= has_name(r, value);
		} else if (is_filter(filters->v[i], "status=", &value)) {
			by_status = true;
			status |= !strcmp(record_status(r), status_of(value));
		}
	}
	return (name || !by_name) && (status || !by_status);
}

static void put_row(struct ui_table *t, const struct record *r)
{
	char age[TIME_TEXT];
	const struct jn *took = jn_get(r->root, "duration_ns"), *n = jn_get(r->root, "n_steps");
	bool ended = jn_int(took, 0) > 0;
	auto_free char *name = record_name(r);
	auto_buf struct buf clean = {0};
	auto_free char *duration = ended ? xasprintf("%.1fs", (double)jn_int(took, 0) / 1e9) : NULL;
	auto_free char *cached = xasprintf("%lld/%lld",
	        (long long)jn_int(jn_get(r->root, "n_cached"), 0), (long long)jn_int(n, 0));
	ui_escape(name, strlen(name), &clean);
	time_age(record_time(r), age);
	ui_table_row(t, (const char *const[]){r->row.id, buf_cstr(&clean), record_status(r), age,
	                        duration ? duration : "-", n ? cached : "-"});
}

static void put_json(const struct record *r)
{
	auto_buf struct buf out = {0};
	struct jw w;
	char created[TIME_TEXT];
	auto_free char *name = record_name(r);
	time_format(record_time(r), created);
	jw_begin(&w, &out, 0);
	jw_object(&w);
	jw_kv(&w, "id", r->row.id);
	jw_kv(&w, "name", name);
	jw_key(&w, "names");
	jw_raw(&w, jn_get(r->root, "names"));
	jw_kv(&w, "status", record_status(r));
	jw_kv(&w, "created_at", created);
	jw_kv_int(&w, "duration_ns", jn_int(jn_get(r->root, "duration_ns"), 0));
	jw_kv_int(&w, "n_steps", jn_int(jn_get(r->root, "n_steps"), 0));
	jw_kv_int(&w, "n_cached", jn_int(jn_get(r->root, "n_cached"), 0));
	if (jn_get_str(r->root, "image_id"))
		jw_kv(&w, "image_id", jn_get_str(r->root, "image_id"));
	jw_object_end(&w);
	puts(buf_cstr(&out));
}

int builds_list(struct store *s, const struct strv *filters, bool json, bool quiet, struct err *e)
{
	static const char *const heads[] = {
	        "ID", "NAME", "STATUS", "CREATED", "DURATION", "CACHED STEPS"};
	struct build_list list = {0};
	if (check_filters(filters, e) || (s && store_build_list(s, &list, e)))
		return -1;
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < list.n; i++) {
		auto_record struct record r = {0};
		struct err unreadable = ERR_INIT;
		if (record_open(&list.v[i], &r, &unreadable) || !passes(&r, filters))
			continue;
		if (quiet)
			puts(r.row.id);
		else if (json)
			put_json(&r);
		else
			put_row(t, &r);
	}
	if (!quiet && !json)
		ui_table_print(t);
	ui_table_free(t);
	build_list_release(&list);
	return 0;
}
