// SPDX-License-Identifier: Apache-2.0
// Collecting what an image consists of, and writing it in one fixed order: oci-layout, index.json,
// manifest.json, blobs by digest. So a reader of the stream has the index first, and equal images
// give equal archives.
#include "output/layout.h"

#include "base/fs.h"
#include "base/json.h"
#include "image/reference.h"
#include "output/target.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 4
#define INDEX_JSON_MAX MANIFEST_MAX
#define KEY_REF_NAME "org.opencontainers.image.ref.name"
#define KEY_FULL_NAME "io.containerd.image.name"

void layout_release(struct layout *l)
{
	for (size_t i = 0; i < l->n; i++) {
		descriptor_release(&l->images[i].root);
		strv_release(&l->images[i].names);
		strv_release(&l->images[i].refs);
	}
	free(l->images);
	for (size_t i = 0; i < l->blobs.n; i++)
		descriptor_release(&l->blobs.v[i]);
	free(l->blobs.v);
	map_release(&l->seen);
}

// ---- collecting

// False if it was there before.
static bool note(struct layout *l, const struct descriptor *d)
{
	if (!digest_is_new(&l->seen, &d->digest))
		return false;
	descriptor_copy(descriptor_list_add(&l->blobs), d);
	return true;
}

static int collect(struct layout *l, const struct descriptor *d, int depth, struct err *e);

static int collect_manifest(struct layout *l, const struct buf *text, struct err *e)
{
	auto_manifest struct manifest m = {0};
	if (manifest_parse(text->p, text->n, NULL, &m, e))
		return -1;
	note(l, &m.config);
	for (size_t i = l->held; i < m.layers.n; i++) // the same one may be there twice
		note(l, &m.layers.v[i]);
	return 0;
}

// Of an index, what is in the store: nobody fetches the other platforms to write an archive.
static int collect_index(
        struct layout *l, const struct buf *text, const char *type, int depth, struct err *e)
{
	auto_index struct image_index ix = {0};
	if (image_index_parse(text->p, text->n, type, &ix, e))
		return -1;
	for (size_t i = 0; i < ix.manifests.n; i++)
		if (store_blob_has(l->q->store, &ix.manifests.v[i].digest) &&
		        collect(l, &ix.manifests.v[i], depth + 1, e))
			return -1;
	return 0;
}

static int collect(struct layout *l, const struct descriptor *d, int depth, struct err *e)
{
	auto_buf struct buf text = {0};
	const char *type = NULL;
	if (!note(l, d))
		return 0;
	if (depth > DEPTH_MAX)
		return err_set(e, ERR_CORRUPT, "indexes are nested too deep");
	if (document_read(l->q, &d->digest, &text, &type, e))
		return -1;
	return media_type_is_index(type) ? collect_index(l, &text, type, depth, e)
	                                 : collect_manifest(l, &text, e);
}

static struct layout_image *image_of(struct layout *l, const struct descriptor *root)
{
	for (size_t i = 0; i < l->n; i++)
		if (digest_eq(&l->images[i].root.digest, &root->digest))
			return &l->images[i];
	l->images = xreallocarray(l->images, l->n + 1, sizeof(*l->images));
	struct layout_image *im = &l->images[l->n++];
	*im = (struct layout_image){0};
	descriptor_copy(&im->root, root);
	return im;
}

int layout_add(
        struct layout *l, const struct descriptor *root, const struct strv *names, struct err *e)
{
	struct layout_image *im = image_of(l, root);
	for (size_t i = 0; i < names->n; i++)
		if (*names->v[i] && !strv_has(&im->names, names->v[i]))
			strv_add(&im->names, names->v[i]);
	return collect(l, root, 0, e) || blobs_need(l->q, l->blobs.v, l->blobs.n, e) ? -1 : 0;
}

int layout_add_as(struct layout *l, const struct descriptor *root, const char *ref, struct err *e)
{
	const struct strv none = {0};
	if (ref)
		strv_add(&image_of(l, root)->refs, ref);
	return layout_add(l, root, &none, e);
}

// ---- documents

static int add_named(
        struct image_index *ix, const struct descriptor *root, const char *name, struct err *e)
{
	auto_reference struct reference ref = {0};
	if (reference_parse(name, &ref, e))
		return -1;
	struct descriptor *d = descriptor_list_add(&ix->manifests);
	descriptor_copy(d, root);
	strv_addf(&d->annotations, KEY_FULL_NAME "=%s", name);
	if (ref.tag)
		strv_addf(&d->annotations, KEY_REF_NAME "=%s", ref.tag);
	return 0;
}

