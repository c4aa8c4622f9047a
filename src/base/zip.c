// SPDX-License-Identifier: Apache-2.0
// Owns the way from the end record to the bytes of a member. All offsets and lengths are checked
// against the size of the archive before they are used, and what a member claims to become against
// what deflate can make of its bytes before memory is taken for it.
#include "base/zip.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include <assert.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <string.h>

#define END_SIZE 22
#define END_COMMENT_MAX 65535
#define END64_SIZE 56
#define LOCATOR_SIZE 20
#define ENTRY_SIZE 46
#define LOCAL_SIZE 30
#define ENTRY_MAX (ENTRY_SIZE + 3 * 65535) // with name, extra field and comment
#define WINDOW ((size_t)256 << 10)
#define DEFLATE_RATIO_MAX 1032 // what one byte of deflate can become at most
#define DEFLATE_SLACK 4096 // what bytes that do not shrink grow by is less than an eighth and this
#define FLAG_ENCRYPTED 1

struct zip {
	struct zip_source source;
	uint64_t base;    // of all offsets: jars that are programs have a script in front
	uint64_t at, end; // of the directory that is not in the window yet
	uint8_t *window;
	size_t window_at, window_n, window_cap;
	uint64_t extracted; // packed bytes that zip_extract took
	struct libdeflate_decompressor *inflate;
};

static uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)le16(p) | (uint32_t)le16(p + 2) << 16;
}

static uint64_t le64(const uint8_t *p)
{
	return (uint64_t)le32(p) | (uint64_t)le32(p + 4) << 32;
}

static int read_fd(void *arg, void *p, size_t n, uint64_t off, struct err *e)
{
	return fs_pread_full(*(const int *)arg, p, n, (off_t)off, e);
}

struct zip_source zip_source_fd(const int *fd, uint64_t size)
{
	return (struct zip_source){read_fd, (void *)(uintptr_t)fd, size};
}

static int read_memory(void *arg, void *p, size_t n, uint64_t off, struct err *e)
{
	memcpy(p, ((const struct str *)arg)->p + off, n);
	return 0;
}

struct zip_source zip_source_memory(const struct str *bytes)
{
	return (struct zip_source){read_memory, (void *)(uintptr_t)bytes, bytes->n};
}

// Every read of an archive: never beyond its end.
static int read_at(struct zip *z, void *p, uint64_t n, uint64_t off, struct err *e)
{
	if (off > z->source.size || n > z->source.size - off)
		return err_set(e, ERR_CORRUPT, "damaged zip archive: it points behind its end");
	return n ? z->source.read(z->source.arg, p, (size_t)n, off, e) : 0;
}

// --- the end of the archive --------------------------------------------------------------------

struct directory {
	uint64_t offset, size;
	uint64_t behind; // where the first end record stands: just behind the directory
};

// The end record is the last thing but its comment, which may have any bytes, those of an end
// record too: so the last one whose comment reaches just the end.
static int find_end(struct zip *z, uint8_t *tail, uint64_t *ret, struct err *e)
{
	uint64_t n = z->source.size;
	if (n > END_SIZE + END_COMMENT_MAX)
		n = END_SIZE + END_COMMENT_MAX;
	uint64_t from = z->source.size - n;
	if (n < END_SIZE || read_at(z, tail, n, from, e))
		return n < END_SIZE ? err_set(e, ERR_CORRUPT, "not a zip archive: too short") : -1;
	for (uint64_t i = n - END_SIZE + 1; i-- > 0;)
		if (!memcmp(tail + i, "PK\5\6", 4) && i + END_SIZE + le16(tail + i + 20) <= n) {
			*ret = from + i;
			memmove(tail, tail + i, END_SIZE);
			return 0;
		}
	return err_set(e, ERR_CORRUPT, "not a zip archive: no end of a directory");
}

