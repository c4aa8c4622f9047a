// SPDX-License-Identifier: Apache-2.0
// hew why: what the last build that ran anything ran, and why it was not cached.
#include "cmd/why.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "session/record.h"
#include "session/session.h"
#include "ui/ui.h"
#include <stdio.h>
#include <string.h>

enum { STEP_WIDTH = 60 };

struct why_options {
	const char *format, *build;
	bool all;
};

static const struct option options[] = {
        {"all", 'a', OPT_FLAG, offsetof(struct why_options, all), NULL,
                "Show the cached steps too"},
        {"build", 0, OPT_STRING, offsetof(struct why_options, build), "ID",
                "A build of hew builds ls instead of the last that ran anything"},
        {"format", 0, OPT_STRING, offsetof(struct why_options, format), "KIND", "table or json"},
        OPTION_END,
};

static void put_row(struct ui_table *t, const struct jn *step)
{
	const struct jn *reason = jn_get(step, "reason"), *took = jn_get(step, "duration_ns");
	const char *name = record_text(step, "name"), *state = record_text(step, "state");
	auto_free char *line = xasprintf("%lld", (long long)jn_int(jn_get(step, "line"), 0));
	auto_free char *cut = strlen(name) > STEP_WIDTH ? xasprintf("%.*s...", STEP_WIDTH - 3, name)
	                                                : xstrdup(name);
	auto_free char *state_text =
	        took ? xasprintf("%s %.1fs", state, (double)jn_int(took, 0) / 1e9) : xstrdup(state);
	ui_table_row(t, (const char *const[]){line, cut, state_text, record_text(reason, "text")});
}

static int no_step(const char *which, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND,
	        "the build has no step \"%s\": give a line of the Dockerfile or a part of "
	        "the instruction, or nothing for all",
	        which);
}

static int print_steps(const struct jn *steps, const char *which, bool all, struct err *e)
{
	static const char *const heads[] = {"LINE", "STEP", "STATE", "WHY"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	size_t n = 0;
	for (size_t i = 0; i < jn_len(steps); i++) {
		const struct jn *step = jn_at(steps, i);
		bool cached = record_step_state_is(step, "cached");
		if (!record_step_is(step, which) || (cached && !all && !which))
			continue;
		put_row(t, step);
		n++;
	}
	if (n)
		ui_table_print(t);
	ui_table_free(t);
	return n || !which ? 0 : no_step(which, e);
}

int build_record_print(const char *json, const char *which, bool all, struct err *e)
{
	auto_jdoc struct jdoc *doc = jdoc_parse(json, strlen(json), e);
	return doc ? print_steps(jn_get(jdoc_root(doc), "steps"), which, all, e) : -1;
}

// What is printed is JSON that this program wrote, and so is a part of it.
static int print_json(const struct record *r, const char *which, struct err *e)
{
	auto_buf struct buf out = {0};
	struct jw w;
	size_t n = 0;
	jw_begin(&w, &out, 2);
	jw_array(&w);
	for (size_t i = 0; i < jn_len(r->steps); i++) {
		if (!record_step_is(jn_at(r->steps, i), which))
			continue;
		jw_raw(&w, jn_at(r->steps, i));
		n++;
	}
	jw_array_end(&w);
	if (!n && which)
		return no_step(which, e);
	puts(which ? buf_cstr(&out) : r->row.json);
	return 0;
}

static void print_head(const struct record *r)
{
	char age[TIME_TEXT];
	time_age((struct timestamp){jn_int(jn_get(r->root, "time"), 0), 0}, age);
	fprintf(stderr, "build of %s, %s\n", record_text(r->root, "dockerfile"), age);
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct why_options *o = opts;
	auto_session struct session s = {0};
	auto_record struct record r = {0};
	const char *which = args->n ? args->v[0] : NULL;
	int is_json = format_is_json(o->format, e);
	if (is_json < 0 || need_args(args, 0, 1, "why [OPTIONS] [STEP]", e) || session_look(&s, e))
		return -1;
	if (o->build ? record_find(s.store, o->build, &r, e) : record_find_ran(s.store, &r, e))
		return -1;
	if (is_json)
		return print_json(&r, which, e);
	print_head(&r);
	return print_steps(r.steps, which, o->all, e);
}

const struct command cmd_why = {
        .name = "why",
        .args = "[OPTIONS] [STEP]",
        .summary = "Say why the last build's steps were not cached",
        .details = "Of the last build that ran anything: each step that ran, and the first thing "
                   "in which it\n"
                   "differs from what was built before: a file, a variable, the base, the step "
                   "it follows.\n"
                   "STEP is a line of the Dockerfile or a part of the instruction. hew build "
                   "--explain says\n"
                   "the same while it builds, hew build --dry-run before anything runs.\n",
        .options = options,
        .size = sizeof(struct why_options),
        .run = run,
};
