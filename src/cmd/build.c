// SPDX-License-Identifier: Apache-2.0
// hew build: options into a build request, outputs after it, the closing line.
#include "exec/build.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/build_ahead.h"
#include "cmd/build_attest.h"
#include "cmd/build_cache.h"
#include "cmd/build_flags.h"
#include "cmd/build_metadata.h"
#include "cmd/build_platforms.h"
#include "cmd/build_preflight.h"
#include "cmd/build_scan.h"
#include "cmd/build_size.h"
#include "cmd/build_sources.h"
#include "cmd/build_summary.h"
#include "cmd/build_values.h"
#include "cmd/build_verify.h"
#include "cmd/call.h"
#include "cmd/care.h"
#include "cmd/verbs.h"
#include "cmd/why.h"
#include "cmd/words.h"
#include "image/reference.h"
#include "output/output.h"
#include "session/images.h"
#include "session/session.h"
#include "ui/ui.h"
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct build_options {
	struct build_flags flags;
	struct build_attest attest;
	struct strv tags, build_args, labels, outputs, secrets, contexts, no_cache_filter,
	        cache_from, cache_to, ssh, platforms;
	struct build_scan scan;
	struct build_ahead ahead;
	struct build_size size;
	struct digest pushed; // all zero: nothing was
	const char *file, *target, *progress, *iidfile, *metadata_file, *timestamp, *call;
	bool no_cache, pull, push, load, squash, quiet, insecure, check, explain, dry_run, locked,
	        verify;
	int64_t jobs;
};

