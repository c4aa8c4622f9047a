// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"
#include "base/mem.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "session/images.h"
#include "session/session.h"
#include "ui/ui.h"
#include <stdio.h>

struct pull_options {
	const char *platform, *progress;
	bool quiet, insecure;
};

#define AT(member) offsetof(struct pull_options, member)
static const struct option options[] = {
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH",
                "Platform to pull (default: this machine's)"},
        {"progress", 0, OPT_STRING, AT(progress), "KIND", "auto, tty, plain, rawjson or quiet"},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "Print only the image id"},
        OPTION_END,
};

static int pull_one(struct session *s, int step, const char *text, const struct platform *p,
        struct strv *ids, struct err *e)
{
	struct image_row row = {0};
	if (pull_image(s, step, text, p, &row, e))
		return -1;
	char id[DIGEST_TEXT];
	digest_text(&row.image_id, id);
	strv_add(ids, id);
	image_row_release(&row);
	return 0;
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct pull_options *o = opts;
	auto_session struct session s = {.insecure = o->insecure};
	struct platform p = platform_host();
	auto_strv struct strv ids = {0};
	enum ui_progress kind;
	if (need_args(args, 1, 100, "pull [OPTIONS] NAME[:TAG|@DIGEST]...", e) ||
	        ui_progress_parse(o->progress, &kind, e) ||
	        (o->platform && platform_parse(o->platform, &p, e)) || session_open(&s, true, e))
		return -1;
	s.ui = ui_new(o->quiet ? UI_QUIET : kind, "Pulling");
	int r = 0;
	for (size_t i = 0; !r && i < args->n; i++)
		r = pull_one(&s, (int)i, args->v[i], &p, &ids, e);
	if (!r)
		r = store_sync(s.store, e);
	ui_finish(s.ui, r != 0);
	for (size_t i = 0; i < ids.n; i++)
		puts(ids.v[i]);
	return r;
}

const struct command cmd_pull = {
        .name = "pull",
        .args = "[OPTIONS] NAME[:TAG|@DIGEST]...",
        .summary = "Fetch an image from a registry",
        .options = options,
        .size = sizeof(struct pull_options),
        .run = run,
};
