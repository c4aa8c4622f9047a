// SPDX-License-Identifier: Apache-2.0
// What FROM names, for the graph: stored images, OCI layouts, named contexts.
#include "base/fs.h"
#include "exec/exec-int.h"
#include "image/reference.h"
#include "rootfs/stored_image.h"

#define LAYOUT "oci-layout://"

struct resolver {
	struct graph_resolver face;
	struct exec *x;
};

// "oci-layout://folder[:tag][@digest]": what is in it is entered into the store.
static int from_layout(struct exec *x, const char *text, const struct platform *p,
        struct graph_image *ret, struct err *e)
{
	auto_free char *folder = xstrdup(text + strlen(LAYOUT));
	struct image_layout layout = {.folder = folder, .platform = *p};
	char *at = strchr(folder, '@');
	if (at) {
		*at = '\0';
		layout.has_digest = true;
		if (digest_parse(at + 1, &layout.digest, e))
			return err_wrap(e, "%s", text);
	}
	char *colon = strrchr(folder, ':');
	if (colon && !strchr(colon, '/')) {
		*colon = '\0';
		layout.tag = colon + 1;
	}
	if (x->req->load_layout(x->store, &layout, &ret->manifest, e) ||
	        stored_image_load(&x->engine, &ret->manifest, &ret->config, e))
		return err_wrap(e, "%s", text);
	ret->name = xstrdup(text);
	return 0;
}

static int unknown_image(const struct platform *p, struct graph_image *ret)
{
	ret->unknown = true;
	ret->config.platform = *p;
	return 0;
}

static int resolve(struct graph_resolver *self, const char *text, const struct platform *p,
        struct graph_image *ret, struct err *e)
{
	struct exec *x = ((struct resolver *)self)->x;
	auto_reference struct reference ref = {0};
	if (str_has_prefix(text, LAYOUT))
		return x->store && x->req->load_layout ? from_layout(x, text, p, ret, e)
		                                       : unknown_image(p, ret);
	if (reference_parse(text, &ref, e)) {
		e->kind = ERR_DOCKERFILE;
		return -1;
	}
	ret->name = reference_text(&ref);
	if (!x->store)
		return unknown_image(p, ret);
	if (!ref.has_digest && pin_image(x, &ref, e) < 0)
		return -1;
	int lookup = (x->req->pull ? IMAGE_LOOKUP_PULL : 0) |
	             (x->req->offline ? IMAGE_LOOKUP_OFFLINE : 0);
	int found = stored_image_find(&x->engine, &ref, p, lookup, &ret->manifest, &ret->config, e);
	if (found < 0)
		return err_wrap(e, "%s", text);
	return found ? 0 : unknown_image(p, ret);
}

static int named_context(struct graph_resolver *self, const char *name, const struct platform *p,
        struct graph_context *ret, struct err *e)
{
	static const char image[] = "docker-image://";
	struct exec *x = ((struct resolver *)self)->x;
	struct named_context *c = context_match(x, name, p);
	if (!c)
		return 0;
	if (context_need(x, c, e))
		return -1;
	*ret = (struct graph_context){.name = c->name, .is_folder = c->is_folder};
	if (!c->view)
		ret->image = str_has_prefix(c->value, image) ? c->value + strlen(image) : c->value;
	return 1;
}

// As BuildKit: an ignore file with exceptions is never certain, nor is an absolute source.
static bool ignores(struct graph_resolver *self, const char *source)
{
	const struct named_context *c = context_find(((struct resolver *)self)->x, NULL);
	if (!c || !c->ignore || ignore_has_exceptions(c->ignore))
		return false;
	auto_free char *clean = fs_clean_rel(source);
	if (!*clean)
		return ignore_hides_root(c->ignore);
	return *source != '/' && ignore_excludes(c->ignore, clean, NULL);
}

static int source_time(struct graph_resolver *self, const char *context, const char *url,
        int64_t *ret, struct err *e)
{
	struct exec *x = ((struct resolver *)self)->x;
	const struct named_context *c = url ? NULL : context_find(x, context);
	if (c && !c->is_folder)
		url = c->value;
	if (!url || !*url || !x->store || x->req->offline)
		return 0;
	return remote_time(x, url, c != NULL, ret, e);
}

struct graph_resolver *resolver_new(struct exec *x)
{
	struct resolver *r = xcalloc(1, sizeof(*r));
	r->face.resolve = resolve;
	r->face.named_context = named_context;
	r->face.ignores = ignores;
	r->face.source_time = source_time;
	r->x = x;
	return &r->face;
}

void resolver_free(struct graph_resolver *r)
{
	free(r);
}
