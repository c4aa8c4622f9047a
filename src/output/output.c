// SPDX-License-Identifier: Apache-2.0
// One output of a build: by its type to the file that makes it.
#include "output/output-int.h"

void output_result_release(struct output_result *r)
{
	descriptor_release(&r->pushed);
}

// The image is in the store already; what is left are the names that the spec gives it, and they
// shall be as durable as those the build gave.
static int name_image(const struct output_request *q, const struct output_spec *o, struct err *e)
{
	for (size_t i = 0; i < o->names.n; i++)
		if (store_name_set(q->store, o->names.v[i], &q->manifest, e))
			return -1;
	return o->names.n ? store_sync(q->store, e) : 0;
}

int output_run(const struct output_request *q, const struct output_spec *o,
        struct output_result *ret, struct err *e)
{
	struct output_result r = {0};
	int rc = 0;
	switch (o->type) {
	case OUTPUT_IMAGE:
	case OUTPUT_REGISTRY:
		rc = name_image(q, o, e);
		if (!rc && o->push)
			rc = output_push(q, o, &r, e);
		break;
	case OUTPUT_OCI:
	case OUTPUT_DOCKER:
		rc = output_archive(q, o, &r, e);
		break;
	case OUTPUT_LOCAL:
		rc = output_local(q, o, e);
		break;
	case OUTPUT_TAR:
		rc = output_tar(q, o, e);
		break;
	case OUTPUT_CACHE_ONLY:
		break;
	}
	if (rc == 0)
		*ret = r;
	else
		output_result_release(&r);
	return rc;
}
