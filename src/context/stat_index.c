// SPDX-License-Identifier: Apache-2.0
// File layout: header, `count` records sorted by path (bytes), then the paths. Lookups come mostly
// in the order of the file, so the record after the last one found is tried first.
#include "context/stat_index.h"

#include "base/buf.h"
#include "base/event.h"
#include "base/fs.h"
#include "base/mem.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAGIC 0x3358545843574548ull // "HEWCXTX3"
#define FILE_MAX (4ull << 30)
// A clock tick of the file system and some: times this near to the start of hashing prove nothing.
#define RACY_NS 20000000ll
// Some file systems count in seconds, and FAT in two of them.
#define RACY_COARSE_NS 2020000000ll
#define FORGET_MAX 4096 // records looked at in one run

struct header {
	uint64_t magic, count, heap_size;
	uint64_t look_at; // of the records that nobody asks for, the first to be looked at next
};

struct disk_record {
	uint64_t path_off;
	uint32_t path_len, mode;
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns, hashed_ns;
	uint64_t has_xattrs;
	uint8_t content[HASH_SIZE];
};

struct fresh {
	char *path;
	struct disk_record r;
};

struct stat_index {
	void *map;
	size_t map_size;
	const struct disk_record *records;
	const char *heap;
	uint64_t *asked; // a bit a record
	size_t count, next;
	uint64_t look_at;
	int64_t started_ns;
	pthread_mutex_t lock;
	struct fresh *fresh;
	size_t n_fresh, cap_fresh;
	bool dirty;
};

static bool header_ok(const struct header *h, size_t size)
{
	size_t room = size - sizeof(*h);
	return h->magic == MAGIC && h->count <= room / sizeof(struct disk_record) &&
	       h->heap_size == room - h->count * sizeof(struct disk_record);
}

static bool records_ok(const struct stat_index *ix, uint64_t heap_size)
{
	for (size_t i = 0; i < ix->count; i++) {
		const struct disk_record *r = &ix->records[i];
		if (r->path_off >= heap_size || r->path_len >= heap_size - r->path_off ||
		        ix->heap[r->path_off + r->path_len] != '\0')
			return false;
	}
	return true;
}

static void map_file(struct stat_index *ix, int fd)
{
	struct stat st;
	if (fstat(fd, &st) || st.st_size < (off_t)sizeof(struct header) ||
	        (uint64_t)st.st_size > FILE_MAX)
		return;
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return;
	const struct header *h = map;
	ix->map = map;
	ix->map_size = (size_t)st.st_size;
	if (!header_ok(h, ix->map_size))
		return;
	ix->records = (const void *)(h + 1);
	ix->count = (size_t)h->count;
	ix->look_at = h->look_at;
	ix->heap = (const char *)(ix->records + ix->count);
	if (!records_ok(ix, h->heap_size))
		ix->count = 0;
	ix->asked = xcalloc(ix->count / 64 + 1, sizeof(*ix->asked));
}

struct stat_index *stat_index_open(int dirfd, const char *name)
{
	struct stat_index *ix = xcalloc(1, sizeof(*ix));
	pthread_mutex_init(&ix->lock, NULL);
	ix->started_ns = clock_real_ns();
	if (dirfd < 0)
		return ix;
	auto_fd int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0)
		map_file(ix, fd);
	return ix;
}

void stat_index_free(struct stat_index *ix)
{
	if (!ix)
		return;
	for (size_t i = 0; i < ix->n_fresh; i++)
		free(ix->fresh[i].path);
	free(ix->fresh);
	free(ix->asked);
	if (ix->map)
		munmap(ix->map, ix->map_size);
	pthread_mutex_destroy(&ix->lock);
	free(ix);
}

