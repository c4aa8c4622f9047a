// SPDX-License-Identifier: Apache-2.0
// What cargo-auditable writes into programs: the section .dep-v0, a zlib stream of JSON.
#include "base/json.h"
#include "packages/packages-int.h"
#include <zlib.h>

#define PACKED_MAX (1u << 20)
#define CRATES_MAX (2u << 20)

static int inflate_all(const struct buf *packed, struct buf *ret, struct err *e)
{
	z_stream z = {.next_in = (unsigned char *)packed->p, .avail_in = (unsigned)packed->n};
	int rc = inflateInit(&z);
	while (rc == Z_OK && ret->n < CRATES_MAX) {
		buf_reserve(ret, 64u << 10);
		z.next_out = (unsigned char *)ret->p + ret->n;
		z.avail_out = 64u << 10;
		rc = inflate(&z, Z_NO_FLUSH);
		ret->n += (64u << 10) - z.avail_out;
	}
	inflateEnd(&z);
	return rc == Z_STREAM_END ? 0 : err_set(e, ERR_CORRUPT, "its list of crates is damaged");
}

int scan_rust(struct scan *s, const struct elf *f, const struct elf_range *deps, struct err *e)
{
	auto_buf struct buf packed = {0}, text = {0};
	if (deps->size > PACKED_MAX)
		return err_set(
		        e, ERR_CORRUPT, "its list of crates has more than %u bytes", PACKED_MAX);
	buf_reserve(&packed, (size_t)deps->size + 1);
	packed.n = (size_t)deps->size;
	if (content_pread(f->content, deps->offset, packed.p, packed.n, e) ||
	        inflate_all(&packed, &text, e))
		return -1;
	auto_jdoc struct jdoc *doc = jdoc_parse(text.p, text.n, e);
	if (!doc)
		return -1;
	const struct jn *list = jn_get(jdoc_root(doc), "packages");
	for (size_t i = 0; i < jn_len(list); i++) {
		const struct jn *p = jn_at(list, i);
		const char *kind = jn_get_str(p, "kind"), *source = jn_get_str(p, "source");
		const char *name = jn_get_str(p, "name"), *version = jn_get_str(p, "version");
		const struct package crate = {
		        .type = PACKAGE_CARGO, .name = name, .version = version};
		if (!name || !version || (kind && !strcmp(kind, "build")) ||
		        (source && !strcmp(source, "local") && !jn_bool(jn_get(p, "root"), false)))
			continue;
		if (scan_add(s, &crate, e))
			return -1;
	}
	return 0;
}
