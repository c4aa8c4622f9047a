// SPDX-License-Identifier: Apache-2.0
// compression=estargz: the table of contents is a file of the layer, so it is another layer, and
// the config names it. Layers from elsewhere stay as they came, unless force-compression is asked
// for.
#include "output/change.h"

#include "base/json.h"
#include "base/pool.h"
#include "layer/estargz.h"
#include <stdio.h>
#include <unistd.h>

#define RECIPE "estargz-libdeflate%d-4m"

struct lazy {
	size_t layer;
	char recipe[RECIPE_TEXT];
};

static int enter(struct change *c, const struct lazy *l, const struct estargz *z, int fd,
        struct step_record *ret, struct err *e)
{
	struct store *s = c->q->store;
	struct layer_blob b = {.digest.h = z->blob, .size = z->blob_size, .present = true};
	char toc[DIGEST_TEXT];
	auto_buf struct buf text = {0};
	snprintf(b.media_type, sizeof(b.media_type), "%s", MT_OCI_LAYER_GZIP);
	snprintf(b.recipe, sizeof(b.recipe), "%s", l->recipe);
	ret->diff_id.h = z->diff_id;
	digest_text(&(struct digest){.h = z->toc}, toc);
	buf_printf(&text, "{\"toc\":\"%s\",\"size\":%llu}", toc, (unsigned long long)z->tar_size);
	ret->components = buf_steal(&text);
	return store_blob_commit(s, fd, &b.digest, b.size, e) ||
	                       store_layer_add_blob(s, &ret->diff_id, &b, e)
	               ? -1
	               : 0;
}

static int make(struct change *c, void *arg, struct step_record *ret, struct err *e)
{
	const struct lazy *l = arg;
	struct store *s = c->q->store;
	const struct digest *diff_id = &c->im.config.diff_ids[l->layer];
	struct layer_index *ix;
	struct estargz z;
	if (layer_open(c->q, &c->im, l->layer, &ix, e))
		return -1;
	auto_fd int tar = store_layer_tar(s, diff_id, e);
	auto_fd int spool = tar < 0 ? -1 : store_temp_file(s, e);
	auto_fd int out = spool < 0 ? -1 : store_temp_file(s, e);
	if (out < 0)
		return -1;
	struct pool *pool = pool_new(0);
	int rc = layer_estargz(ix, tar, spool, out, c->o->recipe.level, pool, &z, e);
	pool_free(pool);
	return rc ? -1 : enter(c, l, &z, out, ret, e);
}

static int describe(struct change *c, const struct lazy *l, const struct step_record *r,
        struct descriptor *d, struct err *e)
{
	struct layer_blob b;
	auto_jdoc struct jdoc *doc = jdoc_parse(r->components, strlen(r->components), e);
	const char *toc = doc ? jn_get_str(jdoc_root(doc), "toc") : NULL;
	int found = toc ? store_layer_blob(c->q->store, &r->diff_id, l->recipe, &b, e) : -1;
	if (found <= 0)
		return found < 0 && doc && toc ? -1 : err_set(e, ERR_NOT_FOUND, "its blob is gone");
	descriptor_release(d);
	*d = (struct descriptor){
	        .media_type = xstrdup(b.media_type), .digest = b.digest, .size = b.size};
	strv_addf(&d->annotations, ESTARGZ_TOC_DIGEST "=%s", toc);
	strv_addf(&d->annotations, ESTARGZ_TAR_SIZE "=%lld",
	        (long long)jn_int(jn_get(jdoc_root(doc), "size"), 0));
	c->im.config.diff_ids[l->layer] = r->diff_id;
	return 0;
}

static int convert(struct change *c, size_t i, struct err *e)
{
	struct lazy l = {.layer = i};
	struct step_record record = {0};
	snprintf(l.recipe, sizeof(l.recipe), RECIPE, c->o->recipe.level);
	auto_hasher struct hasher *h = hasher_new();
	hasher_str(h, l.recipe);
	hasher_hash(h, &c->im.config.diff_ids[i].h);
	struct derived d = {.name = "estargz", .key = hasher_end(h), .make = make, .arg = &l};
	if (derived_layer(c, &d, &record, e))
		return -1;
	int rc = describe(c, &l, &record, &c->im.manifest.layers.v[i], e);
	step_record_release(&record);
	return rc;
}

int change_estargz(struct change *c, struct err *e)
{
	for (size_t i = 0; c->o->estargz && i < c->im.manifest.layers.n; i++) {
		int foreign = layer_is_foreign(c->q, &c->im, i, e);
		if (foreign < 0 || ((!foreign || c->o->force) && convert(c, i, e)))
			return -1;
	}
	return 0;
}
