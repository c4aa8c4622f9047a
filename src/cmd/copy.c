// SPDX-License-Identifier: Apache-2.0
// hew copy: an image from one place to others, byte for byte.
#include "output/copy.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "session/session.h"
#include "ui/ui.h"
#include <stdio.h>

#define PLACES_MAX 100

struct copy_options {
	const char *platform, *progress, *format;
	bool all, quiet, insecure, referrers;
};

#define AT(member) offsetof(struct copy_options, member)
static const struct option options[] = {
        {"all", 0, OPT_FLAG, AT(all), NULL, "All platforms of an index (the default)"},
        {"format", 0, OPT_STRING, AT(format), "KIND", "Print json instead of lines"},
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH", "Of an index, this image alone"},
        {"progress", 0, OPT_STRING, AT(progress), "KIND", "auto, tty, plain, rawjson or quiet"},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "Print only digests"},
        {"referrers", 0, OPT_FLAG, AT(referrers), NULL,
                "Also what refers to the image: attestations, signatures"},
        OPTION_END,
};

struct copying {
	const struct copy_options *o;
	struct output_request q;
	struct platform platform;
	struct place from, to[PLACES_MAX];
	struct copy_image image;
	struct copy_done done[PLACES_MAX];
	size_t n, n_done;
};

static void copying_release(struct copying *c)
{
	place_release(&c->from);
	for (size_t i = 0; i < c->n; i++)
		place_release(&c->to[i]);
	for (size_t i = 0; i < c->n_done; i++)
		copy_done_release(&c->done[i]);
	copy_image_release(&c->image);
	free(c);
}

static int parse(struct copying *c, const struct strv *args, struct err *e)
{
	if (place_parse(args->v[0], &c->from, e))
		return -1;
	for (size_t i = 1; i < args->n; i++, c->n++)
		if (place_parse(args->v[i], &c->to[c->n], e))
			return -1;
	if (c->o->platform && c->o->all)
		return err_set(e, ERR_USAGE, "--all and --platform exclude each other");
	return c->o->platform ? platform_parse(c->o->platform, &c->platform, e) : 0;
}

static int check_referrers(const struct copying *c, struct err *e)
{
	bool remote = c->from.kind == PLACE_REGISTRY;
	for (size_t i = 0; i < c->n; i++)
		remote &= c->to[i].kind == PLACE_REGISTRY;
	return remote || !c->o->referrers
	               ? 0
	               : err_set(e, ERR_USAGE, "--referrers: from a registry to registries only");
}

static int copy(struct copying *c, struct err *e)
{
	const struct platform *platform = c->o->platform ? &c->platform : NULL;
	if (copy_open(&c->q, &c->from, platform, &c->image, e))
		return -1;
	for (; c->n_done < c->n; c->n_done++) {
		c->q.step++;
		const struct place *to = &c->to[c->n_done];
		struct copy_done *done = &c->done[c->n_done];
		if (copy_to(&c->q, &c->image, to, platform, done, e) ||
		        (c->o->referrers &&
		                copy_referrers(&c->q, &c->from, &c->image, to, done, e)))
			return -1;
	}
	return 0;
}

static void print_json(const struct copying *c)
{
	auto_buf struct buf out = {0};
	struct jw w;
	char digest[DIGEST_TEXT];
	jw_begin(&w, &out, 2);
	jw_object(&w);
	digest_text(&c->image.root.digest, digest);
	jw_kv(&w, "source", c->from.text);
	jw_kv(&w, "digest", digest);
	jw_kv(&w, "mediaType", c->image.root.media_type);
	jw_key(&w, "copies");
	jw_array(&w);
	for (size_t i = 0; i < c->n_done; i++) {
		const struct copy_done *d = &c->done[i];
		digest_text(&d->root.digest, digest);
		jw_object(&w);
		jw_kv(&w, "place", c->to[i].text);
		jw_kv(&w, "digest", digest);
		if (c->to[i].kind == PLACE_REGISTRY) {
			jw_kv_int(&w, "blobsThere", (int64_t)d->counts.there);
			jw_kv_int(&w, "blobsMounted", (int64_t)d->counts.mounted);
			jw_kv_int(&w, "blobsSent", (int64_t)d->counts.sent);
			jw_kv_int(&w, "bytesSent", (int64_t)d->counts.bytes);
			jw_kv_int(&w, "referrers", (int64_t)d->referrers);
		}
		jw_object_end(&w);
	}
	jw_array_end(&w);
	jw_object_end(&w);
	puts(buf_cstr(&out));
}

static void note_digests(const struct copying *c)
{
	if (c->o->quiet)
		return;
	if (c->image.made_here)
		fprintf(stderr, "note: a docker archive holds no manifest: the digest is that of "
		                "the manifest hew makes for it\n");
	for (size_t i = 0; i < c->n_done; i++)
		if (c->done[i].is_other)
			fprintf(stderr,
			        "note: %s: a docker archive holds one platform's layers as "
			        "plain tars: its manifest has a digest of its own\n",
			        c->to[i].text);
}

// Whoever wrote to standard output has the archive there.
static bool stdout_is_taken(const struct copying *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->to[i].path && c->to[i].path[0] == '-' && !c->to[i].path[1])
			return true;
	return false;
}

static void print(const struct copying *c, int json)
{
	note_digests(c);
	if (stdout_is_taken(c))
		return;
	if (json) {
		print_json(c);
		return;
	}
	for (size_t i = 0; i < c->n_done; i++) {
		char digest[DIGEST_TEXT];
		digest_text(&c->done[i].root.digest, digest);
		printf(c->o->quiet ? "%s\n" : "%s  %s\n", digest, c->to[i].text);
	}
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct copy_options *o = opts;
	auto_session struct session s = {.insecure = o->insecure};
	enum ui_progress kind;
	int json = format_is_json(o->format, e);
	if (json < 0 || need_args(args, 2, PLACES_MAX, "copy [OPTIONS] SOURCE PLACE...", e) ||
	        ui_progress_parse(o->progress, &kind, e))
		return -1;
	struct copying *c = xcalloc(1, sizeof(*c));
	c->o = o;
	int rc = parse(c, args, e) || check_referrers(c, e) ? -1 : 0;
	if (!rc)
		rc = session_open(&s, true, e);
	if (!rc) {
		s.ui = ui_new(o->quiet ? UI_QUIET : kind, "Copying");
		c->q = (struct output_request){.store = s.store,
		        .sink = session_sink(&s),
		        .registry = session_registry,
		        .registry_arg = &s};
		rc = copy(c, e);
		ui_finish(s.ui, rc != 0);
	}
	if (!rc)
		print(c, json);
	copying_release(c);
	return rc;
}

const struct command cmd_copy = {
        .name = "copy",
        .args = "[OPTIONS] SOURCE PLACE...",
        .summary = "Copy an image between registries, layouts, archives and the store",
        .details = "Places are NAME[:TAG|@DIGEST] or docker://NAME (a registry), oci:DIR[:TAG],\n"
                   "oci-archive:FILE[:TAG], docker-archive:FILE[:NAME], store:NAME.\n",
        .options = options,
        .size = sizeof(struct copy_options),
        .run = run,
};
