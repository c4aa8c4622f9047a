// SPDX-License-Identifier: Apache-2.0
// hew db: the advisory database, made, fetched, sent and looked at.
#include "cmd/db.h"
#include "advisory/advisory.h"
#include "advisory/import.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/event.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "ui/ui.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define WARNINGS_MAX 100
#define STALE_DAYS 7

#define AT(member) offsetof(struct db_options, member)
static const struct option options[] = {
        {"force", 0, OPT_FLAG, AT(force), NULL, "update: even if what is here is newer"},
        {"format", 0, OPT_STRING, AT(format), "KIND", "info: table or json"},
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"max-age", 0, OPT_STRING, AT(max_age), "AGE", "info: fail if the data is older: 7d, 36h"},
        {"out", 'o', OPT_STRING, AT(out), "FILE", "import: write there"},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "Say nothing but what went wrong"},
        {"strict", 0, OPT_FLAG, AT(strict), NULL, "import: a broken record ends it"},
        OPTION_END,
};

// --- age ---------------------------------------------------------------------------------------

static int age_of(const char *text, int64_t *ret, struct err *e)
{
	size_t n = strlen(text);
	int64_t unit = n && text[n - 1] == 'd' ? 86400 : n && text[n - 1] == 'h' ? 3600 : 0;
	auto_free char *number = xstrndup(text, n ? n - 1 : 0);
	uint64_t v;
	if (!unit || !str_to_u64(number, &v) || v > 100000)
		return err_set(e, ERR_USAGE, "--max-age %s: days or hours, 7d or 36h", text);
	*ret = (int64_t)v * unit;
	return 0;
}

int db_check_age(const struct advisories *db, const char *max_age, struct err *e)
{
	int64_t age = time_now().sec - advisories_time(db), most = INT64_MAX;
	if (max_age && age_of(max_age, &most, e))
		return -1;
	if (age > most)
		return err_set(e, ERR_FAIL,
		        "the advisory data is %" PRId64 " days old (--max-age %s): get newer with "
		        "'hew db update'",
		        age / 86400, max_age);
	if (age > STALE_DAYS * 86400)
		fprintf(stderr,
		        "WARNING: the advisory data is %" PRId64
		        " days old: what was found since is not in it ('hew db update')\n",
		        age / 86400);
	return 0;
}

// --- import ------------------------------------------------------------------------------------

static void warn(void *arg, const char *text)
{
	size_t *n = arg;
	auto_buf struct buf safe = {0};
	if (++*n > WARNINGS_MAX)
		return;
	ui_escape(text, strlen(text), &safe);
	fprintf(stderr, "WARNING: %s\n", buf_cstr(&safe));
}

static int import(const struct db_options *o, const struct strv *args, struct err *e)
{
	auto_free char *place = o->out ? xstrdup(o->out) : advisories_default_path();
	auto_strv struct strv paths = {0};
	struct advisory_imported done;
	size_t warnings = 0;
	if (need_args(args, 2, SIZE_MAX, "db import [OPTIONS] PATH...", e))
		return -1;
	for (size_t i = 1; i < args->n; i++)
		strv_add(&paths, args->v[i]);
	const struct advisory_import im = {
	        .paths = &paths, .out = place, .strict = o->strict, .warn = warn, .arg = &warnings};
	if (cancel_install(e) || advisories_import(&im, &done, e))
		return -1;
	if (warnings > WARNINGS_MAX)
		fprintf(stderr, "WARNING: and %zu more\n", warnings - WARNINGS_MAX);
	if (!o->quiet)
		printf("%s: made of %zu files; %zu records left out, %zu files of no known kind\n",
		        place, done.files, done.broken, done.unknown);
	return 0;
}

// --- info --------------------------------------------------------------------------------------

static uint64_t size_of_file(const char *path)
{
	struct stat st;
	return stat(path, &st) ? 0 : (uint64_t)st.st_size;
}

static void print_sources(const struct advisories_info *i)
{
	static const char *const heads[] = {"SOURCE", "RECORDS", "WITHDRAWN", "NEWEST"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t k = 0; k < i->n_sources; k++) {
		const struct advisory_source *s = &i->sources[k];
		char records[24], withdrawn[24];
		snprintf(records, sizeof(records), "%" PRId64, s->records);
		snprintf(withdrawn, sizeof(withdrawn), "%" PRId64, s->withdrawn);
		ui_table_row(t, (const char *const[]){s->name, records, withdrawn, s->newest});
	}
	ui_table_print(t);
	ui_table_free(t);
}

static void print_counts(const struct advisories_info *i)
{
	static const char *const heads[] = {
	        "ECOSYSTEM", "RELEASE", "CODE NAME", "END OF LIFE", "PACKAGES", "RANGES"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t k = 0; k < i->n_counts; k++) {
		const struct advisory_count *c = &i->counts[k];
		char packages[24], ranges[24];
		snprintf(packages, sizeof(packages), "%" PRId64, c->packages);
		snprintf(ranges, sizeof(ranges), "%" PRId64, c->ranges);
		if (c->packages)
			ui_table_row(t, (const char *const[]){c->ecosystem, c->release, c->codename,
			                        c->end_of_life, packages, ranges});
	}
	ui_table_print(t);
	ui_table_free(t);
}

