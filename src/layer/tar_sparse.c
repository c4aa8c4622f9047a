// SPDX-License-Identifier: Apache-2.0
// Sparse members: where the pieces of a file lie that its archive has. Four forms: GNU's old one
// (type 'S', the map in the header and in blocks after it) and the three that GNU tar writes into
// pax archives (0.0: a record a number; 0.1: one record; 1.0: text before the data). As Go's
// archive/tar reads them: the pieces in order, apart and within the file, their sum what the member
// has.
#include "layer/tar-int.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

#define PIECES_MAX (1u << 20)

static int bad(struct err *e, const char *what)
{
	return err_set(e, ERR_CORRUPT, "tar: sparse member: %s", what);
}

void tar_sparse_release(struct tar_sparse *s)
{
	free(s->v);
	*s = (struct tar_sparse){0};
}

int tar_sparse_add(struct tar_sparse *s, uint64_t offset, uint64_t size, struct err *e)
{
	uint64_t end = s->n ? s->v[s->n - 1].offset + s->v[s->n - 1].size : 0;
	if (s->n == PIECES_MAX)
		return bad(e, "more than a million pieces");
	if (offset < end || size > INT64_MAX || offset > INT64_MAX - size)
		return bad(e, "its pieces are not in order");
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 16;
		s->v = xreallocarray(s->v, s->cap, sizeof *s->v);
	}
	s->v[s->n++] = (struct tar_piece){offset, size};
	s->sum += size;
	return 0;
}

int tar_sparse_check(const struct tar_sparse *s, uint64_t stored, struct err *e)
{
	uint64_t end = s->n ? s->v[s->n - 1].offset + s->v[s->n - 1].size : 0;
	if (end > s->size || s->size > INT64_MAX - TAR_BLOCK)
		return bad(e, "a piece lies outside the file");
	if (s->sum != stored)
		return bad(e, "its pieces are not what the archive has of it");
	return 0;
}

// ---- the old form

#define OLD_IN_HEADER 4
#define OLD_IN_BLOCK 21

struct old_piece {
	char offset[12], size[12];
};

// The part of a header that replaces the prefix.
struct old_header {
	char before[386];
	struct old_piece pieces[OLD_IN_HEADER];
	char extended, real_size[12], after[17];
};

struct old_block {
	struct old_piece pieces[OLD_IN_BLOCK];
	char extended, after[7];
};
_Static_assert(sizeof(struct old_header) == TAR_BLOCK, "a header is a block");
_Static_assert(sizeof(struct old_block) == TAR_BLOCK, "so is what continues it");

static bool field(const char *text, size_t n, uint64_t *ret)
{
	int64_t v;
	if (!tar_number(text, n, &v) || v < 0)
		return false;
	*ret = (uint64_t)v;
	return true;
}

// The first piece without an offset ends the list.
static int add_old(struct tar_sparse *s, const struct old_piece *p, size_t n, struct err *e)
{
	uint64_t offset, size;
	for (size_t i = 0; i < n && p[i].offset[0]; i++) {
		if (!field(p[i].offset, sizeof p[i].offset, &offset) ||
		        !field(p[i].size, sizeof p[i].size, &size))
			return bad(e, "a number is not valid");
		if (tar_sparse_add(s, offset, size, e) != 0)
			return -1;
	}
	return 0;
}

int tar_sparse_old(
        struct tar_sparse *s, const struct tar_raw_header *raw, bool *ret_more, struct err *e)
{
	const struct old_header *h = (const void *)raw;
	if (memcmp(raw->magic, "ustar  ", 8) != 0)
		return bad(e, "its header is not GNU tar's");
	if (!field(h->real_size, sizeof h->real_size, &s->size))
		return bad(e, "a number is not valid");
	*ret_more = h->extended != 0;
	return add_old(s, h->pieces, OLD_IN_HEADER, e);
}

int tar_sparse_old_more(
        struct tar_sparse *s, const struct tar_raw_header *raw, bool *ret_more, struct err *e)
{
	const struct old_block *b = (const void *)raw;
	*ret_more = b->extended != 0;
	return add_old(s, b->pieces, OLD_IN_BLOCK, e);
}