#define AT(member) offsetof(struct build_options, member)
static const struct option options[] = {
        {"add-host", 0, OPT_LIST, AT(flags.hosts), "NAME:IP",
                "Add a line to /etc/hosts of RUN (host-gateway: this machine)"},
        {"allow", 0, OPT_LIST, AT(flags.allow), "WORD",
                "Let the Dockerfile ask for network.host or security.insecure"},
        {"annotation", 0, OPT_LIST, AT(flags.annotations), "[LEVEL:]KEY=VALUE",
                "Annotate the manifest, or its descriptor"},
        {"attest", 0, OPT_LIST, AT(flags.attests), "type=TYPE[,...]",
                "Say how the image was made, beside it: type=provenance"},
        {"build-arg", 0, OPT_LIST, AT(build_args), "KEY[=VALUE]",
                "Set a build argument (without a value: from the environment)"},
        {"build-context", 0, OPT_LIST, AT(contexts), "NAME=SOURCE",
                "Another folder, URL (git, http) or image to copy from, by name"},
        {"cache-from", 0, OPT_LIST, AT(cache_from), "SPEC",
                "Use a cache: type=registry,ref=NAME or type=local,src=DIR"},
        {"cache-to", 0, OPT_LIST, AT(cache_to), "SPEC",
                "Write one: type=registry,ref=NAME, local,dest=DIR or inline"},
        {"call", 0, OPT_STRING, AT(call), "METHOD[,format=json]",
                "build, check, outline, targets or subrequests.describe"},
        {"cgroup-parent", 0, OPT_STRING, AT(flags.limits.parent), "GROUP",
                "Make the control groups of RUN below this one"},
        {"check", 0, OPT_FLAG, AT(check), NULL,
                "Check the Dockerfile and run nothing (--call=check)"},
        {"dry-run", 0, OPT_FLAG, AT(dry_run), NULL, "Say what would run and why, and run nothing"},
        {"explain", 0, OPT_FLAG, AT(explain), NULL, "Say of each step why it is not cached"},
        {"file", 'f', OPT_STRING, AT(file), "PATH",
                "Dockerfile (PATH/Dockerfile by default), a URL, or - for stdin"},
        {"iidfile", 0, OPT_STRING, AT(iidfile), "FILE", "Write the image id to a file"},
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"jobs", 'j', OPT_INT, AT(jobs), "N",
                "Steps to run at once (default: one a processor, at least 4)"},
        {"label", 0, OPT_LIST, AT(labels), "KEY=VALUE", "Add a label to the image"},
        {"load", 0, OPT_FLAG, AT(load), NULL,
                "Hand the image to a docker or podman (-o type=docker)"},
        {"locked", 0, OPT_FLAG, AT(locked), NULL,
                "Take images, URLs and commits as hew.lock has them"},
        {"max-size", 0, OPT_STRING, AT(flags.max_size), "SIZE",
                "Stop if the image weighs more, unpacked, and say why: 50MB"},
        {"metadata-file", 0, OPT_STRING, AT(metadata_file), "FILE",
                "Write digests and names as JSON"},
        {"network", 0, OPT_STRING, AT(flags.network), "MODE",
                "Network of RUN: host (default), none, or pasta: its own"},
        {"no-cache", 0, OPT_FLAG, AT(no_cache), NULL, "Run every step again"},
        {"no-cache-filter", 0, OPT_LIST, AT(no_cache_filter), "STAGE",
                "Run the steps of these stages again"},
        {"on-error", 0, OPT_STRING, AT(flags.on_error), "shell[=COMMAND]",
                "On a terminal: open a shell in what a failed RUN left"},
        {"output", 'o', OPT_LIST, AT(outputs), "SPEC",
                "type=image|registry|oci|docker|local|tar,dest=..., or a folder"},
        {"platform", 0, OPT_LIST, AT(platforms), "OS/ARCH[,...]",
                "Platforms to build for (default: this machine's)"},
        {"progress", 0, OPT_STRING, AT(progress), "KIND", "auto, tty, plain, rawjson or quiet"},
        {"provenance", 0, OPT_STRING, AT(flags.provenance), "true|false|KEY=VALUE",
                "Short for --attest type=provenance"},
        {"pull", 0, OPT_FLAG, AT(pull), NULL,
                "Ask the registry for base images even if they are here"},
        {"push", 0, OPT_FLAG, AT(push), NULL, "Push the image under its names (-o type=registry)"},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "Print only the image id"},
        {"resource", 0, OPT_LIST, AT(flags.resources), "KEY=VALUE",
                "Limit RUN: memory, memory-swap, cpu-quota, cpuset-cpus..."},
        {"sbom", 0, OPT_STRING, AT(flags.sbom), "true|false|KEY=VALUE",
                "Short for --attest type=sbom"},
        {"scan", 0, OPT_STRING, AT(flags.scan), "severity=LIST[,...]",
                "Look for known flaws first, and stop if there are any"},
        {"secret", 0, OPT_LIST, AT(secrets), "id=ID[,src=FILE|env=VAR]",
                "A secret for RUN --mount=type=secret"},
        {"shm-size", 0, OPT_STRING, AT(flags.shm_size), "SIZE", "Size of /dev/shm of RUN (64m)"},
        {"squash", 0, OPT_FLAG, AT(squash), NULL,
                "One layer instead of all above the base image's"},
        {"ssh", 0, OPT_LIST, AT(ssh), "default|ID[=SOCKET|KEY[,KEY...]]",
                "An ssh agent, or keys, for RUN --mount=type=ssh and git"},
        {"tag", 't', OPT_LIST, AT(tags), "NAME[:TAG]", "Name of the image; may be given again"},
        {"target", 0, OPT_STRING, AT(target), "STAGE", "Stage to build (default: the last)"},
        {"timestamp", 0, OPT_STRING, AT(timestamp), "SECONDS",
                "No time in the image is later (also: SOURCE_DATE_EPOCH)"},
        {"ulimit", 0, OPT_LIST, AT(flags.ulimits), "NAME=SOFT[:HARD]",
                "Limit a resource of RUN, e.g. nofile=1024:4096"},
        {"verify", 0, OPT_FLAG, AT(verify), NULL, "Build twice, and fail if the results differ"},
        // docker's, which have no or little meaning without a daemon: see hew-build(1)
        {"builder", 0, OPT_NOTE, 0, "NAME", NULL, "there is no builder but this program"},
        {"compress", 0, OPT_NOTE, 0, NULL, NULL, "the context is read where it is"},
        {"cpu-period", 0, OPT_STRING, AT(flags.limits.options[3]), "N", NULL},
        {"cpu-quota", 0, OPT_STRING, AT(flags.limits.options[4]), "N", NULL},
        {"cpu-shares", 'c', OPT_STRING, AT(flags.limits.options[2]), "N", NULL},
        {"cpuset-cpus", 0, OPT_STRING, AT(flags.limits.options[5]), "LIST", NULL},
        {"cpuset-mems", 0, OPT_STRING, AT(flags.limits.options[6]), "LIST", NULL},
        {"force-rm", 0, OPT_NOTE, 0, NULL, NULL, "nothing is kept of a step"},
        {"isolation", 0, OPT_NOTE, 0, "KIND", NULL, "there is one kind of sandbox"},
        {"memory", 'm', OPT_STRING, AT(flags.limits.options[0]), "BYTES", NULL},
        {"memory-swap", 0, OPT_STRING, AT(flags.limits.options[1]), "BYTES", NULL},
        {"print", 0, OPT_STRING, AT(flags.print), "KIND", NULL},
        {"rm", 0, OPT_NOTE, 0, NULL, NULL, "nothing is kept of a step"},
        {"security-opt", 0, OPT_NOTE, 0, "SPEC", NULL, "steps have hew's own sandbox"},
        OPTION_END,
};

