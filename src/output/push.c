// SPDX-License-Identifier: Apache-2.0
// type=registry, and type=image with push=true: the compressed manifest under every name.
#include "base/event.h"
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

struct pushing {
	const struct output_request *q;
	const struct output_spec *o;
	struct registry *r;
	const struct attested *what;
};

// registry.insecure=true is about the registries of this output alone.
static int trust(
        const struct output_spec *o, struct registry *r, const struct strv *names, struct err *e)
{
	for (size_t i = 0; o->insecure && i < names->n; i++) {
		auto_reference struct reference ref = {0};
		if (reference_parse(names->v[i], &ref, e))
			return -1;
		registry_trust(r, ref.domain);
	}
	return 0;
}

// Under their digests alone: the registry finds them by what they refer to.
static int push_said(const struct pushing *p, struct reference *ref, int step, struct err *e)
{
	free(steal_ptr(&ref->tag));
	ref->has_digest = false;
	for (size_t i = 0; i < p->what->said.n; i++)
		if (registry_push(p->r, ref, &p->what->said.v[i].digest, step, e))
			return err_wrap(e, "attestations of the image");
	return 0;
}

static int push_name(const struct pushing *p, const char *name, int step, struct err *e)
{
	auto_reference struct reference ref = {0};
	if (reference_parse(name, &ref, e))
		return -1;
	auto_free char *shown = reference_familiar(&ref);
	auto_free char *title = xasprintf("push %s", shown);
	if (p->o->push_by_digest)
		free(steal_ptr(&ref.tag));
	int64_t began = event_step_begin(p->q->sink, step, title);
	int rc = registry_push(p->r, &ref, &p->what->root.digest, step, e);
	if (!rc)
		rc = push_said(p, &ref, step, e);
	event_step_end(p->q->sink, step, began, rc ? e : NULL);
	return rc;
}

int output_push(const struct output_request *q, const struct output_spec *o,
        struct output_result *ret, struct err *e)
{
	auto_strv struct strv names = {0};
	auto_attested struct attested what = {0};
	output_names(q, o, &names);
	if (!names.n)
		return err_set(e, ERR_USAGE, "push: the image has no name: give one with -t NAME");
	struct registry *r = q->registry ? q->registry(q->registry_arg, e) : NULL;
	if (!q->registry)
		return err_set(e, ERR_FAIL, "push: there is no registry client");
	if (!r || trust(o, r, &names, e) || output_attested(q, o, &names, &what, e))
		return -1;
	struct pushing p = {q, o, r, &what};
	int rc = 0;
	for (size_t i = 0; !rc && i < names.n; i++)
		rc = push_name(&p, names.v[i], q->step + (int)i, e);
	if (rc)
		return -1;
	descriptor_release(&ret->pushed);
	descriptor_copy(&ret->pushed, &what.root);
	return 0;
}
