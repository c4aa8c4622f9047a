// SPDX-License-Identifier: Apache-2.0
// Reading an index: it is checked once, whole and in linear time, when it is opened; after that
// every access is arithmetic on the mapping. What the check promises: all offsets are inside,
// strings end where they say, paths are clean, sorted and unique, nothing lies below what is no
// directory, a hard link names an earlier regular file.
#include "layer/index-int.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include <endian.h>
#include <libdeflate.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

size_t index_common_prefix(const char *a, size_t na, const char *b, size_t nb)
{
	size_t n = na < nb ? na : nb, i = 0;
	for (; n - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
		uint64_t x, y;
		memcpy(&x, a + i, sizeof(x));
		memcpy(&y, b + i, sizeof(y));
		if (x != y)
			return i + (size_t)(__builtin_ctzll(le64toh(x) ^ le64toh(y)) / 8);
	}
	while (i < n && a[i] == b[i])
		i++;
	return i;
}

static void unmap(const uint8_t *base, size_t size, bool mapped)
{
	void *p = (void *)(uintptr_t)base;
	if (mapped)
		munmap(p, size);
	else
		free(p);
}

void layer_index_close(struct layer_index *ix)
{
	if (!ix)
		return;
	unmap(ix->base, ix->size, ix->mapped);
	free(ix->xattrs);
	free(ix);
}

uint32_t index_crc(const uint8_t *base, size_t size)
{
	return libdeflate_crc32(0, base + INDEX_CRC_START, size - INDEX_CRC_START);
}

// The sizes of the parts add up to the file, without overflow.
static bool counts_fit(const struct index_header *h, size_t size)
{
	uint64_t n = le64toh(h->n_entries), x = le64toh(h->n_xattrs), heap = le64toh(h->heap_size);
	if (n > INDEX_ENTRIES_MAX || x > INDEX_HEAP_MAX || heap > INDEX_HEAP_MAX)
		return false;
	return sizeof(*h) + n * sizeof(struct index_record) + x * sizeof(struct index_xattr) +
	               heap ==
	       size;
}

static bool range_fits(uint64_t start, uint64_t n, uint64_t limit)
{
	return start <= limit && n <= limit - start;
}

static bool string_fits(const char *heap, size_t heap_size, uint32_t at, uint32_t len)
{
	return range_fits(at, (uint64_t)len + 1, heap_size) && heap[at + len] == '\0' &&
	       !memchr(heap + at, '\0', len);
}

// Turns the xattr table into pointers; false if one points outside.
static bool attach_xattrs(struct layer_index *ix, const struct index_xattr *t, size_t n)
{
	size_t heap_size = le64toh(ix->header->heap_size);
	ix->xattrs = n > 0 ? xcalloc(n, sizeof(*ix->xattrs)) : NULL;
	for (size_t i = 0; i < n; i++) {
		uint32_t name = le32toh(t[i].name), value = le32toh(t[i].value);
		uint32_t size = le32toh(t[i].size);
		if (!string_fits(ix->heap, heap_size, name, le32toh(t[i].name_len)) ||
		        !range_fits(value, size, heap_size) || size > XATTR_VALUE_MAX)
			return false;
		ix->xattrs[i] = (struct xattr){ix->heap + name, ix->heap + value, size};
	}
	return true;
}

struct layer_index *index_attach(const uint8_t *base, size_t size, bool mapped, struct err *e)
{
	const struct index_header *h = (const void *)base;
	if (size < sizeof(*h) || memcmp(h->magic, INDEX_MAGIC, sizeof(h->magic)) != 0) {
		err_set(e, ERR_CORRUPT, "layer index: not an index file");
	} else if (le32toh(h->version) != INDEX_VERSION) {
		err_set(e, ERR_CORRUPT, "layer index: version %u, this program writes %u",
		        le32toh(h->version), INDEX_VERSION);
	} else if (!counts_fit(h, size)) {
		err_set(e, ERR_CORRUPT, "layer index: its parts do not add up to %zu bytes", size);
	} else {
		struct layer_index *ix = xcalloc(1, sizeof(*ix));
		ix->base = base, ix->size = size, ix->mapped = mapped;
		ix->header = h;
		ix->n = le64toh(h->n_entries);
		ix->records = (const void *)(base + sizeof(*h));
		const struct index_xattr *t = (const void *)(ix->records + ix->n);
		size_t n_xattrs = le64toh(h->n_xattrs);
		ix->heap = (const char *)(t + n_xattrs);
		ix->file_bytes = le64toh(h->file_bytes);
		ix->n_implied = le64toh(h->n_implied);
		memcpy(ix->content_id.b, h->content_id, HASH_SIZE);
		if (attach_xattrs(ix, t, n_xattrs))
			return ix;
		layer_index_close(ix);
		err_set(e, ERR_CORRUPT, "layer index: an extended attribute lies outside the file");
		return NULL;
	}
	unmap(base, size, mapped);
	return NULL;
}