static void release(void *p)
{
	struct build_options *o = p;
	struct strv *lists[] = {&o->tags, &o->build_args, &o->labels, &o->outputs, &o->secrets,
	        &o->contexts, &o->no_cache_filter, &o->cache_from, &o->cache_to, &o->ssh,
	        &o->platforms};
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strv_release(lists[i]);
	build_flags_release(&o->flags);
	build_attest_release(&o->attest);
	build_scan_release(&o->scan);
}

// ---- options into a request

// --timestamp is a build argument, and so is the variable, as for buildx.
static int take_epoch(const struct build_options *o, struct build_request *r, struct err *e)
{
	static const char name[] = "SOURCE_DATE_EPOCH";
	const char *from_env = getenv(name);
	int64_t seconds;
	if (o->timestamp && (!str_to_i64(o->timestamp, &seconds) || seconds < 0))
		return err_set(e, ERR_USAGE,
		        "invalid timestamp \"%s\": seconds since 1970 are expected", o->timestamp);
	if (o->timestamp)
		strv_env_set(&r->build_args, name, o->timestamp);
	else if (from_env && !strv_env_get(&r->build_args, name))
		strv_env_set(&r->build_args, name, from_env);
	return 0;
}

static int take_build_args(const struct build_options *o, struct build_request *r, struct err *e)
{
	build_take_args(&o->build_args, r);
	return take_epoch(o, r, e);
}

static int take_tags(const struct build_options *o, struct build_request *r, struct err *e)
{
	for (size_t i = 0; i < o->tags.n; i++) {
		char *name = full_name(o->tags.v[i], e);
		if (!name)
			return err_wrap(e, "invalid tag \"%s\"", o->tags.v[i]);
		strv_take(&r->tags, name);
	}
	return 0;
}

static int take_options(struct build_options *o, struct build_request *r, struct err *e)
{
	if (take_tags(o, r, e) || build_flags_take(&o->flags, r, e) ||
	        build_attest_take(&o->attest, &o->flags, o->metadata_file, r, e) ||
	        build_scan_parse(o->flags.scan, &o->scan, e) ||
	        build_size_parse(o->flags.max_size, &o->size, e) || build_take_ssh(&o->ssh, r, e) ||
	        build_take_secrets(&o->secrets, r, e))
		return -1;
	if (build_take_platforms(&o->platforms, r, e) || take_build_args(o, r, e))
		return -1;
	strv_copy(&r->labels, &o->labels);
	build_take_contexts(&o->contexts, r);
	for (size_t i = 0; i < o->no_cache_filter.n; i++)
		strv_split(&r->no_cache_stages, o->no_cache_filter.v[i], ',');
	r->target = o->target;
	r->no_cache = o->no_cache;
	r->pull = o->pull;
	r->explain = o->explain;
	r->dry_run = o->dry_run;
	r->unnamed = o->scan.wanted || o->size.wanted;
	r->locked = o->locked;
	r->jobs = (int)o->jobs;
	return 0;
}

// ---- outputs

// What is removed has to lie below the working directory, unless it is said to be meant: as buildx
// has it. A folder that is not there yet has nothing to lose.
static int check_delete(
        const struct build_options *o, const struct output_spec *spec, struct err *e)
{
	char dest[PATH_MAX], here[PATH_MAX];
	if (!spec->delete || strv_has(&o->flags.allow, "buildx.local.delete") ||
	        !realpath(spec->dest, dest) || !realpath(".", here))
		return 0;
	if (strcmp(dest, here) != 0 && fs_path_within(dest, here))
		return 0;
	return err_set(e, ERR_USAGE,
	        "output: mode=delete would remove files of '%s', which is not below the working "
	        "directory: if that is meant, add --allow buildx.local.delete",
	        dest);
}

struct outputs {
	struct output_spec *v;
	size_t n;
};

