// SPDX-License-Identifier: Apache-2.0
// hew save and hew load: images as archives that docker, podman and skopeo read and write.
#include "base/err.h"
#include "base/mem.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "output/output.h"
#include "session/images.h"
#include "session/session.h"
#include <stdio.h>
#include <unistd.h>

struct save_options {
	const char *output, *platform;
};

static const struct option save_options[] = {
        {"output", 'o', OPT_STRING, offsetof(struct save_options, output), "FILE",
                "Write to a file, not to standard output"},
        {"platform", 0, OPT_STRING, offsetof(struct save_options, platform), "OS/ARCH",
                "Of an index, this image (default: this machine's)"},
        OPTION_END,
};

static int save_rows(
        struct session *s, const struct strv *args, const struct save_options *o, struct err *e)
{
	auto_free struct digest *manifests = xcalloc(args->n, sizeof(*manifests));
	auto_strv struct strv names = {0};
	for (size_t i = 0; i < args->n; i++) {
		struct image_row row = {0};
		if (find_image_for(s->store, args->v[i], o->platform, &row, e))
			return -1;
		manifests[i] = row.manifest;
		strv_add(&names, row.name ? row.name : "");
		image_row_release(&row);
	}
	struct output_request q = {.store = s->store,
	        .names = &names,
	        .sink = session_sink(s),
	        .registry = session_registry,
	        .registry_arg = s};
	return output_save(&q, manifests, names.v, args->n, o->output ? o->output : "-", e);
}

static int save_run(void *opts, const struct strv *args, struct err *e)
{
	struct save_options *o = opts;
	auto_session struct session s = {0};
	if (need_args(args, 1, 1000, "save [OPTIONS] IMAGE...", e))
		return -1;
	if (!o->output && isatty(1))
		return err_set(e, ERR_USAGE,
		        "refusing to write an archive to a terminal: use -o FILE or redirect");
	if (session_open(&s, false, e))
		return -1;
	return save_rows(&s, args, o, e);
}

const struct command cmd_save = {
        .name = "save",
        .args = "[OPTIONS] IMAGE...",
        .summary = "Write images into a docker archive",
        .options = save_options,
        .size = sizeof(struct save_options),
        .run = save_run,
};

struct load_options {
	const char *input;
	bool quiet;
};

static const struct option load_options[] = {
        {"input", 'i', OPT_STRING, offsetof(struct load_options, input), "FILE",
                "Archive or OCI layout folder (default: standard input)"},
        {"quiet", 'q', OPT_FLAG, offsetof(struct load_options, quiet), NULL, "Print nothing"},
        OPTION_END,
};

static int load_run(void *opts, const struct strv *args, struct err *e)
{
	struct load_options *o = opts;
	auto_session struct session s = {0};
	auto_strv struct strv loaded = {0};
	if (need_args(args, 0, 0, "load [OPTIONS]", e))
		return -1;
	if (!o->input && isatty(0))
		return err_set(e, ERR_USAGE,
		        "nothing to load: use -i FILE or redirect an archive to standard input");
	if (session_open(&s, true, e))
		return -1;
	struct err later = ERR_INIT;
	int rc = output_load(s.store, o->input ? o->input : "-", &loaded, e);
	if (store_sync(s.store, rc ? &later : e)) // also those before one that failed
		return -1;
	for (size_t i = 0; !o->quiet && i < loaded.n; i++)
		printf("Loaded image: %s\n", loaded.v[i]);
	return rc;
}

const struct command cmd_load = {
        .name = "load",
        .args = "[OPTIONS]",
        .summary = "Read images from a docker archive, OCI archive or OCI layout",
        .options = load_options,
        .size = sizeof(struct load_options),
        .run = load_run,
};