bool index_path_is_clean(const char *path, size_t from, size_t len)
{
	if (len == 0)
		return true;
	while (true) {
		const char *slash = memchr(path + from, '/', len - from);
		size_t n = slash ? (size_t)(slash - path) - from : len - from;
		if (n == 0 || (n == 1 && path[from] == '.') ||
		        (n == 2 && path[from] == '.' && path[from + 1] == '.'))
			return false;
		if (!slash)
			return true;
		from += n + 1;
	}
}

// Where a byte stands in the order of fs_path_cmp; `at` may be the end.
static int rank_at(const char *path, size_t len, size_t at)
{
	if (at == len)
		return 0;
	return path[at] == '/' ? 1 : (unsigned char)path[at] + 2;
}

// The path of record i is clean and after that of record i - 1. Only what is new in it is looked
// at.
static bool path_follows(const struct layer_index *ix, size_t i, const char *path, size_t len)
{
	size_t prev_len;
	const char *prev = index_path(ix, i - 1, &prev_len);
	size_t same = index_common_prefix(prev, prev_len, path, len);
	bool after = rank_at(prev, prev_len, same) < rank_at(path, len, same);
	while (same > 0 && path[same - 1] != '/')
		same--;
	return after && index_path_is_clean(path, same, len);
}

static bool xattrs_sorted(const struct layer_index *ix, uint32_t first, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (strcmp(ix->xattrs[first + i - 1].name, ix->xattrs[first + i].name) >= 0)
			return false;
	return true;
}

static const char *record_fault(const struct layer_index *ix, size_t i, uint32_t *nondir)
{
	const struct index_record *r = &ix->records[i];
	size_t heap_size = le64toh(ix->header->heap_size), n_xattrs = le64toh(ix->header->n_xattrs);
	uint32_t at = le32toh(r->path), len = le32toh(r->path_len);
	if (len > INDEX_PATH_MAX || !string_fits(ix->heap, heap_size, at, len))
		return "path outside";
	const char *path = ix->heap + at;
	if (i == 0 ? !index_path_is_clean(path, 0, len) : !path_follows(ix, i, path, len))
		return "path not clean or not in order";
	if (*nondir > 0 && len > *nondir && path[*nondir] == '/' &&
	        memcmp(path, index_path(ix, i - 1, NULL), *nondir) == 0)
		return "path below what is no directory";
	*nondir = r->type == ENTRY_DIR ? 0 : len;
	if (r->type > ENTRY_WHITEOUT || r->type == ENTRY_SOCKET ||
	        (len == 0 && r->type != ENTRY_DIR))
		return "type";
	if ((r->flags & ~(RECORD_OPAQUE | RECORD_CONTENT)) != 0 || le32toh(r->mode) > 07777 ||
	        le32toh(r->mtime_nsec) > 999999999)
		return "attributes";
	uint16_t nx = le16toh(r->n_xattrs);
	if (nx > XATTR_MAX || !range_fits(le32toh(r->xattr), nx, n_xattrs) ||
	        !xattrs_sorted(ix, le32toh(r->xattr), nx))
		return "extended attributes";
	bool has_link = le32toh(r->link) != INDEX_NO_LINK;
	if (has_link && !string_fits(ix->heap, heap_size, le32toh(r->link), le32toh(r->link_len)))
		return "link outside";
	if (has_link ? r->type != ENTRY_SYMLINK && r->type != ENTRY_FILE : r->type == ENTRY_SYMLINK)
		return "link";
	return NULL;
}

static bool hard_link_ok(const struct layer_index *ix, size_t i)
{
	const struct index_record *r = &ix->records[i];
	if (r->type != ENTRY_FILE || le32toh(r->link) == INDEX_NO_LINK)
		return true;
	bool exact;
	size_t t = index_search(ix, ix->heap + le32toh(r->link), le32toh(r->link_len), &exact);
	return exact && t < i && ix->records[t].type == ENTRY_FILE &&
	       le32toh(ix->records[t].link) == INDEX_NO_LINK;
}

static int check(const struct layer_index *ix, struct err *e)
{
	if (le32toh(ix->header->crc) != index_crc(ix->base, ix->size))
		return err_set(e, ERR_CORRUPT, "layer index: checksum does not match");
	uint32_t nondir = 0;
	for (size_t i = 0; i < ix->n; i++) {
		const char *fault = record_fault(ix, i, &nondir);
		if (fault)
			return err_set(e, ERR_CORRUPT, "layer index: entry %zu: %s", i, fault);
	}
	for (size_t i = 0; i < ix->n; i++)
		if (!hard_link_ok(ix, i))
			return err_set(e, ERR_CORRUPT, "layer index: entry %zu: hard link", i);
	return 0;
}

struct layer_index *layer_index_open(int fd, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) != 0) {
		err_sys(e, "stat layer index");
		return NULL;
	}
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct index_header)) {
		err_set(e, ERR_CORRUPT, "layer index: not an index file");
		return NULL;
	}
	size_t size = (size_t)st.st_size;
	void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED) {
		err_sys(e, "map layer index");
		return NULL;
	}
	struct layer_index *ix = index_attach(p, size, true, e);
	if (ix && check(ix, e) != 0) {
		layer_index_close(ix);
		return NULL;
	}
	return ix;
}