static int add_output(
        const struct build_options *o, const char *text, struct outputs *out, struct err *e)
{
	struct output_spec *spec = &out->v[out->n++];
	if (output_spec_parse(text, spec, e) || check_delete(o, spec, e))
		return -1;
	if (o->squash && !spec->squash)
		spec->squash = SQUASH_FROM_BASE;
	return 0;
}

// Those that -o has are meant by --push and --load, as buildx has it; only without is it another.
static bool push_images(struct outputs *out)
{
	bool any = false;
	for (size_t i = 0; i < out->n; i++)
		if (out->v[i].type == OUTPUT_IMAGE || out->v[i].type == OUTPUT_REGISTRY)
			any = out->v[i].push = true;
	return any;
}

static bool loads(const struct outputs *out)
{
	bool any = false;
	for (size_t i = 0; i < out->n; i++)
		any = any || out->v[i].load;
	return any;
}

static int parse_outputs(const struct build_options *o, size_t n_platforms,
        struct output_spec **ret, size_t *ret_n, struct err *e)
{
	struct outputs out = {.v = xcalloc(o->outputs.n + 3, sizeof(*out.v))};
	int r = 0;
	for (size_t i = 0; !r && i < o->outputs.n; i++)
		r = add_output(o, o->outputs.v[i], &out, e);
	if (!r && o->load && !loads(&out))
		r = add_output(o, "type=docker", &out, e);
	if (!r && o->push && !push_images(&out))
		r = add_output(o, "type=registry", &out, e);
	if (!r && o->squash && !out.n)
		r = add_output(o, "type=image", &out, e);
	struct output_spec *specs = out.v;
	size_t n = out.n;
	for (size_t i = 0; !r && n_platforms > 1 && i < n; i++)
		if (specs[i].type == OUTPUT_DOCKER && !specs[i].load) // BuildKit's words
			r = err_set(e, ERR_UNSUPPORTED,
			        "docker exporter does not currently support exporting manifest "
			        "lists: use type=oci for several platforms");
	*ret = specs;
	*ret_n = n;
	return r;
}

static int run_outputs(struct session *s, struct build_options *o, const struct build_request *r,
        const struct build_result *built, struct output_spec *specs, size_t n,
        struct output_result *ret, struct err *e)
{
	auto_free struct output_base *bases = xcalloc(built->n_images + 1, sizeof(*bases));
	for (size_t i = 0; i < built->n_images; i++)
		bases[i] = (struct output_base){built->images[i].manifest,
		        built->images[i].n_base_layers, built->images[i].n_base_history};
	struct output_request q = {.store = s->store,
	        .manifest = built->root,
	        .bases = bases,
	        .n_bases = built->n_images,
	        .names = &r->tags,
	        .sink = session_sink(s),
	        .step = built->n_ids,
	        .registry = session_registry,
	        .registry_arg = s,
	        .has_epoch = built->has_epoch,
	        .epoch = built->epoch,
	        .attestations = build_attest_list(&o->attest, built),
	        .attestations_as_index = o->attest.spec.as_index};
	for (size_t i = 0; i < n; i++) {
		struct output_result result = {0};
		if (output_run(&q, &specs[i], &result, e))
			return -1;
		q.step += (int)(r->tags.n + specs[i].names.n);
		if (!digest_is_zero(&result.pushed.digest))
			descriptor_copy(&ret->pushed, &result.pushed);
		for (size_t k = 0; k < result.names.n; k++)
			if (!strv_has(&ret->names, result.names.v[k]))
				strv_add(&ret->names, result.names.v[k]);
		if (!digest_is_zero(&result.image_id))
			ret->image_id = result.image_id;
		output_result_release(&result);
	}
	return 0;
}

// The first id of events that no output takes.
static int output_steps(const struct build_request *r, const struct build_result *built,
        const struct output_spec *specs, size_t n)
{
	int step = built->n_ids;
	for (size_t i = 0; i < n; i++)
		step += (int)(r->tags.n + specs[i].names.n);
	return step;
}

// ---- what is told at the end

