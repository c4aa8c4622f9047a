// SPDX-License-Identifier: Apache-2.0
// Attestations beside what is written: one manifest for each image, with a statement a layer
// (BuildKit's docs/attestations/attestation-storage.md, in the form of an OCI 1.1 artifact). The
// same manifest is a referrer of the image and a member of an index with it.
#include "attest/attest.h"
#include "image/reference.h"
#include "layer/view.h"
#include "output/output-int.h"
#include <string.h>

#define ARTIFACT_TYPE "application/vnd.docker.attestation.manifest.v1+json"

static int take_subjects(const struct strv *names, const struct platform *p, const struct digest *d,
        struct subject_list *ret, struct err *e)
{
	for (size_t i = 0; i < names->n; i++) {
		auto_reference struct reference ref = {0};
		if (reference_parse(names->v[i], &ref, e))
			return -1;
		subject_list_add(ret, image_purl("docker", &ref, p), &d->h);
	}
	if (!names->n)
		subject_list_add(ret, xstrdup("_"), &d->h);
	return 0;
}

// A list of what is inside is of one image, how it was made of all that the build made.
static bool is_about(const struct attestation *a, const char *platform)
{
	return !*a->platform || !strcmp(a->platform, platform);
}

static int put_statement(const struct output_request *q, const struct attestation *a,
        const struct subject_list *subjects, struct manifest *m, struct err *e)
{
	auto_buf struct buf text = {0};
	struct descriptor *d = descriptor_list_add(&m->layers);
	attestation_statement(a, subjects, &text);
	d->media_type = xstrdup(MT_IN_TOTO);
	d->size = text.n;
	strv_addf(&d->annotations, "in-toto.io/predicate-type=%s", a->predicate_type);
	return store_blob_put(q->store, text.p, text.n, &d->digest, e);
}

static int put_manifest(const struct output_request *q, const struct descriptor *image,
        const struct subject_list *subjects, struct descriptor *ret, struct err *e)
{
	auto_manifest struct manifest m = {0};
	auto_buf struct buf text = {0};
	char platform[80];
	m.media_type = xstrdup(MT_OCI_MANIFEST);
	m.artifact_type = xstrdup(ARTIFACT_TYPE);
	m.config.media_type = xstrdup(MT_EMPTY);
	m.config.size = strlen("{}");
	m.subject.media_type = xstrdup(image->media_type);
	m.subject.digest = image->digest;
	m.subject.size = image->size;
	if (store_blob_put(q->store, "{}", m.config.size, &m.config.digest, e))
		return -1;
	platform_text(&image->platform, platform);
	for (size_t i = 0; i < q->attestations->n; i++)
		if (is_about(&q->attestations->v[i], platform) &&
		        put_statement(q, &q->attestations->v[i], subjects, &m, e))
			return -1;
	manifest_write(&m, &text);
	ret->media_type = xstrdup(m.media_type);
	ret->size = text.n;
	return store_blob_put(q->store, text.p, text.n, &ret->digest, e);
}

// What is said of one image, as a member of an index would be.
static int add_manifest(const struct output_request *q, const struct strv *names,
        const struct descriptor *image, struct descriptor_list *to, struct err *e)
{
	auto_subjects struct subject_list subjects = {0};
	struct descriptor *d = descriptor_list_add(to);
	char digest[DIGEST_TEXT];
	digest_text(&image->digest, digest);
	d->has_platform = true;
	d->platform = (struct platform){"unknown", "unknown", "", ""};
	strv_addf(&d->annotations, "vnd.docker.reference.digest=%s", digest);
	strv_addf(&d->annotations, "vnd.docker.reference.type=attestation-manifest");
	return take_subjects(names, &image->platform, &image->digest, &subjects, e) ||
	                       put_manifest(q, image, &subjects, d, e)
	               ? -1
	               : 0;
}

// The images that the root is or names; an index is read, so that it can be added to.
static int read_images(const struct output_request *q, const struct descriptor *root,
        struct image_index *ret, struct err *e)
{
	auto_output_image struct output_image im = {0};
	auto_buf struct buf text = {0};
	if (media_type_is_index(root->media_type))
		return store_blob_read(q->store, &root->digest, MANIFEST_MAX, &text, e) ||
		                       image_index_parse(text.p, text.n, root->media_type, ret, e)
		               ? -1
		               : 0;
	if (output_image_load(q, &root->digest, &im, e))
		return -1;
	ret->media_type = xstrdup(MT_OCI_INDEX);
	struct descriptor *d = descriptor_list_add(&ret->manifests);
	descriptor_copy(d, root);
	d->has_platform = true;
	d->platform = im.config.platform;
	return 0;
}

