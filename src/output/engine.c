// SPDX-License-Identifier: Apache-2.0
// type=docker without dest, and --load: the image into a docker or podman that runs here, as an
// archive that is sent while it is written. Without one it stays where it is, which is said; for a
// build that asks for it succeeds on a machine that has none.
#include "engine/engine.h"

#include "base/event.h"
#include "image/reference.h"
#include "output/layout.h"

static int nobody(const struct output_request *q, const struct output_spec *o,
        const struct strv *names, struct err *e)
{
	if (e->kind != ERR_NOT_FOUND || o->context)
		return -1;
	auto_reference struct reference ref = {0};
	struct err ignored = ERR_INIT;
	auto_free char *shown = names->n && reference_parse(names->v[0], &ref, &ignored) == 0
	                                ? reference_familiar(&ref)
	                                : xstrdup("IMAGE");
	event_note(q->sink, "%s", e->msg);
	event_note(q->sink,
	        "the image is in hew's store only; to hand it over: hew save %s | docker load",
	        shown);
	*e = ERR_INIT;
	return 0;
}

static int write_archive(void *arg, int fd, struct err *e)
{
	return layout_stream(arg, fd, e);
}

static int load(struct engine *g, struct layout *l, const struct descriptor *d,
        const struct strv *names, struct err *e)
{
	auto_output_image struct output_image im = {0};
	if (output_image_load(l->q, &d->digest, &im, e) ||
	        engine_has_layers(g, im.config.diff_ids, im.config.n_diff_ids, &l->held, e) ||
	        layout_add(l, d, names, e) || engine_load(g, write_archive, l, e))
		return -1;
	event_note(l->q->sink, "loaded into %s: %zu of %zu layers were there", engine_name(g),
	        l->held, im.config.n_diff_ids);
	return 0;
}

int output_engine(const struct output_request *q, const struct output_spec *o,
        struct output_result *ret, struct err *e)
{
	auto_strv struct strv names = {0};
	auto_layout struct layout l = {.q = q, .docker = true};
	struct output_spec as = *o; // borrowed
	struct descriptor d = {0};
	output_names(q, o, &names);
	auto_engine struct engine *g = engine_open(o->context, e);
	if (!g)
		return nobody(q, o, &names, e);
	// Nobody gains by layers that are compressed here and expanded there.
	as.uncompressed |= !o->has_recipe;
	struct output_request single;
	if (single_manifest(q, &single, e) || output_manifest(&single, &as, &d, e))
		return -1;
	if (load(g, &l, &d, &names, e)) {
		descriptor_release(&d);
		return -1;
	}
	descriptor_release(&ret->pushed);
	ret->pushed = d;
	return 0;
}