static void tell(struct session *s, const struct build_request *r, const struct build_result *b,
        const char *id)
{
	char size[24], platform[80];
	for (size_t i = 0; b->n_images > 1 && i < b->n_images; i++) {
		const struct build_image *im = &b->images[i];
		char one[DIGEST_TEXT];
		digest_text(&im->image_id, one);
		size_format(im->size, size);
		platform_text(&im->platform, platform);
		event_note(session_sink(s), "built %s  %s  %s in %zu layer%s", platform, one, size,
		        im->n_layers, im->n_layers == 1 ? "" : "s");
	}
	size_t layers = b->images[0].n_layers;
	auto_free char *what = NULL;
	size_format(b->images[0].size, size);
	if (b->n_images > 1)
		what = xasprintf("index of %zu platforms", b->n_images);
	else
		what = xasprintf("%s in %zu layer%s", size, layers, layers == 1 ? "" : "s");
	event_note(session_sink(s), "built %s  %s  %.2fs  %zu of %zu steps cached", id, what,
	        (double)b->duration_ns / 1e9, b->n_cached, b->n_steps);
	for (size_t i = 0; i < r->tags.n; i++)
		event_note(session_sink(s), "named %s", r->tags.v[i]);
}

// Will the image be used from the store? Then it has to be whole.
static bool stays_here(const struct output_spec *specs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (specs[i].type == OUTPUT_CACHE_ONLY)
			return false;
	return true;
}

static int finish(struct session *s, struct build_options *o, const struct build_request *r,
        const struct build_result *b, struct output_spec *specs, size_t n, struct err *e)
{
	struct output_result out = {.image_id = *build_result_id(b)};
	strv_copy(&out.names, &r->tags);
	char id[DIGEST_TEXT];
	int status = run_outputs(s, o, r, b, specs, n, &out, e);
	if (!status && stays_here(specs, n))
		status = build_caches_keep(s, &b->steps, e);
	bool index_made = b->n_images > 1 && out.pushed.media_type;
	digest_text(index_made ? &out.pushed.digest : &out.image_id, id);
	if (!status && o->iidfile)
		status = fs_replace_file(AT_FDCWD, o->iidfile, id, strlen(id), 0644, e);
	if (!status && o->metadata_file)
		status = build_metadata_write(
		        o->metadata_file, b, &out, build_attest_metadata(&o->attest, b), e);
	o->pushed = out.pushed.digest;
	output_result_release(&out);
	if (status)
		return -1;
	ui_section_end(s->ui);
	tell(s, r, b, id);
	bool stdout_taken = false;
	for (size_t i = 0; i < n; i++)
		stdout_taken |= specs[i].dest && !strcmp(specs[i].dest, "-");
	if (!stdout_taken)
		printf("%s\n", id);
	return 0;
}

// What there was to show of the failure is shown before the shell.
static void step_aside(void *ui)
{
	ui_finish(ui, true);
}

// On a full disk once more, if room could be made.
static int build_somehow(
        struct session *s, const struct build_request *r, struct build_result *ret, struct err *e)
{
	int status = build_run(s->store, r, ret, e);
	if (!status || e->kind != ERR_SPACE || !care_make_room(s->store))
		return status;
	event_note(session_sink(s), "the disk is full: what can be had again was removed from the "
	                            "store, trying once more");
	build_result_release(ret);
	return build_run(s->store, r, ret, e);
}

// What the image may not be is looked for before it gets its names or goes anywhere.
static int hold_back(struct session *s, struct build_options *o, const struct build_request *r,
        const struct build_result *built, struct err *e)
{
	if (build_size_check(&o->size, s, r, built, e) || build_scan_run(&o->scan, s, r, built, e))
		return -1;
	for (size_t i = 0; r->unnamed && i < r->tags.n; i++)
		if (store_name_set(s->store, r->tags.v[i], &built->root, e))
			return -1;
	return r->unnamed ? store_sync(s->store, e) : 0;
}

// An output may be the first to need a layer that a cache promised and that is gone: each time its
// record goes, so there is an end.
static int build_until_whole(struct session *s, struct build_options *o,
        const struct build_request *r, struct build_caches *caches, struct build_result *ret,
        struct output_spec *specs, size_t n_specs, struct err *e)
{
	for (;;) {
		int status = build_somehow(s, r, ret, e);
		cache_sender_pause(caches->sender); // a push of the image comes first
		build_ahead_end(&o->ahead);
		if (status)
			return -1;
		if (o->dry_run)
			return build_record_print(ret->record, NULL, true, e);
		if (o->verify && build_verify(s, r, ret, e))
			return -1;
		if (hold_back(s, o, r, ret, e))
			return -1;
		if (build_attest_look(&o->attest, s, ret, e) == 0 &&
		        finish(s, o, r, ret, specs, n_specs, e) == 0)
			return 0;
		struct err other = ERR_INIT;
		int again = build_caches_lost(s, &ret->steps, e, &other);
		if (again <= 0) {
			if (again < 0)
				*e = other;
			return -1;
		}
		build_result_release(ret);
		*e = ERR_INIT;
	}
}

