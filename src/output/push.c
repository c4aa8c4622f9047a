// SPDX-License-Identifier: Apache-2.0
// type=registry, and type=image with push=true: the compressed manifest under every name.
#include "image/reference.h"
#include "output/output-int.h"
#include "registry/registry.h"

void output_names(const struct output_request *q, const struct output_spec *o, struct strv *ret)
{
	for (size_t i = 0; q->names && i < q->names->n; i++)
		if (!strv_has(ret, q->names->v[i]))
			strv_add(ret, q->names->v[i]);
	for (size_t i = 0; i < o->names.n; i++)
		if (!strv_has(ret, o->names.v[i]))
			strv_add(ret, o->names.v[i]);
}

static int push_name(
        struct registry *r, const char *name, bool by_digest, const struct digest *d, struct err *e)
{
	auto_reference struct reference ref = {0};
	if (reference_parse(name, &ref, e))
		return -1;
	if (by_digest)
		free(steal_ptr(&ref.tag));
	return registry_push(r, &ref, d, -1, e);
}

int output_push(const struct output_request *q, const struct output_spec *o,
        struct output_result *ret, struct err *e)
{
	auto_strv struct strv names = {0};
	struct descriptor d = {0};
	output_names(q, o, &names);
	if (!names.n)
		return err_set(e, ERR_USAGE, "push: the image has no name: give one with -t NAME");
	struct registry *r = q->registry ? q->registry(q->registry_arg, e) : NULL;
	if (!q->registry)
		return err_set(e, ERR_FAIL, "push: there is no registry client");
	if (!r || output_manifest(q, o, &d, e))
		return -1;
	int rc = 0;
	for (size_t i = 0; !rc && i < names.n; i++)
		rc = push_name(r, names.v[i], o->push_by_digest, &d.digest, e);
	if (rc)
		descriptor_release(&d);
	else
		ret->pushed = d;
	return rc;
}
