// SPDX-License-Identifier: Apache-2.0
// Packages.db (rpm's lib/backend/ndb): pages of slots, each of which says where a blob lies; 16
// bytes are a block. The header takes the place of the first two slots. All numbers are little
// endian.
#include "packages/packages-int.h"

#define SLOT 16
#define SLOTS_IN_PAGE 256
#define PAGES_MAX 4096
#define BLOB_MAX (32u << 20)

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

struct ndb {
	const struct content *content;
	uint64_t budget;   // bytes of blobs that may still be read: each is of one package
	struct err damage; // the first
};

static int read_blob(struct ndb *d, const uint8_t *slot, struct buf *ret, struct err *e)
{
	const struct content *c = d->content;
	uint8_t h[SLOT];
	uint64_t at = (uint64_t)le32(slot + 8) * SLOT;
	if (content_pread(c, at, h, sizeof(h), e))
		return -1;
	uint32_t n = le32(h + 12);
	if (memcmp(h, "BlbS", 4) != 0 || le32(h + 4) != le32(slot + 4) || n > BLOB_MAX ||
	        n > c->size)
		return err_set(e, ERR_CORRUPT, "package %u is damaged", le32(slot + 4));
	if (n > d->budget)
		return err_set(e, ERR_CORRUPT, "its packages overlap");
	d->budget -= n;
	buf_reset(ret);
	buf_reserve(ret, n + 1);
	if (content_pread(c, at + SLOT, ret->p, n, e))
		return -1;
	ret->n = n;
	return 0;
}

static int read_slots(struct scan *s, struct ndb *d, const uint8_t *slot, size_t n, struct err *e)
{
	auto_buf struct buf blob = {0};
	for (; n--; slot += SLOT) {
		struct err why = ERR_INIT;
		if (memcmp(slot, "Slot", 4) != 0 || !le32(slot + 8))
			continue;
		if (read_blob(d, slot, &blob, &why)) {
			if (!d->damage.kind)
				d->damage = why;
		} else if (scan_rpm_header(s, (const uint8_t *)blob.p, blob.n, &d->damage, e)) {
			return -1;
		}
	}
	return 0;
}

int scan_rpm_ndb(struct scan *s, const struct content *c, struct err *e)
{
	uint8_t page[SLOTS_IN_PAGE * SLOT];
	struct ndb d = {.content = c, .budget = c->size, .damage = ERR_INIT};
	if (content_pread(c, 0, page, sizeof(page), e))
		return -1;
	uint32_t pages = le32(page + 12);
	if (memcmp(page, "RpmP", 4) != 0 || pages > PAGES_MAX)
		return err_set(e, ERR_CORRUPT, "it is no database of rpm");
	for (uint32_t i = 0; i < pages; i++) {
		size_t head = i ? 0 : 2;
		if (i && content_pread(c, (uint64_t)i * sizeof(page), page, sizeof(page), e))
			return -1;
		if (read_slots(s, &d, page + head * SLOT, SLOTS_IN_PAGE - head, e))
			return -1;
	}
	return rpm_end(&d.damage, e);
}
