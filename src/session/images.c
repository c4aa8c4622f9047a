// SPDX-License-Identifier: Apache-2.0
#include "session/images.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "image/config.h"
#include "image/manifest.h"
#include "image/platform.h"
#include "image/reference.h"
#include "registry/registry.h"
#include "session/session.h"
#include "store/store.h"
#include <stdio.h>
#include <string.h>

char *full_name(const char *text, struct err *e)
{
	auto_reference struct reference r = {0};
	return reference_parse(text, &r, e) ? NULL : reference_text(&r);
}

char *short_name(const char *full)
{
	auto_reference struct reference r = {0};
	struct err ignored = ERR_INIT;
	return reference_parse(full, &r, &ignored) ? xstrdup(full) : reference_familiar(&r);
}

int find_image(struct store *s, const char *text, struct image_row *ret, struct err *e)
{
	struct err as_name = ERR_INIT;
	auto_free char *name = full_name(text, &as_name);
	if (name && store_image_find(s, name, ret, e) == 0)
		return 0;
	if (name && e->kind != ERR_NOT_FOUND)
		return -1;
	if (store_image_find(s, text, ret, e) == 0)
		return 0;
	if (e->kind != ERR_NOT_FOUND)
		return -1;
	return err_set(e, ERR_NOT_FOUND,
	        "no such image: %s (hew images lists what is here, hew pull fetches)", text);
}

int pull_image(struct session *s, int step, const char *text, const struct platform *p,
        struct image_row *ret, struct err *e)
{
	auto_reference struct reference ref = {0};
	if (reference_parse(text, &ref, e))
		return -1;
	struct registry *r = session_registry(s, e);
	if (!r)
		return -1;
	auto_free char *name = reference_familiar(&ref);
	auto_free char *title = xasprintf("pull %s", name);
	int64_t began = event_step_begin(session_sink(s), step, title);
	int rc = registry_pull(r, &ref, p, step, ret, e);
	event_step_end(session_sink(s), step, began, rc ? e : NULL);
	return rc;
}

// The manifest for the platform that a row stands for.
static int platform_manifest(struct store *s, const struct image_row *row,
        const struct platform *want, struct digest *ret, struct err *e)
{
	*ret = row->manifest;
	if (!row->is_index)
		return 0;
	auto_buf struct buf text = {0};
	auto_index struct image_index ix = {0};
	if (store_blob_read(s, &row->manifest, MANIFEST_MAX, &text, e) ||
	        image_index_parse(text.p, text.n, row->media_type, &ix, e))
		return -1;
	const struct descriptor *d = image_index_select(&ix, want);
	if (!d)
		return image_index_lacks(&ix, want, e);
	*ret = d->digest;
	return 0;
}

static int wrong_platform(const struct platform *want, const struct platform *have, struct err *e)
{
	char wanted[80], text[80];
	platform_text(want, wanted);
	platform_text(have, text);
	return err_set(e, ERR_NOT_FOUND, "the image has nothing for platform '%s': it is for %s",
	        wanted, text);
}

int narrow_image(struct store *s, const struct platform *want, struct image_row *row, struct err *e)
{
	auto_config struct image_config c = {0};
	auto_manifest struct manifest m = {0};
	struct image_row own = {0};
	if (platform_manifest(s, row, want, &own.manifest, e))
		return -1;
	if (!store_blob_has(s, &own.manifest))
		return 1;
	if (load_config(s, &own, &c, &m, e))
		return -1;
	if (!row->is_index)
		return platform_match(want, &c.platform) ? 0 : wrong_platform(want, &c.platform, e);
	own.name = row->name;
	own.image_id = m.config.digest;
	own.created = c.has_created ? c.created.sec : 0;
	snprintf(own.media_type, sizeof(own.media_type), "%s", m.media_type);
	for (size_t i = 0; i < c.n_diff_ids; i++) {
		struct layer_info info;
		if (store_layer_get(s, &c.diff_ids[i], &info))
			own.size += info.tar_size;
	}
	*row = own;
	return 0;
}

int find_image_for(struct store *s, const char *text, const char *platform, struct image_row *ret,
        struct err *e)
{
	struct platform want;
	if ((platform && platform_parse(platform, &want, e)) || find_image(s, text, ret, e))
		return -1;
	int missing = platform ? narrow_image(s, &want, ret, e) : 0;
	if (!missing)
		return 0;
	image_row_release(ret);
	if (missing > 0)
		return err_set(e, ERR_NOT_FOUND,
		        "%s: its image for %s is not in the store: 'hew pull --platform %s %s' "
		        "fetches it",
		        text, platform, platform, text);
	return err_wrap(e, "%s", text);
}

int load_config(struct store *s, const struct image_row *row, struct image_config *ret,
        struct manifest *ret_manifest, struct err *e)
{
	auto_buf struct buf text = {0}, config = {0};
	struct manifest m = {0};
	struct digest d;
	const struct platform host = platform_host();
	if (platform_manifest(s, row, &host, &d, e) ||
	        store_blob_read(s, &d, MANIFEST_MAX, &text, e) ||
	        manifest_parse(text.p, text.n, NULL, &m, e))
		return -1;
	int r = store_blob_read(s, &m.config.digest, CONFIG_MAX, &config, e);
	if (!r)
		r = image_config_parse(config.p, config.n, ret, e);
	if (!r && ret_manifest)
		*ret_manifest = m;
	else
		manifest_release(&m);
	return r;
}
