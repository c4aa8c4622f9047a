// SPDX-License-Identifier: Apache-2.0
#include "subject/target.h"

#include "base/err.h"
#include "base/mem.h"
#include "image/config.h"
#include "output/copy.h"
#include "rootfs/stored_image.h"
#include "session/images.h"
#include "session/session.h"
#include <string.h>
#include <sys/stat.h>

static int from_registry(struct engine *g, const char *text, const struct platform *p,
        struct digest *ret, struct err *e)
{
	auto_reference struct reference ref = {0};
	auto_config struct image_config ignored = {0};
	if (reference_parse(text, &ref, e))
		return -1;
	return stored_image_find(g, &ref, p, 0, ret, &ignored, e) < 0 ? -1 : 0;
}

// Is that what the row is called, and not its id?
static bool is_name_of(const struct image_row *row, const char *text)
{
	struct err ignored = ERR_INIT;
	auto_reference struct reference asked = {0}, named = {0};
	auto_free char *full = full_name(text, &ignored);
	if (!full || !row->name)
		return false;
	if (!strcmp(full, row->name))
		return true;
	// "alpine@sha256:...": of that repository
	if (!strchr(text, '@') || reference_parse(text, &asked, &ignored) ||
	        reference_parse(row->name, &named, &ignored))
		return false;
	auto_free char *one = reference_name(&asked);
	auto_free char *other = reference_name(&named);
	return !strcmp(one, other);
}

// In the store; else where its name leads to.
static int of_name(struct session *s, struct engine *g, const struct subject_ask *ask,
        const char *text, const struct platform *p, struct digest *ret, char **ret_name,
        struct err *e)
{
	auto_reference struct reference ref = {0};
	struct err no_name = ERR_INIT;
	struct image_row row = {0};
	if (find_image(s->store, text, &row, e)) {
		if (e->kind != ERR_NOT_FOUND || str_has_prefix(text, "sha256:") ||
		        reference_parse(text, &ref, &no_name))
			return -1;
		*e = ERR_INIT;
		*ret_name = xstrdup(text);
		return from_registry(g, text, p, ret, e)
		               ? err_wrap(e, "%s is not in the store", text)
		               : 0;
	}
	*ret_name = is_name_of(&row, text) ? xstrdup(text) : NULL;
	int missing = row.is_index || ask->platform ? narrow_image(s->store, p, &row, e) : 0;
	*ret = row.manifest;
	image_row_release(&row);
	return missing > 0 ? from_registry(g, text, p, ret, e) : missing;
}

// What a folder or a file holds comes into the store, where the next collection finds it.
static int of_file(struct session *s, const struct place *place, const struct platform *p,
        struct digest *ret, struct err *e)
{
	struct descriptor root = {0};
	const struct output_request q = {
	        .store = s->store, .registry = session_registry, .registry_arg = s};
	int rc = output_load_whole(s->store, place, p, &root, e) || copy_choose(&q, p, &root, e)
	                 ? err_wrap(e, "%s", place->text)
	                 : 0;
	*ret = root.digest;
	descriptor_release(&root);
	return rc;
}

static int of_place(struct session *s, struct engine *g, const struct subject_ask *ask,
        const struct platform *p, struct digest *ret, char **ret_name, struct err *e)
{
	auto_place struct place place = {0};
	if (!place_is_said(ask->text))
		return of_name(s, g, ask, ask->text, p, ret, ret_name, e);
	if (place_parse(ask->text, &place, e))
		return -1;
	if (place.kind == PLACE_STORE)
		return of_name(s, g, ask, place.name, p, ret, ret_name, e);
	if (place.kind != PLACE_REGISTRY)
		return of_file(s, &place, p, ret, e);
	auto_free char *name = reference_text(&place.ref);
	*ret_name = reference_familiar(&place.ref);
	return from_registry(g, name, p, ret, e);
}

static int of_input(struct session *s, const char *path, const struct platform *p,
        struct digest *ret, struct err *e)
{
	static const char *const kinds[] = {"docker-archive", "oci-archive"};
	struct stat st;
	if (stat(path, &st))
		return err_sys(e, "open '%s'", path);
	for (size_t i = S_ISDIR(st.st_mode) ? 1 : 0; i < ARRAY_LEN(kinds); i++) {
		auto_free char *text = xasprintf("%s:%s", kinds[i], path);
		auto_place struct place place = {0};
		*e = ERR_INIT;
		if (place_parse(text, &place, e))
			return -1;
		if (!of_file(s, &place, p, ret, e))
			return 0;
		if (e->kind != ERR_NOT_FOUND)
			return -1;
	}
	return err_set(
	        e, ERR_NOT_FOUND, "'%s' is neither a docker archive nor an OCI layout", path);
}

int image_target_find(struct session *s, struct engine *g, const struct subject_ask *ask,
        struct digest *ret, char **ret_name, struct err *e)
{
	auto_free char *name = NULL;
	struct platform p = platform_host();
	struct stat st;
	const char *text = ask->text;
	bool path = text && (*text == '.' || *text == '/');
	if (ask->platform && platform_parse(ask->platform, &p, e))
		return -1;
	if (path && stat(text, &st))
		return err_set(e, ERR_NOT_FOUND, "there is no layout or archive '%s'", text);
	if (!text || path || ask->input)
		return of_input(s, path ? text : ask->input, &p, ret, e);
	if (of_place(s, g, ask, &p, ret, &name, e))
		return -1;
	if (ret_name)
		*ret_name = steal_ptr(&name);
	return 0;
}
