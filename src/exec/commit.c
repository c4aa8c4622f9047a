// SPDX-License-Identifier: Apache-2.0
// The results of a build as images in the store: configuration as BuildKit writes it, a manifest
// over the layers in the forms that are here, an index over several manifests, names.
#include "exec/exec-int.h"

// The time of every history entry: a layer's is when it was first made; entries without a layer
// take that of the first new layer before or, for those at the front, after them.
static void fill_times(struct exec *x, const struct graph_result *r, struct image_config *c)
{
	bool missing = false;
	struct timestamp created = {0};
	for (size_t i = 0; i < c->n_history; i++) {
		int step = r->history_steps[i];
		if (step >= 0) {
			c->history[i].created = x->states[step].created;
			c->history[i].has_created = true;
		} else if (x->graph->has_epoch && i >= r->n_base_history) {
			c->history[i].created = (struct timestamp){x->graph->epoch, 0};
			c->history[i].has_created = true;
		}
	}
	for (size_t i = 0; i < c->n_history; i++) {
		if (!c->history[i].has_created) {
			missing = true;
			continue;
		}
		created = c->history[i].created;
		if (missing)
			break;
	}
	if (!created.sec)
		created = x->graph->has_epoch ? (struct timestamp){x->graph->epoch, 0} : time_now();
	missing = false;
	for (size_t i = 0; i < c->n_history; i++) {
		if (c->history[i].has_created) {
			if (missing)
				created = c->history[i].created;
			continue;
		}
		missing = true;
		c->history[i].created = created;
		c->history[i].has_created = true;
	}
	c->created = c->n_history ? c->history[c->n_history - 1].created : created;
	c->has_created = true;
}

// The bytes of a layer say nothing of Docker or OCI; its media type has to be the manifest's kind.
static const char *oci_layer_type(const char *media_type)
{
	static const char *const types[] = {MT_OCI_LAYER, MT_OCI_LAYER_GZIP, MT_OCI_LAYER_ZSTD};
	int compression = media_type_compression(media_type);
	bool docker = str_has_prefix(media_type, MT_DOCKER_LAYER);
	return docker && compression >= 0 ? types[compression] : media_type;
}

// A base layer keeps the blob it came as; a layer of ours is its uncompressed tar.
static int add_layer(struct exec *x, struct manifest *m, const struct digest *diff_id,
        uint64_t *size, struct err *e)
{
	struct layer_blob b;
	struct layer_info info;
	struct descriptor *d = descriptor_list_add(&m->layers);
	int found = store_layer_blob(x->store, diff_id, "", &b, e);
	if (found < 0)
		return -1;
	if (!store_layer_get(x->store, diff_id, &info) || (!found && !info.has_tar)) {
		char text[DIGEST_TEXT];
		digest_text(diff_id, text);
		return err_set(e, ERR_NOT_FOUND, "layer %s is not in the store", text);
	}
	*size += info.tar_size || !found ? info.tar_size : b.size;
	if (found) {
		d->media_type = xstrdup(oci_layer_type(b.media_type));
		d->digest = b.digest;
		d->size = b.size;
		return 0;
	}
	d->media_type = xstrdup(MT_OCI_LAYER);
	d->digest = *diff_id;
	d->size = info.tar_size;
	return 0;
}

static int make_manifest(struct exec *x, const struct graph_result *r, const struct rootfs *root,
        struct manifest *m, uint64_t *size, struct err *e)
{
	m->media_type = xstrdup(MT_OCI_MANIFEST);
	m->config.media_type = xstrdup(MT_OCI_CONFIG);
	annotation_list_apply(
	        &x->req->annotations, ANNOTATE_MANIFEST, &r->config.platform, &m->annotations);
	for (size_t i = 0; i < root->n; i++)
		if (add_layer(x, m, &root->layers[i], size, e))
			return -1;
	return 0;
}

static int put_config(struct exec *x, const struct graph_result *r, const struct rootfs *root,
        const struct step_list *steps, struct manifest *m, int64_t *ret_created, struct err *e)
{
	auto_config struct image_config c = {0};
	auto_buf struct buf text = {0};
	image_config_copy(&c, &r->config);
	free(steal_ptr(&c.diff_ids));
	c.n_diff_ids = 0;
	for (size_t i = 0; i < root->n; i++)
		image_config_add_diff_id(&c, &root->layers[i]);
	fill_times(x, r, &c);
	if (x->req->inline_cache)
		c.inline_cache = x->req->inline_cache(x->store, steps, root->layers, root->n);
	image_config_write(&c, &text);
	m->config.size = text.n;
	*ret_created = c.created.sec;
	return store_blob_put(x->store, text.p, text.n, &m->config.digest, e);
}

