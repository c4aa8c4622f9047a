// SPDX-License-Identifier: Apache-2.0
#include "session/record.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "session/images.h"
#include <string.h>

void record_release(struct record *r)
{
	jdoc_free(r->doc);
	build_row_release(&r->row);
	*r = (struct record){0};
}

int record_open(struct build_row *row, struct record *ret, struct err *e)
{
	struct record r = {.row = *row};
	*row = (struct build_row){0};
	r.doc = jdoc_parse(r.row.json, strlen(r.row.json), e);
	if (!r.doc) {
		(void)err_wrap(e, "the record of build %s", r.row.id);
		record_release(&r);
		return -1;
	}
	r.root = jdoc_root(r.doc);
	r.steps = jn_get(r.root, "steps");
	*ret = r;
	return 0;
}

int record_find(struct store *s, const char *which, struct record *ret, struct err *e)
{
	struct build_row row = {0};
	return store_build_find(s, which, &row, e) ? -1 : record_open(&row, ret, e);
}

static bool has_run(const struct record *r)
{
	return jn_len(r->steps) > 0 && !jn_bool(jn_get(r->root, "all_cached"), false);
}

// The newest that is over. 1, 0, -1.
static int find_over(struct store *s, bool that_ran, struct record *ret, struct err *e)
{
	struct build_list list = {0};
	struct err ignored = ERR_INIT;
	bool found = false;
	if (store_build_list(s, &list, e))
		return -1;
	for (size_t i = 0; i < list.n && !found; i++) {
		struct record r = {0};
		if (list.v[i].running || record_open(&list.v[i], &r, &ignored))
			continue;
		found = !that_ran || has_run(&r);
		if (found)
			*ret = r;
		else
			record_release(&r);
	}
	build_list_release(&list);
	return found;
}

int record_find_over(struct store *s, struct record *ret, struct err *e)
{
	int found = find_over(s, false, ret, e);
	return found > 0   ? 0
	       : found < 0 ? -1
	                   : err_set(e, ERR_NOT_FOUND, "there is no record of a build yet");
}

int record_find_ran(struct store *s, struct record *ret, struct err *e)
{
	int found = find_over(s, true, ret, e);
	return found > 0   ? 0
	       : found < 0 ? -1
	                   : err_set(e, ERR_NOT_FOUND,
	                             "no build has run a step yet: there is nothing to explain");
}

const char *record_text(const struct jn *n, const char *key)
{
	const char *s = jn_get_str(n, key);
	return s ? s : "";
}

const char *record_status(const struct record *r)
{
	const char *status = record_text(r->root, "status");
	if (!strcmp(status, "running"))
		return r->row.running ? "running" : "killed";
	if (!*status) // of an older hew
		return jn_bool(jn_get(r->root, "ok"), false) ? "ok" : "failed";
	return status;
}

struct timestamp record_time(const struct record *r)
{
	return (struct timestamp){r->row.at_ns / 1000000000, 0};
}

char *record_name(const struct record *r)
{
	const char *name = jn_str(jn_at(jn_get(r->root, "names"), 0));
	const char *context = record_text(r->root, "context");
	const char *target = record_text(r->root, "target");
	if (name)
		return short_name(name);
	context = *context == '/' ? fs_base_name(context) : context;
	return xasprintf("%s%s%s%s", *context ? context : "-", *target ? " (" : "", target,
	        *target ? ")" : "");
}

bool record_step_is(const struct jn *step, const char *which)
{
	uint64_t line;
	if (!which)
		return true;
	if (str_to_u64(which, &line))
		return jn_int(jn_get(step, "line"), 0) == (int64_t)line;
	return strstr(record_text(step, "name"), which) != NULL;
}

bool record_step_state_is(const struct jn *step, const char *state)
{
	return !strcmp(record_text(step, "state"), state);
}