// ---- in pax records

// A decimal number and what ends it. NULL if there is none.
static const char *decimal(const char *p, char end, uint64_t *ret)
{
	uint64_t v = 0;
	size_t digits = 0;
	for (; p[digits] >= '0' && p[digits] <= '9'; digits++) {
		if (digits == 18)
			return NULL;
		v = v * 10 + (uint64_t)(p[digits] - '0');
	}
	if (!digits || (p[digits] != end && p[digits] != '\0'))
		return NULL;
	*ret = v;
	return p + digits + (p[digits] == end);
}

// 0.1: "offset,size,offset,size"
static int add_list(struct tar_sparse *s, const char *map, struct err *e)
{
	while (*map) {
		uint64_t offset, size;
		const char *next = decimal(map, ',', &offset);
		next = next && *next ? decimal(next, ',', &size) : NULL;
		if (!next)
			return bad(e, "its map is no list of pairs");
		if (tar_sparse_add(s, offset, size, e) != 0)
			return -1;
		map = next;
	}
	return 0;
}

// 0.0: records "GNU.sparse.offset" and "GNU.sparse.numbytes" by turns, in a text that was parsed.
static int add_records(struct tar_sparse *s, const char *text, size_t n, struct err *e)
{
	uint64_t offset = 0, size = 0;
	bool half = false;
	for (size_t at = 0; at < n;) {
		uint64_t len = 0;
		const char *key = decimal(text + at, ' ', &len);
		if (!key || !len)
			return bad(e, "its map has no pairs");
		bool is_offset = !strcmp(key, "GNU.sparse.offset");
		if (is_offset || !strcmp(key, "GNU.sparse.numbytes")) {
			const char *value = key + strlen(key) + 1;
			if (is_offset == half || !decimal(value, '\0', is_offset ? &offset : &size))
				return bad(e, "its map has no pairs");
			if (!is_offset && tar_sparse_add(s, offset, size, e) != 0)
				return -1;
			half = is_offset;
		}
		at += len;
	}
	return half ? bad(e, "its map has no pairs") : 0;
}

int tar_sparse_pax(struct tar_sparse *s, const struct pax *x, const char *text, size_t n,
        bool *ret_in_data, struct err *e)
{
	bool zero = !x->sparse_major && x->sparse_minor <= 1;
	*ret_in_data = x->sparse_major == 1 && x->sparse_minor == 0;
	if (!zero && !*ret_in_data)
		return err_set(e, ERR_UNSUPPORTED,
		        "tar: a sparse member of version %" PRIu64 ".%" PRIu64, x->sparse_major,
		        x->sparse_minor);
	if (!x->has_sparse_size)
		return bad(e, "its size is not said");
	s->size = x->sparse_size;
	if (*ret_in_data)
		return 0;
	int rc = x->sparse_map ? add_list(s, x->sparse_map, e) : add_records(s, text, n, e);
	if (rc == 0 && x->has_sparse_blocks && x->sparse_blocks != s->n)
		return bad(e, "its map has not as many pieces as it says");
	return rc;
}

// ---- 1.0: lines of text in blocks before the data

int tar_sparse_text(struct tar_sparse_text *t, struct tar_sparse *s, const char *block,
        bool *ret_more, struct err *e)
{
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		if (block[i] >= '0' && block[i] <= '9' && t->digits < 18) {
			t->number = t->number * 10 + (uint64_t)(block[i] - '0');
			t->digits++;
			continue;
		}
		if (block[i] != '\n' || t->digits == 0)
			return bad(e, "its map is not of lines with a number each");
		if (t->lines == 0) {
			t->want = t->number;
			if (t->want > PIECES_MAX)
				return bad(e, "more than a million pieces");
		} else if (t->lines % 2 == 1) {
			t->offset = t->number;
		} else if (tar_sparse_add(s, t->offset, t->number, e) != 0) {
			return -1;
		}
		t->number = 0;
		t->digits = 0;
		if (t->lines++ == 2 * t->want) {
			*ret_more = false;
			return 0;
		}
	}
	*ret_more = true;
	return 0;
}
