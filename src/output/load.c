// SPDX-License-Identifier: Apache-2.0
// `hew load`. Nothing that an archive says is believed: every document and blob is checked against
// its digest, every layer against its diffID, and an image gets its names only when all of it is
// here.
#include "output/load.h"
#include "output/copy.h"

#include "base/cancel.h"
#include "base/fs.h"
#include "base/pool.h"
#include "image/reference.h"
#include "layer/compress.h"
#include "layer/import.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COPY_CHUNK ((size_t)1 << 20)
#define LAYERS_AT_ONCE 4

// ---- layers

// Of the content; -1 for what no layer of a registry may be (bzip2, xz), which is kept as a tar.
static int sniff(const struct content *c, struct err *e)
{
	uint8_t head[6] = {0};
	size_t n = c->size < sizeof(head) ? (size_t)c->size : sizeof(head);
	if (n && fs_pread_full(c->fd, head, n, (off_t)c->offset, e))
		return -2;
	if (!memcmp(head, "\x1f\x8b\x08", 3))
		return COMPRESSION_GZIP;
	if (!memcmp(head, "\x28\xb5\x2f\xfd", 4) ||
	        ((head[0] & 0xf0) == 0x50 && !memcmp(head + 1, "\x2a\x4d\x18", 3)))
		return COMPRESSION_ZSTD;
	return !memcmp(head, "BZh", 3) || !memcmp(head,
	                                          "\xfd"
	                                          "7zXZ",
	                                          5)
	               ? -1
	               : COMPRESSION_NONE;
}

static int copy_blob(struct load *l, const struct content *c, const struct digest *expect,
        struct digest *ret, struct err *e)
{
	struct blob_writer *w = blob_writer_new(l->store, e);
	auto_free char *p = xmalloc(COPY_CHUNK);
	int rc = w ? 0 : -1;
	for (uint64_t at = 0; !rc && at < c->size;) {
		size_t n = c->size - at < COPY_CHUNK ? (size_t)(c->size - at) : COPY_CHUNK;
		rc = cancel_check(e) || fs_pread_full(c->fd, p, n, (off_t)(c->offset + at), e) ||
		                     blob_writer_write(w, p, n, e)
		             ? -1
		             : 0;
		at += n;
	}
	if (!rc)
		rc = blob_writer_finish(w, expect, UINT64_MAX, ret, e);
	blob_writer_free(w);
	return rc;
}

int load_blob(struct load *l, const char *path, const struct descriptor *d, struct err *e)
{
	auto_content struct content c = CONTENT_NONE;
	struct digest got;
	if (store_lease_add(l->store, &d->digest, e))
		return -1;
	if (store_blob_has(l->store, &d->digest))
		return 0;
	int found = source_file(l->source, path, &c, e);
	if (found <= 0)
		return found ? -1 : err_set(e, ERR_CORRUPT, "the archive has no '%s'", path);
	if (c.size != d->size)
		return err_set(e, ERR_CORRUPT, "'%s' has %llu bytes, its descriptor says %llu",
		        path, (unsigned long long)c.size, (unsigned long long)d->size);
	return copy_blob(l, &c, &d->digest, &got, e) ? err_wrap(e, "'%s'", path) : 0;
}

// The blob is the tar itself where nothing is compressed. A layer that is here already is not
// entered again, but that the blob holds it must be seen all the same.
static int index_blob(struct load *l, const struct digest *blob, const struct digest *diff_id,
        bool enter, struct err *e)
{
	struct layer_result r = {0};
	char want[DIGEST_TEXT], got[DIGEST_TEXT];
	bool need_tar = enter && !digest_eq(blob, diff_id);
	int flags = enter ? 0 : IMPORT_PLAIN | IMPORT_NO_HASH;
	auto_fd int fd = store_blob_open(l->store, blob, NULL, e);
	auto_fd int tar = fd >= 0 && need_tar ? store_temp_file(l->store, e) : -1;
	if (fd < 0 || (need_tar && tar < 0) || layer_import(fd, tar, flags, 0, &r, e))
		return -1;
	int rc = 0;
	digest_text(diff_id, want);
	digest_text(&r.diff_id, got);
	if (!digest_eq(diff_id, &r.diff_id))
		rc = err_set(
		        e, ERR_CORRUPT, "it holds %s, but the image's config says %s", got, want);
	else if (enter)
		rc = store_layer_commit(l->store, tar, &r, e);
	layer_result_release(&r);
	return rc;
}

// Whether this store has seen before that the blob holds the layer.
static bool is_known(
        struct load *l, const struct digest *diff_id, const struct digest *blob, uint64_t size)
{
	struct layer_blob b;
	struct err ignored = ERR_INIT;
	return store_layer_blob(l->store, diff_id, "", &b, &ignored) == 1 && b.present &&
	       digest_eq(&b.digest, blob) && b.size == size;
}

