// SPDX-License-Identifier: Apache-2.0
// hew why: what the last build that ran anything ran, and why it was not cached.
#include "cmd/why.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/session.h"
#include "cmd/verbs.h"
#include <stdio.h>
#include <string.h>

enum { STEP_WIDTH = 60 };

struct why_options {
	const char *format;
	bool all;
};

static const struct option options[] = {
        {"all", 'a', OPT_FLAG, offsetof(struct why_options, all), NULL,
                "Show the cached steps too"},
        {"format", 0, OPT_STRING, offsetof(struct why_options, format), "KIND", "table or json"},
        OPTION_END,
};

static const char *text_of(const struct jn *n, const char *key)
{
	const char *s = jn_get_str(n, key);
	return s ? s : "";
}

// A number is a line of the Dockerfile, anything else a part of the step's name.
static bool is_asked_for(const struct jn *step, const char *which)
{
	uint64_t line;
	if (!which)
		return true;
	if (str_to_u64(which, &line))
		return jn_int(jn_get(step, "line"), 0) == (int64_t)line;
	return strstr(text_of(step, "name"), which) != NULL;
}

static void put_row(struct ui_table *t, const struct jn *step)
{
	const struct jn *reason = jn_get(step, "reason"), *took = jn_get(step, "duration_ns");
	const char *name = text_of(step, "name"), *state = text_of(step, "state");
	auto_free char *line = xasprintf("%lld", (long long)jn_int(jn_get(step, "line"), 0));
	auto_free char *cut = strlen(name) > STEP_WIDTH ? xasprintf("%.*s...", STEP_WIDTH - 3, name)
	                                                : xstrdup(name);
	auto_free char *state_text =
	        took ? xasprintf("%s %.1fs", state, (double)jn_int(took, 0) / 1e9) : xstrdup(state);
	ui_table_row(t, (const char *const[]){line, cut, state_text, text_of(reason, "text")});
}

int build_record_print(const char *json, const char *which, bool all, struct err *e)
{
	static const char *const heads[] = {"LINE", "STEP", "STATE", "WHY"};
	auto_jdoc struct jdoc *doc = jdoc_parse(json, strlen(json), e);
	if (!doc)
		return -1;
	const struct jn *steps = jn_get(jdoc_root(doc), "steps");
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	size_t n = 0;
	for (size_t i = 0; i < jn_len(steps); i++) {
		const struct jn *step = jn_at(steps, i);
		bool cached = !strcmp(text_of(step, "state"), "cached");
		if (!is_asked_for(step, which) || (cached && !all && !which))
			continue;
		put_row(t, step);
		n++;
	}
	if (n)
		ui_table_print(t);
	ui_table_free(t);
	if (!n && which)
		return err_set(e, ERR_NOT_FOUND,
		        "the last build has no step \"%s\": give a line of the Dockerfile or a "
		        "part "
		        "of the instruction, or nothing for all",
		        which);
	return 0;
}

// What is printed is JSON that this program wrote, and so is a part of it.
static int print_json(const char *json, const char *which, struct err *e)
{
	auto_jdoc struct jdoc *doc = which ? jdoc_parse(json, strlen(json), e) : NULL;
	if (!which)
		return puts(json) < 0 ? -1 : 0;
	if (!doc)
		return -1;
	const struct jn *steps = jn_get(jdoc_root(doc), "steps");
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 2);
	jw_array(&w);
	for (size_t i = 0; i < jn_len(steps); i++)
		if (is_asked_for(jn_at(steps, i), which))
			jw_raw(&w, jn_at(steps, i));
	jw_array_end(&w);
	puts(buf_cstr(&out));
	return 0;
}

static void print_head(const char *json)
{
	struct err ignored = ERR_INIT;
	auto_jdoc struct jdoc *doc = jdoc_parse(json, strlen(json), &ignored);
	const struct jn *root = doc ? jdoc_root(doc) : NULL;
	char age[TIME_TEXT];
	time_age((struct timestamp){jn_int(jn_get(root, "time"), 0), 0}, age);
	fprintf(stderr, "build of %s, %s\n", text_of(root, "dockerfile"), age);
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct why_options *o = opts;
	auto_session struct session s = {0};
	auto_free char *json = NULL;
	int is_json = format_is_json(o->format, e);
	if (is_json < 0 || need_args(args, 0, 1, "why [OPTIONS] [STEP]", e) ||
	        session_open(&s, false, e))
		return -1;
	int found = store_build_last(s.store, &json, e);
	if (found < 0)
		return -1;
	if (!found)
		return err_set(e, ERR_NOT_FOUND,
		        "no build has run a step yet: there is nothing to explain");
	const char *which = args->n ? args->v[0] : NULL;
	if (is_json)
		return print_json(json, which, e);
	print_head(json);
	return build_record_print(json, which, o->all, e);
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