static int make_index(const struct layout *l, struct image_index *ix, struct err *e)
{
	ix->media_type = xstrdup(MT_OCI_INDEX);
	for (size_t i = 0; i < l->n; i++) {
		const struct layout_image *im = &l->images[i];
		if (!im->names.n && !im->refs.n)
			descriptor_copy(descriptor_list_add(&ix->manifests), &im->root);
		for (size_t k = 0; k < im->refs.n; k++) {
			struct descriptor *d = descriptor_list_add(&ix->manifests);
			descriptor_copy(d, &im->root);
			strv_addf(&d->annotations, KEY_REF_NAME "=%s", im->refs.v[k]);
		}
		for (size_t k = 0; k < im->names.n; k++)
			if (add_named(ix, &im->root, im->names.v[k], e))
				return -1;
	}
	return 0;
}

static void blob_name(const struct digest *d, char out[static 80])
{
	char hex[HASH_HEX];
	digest_hex(d, hex);
	snprintf(out, 80, "blobs/sha256/%s", hex);
}

static void put_tags(struct jw *w, const struct strv *names)
{
	jw_key(w, "RepoTags");
	if (!names->n) {
		jw_null(w);
		return;
	}
	jw_array(w);
	for (size_t i = 0; i < names->n; i++) {
		auto_reference struct reference ref = {0};
		struct err ignored = ERR_INIT;
		if (reference_parse(names->v[i], &ref, &ignored) || !ref.tag)
			continue; // docker knows no digests here
		// In full, as BuildKit writes it: podman takes a short name for one of its own.
		ref.has_digest = false;
		auto_free char *full = reference_text(&ref);
		jw_str(w, full);
	}
	jw_array_end(w);
}

static int put_docker_image(
        const struct layout *l, const struct layout_image *im, struct jw *w, struct err *e)
{
	char name[80];
	auto_buf struct buf text = {0};
	auto_manifest struct manifest m = {0};
	const char *type = NULL;
	if (document_read(l->q, &im->root.digest, &text, &type, e) ||
	        manifest_parse(text.p, text.n, NULL, &m, e))
		return -1;
	jw_object(w);
	blob_name(&m.config.digest, name);
	jw_kv(w, "Config", name);
	put_tags(w, &im->names);
	jw_key(w, "Layers");
	jw_array(w);
	for (size_t i = 0; i < m.layers.n; i++) {
		blob_name(&m.layers.v[i].digest, name);
		jw_str(w, name);
	}
	jw_array_end(w);
	jw_object_end(w);
	return 0;
}

static int put_docker_manifest(const struct layout *l, struct archive *a, struct err *e)
{
	auto_buf struct buf text = {0};
	struct jw w;
	jw_begin(&w, &text, 0);
	jw_array(&w);
	for (size_t i = 0; i < l->n; i++)
		if (put_docker_image(l, &l->images[i], &w, e))
			return -1;
	jw_array_end(&w);
	return archive_bytes(a, "manifest.json", text.p, text.n, e);
}

// ---- writing

static int by_digest(const void *a, const void *b)
{
	const struct descriptor *x = a, *y = b;
	return hash_cmp(&x->digest.h, &y->digest.h);
}

static int put_blob(struct layout *l, struct archive *a, const struct descriptor *d, struct err *e)
{
	uint64_t size;
	char name[80];
	blob_name(&d->digest, name);
	auto_fd int fd = store_blob_open(l->q->store, &d->digest, &size, e);
	if (fd < 0)
		return -1;
	if (size != d->size)
		return err_set(e, ERR_CORRUPT, "%s has %llu bytes, its descriptor says %llu", name,
		        (unsigned long long)size, (unsigned long long)d->size);
	return archive_file(a, name, fd, size, e);
}