static int add_blob(
        struct load *l, const struct digest *diff_id, const struct descriptor *d, struct err *e)
{
	struct layer_blob b = {.digest = d->digest, .size = d->size, .present = true};
	snprintf(b.media_type, sizeof(b.media_type), "%s", d->media_type);
	return store_layer_add_blob(l->store, diff_id, &b, e);
}

static void describe(
        struct descriptor *d, int compression, const struct digest *blob, uint64_t size)
{
	static const char *const types[] = {MT_OCI_LAYER, MT_OCI_LAYER_GZIP, MT_OCI_LAYER_ZSTD};
	d->media_type = xstrdup(types[compression]);
	d->digest = *blob;
	d->size = size;
}

// With the layer's lock held. A tar that is no blob from elsewhere is compressed when it is pushed,
// so only compressed blobs are recorded.
static int enter_layer(struct load *l, const struct content *c, const struct digest *diff_id,
        struct descriptor *d, struct err *e)
{
	struct digest blob;
	struct layer_info info;
	bool said = d->media_type != NULL;
	int compression = sniff(c, e);
	if (compression < -1)
		return -1;
	if (said && c->size != d->size)
		return err_set(e, ERR_CORRUPT, "it has %llu bytes, the manifest says %llu",
		        (unsigned long long)c->size, (unsigned long long)d->size);
	bool known = said || compression == COMPRESSION_NONE;
	const struct digest *expect = said ? &d->digest : diff_id;
	if (known && store_blob_has(l->store, expect))
		blob = *expect;
	else if (copy_blob(l, c, known ? expect : NULL, &blob, e))
		return -1;
	bool here = store_layer_is_here(l->store, diff_id);
	bool trusted = here && (digest_eq(&blob, diff_id) || is_known(l, diff_id, &blob, c->size));
	if (!trusted && index_blob(l, &blob, diff_id, !here, e))
		return -1;
	if (!said && compression > COMPRESSION_NONE)
		describe(d, compression, &blob, c->size);
	else if (!said && store_layer_get(l->store, diff_id, &info))
		describe(d, COMPRESSION_NONE, diff_id, info.tar_size);
	return digest_eq(&d->digest, diff_id) ? 0 : add_blob(l, diff_id, d, e);
}

static int load_layer(struct load *l, const char *path, const struct digest *diff_id,
        struct descriptor *d, struct err *e)
{
	auto_content struct content c = CONTENT_NONE;
	if (store_lease_add(l->store, diff_id, e))
		return -1;
	if (d->media_type && store_layer_is_here(l->store, diff_id) &&
	        is_known(l, diff_id, &d->digest, d->size))
		return 0;
	int found = source_file(l->source, path, &c, e);
	if (found <= 0)
		return found ? -1 : err_set(e, ERR_CORRUPT, "the archive has no '%s'", path);
	struct store_lock *lock = store_lock_hash(l->store, "layer", &diff_id->h, e);
	if (!lock)
		return -1;
	int rc = enter_layer(l, &c, diff_id, d, e);
	store_unlock(lock);
	return rc ? err_wrap(e, "layer '%s'", path) : 0;
}

struct layer_jobs {
	struct load *l;
	const struct strv *paths;
	const struct digest *diff_ids;
	struct descriptor *d;
};

static int run_job(void *arg, size_t i, struct err *e)
{
	struct layer_jobs *j = arg;
	return load_layer(j->l, j->paths->v[i], &j->diff_ids[i], &j->d[i], e);
}

static int job_done(void *arg, size_t i, struct err *e)
{
	return 0;
}

int load_layers(struct load *l, const struct strv *paths, const struct digest *diff_ids,
        struct descriptor *d, struct err *e)
{
	struct layer_jobs j = {l, paths, diff_ids, d};
	size_t threads = cpu_count() < paths->n ? cpu_count() : paths->n;
	if (!threads)
		return 0;
	struct pool *pool = pool_new(threads < LAYERS_AT_ONCE ? threads : LAYERS_AT_ONCE);
	struct pool_ordered o = {.n = paths->n,
	        .window = pool_size(pool),
	        .arg = &j,
	        .fn = run_job,
	        .done = job_done};
	int rc = pool_run_ordered(pool, &o, e);
	pool_free(pool);
	return rc;
}

// ---- images

int load_config_text(struct load *l, const struct buf *text, struct descriptor *d,
        struct image_config *ret, struct err *e)
{
	if (image_config_parse(text->n ? text->p : "", text->n, ret, e))
		return -1;
	if (ret->n_diff_ids > MANIFEST_LAYERS_MAX)
		return err_set(e, ERR_CORRUPT, "the config names more than %d layers",
		        MANIFEST_LAYERS_MAX);
	d->size = text->n;
	return store_blob_put(l->store, text->p, text->n, &d->digest, e);
}

static void tell(struct load *l, const struct strv *names, const struct digest *id)
{
	char text[DIGEST_TEXT];
	digest_text(id, text);
	if (!names->n)
		strv_add(l->loaded, text);
	for (size_t i = 0; i < names->n; i++) {
		auto_reference struct reference ref = {0};
		struct err ignored = ERR_INIT;
		if (reference_parse(names->v[i], &ref, &ignored))
			continue;
		strv_take(l->loaded, reference_familiar(&ref));
	}
}

