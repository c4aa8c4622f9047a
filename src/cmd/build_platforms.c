// SPDX-License-Identifier: Apache-2.0
#include "cmd/build_platforms.h"

#include "base/err.h"
#include "base/mem.h"
#include "exec/build.h"
#include "output/output.h"
#include <string.h>

#define PLATFORMS_MAX 64

int build_take_platforms(const struct strv *words, struct build_request *r, struct err *e)
{
	auto_strv struct strv list = {0};
	struct platform p = platform_host();
	const char *usual = getenv("DOCKER_DEFAULT_PLATFORM");
	for (size_t i = 0; i < words->n; i++)
		strv_split(&list, words->v[i], ',');
	if (!list.n && usual && *usual)
		strv_split(&list, usual, ',');
	if (list.n > PLATFORMS_MAX)
		return err_set(e, ERR_USAGE, "more than %d platforms are asked for", PLATFORMS_MAX);
	r->platform_given = list.n > 0;
	if (!list.n)
		build_request_add_platform(r, &p);
	for (size_t i = 0; i < list.n; i++) {
		if (platform_parse(list.v[i], &p, e) || platform_check(&p, e))
			return -1;
		build_request_add_platform(r, &p);
	}
	return 0;
}

// ---- annotations

int build_take_annotation(const char *spec, struct annotation_list *to, struct err *e)
{
	const char *eq = strchr(spec, '=');
	auto_free char *key = xstrndup(spec, eq ? (size_t)(eq - spec) : 0);
	char *colon = strchr(key, ':');
	auto_strv struct strv levels = {0};
	if (colon)
		*colon = '\0';
	strv_split(&levels, colon ? key : "manifest", ',');
	const char *name = colon ? colon + 1 : key;
	if (!*name)
		return err_set(
		        e, ERR_USAGE, "invalid annotation \"%s\": KEY=VALUE is expected", spec);
	for (size_t i = 0; i < levels.n; i++) {
		struct annotation a;
		if (annotation_parse_level(levels.v[i], &a))
			return err_set(e, ERR_USAGE,
			        "unknown annotation type \"%s\": manifest, manifest-descriptor, "
			        "index or index-descriptor, each maybe with [PLATFORM]",
			        levels.v[i]);
		annotation_list_set(to, &a, name, eq + 1);
	}
	return 0;
}

// In BuildKit's words. What is for another platform than the only one is for nobody.
static int check_annotation(
        const struct annotation *a, const struct build_request *r, struct err *e)
{
	char platform[80];
	bool of_index = a->level == ANNOTATE_INDEX || a->level == ANNOTATE_INDEX_DESCRIPTOR;
	if (r->n_platforms == 1)
		return of_index ? err_set(e, ERR_UNSUPPORTED,
		                          "annotation \"%s\": index annotations not supported for "
		                          "single platform export",
		                          a->text)
		                : 0;
	for (size_t i = 0; a->has_platform && i < r->n_platforms; i++)
		if (platform_eq(&a->platform, &r->platforms[i]))
			return 0;
	if (!a->has_platform)
		return 0;
	platform_text(&a->platform, platform);
	return err_set(e, ERR_USAGE, "invalid annotation \"%s\": no platform %s found in source",
	        a->text, platform);
}

static int check_annotations(
        const struct annotation_list *l, const struct build_request *r, struct err *e)
{
	for (size_t i = 0; i < l->n; i++)
		if (check_annotation(&l->v[i], r, e))
			return -1;
	return 0;
}

// What the index of the store has no place for is the output's.
static void give(const struct annotation_list *all, struct output_spec *o)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct annotation *a = &all->v[i];
		size_t key = strcspn(a->text, "=");
		auto_free char *name = xstrndup(a->text, key);
		if (a->level == ANNOTATE_MANIFEST_DESCRIPTOR ||
		        a->level == ANNOTATE_INDEX_DESCRIPTOR)
			annotation_list_set(&o->annotations, a, name, a->text + key + 1);
	}
}

int build_take_annotations(const struct strv *specs, struct build_request *r,
        struct output_spec *outputs, size_t n, struct err *e)
{
	for (size_t i = 0; i < specs->n; i++)
		if (build_take_annotation(specs->v[i], &r->annotations, e))
			return -1;
	for (size_t i = 0; i < n; i++) {
		give(&r->annotations, &outputs[i]);
		if (outputs[i].docker_types && specs->n)
			return err_set(e, ERR_USAGE,
			        "annotations and oci-mediatypes=false do not go together");
		if (check_annotations(&outputs[i].annotations, r, e))
			return -1;
	}
	return check_annotations(&r->annotations, r, e);
}
