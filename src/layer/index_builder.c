// SPDX-License-Identifier: Apache-2.0
// Making an index: entries are copied into flat arrays as they come; finish sorts them, lets
// index_settle.c decide what of a contradictory layer stands, and writes the memory image, which is
// the file byte for byte. Strings are laid down in the order of the paths, so equal entries give
// equal files whatever order they came in.
#include "layer/builder-int.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include <endian.h>
#include <string.h>

struct index_builder *index_builder_new(void)
{
	struct index_builder *b = xcalloc(1, sizeof(*b));
	b->sorted = true;
	return b;
}

void index_builder_free(struct index_builder *b)
{
	if (!b)
		return;
	buf_release(&b->heap);
	free(b->records);
	free(b->xattrs);
	free(b);
}

void index_builder_free_ptr(struct index_builder **b)
{
	index_builder_free(*b);
}

// Both lengths are below 4 GiB because the heap is.
static int heap_add(struct index_builder *b, const void *p, size_t n, uint32_t *ret, struct err *e)
{
	if (n >= INDEX_HEAP_MAX || b->heap.n + n + 1 > INDEX_HEAP_MAX)
		return err_set(e, ERR_CORRUPT, "layer has more names and attributes than %u bytes",
		        INDEX_HEAP_MAX);
	*ret = (uint32_t)b->heap.n;
	if (n > 0)
		buf_add(&b->heap, p, n);
	buf_putc(&b->heap, '\0');
	return 0;
}

static int add_xattr(
        struct index_builder *b, const struct xattr *x, const struct entry *en, struct err *e)
{
	size_t name_len = strlen(x->name);
	if (x->size > XATTR_VALUE_MAX || name_len > 255)
		return err_set(e, ERR_CORRUPT, "'%s' has an extended attribute of %u bytes",
		        en->path, x->size);
	if (b->n_xattrs == b->cap_xattrs) {
		b->cap_xattrs = b->cap_xattrs ? b->cap_xattrs * 2 : 64;
		b->xattrs = xreallocarray(b->xattrs, b->cap_xattrs, sizeof(*b->xattrs));
	}
	struct index_xattr *t = &b->xattrs[b->n_xattrs];
	*t = (struct index_xattr){.name_len = (uint32_t)name_len, .size = x->size};
	if (heap_add(b, x->name, name_len, &t->name, e) != 0 ||
	        heap_add(b, x->value, x->size, &t->value, e) != 0)
		return -1;
	b->n_xattrs++;
	return 0;
}

// Insertion order does not matter to an index, but the table must be sorted and without doubles.
static void sort_xattrs(struct index_builder *b, struct index_record *r)
{
	if (r->n_xattrs == 0)
		return;
	struct index_xattr *t = b->xattrs + r->xattr;
	uint16_t n = 0;
	for (uint16_t i = 0; i < r->n_xattrs; i++) {
		struct index_xattr x = t[i];
		uint16_t at = n;
		int cmp = 1;
		while (at > 0 && (cmp = strcmp(b->heap.p + t[at - 1].name, b->heap.p + x.name)) > 0)
			at--;
		if (at > 0 && cmp == 0) {
			t[at - 1] = x;
			continue;
		}
		memmove(t + at + 1, t + at, (n - at) * sizeof(*t));
		t[at] = x;
		n++;
	}
	r->n_xattrs = n;
}

static bool xattr_counts(const struct xattr *x)
{
	return strncmp(x->name, "trusted.overlay.", 16) != 0 &&
	       strncmp(x->name, "user.overlay.", 13) != 0;
}

static int add_xattrs(
        struct index_builder *b, const struct entry *en, struct index_record *r, struct err *e)
{
	if (en->n_xattrs > XATTR_MAX)
		return err_set(e, ERR_CORRUPT, "'%s' has more than %d extended attributes",
		        en->path, XATTR_MAX);
	r->xattr = (uint32_t)b->n_xattrs;
	for (uint32_t i = 0; i < en->n_xattrs; i++) {
		if (!xattr_counts(&en->xattrs[i]))
			continue;
		if (add_xattr(b, &en->xattrs[i], en, e) != 0)
			return -1;
		r->n_xattrs++;
	}
	sort_xattrs(b, r);
	return 0;
}

static struct index_record *grow(struct index_builder *b)
{
	if (b->n == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 256;
		b->records = xreallocarray(b->records, b->cap, sizeof(*b->records));
	}
	return &b->records[b->n];
}