int load_row(struct load *l, struct image_row *row, const struct strv *names, struct err *e)
{
	int rc = names->n ? 0 : store_image_put(l->store, row, e);
	for (size_t i = 0; i < names->n && !rc; i++) {
		row->name = names->v[i];
		rc = store_image_put(l->store, row, e);
	}
	if (rc)
		return -1;
	tell(l, names, digest_is_zero(&row->image_id) ? &row->manifest : &row->image_id);
	return 0;
}

int load_image(struct load *l, const struct buf *manifest, const struct manifest *m,
        const struct image_config *c, const struct strv *names, struct err *e)
{
	struct image_row row = {.image_id = m->config.digest, .manifest_size = manifest->n};
	if (store_blob_put(l->store, manifest->p, manifest->n, &row.manifest, e))
		return -1;
	if (l->manifest) {
		*l->manifest = row.manifest;
		return 0;
	}
	row.created = c->has_created ? c->created.sec : 0;
	snprintf(row.media_type, sizeof(row.media_type), "%s", m->media_type);
	for (size_t i = 0; i < c->n_diff_ids; i++) {
		struct layer_info info;
		if (store_layer_get(l->store, &c->diff_ids[i], &info))
			row.size += info.tar_size;
	}
	return load_row(l, &row, names, e);
}

// ---- what it is

static int load_any(struct load *l, struct err *e)
{
	auto_buf struct buf text = {0};
	int found = source_read(l->source, "index.json", MANIFEST_MAX, &text, e);
	if (found)
		return found < 0 ? -1 : load_oci(l, &text, e);
	found = source_read(l->source, "manifest.json", JSON_MAX, &text, e);
	if (found)
		return found < 0 ? -1 : load_docker(l, &text, e);
	return err_set(
	        e, ERR_CORRUPT, "neither index.json (OCI) nor manifest.json (docker) is in it");
}

int output_load(struct store *s, const char *path, struct strv *ret_loaded, struct err *e)
{
	auto_source struct source source = SOURCE_NONE;
	struct load l = {
	        .store = s, .source = &source, .loaded = ret_loaded, .platform = platform_host()};
	const char *shown = strcmp(path, "-") ? path : "standard input";
	if (source_open(s, path, &source, e))
		return -1;
	if (load_any(&l, e))
		return err_wrap(e, "load '%s'", shown);
	if (!ret_loaded->n)
		return err_set(e, ERR_NOT_FOUND, "load '%s': it holds no image", shown);
	return 0;
}

static int load_whole(struct load *l, const struct place *from, const struct platform *platform,
        struct digest *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	bool docker = from->kind == PLACE_DOCKER_ARCHIVE;
	const char *file = docker ? "manifest.json" : "index.json";
	auto_free char *name = docker && from->has_ref ? reference_text(&from->ref) : NULL;
	int found = source_read(l->source, file, docker ? JSON_MAX : MANIFEST_MAX, &text, e);
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "it is no %s: it has no %s",
		        docker ? "docker archive" : "OCI layout", file);
	if (found < 0)
		return -1;
	l->manifest = ret;
	return docker ? load_docker_one(l, &text, name, e)
	              : load_oci_whole(l, &text, from->name, platform, ret, e);
}

int output_load_whole(struct store *s, const struct place *from, const struct platform *platform,
        struct descriptor *ret, struct err *e)
{
	auto_source struct source source = SOURCE_NONE;
	auto_strv struct strv loaded = {0};
	auto_buf struct buf text = {0};
	struct digest root;
	struct load l = {.store = s, .source = &source, .loaded = &loaded};
	if (source_open(s, from->path, &source, e) || load_whole(&l, from, platform, &root, e) ||
	        store_blob_read(s, &root, MANIFEST_MAX, &text, e))
		return -1;
	const char *type = manifest_sniff(text.p, text.n, NULL, e);
	if (!type)
		return -1;
	*ret = (struct descriptor){.media_type = xstrdup(type), .digest = root, .size = text.n};
	return 0;
}

int output_load_layout(
        struct store *s, const struct output_layout *o, struct digest *ret, struct err *e)
{
	auto_source struct source source = SOURCE_NONE;
	auto_strv struct strv loaded = {0};
	auto_buf struct buf index = {0};
	struct load l = {.store = s,
	        .source = &source,
	        .loaded = &loaded,
	        .platform = *o->platform,
	        .exact = true,
	        .manifest = ret};
	if (source_open(s, o->folder, &source, e))
		return -1;
	int found = source_read(&source, "index.json", MANIFEST_MAX, &index, e);
	if (!found)
		return err_set(
		        e, ERR_NOT_FOUND, "'%s' is no OCI layout: it has no index.json", o->folder);
	return found < 0 ? -1 : load_oci_one(&l, &index, o, e);
}
