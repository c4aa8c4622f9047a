// SPDX-License-Identifier: Apache-2.0
// hew index create and inspect: what docker buildx imagetools does, with its options.
#include "cmd/index.h"
#include "base/err.h"
#include "base/event.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/json_template.h"
#include "base/mem.h"
#include "cmd/build_platforms.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "output/combine.h"
#include "output/copy.h"
#include "registry/registry.h"
#include "session/session.h"
#include "ui/ui.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define SOURCE_MAX (1u << 20)

struct index_options {
	struct strv tags, files, annotations, platforms;
	const char *format, *progress, *metadata_file;
	bool append, dry_run, carbon_copy, raw, insecure, quiet;
};

#define AT(member) offsetof(struct index_options, member)
static const struct option options[] = {
        {"annotation", 0, OPT_LIST, AT(annotations), "LEVEL:KEY=VALUE",
                "create: annotate the index, or its manifest-descriptors"},
        {"append", 0, OPT_FLAG, AT(append), NULL, "create: keep what the first name has already"},
        {"builder", 0, OPT_NOTE, 0, "NAME", NULL, "there is no builder but this program"},
        {"dry-run", 0, OPT_FLAG, AT(dry_run), NULL, "create: print the index, push nothing"},
        {"file", 'f', OPT_LIST, AT(files), "FILE",
                "create: a source (name, digest, descriptor) out of a file"},
        {"format", 0, OPT_STRING, AT(format), "TEMPLATE",
                "inspect: '{{json .Manifest}}', '{{.Manifest.Digest}}'..."},
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"metadata-file", 0, OPT_STRING, AT(metadata_file), "FILE",
                "create: write digest, descriptor and names as JSON"},
        {"platform", 0, OPT_LIST, AT(platforms), "OS/ARCH[,...]",
                "create: only images for these platforms"},
        {"prefer-index", 0, OPT_ON, AT(carbon_copy), NULL,
                "create: =false leaves a single image a single image"},
        {"progress", 0, OPT_STRING, AT(progress), "KIND", "auto, tty, plain, rawjson or quiet"},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "No progress"},
        {"raw", 0, OPT_FLAG, AT(raw), NULL, "inspect: print the document as it is"},
        {"tag", 't', OPT_LIST, AT(tags), "NAME[:TAG]", "create: name of the index; again for more"},
        OPTION_END,
};

static void release(void *p)
{
	struct index_options *o = p;
	strv_release(&o->tags);
	strv_release(&o->files);
	strv_release(&o->annotations);
	strv_release(&o->platforms);
}

// ---- create

struct creating {
	const struct index_options *o;
	struct output_request q;
	struct reference *tags;
	size_t n_tags;
	struct combine_source *sources;
	size_t n;
	struct strv platforms;
	struct annotation_list annotations;
};

static void creating_release(struct creating *c)
{
	for (size_t i = 0; i < c->n_tags; i++)
		reference_release(&c->tags[i]);
	for (size_t i = 0; i < c->n; i++)
		combine_source_release(&c->sources[i]);
	free(c->tags);
	free(c->sources);
	strv_release(&c->platforms);
	annotation_list_release(&c->annotations);
}

static int take_tags(struct creating *c, struct err *e)
{
	c->tags = xcalloc(c->o->tags.n + 1, sizeof(*c->tags));
	for (size_t i = 0; i < c->o->tags.n; i++, c->n_tags++) {
		if (reference_parse(c->o->tags.v[i], &c->tags[i], e))
			return -1;
		if (c->tags[i].has_digest)
			return err_set(e, ERR_USAGE, "'%s': a new index has no digest yet",
			        c->o->tags.v[i]);
	}
	return 0;
}

static int take_source(struct creating *c, const char *text, struct err *e)
{
	if (combine_source_parse(text, &c->sources[c->n], e))
		return -1;
	c->n++;
	return 0;
}

static int take_file(struct creating *c, const char *path, struct err *e)
{
	auto_buf struct buf text = {0};
	if (fs_read_file(AT_FDCWD, path, SOURCE_MAX, &text, e))
		return -1;
	while (text.n && strchr(" \t\r\n", text.p[text.n - 1]))
		text.p[--text.n] = '\0';
	return take_source(c, buf_cstr(&text), e) ? err_wrap(e, "'%s'", path) : 0;
}

