// SPDX-License-Identifier: Apache-2.0
// Layers out of the blobs they came as. Nothing that others said of one is believed beyond this
// point.

#include "base/err.h"
#include "base/mem.h"
#include "layer/import.h"
#include "store/db-int.h"

static int check_content(struct store *s, const struct layer_result *r, struct err *e)
{
	struct layer_info info;
	struct hash foreign = layer_foreign_id(&r->diff_id);
	char text[DIGEST_TEXT];
	digest_text(&r->diff_id, text);
	if (!store_layer_get(s, &r->diff_id, &info) || hash_eq(&info.content_id, &r->content_id) ||
	        hash_eq(&info.content_id, &foreign))
		return 0;
	return err_set(e, ERR_CORRUPT, "layer %s has another content than the cache said", text);
}

static int check(
        struct store *s, const struct digest *diff_id, const struct layer_result *r, struct err *e)
{
	char want[DIGEST_TEXT], got[DIGEST_TEXT];
	if (digest_eq(diff_id, &r->diff_id))
		return check_content(s, r, e);
	digest_text(diff_id, want);
	digest_text(&r->diff_id, got);
	return err_set(
	        e, ERR_CORRUPT, "layer holds %s, but the image's configuration says %s", got, want);
}

int store_layer_import(
        struct store *s, const struct digest *diff_id, const struct digest *blob, struct err *e)
{
	struct layer_result r = {0};
	bool is_tar = digest_eq(blob, diff_id); // then it is there already
	auto_fd int in = store_blob_open(s, blob, NULL, e);
	auto_fd int tar = in < 0 || is_tar ? -1 : store_temp_file(s, e);
	if (in < 0 || (!is_tar && tar < 0))
		return -1;
	if (layer_import(in, tar, 0, 0, &r, e) < 0) {
		if (e->kind == ERR_CORRUPT || e->kind == ERR_UNSUPPORTED)
			store_layer_lose(s, diff_id);
		return err_wrap(e, "unpack layer");
	}
	int rc = check(s, diff_id, &r, e);
	if (rc < 0)
		store_layer_lose(s, diff_id);
	else
		rc = store_layer_commit(s, tar, &r, e);
	layer_result_release(&r);
	return rc;
}
