// SPDX-License-Identifier: Apache-2.0
// hew size: what images weigh, where their bytes are, and which of them nobody needs.
#include "cmd/size.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "registry/registry.h"
#include "session/session.h"
#include "ui/ui.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define CI_CONFIG ".dive-ci"
#define TOP 20

struct size_options {
	struct strv bandwidth;
	const char *budget, *ci_config, *format, *platform, *top, *rules[SIZE_RULES];
	bool layers, files, packages, stages, waste, ci, quiet, insecure;
};

#define AT(member) offsetof(struct size_options, member)
static const struct option options[] = {
        {"bandwidth", 0, OPT_LIST, AT(bandwidth), "RATE[,RATE]",
                "Say how long a pull takes on such a line: 100M, 1Gbit/s, 12MB/s"},
        {"budget", 0, OPT_STRING, AT(budget), "SIZE",
                "Fail if an image weighs more, unpacked: 50MB, 1.5GiB"},
        {"ci", 0, OPT_FLAG, AT(ci), NULL,
                "Hold it to dive's rules: those of " CI_CONFIG " here, or its own"},
        {"ci-config", 0, OPT_STRING, AT(ci_config), "FILE", "The same, by the rules of a file"},
        {"files", 0, OPT_FLAG, AT(files), NULL, "List the heaviest files"},
        {"format", 0, OPT_STRING, AT(format), "KIND", "table or json"},
        {"highestUserWastedPercent", 0, OPT_STRING, AT(rules[RULE_HIGHEST_USER_WASTED]), "RATIO",
                "With --ci: how much of what is above the first layer"},
        {"highestWastedBytes", 0, OPT_STRING, AT(rules[RULE_HIGHEST_WASTED_BYTES]), "SIZE",
                "With --ci: how much may be wasted"},
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"layers", 0, OPT_FLAG, AT(layers), NULL,
                "List the layers: size, files, what is hidden, who shares them"},
        {"lowestEfficiency", 0, OPT_STRING, AT(rules[RULE_LOWEST_EFFICIENCY]), "RATIO",
                "With --ci: how efficient the image has to be"},
        {"packages", 0, OPT_FLAG, AT(packages), NULL, "List the heaviest packages"},
        {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH",
                "Of an index, this image (default: this machine's)"},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "No progress; with a gate, no tables"},
        {"stages", 0, OPT_FLAG, AT(stages), NULL,
                "List the stages of its last build, and what was kept of each"},
        {"top", 0, OPT_STRING, AT(top), "N",
                "Files, packages, findings to list (default: 20; 0: all)"},
        {"waste", 0, OPT_FLAG, AT(waste), NULL,
                "List what is hidden, double or left behind, and what helps"},
        OPTION_END,
};

static void release(void *p)
{
	strv_release(&((struct size_options *)p)->bandwidth);
}

struct work {
	const struct size_options *o;
	struct size_show show;
	struct size_rules rules;
	bool has_rules, json;
	uint64_t budget; // UINT64_MAX: none
	struct session session;
	struct engine engine;
	struct size_result *v;
	size_t n;
};

static void work_release(struct work *w)
{
	for (size_t i = 0; i < w->n; i++) {
		size_image_release(&w->v[i].image);
		size_stages_release(&w->v[i].stages);
	}
	free(w->v);
	bandwidths_release(&w->show.bandwidths);
	if (w->session.store)
		engine_release(&w->engine);
	session_close(&w->session);
}

// ---- options

// The file that is named; the one that lies here, if there is one.
static int read_rules(const struct size_options *o, struct size_rules *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	const char *path = o->ci_config ? o->ci_config : CI_CONFIG;
	if (fs_read_file(AT_FDCWD, path, SIZE_RULES_MAX, &text, e)) {
		if (o->ci_config || e->sys != ENOENT)
			return -1;
		*e = ERR_INIT;
		return 0;
	}
	return size_rules_read(ret, buf_cstr(&text), text.n, path, e);
}

static int take_rules(struct work *w, struct err *e)
{
	const struct size_options *o = w->o;
	w->has_rules = o->ci || o->ci_config;
	w->rules = size_rules_default();
	if (w->has_rules && read_rules(o, &w->rules, e))
		return -1;
	for (size_t k = 0; k < SIZE_RULES; k++) {
		if (!o->rules[k])
			continue;
		if (!w->has_rules)
			return err_set(e, ERR_USAGE, "--%s is of --ci, which is not given",
			        size_rule_name((enum size_rule_kind)k));
		if (size_rule_set(&w->rules, (enum size_rule_kind)k, o->rules[k], e))
			return -1;
	}
	return 0;
}