static int take_sources(struct creating *c, const struct strv *args, struct err *e)
{
	const struct index_options *o = c->o;
	c->sources = xcalloc(args->n + o->files.n + 1, sizeof(*c->sources));
	if (o->append && o->tags.n == 0)
		return err_set(e, ERR_USAGE, "--append needs a name: -t NAME");
	if (o->append && take_source(c, o->tags.v[0], e))
		return -1;
	for (size_t i = 0; i < o->files.n; i++)
		if (take_file(c, o->files.v[i], e))
			return -1;
	for (size_t i = 1; i < args->n; i++) // after the verb
		if (take_source(c, args->v[i], e))
			return -1;
	return c->n > o->append ? 0 : err_set(e, ERR_USAGE, "no sources are given");
}

// Digests and descriptors are in the only repository that is named.
static int place_sources(struct creating *c, struct err *e)
{
	auto_strv struct strv repositories = {0};
	for (size_t i = 0; i < c->n_tags + c->n; i++) {
		const struct reference *ref =
		        i < c->n_tags ? &c->tags[i] : &c->sources[i - c->n_tags].ref;
		auto_free char *name = ref->domain ? reference_name(ref) : NULL;
		if (name && !strv_has(&repositories, name))
			strv_add(&repositories, name);
	}
	for (size_t i = 0; i < c->n; i++) {
		struct combine_source *s = &c->sources[i];
		char digest[DIGEST_TEXT];
		if (s->has_ref)
			continue;
		digest_text(&s->said.digest, digest);
		if (repositories.n != 1)
			return err_set(e, ERR_USAGE,
			        "%s: %zu repositories are named: write NAME@%s", digest,
			        repositories.n, digest);
		auto_free char *full = xasprintf("%s@%s", repositories.v[0], digest);
		if (reference_parse(full, &s->ref, e))
			return -1;
		s->has_ref = true;
	}
	return 0;
}

static int take_rest(struct creating *c, struct err *e)
{
	for (size_t i = 0; i < c->o->platforms.n; i++)
		strv_split(&c->platforms, c->o->platforms.v[i], ',');
	for (size_t i = 0; i < c->platforms.n; i++) {
		struct platform p;
		if (platform_parse(c->platforms.v[i], &p, e))
			return -1;
	}
	for (size_t i = 0; i < c->o->annotations.n; i++)
		if (build_take_annotation(c->o->annotations.v[i], &c->annotations, e))
			return -1;
	return 0;
}

static int push(struct creating *c, const struct descriptor *d, struct err *e)
{
	for (size_t i = 0; i < c->n_tags; i++) {
		struct registry *r = c->q.registry(c->q.registry_arg, e);
		struct push_counts counts;
		auto_free char *name = reference_familiar(&c->tags[i]);
		auto_free char *title = xasprintf("push %s", name);
		int step = (int)i + 1;
		int64_t began = event_step_begin(c->q.sink, step, title);
		int rc = r ? registry_relay(r, &c->tags[i], &d->digest, step, &counts, e) : -1;
		event_step_end(c->q.sink, step, began, rc ? e : NULL);
		if (rc)
			return -1;
	}
	return 0;
}

static int write_metadata(const struct creating *c, const struct descriptor *d, struct err *e)
{
	auto_buf struct buf out = {0}, names = {0};
	struct jw w;
	char digest[DIGEST_TEXT];
	digest_text(&d->digest, digest);
	for (size_t i = 0; i < c->n_tags; i++) {
		auto_free char *name = reference_text(&c->tags[i]);
		buf_printf(&names, "%s%s", i ? "," : "", name);
	}
	jw_begin(&w, &out, 2);
	jw_object(&w);
	jw_key(&w, "containerimage.descriptor");
	jw_object(&w);
	jw_kv(&w, "mediaType", d->media_type);
	jw_kv(&w, "digest", digest);
	jw_kv_int(&w, "size", (int64_t)d->size);
	jw_object_end(&w);
	jw_kv(&w, "containerimage.digest", digest);
	jw_kv(&w, "image.name", buf_cstr(&names));
	jw_object_end(&w);
	buf_putc(&out, '\n');
	return fs_replace_file(AT_FDCWD, c->o->metadata_file, out.p, out.n, 0644, e);
}