static int prepare_caches(struct session *s, const struct build_options *o, struct build_request *r,
        struct build_caches *caches, struct err *e)
{
	caches->platforms = r->platforms;
	caches->n_platforms = r->n_platforms;
	build_caches_scope(caches, r);
	if (build_caches_parse(caches, &o->cache_from, &o->cache_to, s, e))
		return -1;
	int inlined = build_caches_inline(caches, &r->build_args, e);
	r->inline_cache = inlined > 0 ? cache_inline : NULL;
	return inlined < 0 ? -1 : build_caches_import(caches, s, e);
}

static int build(struct session *s, struct build_options *o, struct build_request *r,
        enum ui_progress kind, struct err *e)
{
	struct output_spec *specs = NULL;
	struct build_caches caches = {0};
	struct preflight preflight = {0};
	struct prune_limits limits;
	size_t n_specs = 0;
	int status =
	        store_limits(s->store, &limits, e) || build_scan_begin(&o->scan, e) ||
	                        parse_outputs(o, r->n_platforms, &specs, &n_specs, e) ||
	                        build_take_annotations(&o->flags.annotations, r, specs, n_specs, e)
	                ? -1
	                : 0;
	if (!status) {
		struct build_result built = {0};
		s->ui = ui_new(o->quiet ? UI_QUIET : kind, "Building");
		ui_section(s->ui, "hew build");
		r->sink = session_sink(s);
		r->step_aside = step_aside;
		r->step_aside_arg = s->ui;
		status = prepare_caches(s, o, r, &caches, e);
		if (!status && !o->dry_run)
			status = preflight_start(&preflight, s, r, specs, n_specs, &caches, e);
		if (!status && !o->dry_run)
			build_caches_send(&caches, s, r);
		if (!status && (o->scan.wanted || o->attest.spec.sbom))
			build_ahead_begin(&o->ahead, s, r);
		if (!status)
			status = build_until_whole(s, o, r, &caches, &built, specs, n_specs, e);
		if (!status && !o->dry_run)
			status = build_caches_export(&caches, s, &built,
			        preflight_denied(&preflight),
			        output_steps(r, &built, specs, n_specs), e);
		preflight_end(&preflight, status != 0);
		build_summary(s->ui, &built, &o->scan, &o->pushed, status ? e : NULL);
		ui_finish(s->ui, status != 0);
		care_after_build(s->store, &limits, !o->quiet);
		if (status || o->verify || built.n_cached < built.n_steps)
			engine_reap(s->store);
		build_result_release(&built);
	}
	for (size_t i = 0; i < n_specs; i++)
		output_spec_release(&specs[i]);
	free(specs);
	build_caches_release(&caches);
	return status;
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct build_options *o = opts;
	struct build_call call;
	enum ui_progress kind;
	auto_session struct session s = {.insecure = o->insecure};
	struct build_request r = {.registry = session_registry, .registry_arg = &s};
	auto_buf struct buf text = {0};
	if (build_call_parse(o->check ? "check" : o->call, &call, e))
		return -1;
	if (call.kind == CALL_DESCRIBE)
		return build_call_describe(&call);
	if (need_args(args, 1, 1, "build [OPTIONS] PATH", e) ||
	        ui_progress_parse(o->progress, &kind, e))
		return -1;
	if (o->iidfile)
		unlink(o->iidfile);
	int status = take_options(o, &r, e) ||
	                             build_take_context(args->v[0], o->file, &text, &r, e) ||
	                             session_open(&s, true, e)
	                     ? -1
	                     : 0;
	if (!status && call.kind != CALL_BUILD)
		status = build_call_run(s.store, &r, &call, e);
	else if (!status)
		status = build(&s, o, &r, kind, e);
	build_request_release(&r);
	return build_scan_status(&o->scan, status, e);
}

const struct command cmd_build = {
        .name = "build",
        .args = "[OPTIONS] PATH",
        .summary = "Build an image from a Dockerfile",
        .details = "PATH is the build context: the folder that COPY takes files from; or the URL "
                   "of a git\n"
                   "repository, an archive or a Dockerfile. \"-\" reads an archive, or a "
                   "Dockerfile to build\n"
                   "without a context, from standard input. The image id goes to standard "
                   "output, progress\n"
                   "to standard error.\n",
        .options = options,
        .size = sizeof(struct build_options),
        .run = run,
        .release = release,
};
