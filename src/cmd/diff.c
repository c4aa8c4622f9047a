// SPDX-License-Identifier: Apache-2.0
// hew diff: what one image has that another has not: packages, flaws, configuration, files, size.
#include "cmd/diff.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/scan_run.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "session/session.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct diff_options {
	const char *format, *db, *platform;
	bool files, insecure, quiet;
};

#define AT(member) offsetof(struct diff_options, member)
static const struct option options[] = {
        {"db", 0, OPT_STRING, AT(db), "FILE", "The advisory database (default: see hew db)"},
        {"files", 0, OPT_FLAG, AT(files), NULL, "List the files, too"},
        {"format", 0, OPT_STRING, AT(format), "KIND", "table or json"},
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH",
                "Of an index, this image (default: this machine's)"},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL,
                "No progress, no warnings about files that cannot be read"},
        OPTION_END,
};

static void side_release(struct diff_side *s)
{
	flaw_set_release(&s->flaws);
	scan_release(&s->scan);
	scanned_release(&s->target);
}

static void diff_free(struct diff *c)
{
	package_diffs_release(&c->packages);
	config_diffs_release(&c->config);
	file_diffs_release(&c->files);
	side_release(&c->a);
	side_release(&c->b);
	free(c);
}

// ---- finding out

static int open_side(struct session *s, const struct diff_options *o, const char *text,
        struct diff_side *ret, struct err *e)
{
	const struct subject_ask ask = {.text = text, .platform = o->platform, .silent = o->quiet};
	if (scanned_open(s, &ask, &ret->target, e))
		return -1;
	if (!o->quiet)
		scanned_warn(&ret->target);
	for (size_t i = 0; i < ret->target.config.n_diff_ids; i++) {
		struct layer_info info;
		if (store_layer_get(s->store, &ret->target.config.diff_ids[i], &info))
			ret->bytes += info.file_bytes;
	}
	return 0;
}

static int scan_side(
        const struct scan_ask *a, const struct scan_work *w, struct diff_side *s, struct err *e)
{
	if (scan_silently(a, w, s->target.packages, &s->scan, e))
		return -1;
	flaw_set_make(&s->flaws, &s->scan, 0, SIZE_MAX);
	return 0;
}

// Flaws are compared where there is a database.
static int find_flaws(const struct diff_options *o, struct diff *c, struct err *e)
{
	const struct scan_ask ask = {.db = o->db};
	auto_scan_work struct scan_work w = {0};
	if (scan_begin(&ask, &w, e)) {
		if (e->kind != ERR_NOT_FOUND || o->db)
			return -1;
		if (!o->quiet)
			fprintf(stderr, "note: flaws are not compared: %s\n", e->msg);
		*e = ERR_INIT;
		return 0;
	}
	c->has_flaws = true;
	return scan_side(&ask, &w, &c->a, e) || scan_side(&ask, &w, &c->b, e) ? -1 : 0;
}

static int find_out(struct session *s, const struct diff_options *o, const struct strv *args,
        struct diff *c, struct err *e)
{
	if (open_side(s, o, args->v[0], &c->a, e) || open_side(s, o, args->v[1], &c->b, e) ||
	        find_flaws(o, c, e))
		return -1;
	package_diffs_make(c->a.target.packages, c->b.target.packages, &c->packages);
	c->has_files = c->a.target.kind == REPORT_IMAGE && c->b.target.kind == REPORT_IMAGE;
	if (c->has_files)
		config_diffs_make(&c->a.target.config, &c->b.target.config, &c->config);
	return c->has_files
	               ? file_diffs_make(s, &c->a.target.config, &c->b.target.config, &c->files, e)
	               : 0;
}

// ---- the verb

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct diff_options *o = opts;
	auto_session struct session s = {.insecure = o->insecure};
	int json = format_is_json(o->format, e);
	if (json < 0 || need_args(args, 2, 2, "diff [OPTIONS] BEFORE AFTER", e))
		return -1;
	struct diff *c = xcalloc(1, sizeof(*c));
	int rc = find_out(&s, o, args, c, e);
	if (!rc && json)
		diff_print_json(c, o->files);
	else if (!rc)
		diff_print_table(c, o->files);
	diff_free(c);
	return rc;
}

const struct command cmd_diff = {
        .name = "diff",
        .args = "[OPTIONS] BEFORE AFTER",
        .summary = "Compare two images: packages, known flaws, configuration, files, size",
        .details = "BEFORE and AFTER are what hew scan takes. Times of files do not count.\n",
        .options = options,
        .size = sizeof(struct diff_options),
        .run = run,
};
