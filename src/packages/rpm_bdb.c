// SPDX-License-Identifier: Apache-2.0
// Packages of older rpms: a hash table of Berkeley DB (db_page.h of 5.3). What is looked for are
// the values: all of them too long for a page, so each names a chain of pages that it lies on.
#include "packages/packages-int.h"

#define HASH_MAGIC 0x061561u
#define META_SIZE 72
#define PAGE_HEADER 26
#define PAGE_MIN 512u
#define PAGE_MAX 65536u
#define PAGE_HASH_UNSORTED 2
#define PAGE_OVERFLOW 7
#define PAGE_HASH 13
#define ITEM_OFF_PAGE 3
#define ITEM_SIZE 12
#define VALUE_MAX (32u << 20)

struct bdb {
	const struct content *content;
	bool big;
	uint32_t page_size, last_page;
	uint64_t budget;   // pages of chains that may still be read: each is of one value
	struct err damage; // the first
};

static uint32_t number(const struct bdb *b, const uint8_t *p, int bytes)
{
	uint32_t v = 0;
	for (int i = 0; i < bytes; i++)
		v |= (uint32_t)p[i] << 8 * (b->big ? bytes - 1 - i : i);
	return v;
}

static int read_page(const struct bdb *b, uint32_t page, uint8_t *ret, struct err *e)
{
	return content_pread(b->content, (uint64_t)page * b->page_size, ret, b->page_size, e);
}

// The pages of one value, one after the other.
static int read_chain(struct bdb *b, uint32_t page, uint32_t size, struct buf *ret, struct err *e)
{
	auto_free uint8_t *p = xmalloc(b->page_size);
	if (size > VALUE_MAX)
		return err_set(e, ERR_CORRUPT, "a package is too long");
	buf_reset(ret);
	while (ret->n < size) {
		if (!page || page > b->last_page || !b->budget || read_page(b, page, p, e))
			return err_set(e, ERR_CORRUPT, "a package is cut off");
		b->budget--;
		uint32_t n = number(b, p + 22, 2); // of an overflow page: bytes on it
		if (p[25] != PAGE_OVERFLOW || !n || n > b->page_size - PAGE_HEADER)
			return err_set(e, ERR_CORRUPT, "a package is damaged");
		buf_add(ret, p + PAGE_HEADER, n < size - ret->n ? n : size - ret->n);
		page = number(b, p + 16, 4);
	}
	return 0;
}

// A page has key, value, key, value.
static int read_values(
        struct scan *s, struct bdb *b, const uint8_t *page, struct buf *value, struct err *e)
{
	uint32_t n = number(b, page + 20, 2);
	for (uint32_t i = 1; i < n && PAGE_HEADER + 2 * (i + 1) <= b->page_size; i += 2) {
		struct err why = ERR_INIT;
		uint32_t at = number(b, page + PAGE_HEADER + 2 * (size_t)i, 2);
		if (at > b->page_size - ITEM_SIZE || page[at] != ITEM_OFF_PAGE)
			continue;
		if (read_chain(b, number(b, page + at + 4, 4), number(b, page + at + 8, 4), value,
		            &why)) {
			if (!b->damage.kind)
				b->damage = why;
		} else if (scan_rpm_header(s, (const uint8_t *)value->p, value->n, &b->damage, e)) {
			return -1;
		}
	}
	return 0;
}

static int open_bdb(const struct content *c, struct bdb *ret, struct err *e)
{
	uint8_t meta[META_SIZE];
	struct bdb b = {.content = c, .damage = ERR_INIT};
	if (content_pread(c, 0, meta, sizeof(meta), e))
		return -1;
	if (number(&b, meta + 12, 4) != HASH_MAGIC)
		b.big = true;
	if (number(&b, meta + 12, 4) != HASH_MAGIC)
		return err_set(e, ERR_CORRUPT, "it is no hash table of Berkeley DB");
	b.page_size = number(&b, meta + 20, 4);
	b.last_page = number(&b, meta + 32, 4);
	if (meta[24])
		return err_set(e, ERR_UNSUPPORTED, "it is encrypted");
	if (b.page_size < PAGE_MIN || b.page_size > PAGE_MAX || (b.page_size & (b.page_size - 1)))
		return err_set(e, ERR_CORRUPT, "pages of %u bytes", b.page_size);
	if (b.last_page >= c->size / b.page_size) // what is cut off has none
		b.last_page = c->size > b.page_size ? (uint32_t)(c->size / b.page_size) - 1 : 0;
	b.budget = b.last_page;
	*ret = b;
	return 0;
}

int scan_rpm_bdb(struct scan *s, const struct content *c, struct err *e)
{
	struct bdb b;
	auto_buf struct buf value = {0};
	if (open_bdb(c, &b, e))
		return -1;
	auto_free uint8_t *page = xmalloc(b.page_size);
	for (uint32_t i = 1; i <= b.last_page; i++) {
		if (read_page(&b, i, page, e))
			return -1;
		if ((page[25] == PAGE_HASH || page[25] == PAGE_HASH_UNSORTED) &&
		        read_values(s, &b, page, &value, e))
			return -1;
	}
	return rpm_end(&b.damage, e);
}
