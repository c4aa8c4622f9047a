// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"
#include "base/mem.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "output/output.h"
#include "session/images.h"
#include "session/session.h"
#include "ui/ui.h"
#include <stdio.h>

struct push_options {
	const char *progress;
	bool quiet, insecure;
};

#define AT(member) offsetof(struct push_options, member)
static const struct option options[] = {
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"progress", 0, OPT_STRING, AT(progress), "KIND", "auto, tty, plain, rawjson or quiet"},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "Print only the digest"},
        OPTION_END,
};

static int push_row(struct session *s, const struct image_row *row, const char *name,
        struct digest *ret, struct err *e)
{
	auto_strv struct strv names = {0};
	strv_add(&names, name);
	struct output_request q = {.store = s->store,
	        .manifest = row->manifest,
	        .names = &names,
	        .sink = session_sink(s),
	        .registry = session_registry,
	        .registry_arg = s};
	struct output_spec spec = {0};
	struct output_result result = {0};
	int r = output_spec_parse("type=registry", &spec, e);
	if (!r)
		r = output_run(&q, &spec, &result, e);
	if (!r)
		*ret = result.pushed.digest;
	output_result_release(&result);
	output_spec_release(&spec);
	return r;
}

// hew push NAME, or hew push IMAGE NAME: the image under another name.
static int run(void *opts, const struct strv *args, struct err *e)
{
	struct push_options *o = opts;
	auto_session struct session s = {.insecure = o->insecure};
	struct image_row row = {0};
	enum ui_progress kind;
	if (need_args(args, 1, 2, "push [OPTIONS] [IMAGE] NAME[:TAG]", e) ||
	        ui_progress_parse(o->progress, &kind, e))
		return -1;
	auto_free char *name = full_name(args->v[args->n - 1], e);
	if (!name || session_open(&s, false, e) || find_image(s.store, args->v[0], &row, e))
		return -1;
	s.ui = ui_new(o->quiet ? UI_QUIET : kind, "Pushing");
	struct digest pushed;
	int r = push_row(&s, &row, name, &pushed, e);
	ui_finish(s.ui, r != 0);
	if (!r) {
		char digest[DIGEST_TEXT];
		digest_text(&pushed, digest);
		puts(digest);
	}
	image_row_release(&row);
	return r;
}

const struct command cmd_push = {
        .name = "push",
        .args = "[OPTIONS] [IMAGE] NAME[:TAG]",
        .summary = "Send an image to a registry",
        .options = options,
        .size = sizeof(struct push_options),
        .run = run,
};