static void print_table(
        const struct advisories *db, const char *path, const struct advisories_info *i)
{
	char time[TIME_TEXT], age[TIME_TEXT], size[24];
	const struct timestamp newest = {advisories_time(db), 0};
	time_format(newest, time);
	time_age(newest, age);
	size_format(size_of_file(path), size);
	printf("database   %s (%s)\n", path, size);
	printf("data of    %.10s (%s)\n", newest.sec ? time : "no known day",
	        newest.sec ? age : "?");
	printf("flaws      %" PRId64 "\nranges     %" PRId64 "\npackages   %" PRId64 "\n\n",
	        i->flaws, i->ranges, i->packages);
	print_sources(i);
	puts("");
	print_counts(i);
}

static void counts_json(struct jw *w, const struct advisories_info *i)
{
	jw_key(w, "sources");
	jw_array(w);
	for (size_t k = 0; k < i->n_sources; k++) {
		jw_object(w);
		jw_kv(w, "name", i->sources[k].name);
		jw_kv_int(w, "records", i->sources[k].records);
		jw_kv_int(w, "withdrawn", i->sources[k].withdrawn);
		jw_kv(w, "newest", i->sources[k].newest);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_key(w, "ecosystems");
	jw_array(w);
	for (size_t k = 0; k < i->n_counts; k++) {
		jw_object(w);
		jw_kv(w, "name", i->counts[k].ecosystem);
		jw_kv(w, "release", i->counts[k].release);
		jw_kv(w, "codename", i->counts[k].codename);
		jw_kv(w, "endOfLife", i->counts[k].end_of_life);
		jw_kv_int(w, "packages", i->counts[k].packages);
		jw_kv_int(w, "ranges", i->counts[k].ranges);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void print_json(
        const struct advisories *db, const char *path, const struct advisories_info *i)
{
	auto_buf struct buf out = {0};
	struct jw w;
	char time[TIME_TEXT];
	time_format((struct timestamp){advisories_time(db), 0}, time);
	jw_begin(&w, &out, 2);
	jw_object(&w);
	jw_kv(&w, "path", path);
	jw_kv_int(&w, "size", (int64_t)size_of_file(path));
	jw_kv(&w, "newest", time);
	jw_kv_int(&w, "ageSeconds", time_now().sec - advisories_time(db));
	jw_kv_int(&w, "flaws", i->flaws);
	jw_kv_int(&w, "ranges", i->ranges);
	jw_kv_int(&w, "packages", i->packages);
	counts_json(&w, i);
	jw_object_end(&w);
	puts(buf_cstr(&out));
}

static int info(const struct db_options *o, const struct strv *args, struct err *e)
{
	auto_free char *path = args->n > 1 ? xstrdup(args->v[1]) : advisories_default_path();
	auto_advisories struct advisories *db = NULL;
	auto_advisories_info struct advisories_info i = {0};
	int json = format_is_json(o->format, e);
	if (json < 0 || need_args(args, 1, 2, "db info [OPTIONS] [FILE]", e) ||
	        advisories_open(path, &db, e) || advisories_info(db, &i, e))
		return -1;
	if (json)
		print_json(db, path, &i);
	else
		print_table(db, path, &i);
	return db_check_age(db, o->max_age, e);
}

// --- the verb ----------------------------------------------------------------------------------

static int run(void *opts, const struct strv *args, struct err *e)
{
	static const char *const verbs[] = {"import", "update", "push", "info"};
	struct db_options *o = opts;
	const char *verb = args->n ? args->v[0] : "";
	if (!strcmp(verb, "import"))
		return import(o, args, e);
	if (!strcmp(verb, "info"))
		return info(o, args, e);
	if (!strcmp(verb, "update"))
		return need_args(args, 1, 2, "db update [OPTIONS] [REF|URL|FILE]", e)
		               ? -1
		               : db_update(o, args->n > 1 ? args->v[1] : NULL, e);
	if (!strcmp(verb, "push"))
		return need_args(args, 2, 2, "db push [OPTIONS] NAME[:TAG]", e)
		               ? -1
		               : db_push(o, args->v[1], e);
	const char *near = str_nearest(verb, verbs, ARRAY_LEN(verbs));
	return err_set(e, ERR_USAGE, "hew db %s: import, update, push or info%s%s%s", verb,
	        near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

const struct command cmd_db = {
        .name = "db",
        .args = "import|update|push|info [OPTIONS] [ARGUMENT...]",
        .verbs = "import update push info",
        .summary = "Make, fetch, send or show the advisory database",
        .details = "import PATH...           compile OSV records, Debian's tracker and others\n"
                   "update [REF|URL|FILE]    take it from a registry or a mirror, if it is newer\n"
                   "push NAME[:TAG]          send it to a registry\n"
                   "info [FILE]              how old it is, and what is in it\n",
        .options = options,
        .size = sizeof(struct db_options),
        .run = run,
};
