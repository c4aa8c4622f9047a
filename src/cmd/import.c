// SPDX-License-Identifier: Apache-2.0
// hew import and hew export: the files of an image as a plain tar, in and out, as docker has them.
#include "base/err.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "dockerfile/dockerfile.h"
#include "graph/graph.h"
#include "image/config.h"
#include "output/output.h"
#include "session/images.h"
#include "session/session.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// ---- import

struct import_options {
	struct strv changes;
	const char *message, *platform;
};

#define AT(member) offsetof(struct import_options, member)
static const struct option import_options[] = {
        {"change", 'c', OPT_LIST, AT(changes), "INSTRUCTION",
                "Set what a Dockerfile would: CMD, ENV, EXPOSE, LABEL, USER..."},
        {"message", 'm', OPT_STRING, AT(message), "TEXT", "Say this in the history"},
        {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH",
                "What the files are for (default: this machine)"},
        OPTION_END,
};

static void import_release(void *p)
{
	strv_release(&((struct import_options *)p)->changes);
}

static int nothing_to_resolve(struct graph_resolver *self, const char *ref,
        const struct platform *p, struct graph_image *ret, struct err *e)
{
	return err_set(e, ERR_USAGE, "--change names the image '%s'", ref);
}

static bool may_change(enum instr_kind k)
{
	return k != INSTR_FROM && k != INSTR_RUN && k != INSTR_COPY && k != INSTR_ADD &&
	       k != INSTR_ARG;
}

// The instructions, as a build would take them on an empty image.
static int read_changes(const struct strv *changes, const struct platform *p,
        struct image_config *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	struct graph_resolver resolver = {.resolve = nothing_to_resolve};
	struct graph_options o = {.platforms = p,
	        .n_platforms = 1,
	        .build_platform = platform_host(),
	        .platform_given = true,
	        .resolver = &resolver};
	buf_puts(&text, "FROM scratch\n");
	for (size_t i = 0; i < changes->n; i++)
		buf_printf(&text, "%s\n", changes->v[i]);
	auto_dockerfile struct dockerfile *file = dockerfile_parse(text.p, text.n, "--change", e);
	for (size_t i = 0; file && i < file->stages[0].n_instrs; i++) {
		enum instr_kind k = file->stages[0].instrs[i]->kind;
		if (file->n_stages > 1 || !may_change(k))
			return err_set(e, ERR_USAGE,
			        "--change: %s is not possible: it would change files",
			        file->n_stages > 1 ? "FROM" : instr_name(k));
	}
	auto_graph struct graph *g = file ? graph_build(file, &o, e) : NULL;
	if (!g) {
		e->kind = ERR_USAGE;
		e->pos.line = 0;
		return err_wrap(e, "--change");
	}
	size_t n = g->results[0].config.n_history;
	g->results[0].config.n_history =
	        0; // of the changes: they are what the image is, not what was done
	image_config_copy(ret, &g->results[0].config);
	g->results[0].config.n_history = n;
	return 0;
}

static struct timestamp now_or_epoch(void)
{
	int64_t epoch;
	const char *text = getenv("SOURCE_DATE_EPOCH");
	return text && str_to_i64(text, &epoch) ? (struct timestamp){.sec = epoch} : time_now();
}

static void set_history(struct image_config *c, const char *message, const char *path)
{
	c->created = now_or_epoch();
	c->has_created = true;
	struct history *h = image_config_add_history(c);
	h->created = c->created;
	h->has_created = true;
	h->comment = message ? xstrdup(message) : xasprintf("Imported from %s", path);
}

static int import_run(void *opts, const struct strv *args, struct err *e)
{
	struct import_options *o = opts;
	auto_session struct session s = {0};
	auto_config struct image_config c = {0};
	struct platform p = platform_host();
	struct digest id;
	char text[DIGEST_TEXT];
	if (need_args(args, 1, 2, "import [OPTIONS] FILE|- [NAME[:TAG]]", e) ||
	        (o->platform && platform_parse(o->platform, &p, e)))
		return -1;
	auto_free char *name = args->n > 1 ? full_name(args->v[1], e) : NULL;
	if ((args->n > 1 && !name) || read_changes(&o->changes, &p, &c, e))
		return -1;
	if (!strcmp(args->v[0], "-") && isatty(0))
		return err_set(e, ERR_USAGE,
		        "nothing to import: name a file or redirect an archive to standard input");
	set_history(&c, o->message, args->v[0]);
	if (session_open(&s, true, e) || output_import(s.store, args->v[0], &c, name, &id, e) ||
	        store_sync(s.store, e))
		return -1;
	digest_text(&id, text);
	puts(text);
	return 0;
}

const struct command cmd_import = {
        .name = "import",
        .args = "[OPTIONS] FILE|- [NAME[:TAG]]",
        .summary = "Make an image of one layer from a tar of files",
        .options = import_options,
        .size = sizeof(struct import_options),
        .run = import_run,
        .release = import_release,
};

// ---- export

struct export_options {
	const char *output;
};

static const struct option export_options[] = {
        {"output", 'o', OPT_STRING, offsetof(struct export_options, output), "FILE",
                "Write to a file, not to standard output"},
        OPTION_END,
};

static int export_run(void *opts, const struct strv *args, struct err *e)
{
	const struct export_options *o = opts;
	auto_session struct session s = {0};
	struct image_row row = {0};
	auto_free char *dest = xstrdup(o->output ? o->output : "-");
	const struct output_spec spec = {.type = OUTPUT_TAR, .dest = dest};
	if (need_args(args, 1, 1, "export [OPTIONS] IMAGE", e) || session_open(&s, false, e) ||
	        find_image(s.store, args->v[0], &row, e))
		return -1;
	struct output_request q = {.store = s.store,
	        .manifest = row.manifest,
	        .registry = session_registry,
	        .registry_arg = &s};
	struct output_result made = {0};
	int rc = output_run(&q, &spec, &made, e);
	output_result_release(&made);
	image_row_release(&row);
	return rc;
}

const struct command cmd_export = {
        .name = "export",
        .args = "[OPTIONS] IMAGE",
        .summary = "Write the files of an image into a plain tar",
        .options = export_options,
        .size = sizeof(struct export_options),
        .run = export_run,
};