static int create(struct creating *c, struct session *s, enum ui_progress kind, struct err *e)
{
	auto_buf struct buf text = {0};
	struct descriptor d = {0};
	s->ui = ui_new(c->o->quiet || c->o->dry_run ? UI_QUIET : kind, "Creating");
	c->q = (struct output_request){.store = s->store,
	        .sink = session_sink(s),
	        .registry = session_registry,
	        .registry_arg = s};
	const struct combine how = {.q = &c->q,
	        .sources = c->sources,
	        .n = c->n,
	        .annotations = &c->annotations,
	        .platforms = &c->platforms,
	        .carbon_copy = c->o->carbon_copy};
	int rc = combine(&how, &text, &d, e);
	if (!rc && !c->o->dry_run)
		rc = push(c, &d, e);
	if (!rc && c->o->metadata_file && !c->o->dry_run)
		rc = write_metadata(c, &d, e);
	ui_finish(s->ui, rc != 0);
	char digest[DIGEST_TEXT];
	digest_text(&d.digest, digest);
	if (!rc)
		puts(c->o->dry_run ? buf_cstr(&text) : digest);
	descriptor_release(&d);
	return rc;
}

static int run_create(struct session *s, const struct index_options *o, const struct strv *args,
        enum ui_progress kind, struct err *e)
{
	struct creating c = {.o = o};
	int rc = 0;
	if (!o->dry_run && o->tags.n == 0)
		return err_set(e, ERR_USAGE, "a name is needed (-t NAME), or --dry-run");
	rc = take_tags(&c, e) || take_sources(&c, args, e) || place_sources(&c, e) ||
	                     take_rest(&c, e) || session_open(s, true, e) || create(&c, s, kind, e)
	             ? -1
	             : 0;
	creating_release(&c);
	return rc;
}

// ---- inspect

static int run_inspect(
        struct session *s, const struct index_options *o, const struct strv *args, struct err *e)
{
	auto_place struct place place = {0};
	struct copy_image im = {0};
	if (need_args(args, 2, 2, "index inspect [OPTIONS] NAME", e) ||
	        place_parse(args->v[1], &place, e))
		return -1;
	if (o->format && !template_is(o->format))
		return err_set(e, ERR_USAGE,
		        "format '%s': a template such as '{{json .Manifest}}' is expected",
		        o->format);
	if (session_open(s, true, e))
		return -1;
	struct output_request q = {
	        .store = s->store, .registry = session_registry, .registry_arg = s};
	if (copy_open(&q, &place, NULL, &im, e))
		return -1;
	const struct index_view v = {
	        .q = &q, .place = &place, .root = &im.root, .format = o->format, .raw = o->raw};
	int rc = index_inspect(&v, e);
	copy_image_release(&im);
	return rc;
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct index_options *o = opts;
	auto_session struct session s = {.insecure = o->insecure};
	const char *verb = args->n ? args->v[0] : "";
	enum ui_progress kind;
	if (ui_progress_parse(o->progress, &kind, e))
		return -1;
	if (!strcmp(verb, "create"))
		return run_create(&s, o, args, kind, e);
	if (!strcmp(verb, "inspect"))
		return run_inspect(&s, o, args, e);
	return err_set(e, ERR_USAGE, "index: create or inspect is expected");
}

const struct command cmd_index = {
        .name = "index",
        .alias = "imagetools",
        .args = "create [OPTIONS] -t NAME SOURCE... | inspect [OPTIONS] NAME",
        .verbs = "create inspect",
        .summary = "Make one name of images for several platforms; show what a name has",
        .details = "A source is a name, a digest in the repository of the new name, or a "
                   "descriptor as JSON. What it\n"
                   "needs is mounted or copied to where the new name is.\n",
        .options = options,
        .size = sizeof(struct index_options),
        .run = run,
        .release = release,
};
