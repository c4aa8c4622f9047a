// SPDX-License-Identifier: Apache-2.0
#include "cmd/build_attest.h"

#include "base/err.h"
#include "cmd/build_flags.h"
#include "dockerfile/dockerfile.h"
#include "exec/build.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void build_attest_release(struct build_attest *a)
{
	attest_spec_release(&a->spec);
	attestation_list_release(&a->list);
}

static int parse(struct build_attest *a, const struct build_flags *f, struct err *e)
{
	for (size_t i = 0; i < f->attests.n; i++)
		if (attest_spec_add(&a->spec, f->attests.v[i], e))
			return -1;
	if (f->provenance && *f->provenance &&
	        attest_spec_add_short(&a->spec, "provenance", f->provenance, e))
		return err_wrap(e, "--provenance");
	if (f->sbom && *f->sbom && attest_spec_add_short(&a->spec, "sbom", f->sbom, e))
		return err_wrap(e, "--sbom");
	return 0;
}

// As buildx reads BUILDX_METADATA_PROVENANCE: min if nothing is said.
static int metadata_mode(bool *ret_on, bool *ret_min, struct err *e)
{
	const char *mode = getenv("BUILDX_METADATA_PROVENANCE");
	*ret_on = true;
	*ret_min = !mode || strcmp(mode, "max") != 0;
	if (!mode || !*mode || !strcmp(mode, "min") || !strcmp(mode, "max"))
		return 0;
	if (!strcmp(mode, "disabled")) {
		*ret_on = false;
		return 0;
	}
	return value_bool(mode, ret_on)
	               ? 0
	               : err_set(e, ERR_USAGE,
	                         "invalid BUILDX_METADATA_PROVENANCE=%s: min, max or disabled",
	                         mode);
}

int build_attest_take(struct build_attest *a, const struct build_flags *f, bool metadata,
        struct build_request *r, struct err *e)
{
	bool in_metadata = false, min = false;
	a->of_image = a->of_metadata = -1;
	if (parse(a, f, e) || (metadata && metadata_mode(&in_metadata, &min, e)))
		return -1;
	if (a->spec.sbom)
		fprintf(stderr, "hew: --sbom: no SBOM is made yet: there is no generator%s\n",
		        a->spec.generator ? " of hew's own, and no image is run as one" : "");
	const struct provenance_options o = {.min = a->spec.min,
	        .v02 = a->spec.v02,
	        .reproducible = a->spec.reproducible,
	        .builder_id = a->spec.builder_id};
	r->provenance = a->options;
	if (a->spec.provenance) {
		a->of_image = (int)r->n_provenance++;
		a->options[a->of_image] = o;
	}
	if (in_metadata) {
		a->of_metadata = (int)r->n_provenance++;
		a->options[a->of_metadata] = o;
		a->options[a->of_metadata].min = min;
	}
	return 0;
}

const struct attestation_list *build_attest_list(
        struct build_attest *a, const struct build_result *b)
{
	attestation_list_release(&a->list);
	if (a->of_image >= 0) {
		const struct buf *made = &b->provenance[a->of_image];
		struct attestation *said = attestation_list_add(&a->list);
		said->predicate_type =
		        a->spec.v02 ? PREDICATE_PROVENANCE_V02 : PREDICATE_PROVENANCE_V1;
		said->file = a->spec.file ? a->spec.file : "provenance.json";
		said->inline_only = a->spec.inline_only;
		buf_add(&said->predicate, made->p, made->n);
	}
	return &a->list;
}

const struct buf *build_attest_metadata(const struct build_attest *a, const struct build_result *b)
{
	return a->of_metadata >= 0 ? &b->provenance[a->of_metadata] : NULL;
}