// What is to be named: a manifest, and later the index if there are several.
struct committed {
	struct image_row row;
	struct descriptor_list manifests;
};

static int commit_image(struct exec *x, const struct graph_result *r, const struct step_list *steps,
        struct committed *c, struct build_image *ret, struct err *e)
{
	auto_manifest struct manifest m = {0};
	auto_buf struct buf text = {0};
	struct rootfs root = {0};
	if (r->step >= 0)
		rootfs_copy(&root, &x->states[r->step].root);
	ret->platform = r->platform;
	ret->n_layers = root.n;
	ret->n_base_layers = r->config.n_diff_ids;
	ret->n_base_history = r->n_base_history;
	int rc = make_manifest(x, r, &root, &m, &ret->size, e) ||
	                         put_config(x, r, &root, steps, &m, &c->row.created, e)
	                 ? -1
	                 : 0;
	rootfs_release(&root);
	if (rc)
		return -1;
	manifest_write(&m, &text);
	ret->image_id = m.config.digest;
	struct descriptor *d = descriptor_list_add(&c->manifests);
	*d = (struct descriptor){.media_type = xstrdup(m.media_type),
	        .size = text.n,
	        .has_platform = true,
	        .platform = r->config.platform};
	annotation_list_apply(
	        &x->req->annotations, ANNOTATE_MANIFEST_DESCRIPTOR, &d->platform, &d->annotations);
	if (store_blob_put(x->store, text.p, text.n, &d->digest, e))
		return -1;
	ret->manifest = d->digest;
	return 0;
}

static int put_index(
        struct exec *x, struct committed *c, struct digest *ret, uint64_t *ret_size, struct err *e)
{
	auto_buf struct buf text = {0};
	struct image_index ix = {
	        .media_type = (char *)(uintptr_t)MT_OCI_INDEX, .manifests = c->manifests};
	annotation_list_apply(&x->req->annotations, ANNOTATE_INDEX, NULL, &ix.annotations);
	image_index_write(&ix, &text);
	strv_release(&ix.annotations);
	*ret_size = text.n;
	return store_blob_put(x->store, text.p, text.n, ret, e);
}

static int put_names(struct exec *x, struct image_row *row, struct err *e)
{
	size_t n = x->req->unnamed ? 0 : x->req->tags.n;
	int r = n ? 0 : store_image_put(x->store, row, e);
	for (size_t i = 0; i < n && !r; i++) {
		row->name = x->req->tags.v[i];
		r = store_image_put(x->store, row, e);
	}
	return r;
}

static int commit_root(
        struct exec *x, struct committed *c, const struct build_result *built, struct err *e)
{
	struct image_row *row = &c->row;
	if (!c->manifests.n)
		return err_set(e, ERR_FAIL, "a build for no platform");
	row->is_index = c->manifests.n > 1;
	row->manifest = c->manifests.v[0].digest;
	row->manifest_size = c->manifests.v[0].size;
	snprintf(row->media_type, sizeof(row->media_type), "%s",
	        row->is_index ? MT_OCI_INDEX : MT_OCI_MANIFEST);
	if (!row->is_index)
		row->image_id = built->images[0].image_id;
	else if (put_index(x, c, &row->manifest, &row->manifest_size, e))
		return -1;
	return put_names(x, row, e);
}

int commit_images(struct exec *x, struct build_result *ret, struct err *e)
{
	struct committed c = {0};
	size_t n = x->graph->n_results;
	int rc = 0;
	ret->images = xcalloc(n, sizeof(*ret->images));
	for (size_t i = 0; !rc && i < n; i++)
		rc = commit_image(x, &x->graph->results[i], &ret->steps, &c, &ret->images[i], e);
	if (!rc)
		rc = commit_root(x, &c, ret, e);
	if (!rc) {
		ret->n_images = n;
		ret->root = c.row.manifest;
	}
	descriptor_list_release(&c.manifests);
	return rc;
}
