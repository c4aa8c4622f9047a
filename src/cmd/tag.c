// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"
#include "base/mem.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "session/images.h"
#include "session/session.h"

static const struct option options[] = {OPTION_END};

static int run(void *opts, const struct strv *args, struct err *e)
{
	auto_session struct session s = {0};
	struct image_row row = {0};
	(void)opts;
	if (need_args(args, 2, 2, "tag IMAGE NAME[:TAG]", e))
		return -1;
	auto_free char *name = full_name(args->v[1], e);
	if (!name || session_open(&s, false, e) || find_image(s.store, args->v[0], &row, e))
		return -1;
	int r = store_name_set(s.store, name, &row.manifest, e) || store_sync(s.store, e) ? -1 : 0;
	image_row_release(&row);
	return r;
}

const struct command cmd_tag = {
        .name = "tag",
        .args = "IMAGE NAME[:TAG]",
        .summary = "Give an image another name",
        .options = options,
        .run = run,
};
