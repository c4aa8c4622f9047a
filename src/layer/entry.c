// SPDX-License-Identifier: Apache-2.0
// The canonical bytes of an entry: what content ids and COPY keys count. Every field is framed or
// of fixed width, so that no two different entries give the same bytes. Path, mtime and offset are
// not in it; neither is anything of a whiteout but that it is one.
#include "layer/index-int.h"

#include "base/buf.h"
#include <string.h>

static void put_u32(struct buf *b, uint32_t v)
{
	uint8_t p[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
	buf_add(b, p, sizeof(p));
}

static void put_u64(struct buf *b, uint64_t v)
{
	put_u32(b, (uint32_t)v);
	put_u32(b, (uint32_t)(v >> 32));
}

static void put_bytes(struct buf *b, const void *p, size_t n)
{
	put_u64(b, n);
	if (n > 0)
		buf_add(b, p, n);
}

static void put_content(struct buf *b, const struct entry *en)
{
	buf_putc(b, en->has_content ? 1 : 0);
	if (en->has_content)
		buf_add(b, en->content.b, HASH_SIZE);
	else
		put_u64(b, en->size);
}

void entry_canonical(const struct entry *en, struct buf *out)
{
	buf_putc(out, (char)en->type);
	if (en->type == ENTRY_WHITEOUT)
		return;
	buf_putc(out, en->opaque ? 1 : 0);
	put_u32(out, en->mode & 07777);
	put_u32(out, en->uid);
	put_u32(out, en->gid);
	bool device = en->type == ENTRY_CHAR || en->type == ENTRY_BLOCK;
	put_u32(out, device ? en->dev_major : 0);
	put_u32(out, device ? en->dev_minor : 0);
	if (en->type == ENTRY_FILE)
		put_content(out, en);
	buf_putc(out, en->link ? 1 : 0);
	if (en->link)
		put_bytes(out, en->link, strlen(en->link));
	put_u32(out, en->n_xattrs);
	for (uint32_t i = 0; i < en->n_xattrs; i++) {
		put_bytes(out, en->xattrs[i].name, strlen(en->xattrs[i].name));
		put_bytes(out, en->xattrs[i].value, en->xattrs[i].size);
	}
}

void entry_hash(const struct entry *en, struct hasher *h)
{
	auto_buf struct buf b = {0};
	buf_reserve(&b, 256); // enough for most: one allocation
	entry_canonical(en, &b);
	hasher_field(h, b.p, b.n);
}