// With zip64 the numbers stand in a record of their own, and a locator before the end says where.
static int read_end64(struct zip *z, uint64_t end, struct directory *d, struct err *e)
{
	uint8_t locator[LOCATOR_SIZE], r[END64_SIZE];
	if (end < LOCATOR_SIZE)
		return 0;
	if (read_at(z, locator, sizeof(locator), end - LOCATOR_SIZE, e))
		return -1;
	if (memcmp(locator, "PK\6\7", 4) != 0)
		return 0;
	// Where it says, or just before the locator, if something was put in front of the archive.
	uint64_t at = le64(locator + 8);
	if (at > z->source.size || read_at(z, r, sizeof(r), at, e) || memcmp(r, "PK\6\6", 4) != 0) {
		if (end < LOCATOR_SIZE + END64_SIZE)
			return err_set(e, ERR_CORRUPT, "damaged zip archive: no zip64 record");
		at = end - LOCATOR_SIZE - END64_SIZE;
		if (read_at(z, r, sizeof(r), at, e))
			return -1;
	}
	if (memcmp(r, "PK\6\6", 4) != 0)
		return err_set(e, ERR_CORRUPT, "damaged zip archive: no zip64 record");
	*d = (struct directory){le64(r + 48), le64(r + 40), at};
	return 0;
}

static int find_directory(struct zip *z, struct err *e)
{
	auto_free uint8_t *tail = xmalloc(END_SIZE + END_COMMENT_MAX);
	uint64_t end;
	if (find_end(z, tail, &end, e))
		return -1;
	struct directory d = {le32(tail + 16), le32(tail + 12), end};
	if (read_end64(z, end, &d, e))
		return -1;
	if (d.size > d.behind || d.offset > d.behind - d.size)
		return err_set(e, ERR_CORRUPT, "damaged zip archive: a directory behind its end");
	z->base = d.behind - d.size - d.offset;
	z->at = d.behind - d.size;
	z->end = d.behind;
	return 0;
}

int zip_open(const struct zip_source *source, struct zip **ret, struct err *e)
{
	auto_zip struct zip *z = xcalloc(1, sizeof(*z));
	z->source = *source;
	if (find_directory(z, e))
		return -1;
	uint64_t size = z->end - z->at;
	z->window_cap = size < WINDOW ? (size_t)size : WINDOW;
	z->window = xmalloc(z->window_cap ? z->window_cap : 1);
	*ret = steal_ptr(&z);
	return 0;
}

void zip_free(struct zip *z)
{
	if (!z)
		return;
	libdeflate_free_decompressor(z->inflate);
	free(z->window);
	free(z);
}

void zip_free_ptr(struct zip **z)
{
	zip_free(*z);
}

// --- the directory -----------------------------------------------------------------------------

// At least n bytes of the directory, if it has as many: NULL otherwise.
static const uint8_t *directory_bytes(struct zip *z, size_t n, struct err *e)
{
	if (z->window_n < n) {
		memmove(z->window, z->window + z->window_at, z->window_n);
		z->window_at = 0;
		uint64_t more = z->window_cap - z->window_n;
		if (more > z->end - z->at)
			more = z->end - z->at;
		if (read_at(z, z->window + z->window_n, more, z->at, e))
			return NULL;
		z->at += more;
		z->window_n += (size_t)more;
	}
	if (z->window_n < n) {
		err_set(e, ERR_CORRUPT, "damaged zip archive: its directory ends early");
		return NULL;
	}
	return z->window + z->window_at;
}

// Of extra field 1, the numbers that did not fit, in this order and only those.
static bool read_zip64(const uint8_t *p, size_t n, struct zip_member *m)
{
	uint64_t *const numbers[] = {&m->size, &m->packed, &m->offset};
	while (n >= 4) {
		size_t len = le16(p + 2);
		if (len > n - 4)
			return false;
		if (le16(p) == 1) {
			const uint8_t *v = p + 4;
			for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
				if (*numbers[i] == UINT32_MAX) {
					if (len < 8)
						return false;
					*numbers[i] = le64(v);
					v += 8;
					len -= 8;
				}
			return true;
		}
		p += 4 + len;
		n -= 4 + len;
	}
	return true;
}

