// SPDX-License-Identifier: Apache-2.0
// hew rmi and hew prune: names and images go at once, files when nothing needs them any more.
#include "base/err.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/session.h"
#include "cmd/verbs.h"
#include "exec/build.h"
#include <stdio.h>

struct rmi_options {
	bool force;
};

static const struct option rmi_options[] = {
        {"force", 'f', OPT_FLAG, offsetof(struct rmi_options, force), NULL,
                "Do not fail if an image does not exist"},
        OPTION_END,
};

// A name takes only the name away (and the image with its last one); an id or digest takes the
// image.
static int remove_one(struct store *s, const char *text, struct err *e)
{
	struct image_row row = {0};
	struct err not_a_name = ERR_INIT;
	auto_free char *name = full_name(text, &not_a_name);
	if (name && store_name_remove(s, name, e) == 0) {
		printf("Untagged: %s\n", text);
		return 0;
	}
	if (name && e->kind != ERR_NOT_FOUND)
		return -1;
	if (find_image(s, text, &row, e))
		return -1;
	int r = store_image_remove(s, &row.manifest, e);
	if (!r) {
		char id[DIGEST_TEXT];
		digest_text(&row.image_id, id);
		printf("Deleted: %s\n", id);
	}
	image_row_release(&row);
	return r;
}

static int collect(struct store *s, int flags, struct err *e)
{
	uint64_t freed = 0;
	char size[24];
	if (store_gc(s, flags, &freed, e))
		return -1;
	exec_reap(s);
	size_format(freed, size);
	printf("Total reclaimed space: %s\n", size);
	return 0;
}

static int rmi_run(void *opts, const struct strv *args, struct err *e)
{
	struct rmi_options *o = opts;
	auto_session struct session s = {0};
	if (need_args(args, 1, 1000, "rmi [OPTIONS] IMAGE...", e) || session_open(&s, false, e))
		return -1;
	int r = 0;
	for (size_t i = 0; i < args->n && !r; i++) {
		r = remove_one(s.store, args->v[i], e);
		if (r && o->force && e->kind == ERR_NOT_FOUND)
			r = 0;
	}
	return r;
}

const struct command cmd_rmi = {
        .name = "rmi",
        .args = "[OPTIONS] IMAGE...",
        .summary = "Remove images or names from the store",
        .details = "Layers that other images or the build cache use stay; hew prune removes what "
                   "nothing needs.\n",
        .options = rmi_options,
        .size = sizeof(struct rmi_options),
        .run = rmi_run,
};

struct prune_options {
	bool all, force;
};

static const struct option prune_options[] = {
        {"all", 'a', OPT_FLAG, offsetof(struct prune_options, all), NULL,
                "Forget the build cache too"},
        {"force", 'f', OPT_FLAG, offsetof(struct prune_options, force), NULL,
                "Accepted; hew never asks"},
        OPTION_END,
};

static int prune_run(void *opts, const struct strv *args, struct err *e)
{
	struct prune_options *o = opts;
	auto_session struct session s = {0};
	if (need_args(args, 0, 0, "prune [OPTIONS]", e) || session_open(&s, false, e))
		return -1;
	return collect(s.store, o->all ? STORE_GC_STEPS : 0, e);
}

const struct command cmd_prune = {
        .name = "prune",
        .args = "[OPTIONS]",
        .summary = "Remove what no image and no cached step needs",
        .options = prune_options,
        .size = sizeof(struct prune_options),
        .run = prune_run,
};
