// SPDX-License-Identifier: Apache-2.0
#include "cmd/build_attest.h"

#include "base/err.h"
#include "base/mem.h"
#include "cmd/build_flags.h"
#include "dockerfile/dockerfile.h"
#include "exec/build.h"
#include "subject/scanned.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void release_sboms(struct build_attest *a)
{
	for (size_t i = 0; i < a->n_sboms; i++)
		buf_release(&a->sboms[i]);
	free(a->sboms);
	a->sboms = NULL;
	a->n_sboms = 0;
}

void build_attest_release(struct build_attest *a)
{
	release_sboms(a);
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
	if (a->spec.sbom && a->spec.generator)
		fprintf(stderr, "hew: --sbom: generator=%s is not run: hew looks itself\n",
		        a->spec.generator);
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

static int look_into(struct session *s, const struct build_result *b, const struct build_image *im,
        struct buf *out, struct err *e)
{
	auto_scanned struct scanned t = {0};
	struct report r = {.version = HEW_VERSION};
	char id[DIGEST_TEXT];
	digest_text(&im->image_id, id);
	if (scanned_of_image(s, id, &im->manifest, &t, e))
		return -1;
	scanned_report_alone(&t, &r);
	if (b->has_epoch)
		r.created = (struct timestamp){b->epoch, 0};
	report_spdx(&r, out);
	return 0;
}

int build_attest_look(
        struct build_attest *a, struct session *s, const struct build_result *b, struct err *e)
{
	release_sboms(a);
	if (!a->spec.sbom)
		return 0;
	a->sboms = xcalloc(b->n_images + 1, sizeof(*a->sboms));
	for (; a->n_sboms < b->n_images; a->n_sboms++)
		if (look_into(s, b, &b->images[a->n_sboms], &a->sboms[a->n_sboms], e))
			return err_wrap(e, "--sbom");
	return 0;
}

static void add_sboms(struct build_attest *a, const struct build_result *b)
{
	for (size_t i = 0; i < a->n_sboms && i < b->n_images; i++) {
		struct attestation *said = attestation_list_add(&a->list);
		said->predicate_type = PREDICATE_SPDX;
		said->file = "sbom.spdx.json";
		if (b->n_images > 1)
			platform_text(&b->images[i].platform, said->platform);
		buf_add(&said->predicate, a->sboms[i].p, a->sboms[i].n);
	}
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
	add_sboms(a, b);
	return &a->list;
}

const struct buf *build_attest_metadata(const struct build_attest *a, const struct build_result *b)
{
	return a->of_metadata >= 0 ? &b->provenance[a->of_metadata] : NULL;
}