static int write_version(struct archive *a, struct err *e)
{
	static const char version[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	return archive_bytes(a, "oci-layout", version, sizeof(version) - 1, e);
}

static int write_index(
        struct layout *l, struct archive *a, const struct image_index *ix, struct err *e)
{
	auto_buf struct buf index = {0};
	image_index_write(ix, &index);
	if (archive_bytes(a, "index.json", index.p, index.n, e))
		return -1;
	return l->docker ? put_docker_manifest(l, a, e) : 0;
}

static int write_blobs(struct layout *l, struct archive *a, struct err *e)
{
	if (archive_folder(a, "blobs", e) || archive_folder(a, "blobs/sha256", e))
		return -1;
	qsort(l->blobs.v, l->blobs.n, sizeof(*l->blobs.v), by_digest);
	for (size_t i = 0; i < l->blobs.n; i++)
		if (put_blob(l, a, &l->blobs.v[i], e))
			return -1;
	return archive_end(a, e);
}

int layout_stream(struct layout *l, int fd, struct err *e)
{
	struct archive a = {.fd = fd};
	auto_index struct image_index ix = {0};
	return make_index(l, &ix, e) || write_version(&a, e) || write_index(l, &a, &ix, e) ||
	                       write_blobs(l, &a, e)
	               ? -1
	               : 0;
}

// ---- into a folder that is a layout already

static const char *name_of(const struct descriptor *d)
{
	const char *full = strv_env_get(&d->annotations, KEY_FULL_NAME);
	return full ? full : strv_env_get(&d->annotations, KEY_REF_NAME);
}

static bool same_value(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

// The same image without a name is the same entry; the same name is another image now. A name as it
// is stands for all that readers take for it.
static bool replaced(const struct descriptor *old, const struct image_index *by)
{
	const char *was = name_of(old);
	for (size_t i = 0; i < by->manifests.n; i++) {
		const struct descriptor *d = &by->manifests.v[i];
		const char *is = name_of(d);
		if (!strv_env_get(&d->annotations, KEY_FULL_NAME) &&
		        same_value(is, strv_env_get(&old->annotations, KEY_REF_NAME)))
			return true;
		if (was && is ? !strcmp(was, is) : !was && digest_eq(&d->digest, &old->digest))
			return true;
	}
	return false;
}

static int keep_old(int dir, struct image_index *ix, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_index struct image_index old = {0}, all = {0};
	auto_fd int fd = openat(dir, "index.json", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "open 'index.json'");
	if (fs_read_fd(fd, INDEX_JSON_MAX, &text, e) ||
	        image_index_parse(text.p, text.n, MT_OCI_INDEX, &old, e))
		return err_wrap(e, "'index.json'");
	for (size_t i = 0; i < old.manifests.n; i++)
		if (!replaced(&old.manifests.v[i], ix))
			descriptor_copy(descriptor_list_add(&all.manifests), &old.manifests.v[i]);
	for (size_t i = 0; i < ix->manifests.n; i++)
		descriptor_copy(descriptor_list_add(&all.manifests), &ix->manifests.v[i]);
	struct descriptor_list was = ix->manifests;
	ix->manifests = all.manifests;
	all.manifests = was;
	return 0;
}

// Others may write into the same folder: what it has is read last, and the blobs are there by then.
static int join(struct layout *l, struct archive *a, struct target *t, struct err *e)
{
	auto_index struct image_index ix = {0};
	int dir = target_dir(t);
	int lock = layout_lock(dir, e);
	int rc = -1;
	unlinkat(a->fd, "index.json", 0); // as it would be in a new folder
	unlinkat(a->fd, "manifest.json", 0);
	if (lock >= 0 && !make_index(l, &ix, e) && !keep_old(dir, &ix, e))
		rc = write_index(l, a, &ix, e);
	rc = rc ? err_wrap(e, "'%s'", t->dest) : target_commit_dir(t, false, e);
	layout_unlock(dir, lock);
	return rc;
}

static int write_folder(struct layout *l, const char *dest, struct err *e)
{
	auto_target struct target t = TARGET_NONE;
	auto_index struct image_index ix = {0};
	if (target_open_dir(dest, &t, e) || make_index(l, &ix, e))
		return -1;
	struct archive a = {.fd = t.fd, .is_dir = true};
	if (write_version(&a, e) || write_blobs(l, &a, e) ||
	        (!t.exists && write_index(l, &a, &ix, e)))
		return err_wrap(e, "write '%s'", dest);
	int named = target_name_dir(&t, e);
	return named ? (named < 0 ? -1 : 0) : join(l, &a, &t, e);
}

static int write_tar(struct layout *l, const char *dest, struct err *e)
{
	auto_target struct target t = TARGET_NONE;
	if (target_open_file(dest, &t, e))
		return -1;
	if (layout_stream(l, t.fd, e))
		return err_wrap(e, "write %s%s%s", t.direct ? "" : "'",
		        t.direct ? "the archive" : dest, t.direct ? "" : "'");
	return target_commit_file(&t, e);
}

int layout_output(struct layout *l, const char *dest, bool tar, struct err *e)
{
	return tar ? write_tar(l, dest, e) : write_folder(l, dest, e);
}