static int add_path(
        struct index_builder *b, struct index_record *r, const char *path, struct err *e)
{
	size_t len = strlen(path);
	if (len > INDEX_PATH_MAX)
		return err_set(
		        e, ERR_CORRUPT, "a path has %zu bytes, more than %d", len, INDEX_PATH_MAX);
	if (!index_path_is_clean(path, 0, len))
		return err_set(e, ERR_CORRUPT, "'%s' is no clean path", path);
	if (b->n >= INDEX_ENTRIES_MAX)
		return err_set(e, ERR_CORRUPT, "layer has more than %u entries", INDEX_ENTRIES_MAX);
	r->path_len = (uint32_t)len;
	if (heap_add(b, path, len, &r->path, e) != 0)
		return -1;
	if (b->sorted && b->n > 0)
		b->sorted = fs_path_cmp(b->heap.p + b->records[b->n - 1].path, path) < 0;
	return 0;
}

int index_builder_add(struct index_builder *b, const struct entry *en, struct err *e)
{
	if (en->path[0] == '\0' && en->type != ENTRY_DIR)
		return err_set(e, ERR_CORRUPT, "the root of a layer is not a directory");
	if (en->type == ENTRY_SOCKET)
		return 0;
	struct index_record *r = grow(b);
	*r = (struct index_record){
	        .link = INDEX_NO_LINK,
	        .type = (uint8_t)en->type,
	        .flags =
	                (uint8_t)((en->opaque && en->type == ENTRY_DIR ? RECORD_OPAQUE : 0) |
	                          (en->has_content && en->type == ENTRY_FILE ? RECORD_CONTENT : 0)),
	        .mode = en->mode & 07777,
	        .uid = en->uid,
	        .gid = en->gid,
	        .dev_major = en->dev_major,
	        .dev_minor = en->dev_minor,
	        .mtime_sec = en->mtime_sec,
	        .mtime_nsec = en->mtime_nsec % 1000000000,
	        .size = en->type == ENTRY_FILE ? en->size : 0,
	        .offset = en->type == ENTRY_FILE ? en->offset : ENTRY_NO_OFFSET,
	};
	if (r->flags & RECORD_CONTENT)
		memcpy(r->content, en->content.b, HASH_SIZE);
	if (add_path(b, r, en->path, e) != 0)
		return -1;
	bool links = en->type == ENTRY_SYMLINK || (en->type == ENTRY_FILE && en->link);
	if (links) {
		const char *link = en->link ? en->link : "";
		r->link_len = (uint32_t)strlen(link);
		if (heap_add(b, link, r->link_len, &r->link, e) != 0)
			return -1;
		if (en->type == ENTRY_FILE)
			r->flags |= RECORD_HARDLINK;
	}
	if (add_xattrs(b, en, r, e) != 0)
		return -1;
	b->n++;
	return 0;
}

int index_builder_opaque(struct index_builder *b, const char *dir, struct err *e)
{
	struct index_record *r = grow(b);
	*r = (struct index_record){
	        .link = INDEX_NO_LINK,
	        .type = ENTRY_DIR,
	        .flags = RECORD_MARKER,
	        .mode = 0755,
	        .offset = ENTRY_NO_OFFSET,
	};
	if (add_path(b, r, dir, e) != 0)
		return -1;
	b->n++;
	return 0;
}

// --- the image ---------------------------------------------------------------------------------

struct image {
	struct index_builder *b;
	const uint32_t *order; // of the records that stand
	size_t n;
	struct buf heap;
	struct index_xattr *xattrs;
	size_t n_xattrs;
	uint64_t file_bytes, n_implied;
};

static uint32_t image_string(struct image *im, uint32_t at, uint32_t len)
{
	uint32_t pos = (uint32_t)im->heap.n;
	buf_add(&im->heap, im->b->heap.p + at, (size_t)len + 1);
	return htole32(pos);
}

