// SPDX-License-Identifier: Apache-2.0
#include "subject/size_image.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "rootfs/rootfs.h"
#include "rootfs/stored_image.h"
#include "session/session.h"
#include <string.h>
#include <sys/stat.h>

void size_image_release(struct size_image *m)
{
	waste_list_release(&m->waste);
	owners_release(&m->owners);
	image_packages_release(&m->packages);
	view_free(m->view);
	weight_release(&m->weight);
	free(m->layers);
	image_kin_release(&m->kin);
	image_config_release(&m->config);
	manifest_release(&m->manifest);
	free(m->name);
	*m = (struct size_image){0};
}

// ---- by its documents

// A layer that the manifest has uncompressed is one of ours: it goes out compressed.
static void find_packed(const struct descriptor *d, struct size_layer *l)
{
	l->packed = WEIGH_UNKNOWN;
	if (d) {
		l->blob = d->digest;
		if (!digest_eq(&d->digest, &l->diff_id) &&
		        media_type_compression(d->media_type) != COMPRESSION_NONE)
			l->packed = d->size;
	}
}

static void find_layer(struct store *s, struct size_image *m, size_t i)
{
	struct size_layer *l = &m->layers[i];
	struct layer_info info = {0};
	*l = (struct size_layer){.diff_id = m->config.diff_ids[i],
	        .bytes = WEIGH_UNKNOWN,
	        .shared = m->kin.shared[i],
	        .instruction = image_instruction(&m->config, i)};
	if (store_layer_get(s, &l->diff_id, &info) && info.has_index)
		l->bytes = info.file_bytes;
	find_packed(i < m->manifest.layers.n ? &m->manifest.layers.v[i] : NULL, l);
}

static void add_up(struct size_image *m)
{
	m->bytes = m->packed = 0;
	m->estimated = false;
	for (size_t i = 0; i < m->n; i++) {
		const struct size_layer *l = &m->layers[i];
		bool bytes = m->bytes != WEIGH_UNKNOWN && l->bytes != WEIGH_UNKNOWN;
		bool packed = m->packed != WEIGH_UNKNOWN && l->packed != WEIGH_UNKNOWN;
		m->bytes = bytes ? m->bytes + l->bytes : WEIGH_UNKNOWN;
		m->packed = packed ? m->packed + l->packed : WEIGH_UNKNOWN;
		m->estimated |= l->estimated;
	}
}

static void find_base(struct store *s, struct size_image *m)
{
	size_base_find(s, m);
	m->base_layers = m->kin.base_layers;
	m->base = m->kin.base;
	if (!m->base)
		m->base = strv_env_get(
		        &m->manifest.annotations, "org.opencontainers.image.base.name");
}

static int read_documents(struct session *s, struct size_image *m, struct err *e)
{
	auto_buf struct buf text = {0};
	return store_blob_read(s->store, &m->digest, MANIFEST_MAX, &text, e) ||
	                       manifest_parse(text.p, text.n, NULL, &m->manifest, e)
	               ? -1
	               : 0;
}

int size_image_of(struct session *s, struct engine *g, const char *name,
        const struct digest *manifest, struct size_image *ret, struct err *e)
{
	*ret = (struct size_image){.name = xstrdup(name), .digest = *manifest};
	if (read_documents(s, ret, e) || stored_image_load(g, manifest, &ret->config, e))
		return -1;
	image_kin_find(s->store, &ret->config, manifest, &ret->kin);
	ret->n = ret->config.n_diff_ids;
	find_base(s->store, ret);
	ret->layers = xcalloc(ret->n + 1, sizeof(*ret->layers));
	for (size_t i = 0; i < ret->n; i++)
		find_layer(s->store, ret, i);
	add_up(ret);
	return 0;
}

void size_image_pack(struct session *s, struct size_image *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->layers[i].packed == WEIGH_UNKNOWN)
			size_packed_measure(s->store, &m->layers[i]);
	add_up(m);
}

int size_image_open(struct session *s, struct engine *g, const struct subject_ask *ask,
        struct size_image *ret, struct err *e)
{
	struct digest manifest;
	return image_target_find(s, g, ask, &manifest, NULL, e)
	               ? -1
	               : size_image_of(s, g, ask->text, &manifest, ret, e);
}

// ---- by its files

bool size_image_is_here(struct session *s, const struct size_image *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct layer_info info = {0};
		bool known = store_layer_get(s->store, &m->layers[i].diff_id, &info);
		if (known && (info.has_index || info.has_tar))
			continue;
		if (!store_blob_has(s->store, &m->layers[i].blob))
			return false;
	}
	return true;
}

// What has to be fetched or unpacked is a step of the progress.
static int make_indexes(
        struct engine *g, const struct size_image *m, const struct rootfs *root, struct err *e)
{
	bool ready = true;
	for (size_t i = 0; i < root->n && ready; i++) {
		struct layer_info info = {0};
		ready = store_layer_get(g->store, &root->layers[i], &info) && info.has_index;
	}
	if (ready)
		return 0;
	auto_free char *title = xasprintf("fetch and unpack %s", m->name);
	int64_t began = event_step_begin(g->sink, 0, title);
	int rc = layers_prepare(g, root, 0, false, e);
	event_step_end(g->sink, 0, began, rc ? e : NULL);
	return rc;
}

static int weigh_layers(
        struct engine *g, const struct rootfs *root, struct size_image *m, struct err *e)
{
	auto_free struct weigh_layer *layers = xcalloc(root->n + 1, sizeof(*layers));
	for (size_t i = 0; i < root->n; i++) {
		struct size_layer *l = &m->layers[i];
		struct layer_index *ix;
		if (store_layer_index(g->store, &l->diff_id, &ix, e) &&
		        (e->kind != ERR_NOT_FOUND || layer_need_index(g, &l->diff_id, 0, &ix, e)))
			return -1;
		l->bytes = layer_index_file_bytes(ix);
		layers[i] = (struct weigh_layer){ix, l->packed, l->instruction};
	}
	return weigh(layers, root->n, &m->weight, e);
}

int size_image_weigh(struct session *s, struct engine *g, struct size_image *m, struct err *e)
{
	struct rootfs root = {0};
	(void)s;
	if (m->is_weighed)
		return 0;
	int rc = rootfs_of_image(g, &m->config, &root, e) || make_indexes(g, m, &root, e) ||
	                         weigh_layers(g, &root, m, e)
	                 ? -1
	                 : 0;
	rootfs_release(&root);
	if (rc)
		return err_wrap(e, "%s", m->name);
	m->is_weighed = true;
	add_up(m);
	return 0;
}

int size_image_own(struct session *s, struct engine *g, struct size_image *m, struct err *e)
{
	struct rootfs root = {0};
	if (m->has_owners)
		return 0;
	if (size_image_weigh(s, g, m, e) ||
	        image_packages_find(s, &m->config, NULL, &m->packages, e) ||
	        rootfs_of_image(g, &m->config, &root, e))
		return -1;
	m->view = rootfs_view(g, &root, -1, e);
	rootfs_release(&root);
	if (!m->view || owners_find(&m->weight, m->view, &m->packages.list, &m->owners, e))
		return -1;
	m->has_owners = true;
	return 0;
}

int size_image_waste(struct session *s, struct engine *g, struct size_image *m, struct err *e)
{
	if (m->has_waste)
		return 0;
	if (size_image_own(s, g, m, e))
		return -1;
	waste_find(&m->weight, m->view, &m->owners, &m->waste);
	m->has_waste = true;
	return 0;
}
