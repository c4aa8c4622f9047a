// SPDX-License-Identifier: Apache-2.0
// type=oci, type=docker and `hew save`: images as archives that others load. All three are OCI
// layouts; docker's have a manifest.json too, so that old and new readers find what they know.
#include "output/layout.h"

// docker's manifest.json has no place for an index: the platform that this machine runs is taken.
int single_manifest(const struct output_request *q, struct output_request *ret, struct err *e)
{
	auto_output_image struct output_image im = {0};
	if (output_image_load(q, &q->manifest, &im, e))
		return -1;
	*ret = *q;
	ret->manifest = im.descriptor.digest;
	ret->attestations = NULL; // nor for these
	return 0;
}

int output_archive(const struct output_request *q, const struct output_spec *o,
        struct output_result *ret, struct err *e)
{
	auto_strv struct strv names = {0};
	auto_layout struct layout l = {.q = q, .docker = o->type == OUTPUT_DOCKER};
	struct output_request single = *q;
	const struct strv none = {0};
	auto_attested struct attested what = {0};
	output_names(q, o, &names);
	if (l.docker && single_manifest(q, &single, e))
		return -1;
	if (output_attested(&single, o, &names, &what, e) || layout_add(&l, &what.root, &names, e))
		return -1;
	for (size_t i = 0; i < what.said.n; i++)
		if (layout_add(&l, &what.said.v[i], &none, e))
			return -1;
	if (layout_output(&l, o->dest, o->tar, e))
		return -1;
	descriptor_copy(&ret->pushed, &what.root);
	return 0;
}

static int save_add(struct layout *l, const struct digest *manifest, const char *name,
        struct descriptor *ret, struct err *e)
{
	const struct output_spec as_they_are = {.type = OUTPUT_DOCKER, .uncompressed = true};
	struct output_request q = *l->q;
	auto_strv struct strv names = {0};
	struct descriptor d = {0};
	q.manifest = *manifest;
	if (*name)
		strv_add(&names, name);
	if (single_manifest(&q, &q, e) || output_manifest(&q, &as_they_are, &d, e))
		return -1;
	int rc = layout_add(l, &d, &names, e);
	if (!rc && ret)
		descriptor_copy(ret, &d);
	descriptor_release(&d);
	return rc;
}

int output_save_one(const struct output_request *q, const struct digest *manifest, const char *name,
        const char *dest, struct descriptor *ret, struct err *e)
{
	auto_layout struct layout l = {.q = q, .docker = true};
	struct descriptor d = {0};
	int rc = save_add(&l, manifest, name, &d, e) || layout_output(&l, dest, true, e) ? -1 : 0;
	if (rc)
		descriptor_release(&d);
	else
		*ret = d;
	return rc;
}

int output_save(const struct output_request *q, const struct digest *manifests, char *const *names,
        size_t n, const char *dest, struct err *e)
{
	auto_layout struct layout l = {.q = q, .docker = true};
	for (size_t i = 0; i < n; i++)
		if (save_add(&l, &manifests[i], names[i], NULL, e))
			return -1;
	return layout_output(&l, dest, true, e);
}