static void image_record(struct image *im, const struct index_record *in, struct index_record *out)
{
	*out = *in;
	out->path = image_string(im, in->path, in->path_len);
	out->path_len = htole32(in->path_len);
	out->link = htole32(INDEX_NO_LINK);
	if (in->link != INDEX_NO_LINK)
		out->link = image_string(im, in->link, in->link_len);
	out->link_len = htole32(in->link_len);
	out->xattr = htole32((uint32_t)im->n_xattrs);
	out->n_xattrs = htole16(in->n_xattrs);
	for (uint16_t i = 0; i < in->n_xattrs; i++) {
		const struct index_xattr *x = &im->b->xattrs[in->xattr + i];
		im->xattrs[im->n_xattrs++] = (struct index_xattr){
		        .name = image_string(im, x->name, x->name_len),
		        .name_len = htole32(x->name_len),
		        .value = image_string(im, x->value, x->size),
		        .size = htole32(x->size),
		};
	}
	out->flags = in->flags & (RECORD_OPAQUE | RECORD_CONTENT);
	out->mode = htole32(in->mode);
	out->uid = htole32(in->uid);
	out->gid = htole32(in->gid);
	out->dev_major = htole32(in->dev_major);
	out->dev_minor = htole32(in->dev_minor);
	out->mtime_nsec = htole32(in->mtime_nsec);
	out->mtime_sec = (int64_t)htole64((uint64_t)in->mtime_sec);
	out->size = htole64(in->size);
	out->offset = htole64(in->offset);
	if (in->type == ENTRY_FILE && in->link == INDEX_NO_LINK)
		im->file_bytes += in->size;
}

// How many directories between two neighbours in the order have no record.
static uint64_t implied_between(const char *prev, const char *path)
{
	size_t same = index_common_prefix(prev, strlen(prev), path, strlen(path));
	if (prev[same] != '\0' || (path[same] != '/' && same > 0))
		while (same > 0 && path[same] != '/')
			same--;
	uint64_t n = 0;
	for (const char *p = path + same + (path[same] == '/'); (p = strchr(p, '/')); p++)
		n++;
	return n;
}

static struct layer_index *image_make(struct image *im, struct err *e)
{
	size_t n_xattrs = 0;
	for (size_t i = 0; i < im->n; i++)
		n_xattrs += im->b->records[im->order[i]].n_xattrs;
	im->xattrs = xcalloc(n_xattrs + 1, sizeof(*im->xattrs));
	buf_reserve(&im->heap, im->b->heap.n);
	struct buf out = {0};
	size_t fixed = sizeof(struct index_header) + im->n * sizeof(struct index_record);
	buf_reserve(&out, fixed + n_xattrs * sizeof(struct index_xattr) + im->b->heap.n);
	memset(out.p, 0, fixed);
	out.n = fixed;
	struct index_record *records = (void *)(out.p + sizeof(struct index_header));
	const char *prev = "";
	for (size_t i = 0; i < im->n; i++) {
		const struct index_record *r = &im->b->records[im->order[i]];
		image_record(im, r, &records[i]);
		im->n_implied += implied_between(prev, im->b->heap.p + r->path);
		prev = im->b->heap.p + r->path;
	}
	buf_add(&out, im->xattrs, n_xattrs * sizeof(*im->xattrs));
	if (im->heap.n > 0)
		buf_add(&out, im->heap.p, im->heap.n);
	struct index_header *h = (void *)out.p;
	memcpy(h->magic, INDEX_MAGIC, sizeof(h->magic));
	h->version = htole32(INDEX_VERSION);
	h->n_entries = htole64(im->n);
	h->n_xattrs = htole64(n_xattrs);
	h->heap_size = htole64(im->heap.n);
	h->file_bytes = htole64(im->file_bytes);
	h->n_implied = htole64(im->n_implied);
	size_t size = out.n;
	return index_attach((uint8_t *)buf_steal(&out), size, false, e);
}

// The header's digests cover what is attached, so they come last.
static void image_seal(struct layer_index *ix)
{
	struct index_header *h = (void *)(uintptr_t)ix->base;
	ix->content_id = index_content_id(ix);
	memcpy(h->content_id, ix->content_id.b, HASH_SIZE);
	h->crc = htole32(index_crc(ix->base, ix->size));
}

struct layer_index *index_builder_finish(struct index_builder *b, struct err *e)
{
	auto_free uint32_t *order = NULL;
	size_t n;
	if (index_settle(b, &order, &n, e) != 0)
		return NULL;
	struct image im = {.b = b, .order = order, .n = n};
	struct layer_index *ix = image_make(&im, e);
	buf_release(&im.heap);
	free(im.xattrs);
	if (ix)
		image_seal(ix);
	return ix;
}