static int take_options(struct work *w, struct err *e)
{
	const struct size_options *o = w->o;
	uint64_t top = TOP;
	int json = format_is_json(o->format, e);
	w->budget = UINT64_MAX;
	if (json < 0)
		return -1;
	w->json = json;
	if (o->budget && !size_parse(o->budget, &w->budget))
		return err_set(e, ERR_USAGE, "invalid --budget \"%s\": a size is expected, as 50MB",
		        o->budget);
	if (o->top && !str_to_u64(o->top, &top))
		return err_set(e, ERR_USAGE, "invalid --top \"%s\": a number is expected", o->top);
	w->show = (struct size_show){.layers = o->layers,
	        .files = o->files,
	        .packages = o->packages,
	        .stages = o->stages,
	        .waste = o->waste,
	        .top = top ? (size_t)top : SIZE_MAX};
	return bandwidths_parse(&o->bandwidth, &w->show.bandwidths, e) || take_rules(w, e) ? -1 : 0;
}

// ---- finding out

// How deep an image has to be looked into. For its row or its layers alone nothing is fetched, but
// what was only pulled is unpacked.
static int look_into(struct work *w, struct size_result *r, struct err *e)
{
	const struct size_options *o = w->o;
	struct session *s = &w->session;
	struct engine *g = &w->engine;
	struct size_image *m = &r->image;
	if (o->waste)
		return size_image_waste(s, g, m, e);
	if (o->packages)
		return size_image_own(s, g, m, e);
	bool wanted = o->files || w->has_rules || w->budget != UINT64_MAX;
	bool cheap = (o->layers || m->bytes == WEIGH_UNKNOWN) && size_image_is_here(s, m);
	return wanted || cheap ? size_image_weigh(s, g, m, e) : 0;
}

static int find_one(struct work *w, const char *text, struct size_result *r, struct err *e)
{
	const struct subject_ask ask = {.text = text, .platform = w->o->platform};
	if (size_image_open(&w->session, &w->engine, &ask, &r->image, e))
		return -1;
	size_image_pack(&w->session, &r->image);
	if (look_into(w, r, e))
		return -1;
	size_image_pack(&w->session, &r->image);
	return w->o->stages ? size_stages_find(&w->session, &r->image, &r->stages, e) : 0;
}

static int find(struct work *w, const struct strv *args, struct err *e)
{
	int rc = 0;
	if (session_open(&w->session, true, e))
		return -1;
	w->session.ui = ui_new(w->o->quiet ? UI_QUIET : UI_AUTO, "Weighing");
	session_engine(&w->session, &w->engine);
	w->v = xcalloc(args->n, sizeof(*w->v));
	while (!rc && w->n < args->n) {
		rc = find_one(w, args->v[w->n], &w->v[w->n], e);
		w->n++;
	}
	ui_finish(w->session.ui, rc != 0);
	return rc;
}

// The first that is broken is the verb's failure; the others are told as well.
static int hold(struct work *w, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < w->n; i++) {
		struct size_image *m = &w->v[i].image;
		struct err own = ERR_INIT;
		int failed = size_gate(&w->session, &w->engine, m, w->budget, "--budget", &own);
		if (!failed && w->has_rules)
			failed = size_ci(m, &w->rules, w->o->quiet || w->json, &own);
		if (failed && rc)
			ui_error(e);
		if (failed)
			*e = own;
		rc = failed ? -1 : rc;
	}
	return rc;
}

static int measure(struct work *w, const struct strv *args, struct err *e)
{
	if (take_options(w, e) || need_args(args, 1, SIZE_MAX, "size [OPTIONS] IMAGE...", e) ||
	        find(w, args, e))
		return -1;
	bool gated = w->has_rules || w->budget != UINT64_MAX;
	if (w->json)
		size_print_json(w->v, w->n, &w->show);
	else if (!gated || !w->o->quiet)
		size_print_tables(w->v, w->n, &w->show);
	if (gated && command_flush(e))
		return -1;
	return hold(w, e);
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct work w = {.o = opts};
	int rc = measure(&w, args, e);
	work_release(&w);
	return rc;
}

const struct command cmd_size = {
        .name = "size",
        .args = "[OPTIONS] IMAGE...",
        .summary = "Say what images weigh, where the bytes are, and which nobody needs",
        .details = "IMAGE is an image in the store or a registry, docker://NAME, oci:DIR[:TAG],\n"
                   "oci-archive:FILE, docker-archive:FILE, or the path of one of these. SIZE is "
                   "of its\n"
                   "files, unpacked; TO PULL of its layers, compressed: ~ means estimated, for "
                   "those that\n"
                   "were never pushed. For the row alone nothing is fetched but a manifest; then "
                   "SIZE is\n"
                   "not known of what is not here.\n\n"
                   "  hew size app:single app:multi         what a second stage saves\n"
                   "  hew size --waste app                  what to write instead\n"
                   "  hew size --budget 50MB app            in CI: status 15 if it is heavier\n",
        .options = options,
        .size = sizeof(struct size_options),
        .run = run,
        .release = release,
};