int zip_next(struct zip *z, struct zip_member *ret, struct err *e)
{
	static_assert(ENTRY_MAX <= WINDOW, "an entry fits the window");
	if (z->at == z->end && z->window_n == 0)
		return 0;
	const uint8_t *p = directory_bytes(z, ENTRY_SIZE, e);
	if (!p)
		return -1;
	if (memcmp(p, "PK\1\2", 4) != 0)
		return err_set(e, ERR_CORRUPT, "damaged zip archive: no entry in its directory");
	size_t name = le16(p + 28), extra = le16(p + 30), comment = le16(p + 32);
	size_t n = ENTRY_SIZE + name + extra + comment;
	if (!(p = directory_bytes(z, n, e)))
		return -1;
	struct zip_member m = {
	        .name = {(const char *)p + ENTRY_SIZE, name},
	        .flags = le16(p + 8),
	        .method = le16(p + 10),
	        .crc = le32(p + 16),
	        .packed = le32(p + 20),
	        .size = le32(p + 24),
	        .offset = le32(p + 42),
	};
	if (!read_zip64(p + ENTRY_SIZE + name, extra, &m))
		return err_set(
		        e, ERR_CORRUPT, "damaged zip archive: a zip64 entry without numbers");
	z->window_at += n;
	z->window_n -= n;
	*ret = m;
	return 1;
}

// --- a member ----------------------------------------------------------------------------------

static int check_member(struct zip *z, const struct zip_member *m, size_t max, struct err *e)
{
	if (m->flags & FLAG_ENCRYPTED)
		return err_set(e, ERR_UNSUPPORTED, "encrypted");
	if (m->method != 0 && m->method != 8)
		return err_set(e, ERR_UNSUPPORTED,
		        "compressed by method %d, which hew does not read", m->method);
	if (m->size > max)
		return err_set(
		        e, ERR_CORRUPT, "%" PRIu64 " bytes (at most %zu are read)", m->size, max);
	if (m->packed > z->source.size - z->extracted)
		return err_set(
		        e, ERR_CORRUPT, "members that share their bytes, as those of bombs do");
	bool possible = m->method ? m->size / DEFLATE_RATIO_MAX <= m->packed &&
	                                    m->packed <= m->size + m->size / 8 + DEFLATE_SLACK
	                          : m->size == m->packed;
	return possible ? 0
	                : err_set(e, ERR_CORRUPT, "%" PRIu64 " bytes cannot become %" PRIu64,
	                          m->packed, m->size);
}

// Where its bytes begin: behind a header whose lengths are its own.
static int member_offset(struct zip *z, const struct zip_member *m, uint64_t *ret, struct err *e)
{
	uint8_t p[LOCAL_SIZE];
	if (m->offset > z->source.size - z->base ||
	        read_at(z, p, sizeof(p), z->base + m->offset, e) || memcmp(p, "PK\3\4", 4) != 0)
		return err_set(e, ERR_CORRUPT, "no member where the directory says");
	*ret = z->base + m->offset + LOCAL_SIZE + le16(p + 26) + le16(p + 28);
	return 0;
}

static int inflate_member(
        struct zip *z, const struct zip_member *m, uint64_t off, uint8_t *out, struct err *e)
{
	auto_free uint8_t *packed = xmalloc((size_t)m->packed + 1);
	if (!z->inflate && !(z->inflate = libdeflate_alloc_decompressor()))
		return err_set(e, ERR_FAIL, "out of memory for a decompressor");
	if (read_at(z, packed, m->packed, off, e))
		return -1;
	if (libdeflate_deflate_decompress(
	            z->inflate, packed, (size_t)m->packed, out, (size_t)m->size, NULL))
		return err_set(e, ERR_CORRUPT, "damaged");
	return 0;
}

int zip_extract(
        struct zip *z, const struct zip_member *m, size_t max, struct buf *ret, struct err *e)
{
	uint64_t off;
	if (check_member(z, m, max, e) || member_offset(z, m, &off, e))
		return -1;
	z->extracted += m->packed;
	size_t before = ret->n, n = (size_t)m->size;
	buf_reserve(ret, n + 1);
	uint8_t *out = (uint8_t *)ret->p + before;
	int rc = m->method ? inflate_member(z, m, off, out, e) : read_at(z, out, n, off, e);
	if (!rc && libdeflate_crc32(0, out, n) != m->crc)
		rc = err_set(e, ERR_CORRUPT, "its checksum is wrong");
	ret->n += rc ? 0 : n;
	ret->p[ret->n] = '\0';
	return rc;
}