static const struct disk_record *find(struct stat_index *ix, const char *path)
{
	size_t lo = 0, hi = ix->count;
	if (ix->next < ix->count && !strcmp(ix->heap + ix->records[ix->next].path_off, path))
		return &ix->records[ix->next++];
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = fs_path_cmp(ix->heap + ix->records[mid].path_off, path);
		if (c == 0) {
			ix->next = mid + 1;
			return &ix->records[mid];
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static int64_t ns_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static bool same(const struct disk_record *r, const struct stat *st)
{
	return r->dev == st->st_dev && r->ino == st->st_ino && r->size == (uint64_t)st->st_size &&
	       r->mtime_ns == ns_of(&st->st_mtim) && r->ctime_ns == ns_of(&st->st_ctim) &&
	       r->mode == st->st_mode;
}

static bool racy(const struct disk_record *r)
{
	int64_t youngest = r->mtime_ns > r->ctime_ns ? r->mtime_ns : r->ctime_ns;
	bool coarse = r->ctime_ns % 1000000000 == 0;
	return youngest >= r->hashed_ns - (coarse ? RACY_COARSE_NS : RACY_NS);
}

static void remember(struct stat_index *ix, const char *path, const struct disk_record *r)
{
	if (ix->n_fresh == ix->cap_fresh) {
		ix->cap_fresh = ix->cap_fresh ? 2 * ix->cap_fresh : 256;
		ix->fresh = xreallocarray(ix->fresh, ix->cap_fresh, sizeof(*ix->fresh));
	}
	ix->fresh[ix->n_fresh++] = (struct fresh){xstrdup(path), *r};
}

bool stat_index_get(
        struct stat_index *ix, const char *path, const struct stat *st, struct stat_record *ret)
{
	pthread_mutex_lock(&ix->lock);
	const struct disk_record *r = find(ix, path);
	if (r)
		ix->asked[(r - ix->records) / 64] |= 1ull << (r - ix->records) % 64;
	bool hit = r && same(r, st) && !racy(r);
	if (hit) {
		*ret = (struct stat_record){r->dev, r->ino, r->size, r->mtime_ns, r->ctime_ns,
		        r->mode, (uint32_t)r->has_xattrs, {{0}}};
		memcpy(ret->content.b, r->content, HASH_SIZE);
	}
	pthread_mutex_unlock(&ix->lock);
	return hit;
}

struct stat_clock stat_clock_now(void)
{
	return (struct stat_clock){clock_real_ns(), clock_ns()};
}

int64_t stat_clock_since(const struct stat_clock *began)
{
	int64_t by_now = clock_real_ns() - (clock_ns() - began->steady_ns);
	return by_now < began->real_ns ? by_now : began->real_ns;
}

void stat_index_put(struct stat_index *ix, const char *path, const struct stat *st,
        const struct hash *content, bool has_xattrs, int64_t began_ns)
{
	struct disk_record r = {.mode = st->st_mode,
	        .dev = st->st_dev,
	        .ino = st->st_ino,
	        .size = (uint64_t)st->st_size,
	        .mtime_ns = ns_of(&st->st_mtim),
	        .ctime_ns = ns_of(&st->st_ctim),
	        .hashed_ns = began_ns < ix->started_ns ? began_ns : ix->started_ns,
	        .has_xattrs = has_xattrs};
	memcpy(r.content, content->b, HASH_SIZE);
	pthread_mutex_lock(&ix->lock);
	remember(ix, path, &r);
	ix->dirty = true;
	pthread_mutex_unlock(&ix->lock);
}

bool stat_index_is_dirty(struct stat_index *ix)
{
	return ix->dirty;
}

static int fresh_cmp(const void *a, const void *b)
{
	return fs_path_cmp(((const struct fresh *)a)->path, ((const struct fresh *)b)->path);
}

struct output {
	struct buf records, heap;
	uint64_t count;
	bool (*exists)(void *arg, const char *path);
	void *arg;
	size_t unasked,
	        first; // records that were not asked for, met so far; the first to be looked at
};

static void emit(struct output *o, const struct disk_record *r, const char *path)
{
	struct disk_record copy = *r;
	copy.path_off = o->heap.n;
	copy.path_len = (uint32_t)strlen(path);
	buf_add(&o->records, &copy, sizeof(copy));
	buf_add(&o->heap, path, copy.path_len + 1);
	o->count++;
}

static const char *old_path(const struct stat_index *ix, size_t i)
{
	return ix->heap + ix->records[i].path_off;
}

static bool was_asked(const struct stat_index *ix, size_t i)
{
	return ix->asked[i / 64] >> i % 64 & 1;
}

// A build that takes a part of a folder says nothing of the rest, so for that the disk is asked,
// where the last build left off.
static bool is_gone(const struct stat_index *ix, size_t i, struct output *o)
{
	if (was_asked(ix, i))
		return false;
	size_t at = o->unasked++;
	return at - o->first < FORGET_MAX && !o->exists(o->arg, old_path(ix, i));
}

static size_t first_to_look_at(const struct stat_index *ix)
{
	size_t unasked = 0;
	for (size_t i = 0; i < ix->count; i++)
		unasked += !was_asked(ix, i);
	return ix->look_at < unasked ? (size_t)ix->look_at : 0;
}

// Old records and this run's, merged by path; this run's win.
static void merge(struct stat_index *ix, struct output *o)
{
	size_t i = 0, k = 0;
	while (i < ix->count || k < ix->n_fresh) {
		const struct fresh *f = &ix->fresh[k];
		int c = i == ix->count     ? 1
		        : k == ix->n_fresh ? -1
		                           : fs_path_cmp(old_path(ix, i), f->path);
		if (c < 0) {
			if (!is_gone(ix, i, o))
				emit(o, &ix->records[i], old_path(ix, i));
			i++;
			continue;
		}
		i += c == 0;
		k++;
		bool last_of_equals = k == ix->n_fresh || strcmp(f->path, f[1].path) != 0;
		if (last_of_equals)
			emit(o, &f->r, f->path);
	}
}

void stat_index_print(struct stat_index *ix, bool (*exists)(void *arg, const char *path), void *arg,
        struct buf *out)
{
	if (ix->n_fresh)
		qsort(ix->fresh, ix->n_fresh, sizeof(*ix->fresh), fresh_cmp);
	struct output o = {.exists = exists, .arg = arg, .first = first_to_look_at(ix)};
	merge(ix, &o);
	struct header h = {MAGIC, o.count, o.heap.n, o.first + FORGET_MAX};
	buf_add(out, &h, sizeof(h));
	buf_add(out, o.records.p, o.records.n);
	buf_add(out, o.heap.p, o.heap.n);
	buf_release(&o.records);
	buf_release(&o.heap);
}
