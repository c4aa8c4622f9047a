// SPDX-License-Identifier: Apache-2.0
// Index files. Once with the checksum mended, so that the check of the structure is reached; what
// it lets through can be used in every way without reading outside.
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "layer/chain.h"
#include "layer/index-int.h"
#include <assert.h>
#include <endian.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count_one(void *arg, const struct entry *en, struct err *e)
{
	struct hasher *h = arg;
	entry_hash(en, h);
	hasher_add(h, en->path, strlen(en->path));
	return 0;
}

static void use(struct layer_index *ix)
{
	struct err e = ERR_INIT;
	auto_hasher struct hasher *h = hasher_new();
	struct layer_index *both[] = {ix, ix};
	struct view *v = chain_new(both, 2, NULL);
	assert(v->ops->walk(v, "", count_one, h, &e) == 0);
	for (size_t i = 0; i < layer_index_count(ix); i++) {
		struct entry en, found;
		layer_index_at(ix, i, &en);
		assert(layer_index_find(ix, en.path, &found));
		int rc = v->ops->lookup(v, en.path, &found, &e);
		assert(rc == (en.type != ENTRY_WHITEOUT));
		size_t begin, end;
		layer_index_range(ix, en.path, &begin, &end);
		assert(begin == i && end > i);
	}
	view_free(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free uint8_t *copy = xmalloc(size + 1);
	if (size > 0)
		memcpy(copy, data, size);
	if (size >= sizeof(struct index_header)) {
		struct index_header *h = (void *)copy;
		h->crc = htole32(index_crc(copy, size));
	}
	struct err e = ERR_INIT;
	auto_fd int fd = memfd_create("fuzz", MFD_CLOEXEC);
	assert(fd >= 0 && fs_pwrite_all(fd, copy, size, 0, &e) == 0);
	struct layer_index *ix = layer_index_open(fd, &e);
	if (!ix) {
		assert(e.kind == ERR_CORRUPT && e.msg[0]);
		return 0;
	}
	use(ix);
	layer_index_close(ix);
	return 0;
}