size_t layer_index_count(const struct layer_index *ix)
{
	return ix->n;
}

struct hash layer_index_content_id(const struct layer_index *ix)
{
	return ix->content_id;
}

uint64_t layer_index_file_bytes(const struct layer_index *ix)
{
	return ix->file_bytes;
}

size_t layer_index_implied(const struct layer_index *ix)
{
	return ix->n_implied;
}

const char *index_path(const struct layer_index *ix, size_t i, size_t *ret_len)
{
	if (ret_len)
		*ret_len = le32toh(ix->records[i].path_len);
	return ix->heap + le32toh(ix->records[i].path);
}

void layer_index_at(const struct layer_index *ix, size_t i, struct entry *ret)
{
	const struct index_record *r = &ix->records[i];
	uint32_t link = le32toh(r->link);
	uint16_t n_xattrs = le16toh(r->n_xattrs);
	*ret = (struct entry){
	        .path = ix->heap + le32toh(r->path),
	        .type = (enum entry_type)r->type,
	        .opaque = (r->flags & RECORD_OPAQUE) != 0,
	        .mode = le32toh(r->mode),
	        .uid = le32toh(r->uid),
	        .gid = le32toh(r->gid),
	        .dev_major = le32toh(r->dev_major),
	        .dev_minor = le32toh(r->dev_minor),
	        .size = le64toh(r->size),
	        .mtime_sec = (int64_t)le64toh((uint64_t)r->mtime_sec),
	        .mtime_nsec = le32toh(r->mtime_nsec),
	        .link = link == INDEX_NO_LINK ? NULL : ix->heap + link,
	        .xattrs = n_xattrs > 0 ? ix->xattrs + le32toh(r->xattr) : NULL,
	        .n_xattrs = n_xattrs,
	        .has_content = (r->flags & RECORD_CONTENT) != 0,
	        .offset = le64toh(r->offset),
	};
	memcpy(ret->content.b, r->content, HASH_SIZE);
}

// Whatever lies between two records has what both have in common with the path: that much need not
// be compared again. It makes a search three times as fast as comparing from the start.
size_t index_search(const struct layer_index *ix, const char *path, size_t len, bool *ret_exact)
{
	size_t lo = 0, hi = ix->n, same_lo = 0, same_hi = 0;
	*ret_exact = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2, at_len;
		size_t same = same_lo < same_hi ? same_lo : same_hi;
		const char *at = index_path(ix, mid, &at_len);
		same += index_common_prefix(at + same, at_len - same, path + same, len - same);
		int diff = rank_at(at, at_len, same) - rank_at(path, len, same);
		if (diff < 0) {
			lo = mid + 1;
			same_lo = same;
		} else {
			hi = mid;
			same_hi = same;
			*ret_exact = diff == 0;
		}
	}
	return lo;
}

bool layer_index_find(const struct layer_index *ix, const char *path, struct entry *ret)
{
	bool exact;
	size_t i = index_search(ix, path, strlen(path), &exact);
	if (exact)
		layer_index_at(ix, i, ret);
	return exact;
}

static bool record_within(const struct layer_index *ix, size_t i, const char *dir, size_t dir_len)
{
	size_t len;
	const char *path = index_path(ix, i, &len);
	if (dir_len == 0)
		return true;
	return len >= dir_len && (path[dir_len] == '/' || path[dir_len] == '\0') &&
	       memcmp(path, dir, dir_len) == 0;
}

size_t index_skip(const struct layer_index *ix, size_t from, const char *dir, size_t dir_len)
{
	// Gallop: most subtrees that are skipped are files, which end at once.
	size_t step = 1, lo = from, hi = ix->n;
	while (lo < ix->n && record_within(ix, lo, dir, dir_len)) {
		from = lo + 1;
		lo += step;
		step *= 2;
	}
	if (lo < hi)
		hi = lo;
	while (from < hi) {
		size_t mid = from + (hi - from) / 2;
		if (record_within(ix, mid, dir, dir_len))
			from = mid + 1;
		else
			hi = mid;
	}
	return from;
}

void layer_index_range(const struct layer_index *ix, const char *dir, size_t *begin, size_t *end)
{
	bool exact;
	size_t len = strlen(dir);
	*begin = index_search(ix, dir, len, &exact);
	*end = index_skip(ix, *begin, dir, len);
}

struct hash index_content_id(const struct layer_index *ix)
{
	auto_hasher struct hasher *h = hasher_new();
	auto_buf struct buf b = {0};
	for (size_t i = 0; i < ix->n; i++) {
		struct entry en;
		layer_index_at(ix, i, &en);
		buf_reset(&b);
		buf_add(&b, en.path, strlen(en.path) + 1); // a path has no NUL: this frames it
		entry_canonical(&en, &b);
		hasher_field(h, b.p, b.n);
	}
	return hasher_end(h);
}

int layer_index_write(const struct layer_index *ix, int fd, struct err *e)
{
	if (fault_point("layer.index.write") < 0)
		return err_sys(e, "write a layer index");
	return fs_write_all(fd, ix->base, ix->size, e);
}
