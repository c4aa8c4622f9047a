// SPDX-License-Identifier: Apache-2.0
// One output of a build: by its type to the file that makes it.
#include "image/reference.h"
#include "output/change.h"
#include <stdio.h>

void output_result_release(struct output_result *r)
{
	descriptor_release(&r->pushed);
	strv_release(&r->names);
}

// d: the image, or an index over several; im: it, or one of them.
static int enter(const struct output_request *q, const struct output_image *im,
        const struct descriptor *d, const struct strv *names, struct err *e)
{
	struct image_row row = {.manifest = d->digest,
	        .manifest_size = d->size,
	        .is_index = media_type_is_index(d->media_type),
	        .created = im->config.has_created ? im->config.created.sec : 0};
	if (!row.is_index)
		row.image_id = im->manifest.config.digest;
	snprintf(row.media_type, sizeof(row.media_type), "%s", d->media_type);
	for (size_t i = 0; i < names->n; i++) {
		row.name = names->v[i];
		if (store_image_put(q->store, &row, e))
			return -1;
	}
	return names->n ? 0 : store_image_put(q->store, &row, e);
}

// "name@digest" of every name, and of dangling-name-prefix: of what goes out, for that is what the
// digest is of everywhere else.
static int name_by_digest(const struct output_request *q, const struct output_spec *o,
        const struct output_image *im, const struct strv *names, struct err *e)
{
	auto_strv struct strv with = {0};
	struct descriptor d = {0};
	bool dangling = o->dangling && (!o->dangling_empty_only || !names->n);
	if (!dangling && !(o->canonical && names->n))
		return 0;
	if (output_manifest(q, o, &d, e))
		return -1;
	int rc = 0;
	for (size_t i = o->canonical ? 0 : names->n; !rc && i < names->n + dangling; i++) {
		auto_reference struct reference ref = {0};
		rc = reference_parse(i < names->n ? names->v[i] : o->dangling, &ref, e);
		free(steal_ptr(&ref.tag));
		ref.has_digest = true;
		ref.digest = d.digest;
		if (!rc)
			strv_take(&with, reference_text(&ref));
	}
	if (!rc)
		rc = enter(q, im, &d, &with, e);
	descriptor_release(&d);
	return rc;
}

// The build has named the image, unless this output changed it; and its names shall be as durable
// as those the build gave.
static int name_image(const struct output_request *q, const struct output_spec *o, bool changed,
        struct output_result *ret, struct err *e)
{
	auto_strv struct strv names = {0};
	auto_output_image struct output_image im = {0};
	auto_buf struct buf text = {0};
	const char *type = NULL;
	output_names(q, o, &names);
	if (output_image_load(q, &q->manifest, &im, e) ||
	        document_read(q, &q->manifest, &text, &type, e))
		return -1;
	ret->pushed = (struct descriptor){
	        .media_type = xstrdup(type), .digest = q->manifest, .size = text.n};
	if (!media_type_is_index(type))
		ret->image_id = im.manifest.config.digest;
	if (!changed && !o->names.n && !o->canonical && !o->dangling)
		return 0;
	if (enter(q, &im, &ret->pushed, &names, e) || name_by_digest(q, o, &im, &names, e))
		return -1;
	return store_sync(q->store, e);
}

static int run(const struct output_request *q, const struct output_spec *o, bool changed,
        struct output_result *r, struct err *e)
{
	switch (o->type) {
	case OUTPUT_IMAGE:
	case OUTPUT_REGISTRY:
		if (name_image(q, o, changed, r, e))
			return -1;
		return o->push ? output_push(q, o, r, e) : 0;
	case OUTPUT_DOCKER:
		if (!o->load)
			return output_archive(q, o, r, e);
		return name_image(q, o, changed, r, e) || output_engine(q, o, r, e) ? -1 : 0;
	case OUTPUT_OCI:
		return output_archive(q, o, r, e);
	case OUTPUT_LOCAL:
		return output_local(q, o, e);
	case OUTPUT_TAR:
		return output_tar(q, o, e);
	case OUTPUT_CACHE_ONLY:
		break;
	}
	return 0;
}

int output_run(const struct output_request *q, const struct output_spec *o,
        struct output_result *ret, struct err *e)
{
	struct output_request as = *q;
	struct output_result r = {0};
	if (output_change(q, o, &as.manifest, &r.image_id, e))
		return -1;
	if (o->type <= OUTPUT_DOCKER)
		output_names(q, o, &r.names);
	if (run(&as, o, !digest_eq(&as.manifest, &q->manifest), &r, e)) {
		output_result_release(&r);
		return -1;
	}
	*ret = r;
	return 0;
}