// What is said becomes part of an index with the images.
static int make_index(
        const struct output_request *q, struct image_index *ix, struct attested *a, struct err *e)
{
	auto_buf struct buf text = {0};
	for (size_t i = 0; i < a->said.n; i++)
		descriptor_copy(descriptor_list_add(&ix->manifests), &a->said.v[i]);
	descriptor_list_release(&a->said);
	image_index_write(ix, &text);
	free(a->root.media_type);
	a->root.media_type = xstrdup(ix->media_type);
	a->root.size = text.n;
	return store_blob_put(q->store, text.p, text.n, &a->root.digest, e);
}

static int attest(
        const struct output_request *q, const struct strv *names, struct attested *a, struct err *e)
{
	auto_index struct image_index ix = {0};
	if (read_images(q, &a->root, &ix, e))
		return -1;
	for (size_t i = 0; i < ix.manifests.n; i++) {
		const struct descriptor *d = &ix.manifests.v[i];
		if (output_is_here(q, d) && add_manifest(q, names, d, &a->said, e))
			return -1;
	}
	return q->attestations_as_index ? make_index(q, &ix, a, e) : 0;
}

void attested_release(struct attested *a)
{
	descriptor_release(&a->root);
	descriptor_list_release(&a->said);
}

int output_attested(const struct output_request *q, const struct output_spec *o,
        const struct strv *names, struct attested *ret, struct err *e)
{
	auto_attested struct attested a = {0};
	if (output_manifest(q, o, &a.root, e))
		return -1;
	if (q->attestations && q->attestations->n && attest(q, names, &a, e))
		return err_wrap(e, "attestations");
	*ret = a;
	a = (struct attested){0};
	return 0;
}

// ---- beside plain files

struct about {
	struct view *view;
	struct subject_list subjects;
};

static int add_file(void *arg, const struct entry *en, struct err *e)
{
	struct about *about = arg;
	struct entry known = *en;
	if (en->type != ENTRY_FILE)
		return 0;
	if (!en->has_content && about->view->ops->digest(about->view, &known, e))
		return -1;
	subject_list_add(&about->subjects, xstrdup(en->path), &known.content);
	return 0;
}

// "provenance.json", "linux-provenance.json", "provenance.linux_arm64.json". Caller frees.
static char *file_name(
        const struct output_spec *o, const struct statement_place *at, const char *file)
{
	auto_buf struct buf out = {0};
	const char *dot = strrchr(file, '.');
	size_t stem = dot ? (size_t)(dot - file) : strlen(file);
	buf_puts(&out, o->attestation_prefix ? o->attestation_prefix : "");
	buf_add(&out, file, stem);
	if (at->platform) {
		buf_putc(&out, '.');
		for (const char *c = at->platform; *c; c++)
			buf_putc(&out, *c == '/' ? '_' : *c);
	}
	buf_puts(&out, file + stem);
	return buf_steal(&out);
}

static int put_file(const struct output_spec *o, const struct statement_place *at,
        struct about *about, const struct attestation *a, const struct statement_sink *sink,
        struct err *e)
{
	auto_buf struct buf text = {0};
	struct entry en;
	auto_free char *name = file_name(o, at, a->file);
	auto_free char *path = xasprintf("%s%s%s", at->folder, *at->folder ? "/" : "", name);
	int found = at->view->ops->lookup(at->view, name, &en, e);
	if (found)
		return found < 0 ? -1
		                 : err_set(e, ERR_USAGE,
		                           "the image has a file '%s' itself: name the attestation "
		                           "otherwise with attestation-prefix=",
		                           name);
	if (!about->subjects.n && at->view->ops->walk(at->view, "", add_file, about, e))
		return -1;
	attestation_statement(a, &about->subjects, &text);
	buf_putc(&text, '\n');
	return sink->put(sink->arg, path, &text, e);
}

int output_statements(const struct output_request *q, const struct output_spec *o,
        const struct statement_place *at, const struct statement_sink *sink, struct err *e)
{
	struct about about = {.view = at->view};
	int rc = 0;
	for (size_t i = 0; q->attestations && i < q->attestations->n && !rc; i++)
		if (!q->attestations->v[i].inline_only && is_about(&q->attestations->v[i], at->of))
			rc = put_file(o, at, &about, &q->attestations->v[i], sink, e);
	subject_list_release(&about.subjects);
	return rc;
}
