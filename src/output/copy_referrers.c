// SPDX-License-Identifier: Apache-2.0
// What was said of an image in the registry it came from (signatures, attestations) goes to where
// the image went: each document as it is, under its digest, so that it is about the same image.
#include "output/copy.h"

#include "output/output-int.h"
#include <string.h>

#define DEPTH_MAX 4
#define REFERRERS_MAX 10000

struct referring {
	const struct output_request *q;
	struct registry *r;
	const struct reference *from, *to;
	struct digest *seen; // a circle of subjects is possible where digests are not checked
	size_t n;
	struct copy_done *done;
};

static bool is_seen(struct referring *c, const struct digest *d)
{
	for (size_t i = 0; i < c->n; i++)
		if (digest_eq(&c->seen[i], d))
			return true;
	c->seen = xreallocarray(c->seen, c->n + 1, sizeof(*c->seen));
	c->seen[c->n++] = *d;
	return false;
}

// A document by its digest, in the repository of a reference.
static struct reference by_digest(const struct reference *where, const struct digest *d)
{
	return (struct reference){.domain = where->domain,
	        .repository = where->repository,
	        .has_digest = true,
	        .digest = *d};
}

static int copy_document(struct referring *c, const struct digest *d, struct err *e)
{
	auto_buf struct buf text = {0};
	struct push_counts counts = {0};
	struct reference from = by_digest(c->from, d), to = by_digest(c->to, d);
	auto_free char *repository = reference_name(&from);
	if (registry_fetch_manifest(c->r, &from, &text, e) ||
	        store_blob_add_source(c->q->store, d, repository, e) ||
	        registry_relay(c->r, &to, d, c->q->step, &counts, e))
		return -1;
	c->done->counts.there += counts.there;
	c->done->counts.mounted += counts.mounted;
	c->done->counts.sent += counts.sent;
	c->done->counts.bytes += counts.bytes;
	c->done->referrers++;
	return 0;
}

static int of_subject(struct referring *c, const struct digest *subject, int depth, struct err *e)
{
	struct descriptor_list list = {0};
	if (depth > DEPTH_MAX)
		return err_set(e, ERR_CORRUPT, "what refers to the image is nested too deep");
	if (is_seen(c, subject))
		return 0;
	if (c->n > REFERRERS_MAX)
		return err_set(
		        e, ERR_CORRUPT, "more than %d documents refer to the image", REFERRERS_MAX);
	int rc = registry_referrers(c->r, c->from, subject, NULL, &list, e);
	for (size_t i = 0; i < list.n && !rc; i++) {
		rc = copy_document(c, &list.v[i].digest, e);
		if (!rc)
			rc = of_subject(c, &list.v[i].digest, depth + 1, e);
	}
	descriptor_list_release(&list);
	return rc;
}

// Of an index each image may have its own.
static int of_image(struct referring *c, const struct descriptor *root, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_index struct image_index ix = {0};
	const char *type = NULL;
	if (of_subject(c, &root->digest, 0, e))
		return -1;
	if (!media_type_is_index(root->media_type))
		return 0;
	if (document_read(c->q, &root->digest, &text, &type, e) ||
	        image_index_parse(text.p, text.n, type, &ix, e))
		return -1;
	for (size_t i = 0; i < ix.manifests.n; i++)
		if (of_subject(c, &ix.manifests.v[i].digest, 0, e))
			return -1;
	return 0;
}

int copy_referrers(const struct output_request *q, const struct place *from,
        const struct copy_image *im, const struct place *to, struct copy_done *done, struct err *e)
{
	struct referring c = {.q = q,
	        .r = q->registry(q->registry_arg, e),
	        .from = &from->ref,
	        .to = &to->ref,
	        .done = done};
	int rc = c.r ? of_image(&c, &im->root, e) : -1;
	free(c.seen);
	return rc;
}
