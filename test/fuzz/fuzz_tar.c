// SPDX-License-Identifier: Apache-2.0
// Foreign archives. Whatever is accepted has an index that passes the check of index files, and
// written anew from that index it is the same layer again. Header checksums are mended first, or
// nothing would get past them.
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "layer/import.h"
#include "layer/sparse.h"
#include "layer/tar-int.h"
#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const void *p, size_t n)
{
	struct err e = ERR_INIT;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	assert(fd >= 0 && fs_pwrite_all(fd, p, n, 0, &e) == 0);
	return fd;
}

static void mend(uint8_t *p, size_t n)
{
	for (size_t at = 0; at + TAR_BLOCK <= n; at += TAR_BLOCK) {
		struct tar_raw_header *h = (void *)(p + at);
		if (memcmp(h->magic, "ustar", 5) != 0)
			continue;
		memset(h->chksum, ' ', sizeof(h->chksum));
		unsigned sum = 0;
		for (size_t i = 0; i < TAR_BLOCK; i++)
			sum += p[at + i];
		for (int i = 5; i >= 0; i--, sum >>= 3)
			h->chksum[i] = (char)('0' + (sum & 7));
		h->chksum[6] = '\0';
	}
}

static void write_again(const struct layer_result *r, int tar)
{
	struct err e = ERR_INIT;
	auto_fd int again = memfd_create("fuzz", MFD_CLOEXEC);
	auto_layer_writer struct layer_writer *w = layer_writer_new(again, NULL);
	for (size_t i = 0; i < layer_index_count(r->index); i++) {
		struct entry en;
		layer_index_at(r->index, i, &en);
		auto_content struct content c = {.fd = tar, .offset = en.offset, .size = en.size};
		if (en.type == ENTRY_FILE && !en.link && en.size > 0 && entry_is_sparse(&en))
			assert(sparse_open(tar, &en, &c, &e) == 0);
		if (layer_writer_add(w, &en, &c, &e) != 0) {
			assert(e.kind ==
			        ERR_UNSUPPORTED); // a device number that no tar of ours holds
			return;
		}
	}
	struct layer_result written = {0}, back = {0};
	assert(layer_writer_finish(w, &written, &e) == 0);
	assert(layer_import(again, -1, 0, 0, &back, &e) == 0);
	assert(hash_eq(&written.content_id, &r->content_id));
	assert(hash_eq(&back.content_id, &r->content_id));
	layer_result_release(&written);
	layer_result_release(&back);
}

static void reopen(const struct layer_result *r)
{
	struct err e = ERR_INIT;
	auto_fd int fd = memfd_create("fuzz", MFD_CLOEXEC);
	assert(layer_index_write(r->index, fd, &e) == 0);
	struct layer_index *ix = layer_index_open(fd, &e);
	assert(ix);
	layer_index_close(ix);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free uint8_t *copy = xmalloc(size + 1);
	if (size > 0)
		memcpy(copy, data, size);
	mend(copy, size);
	auto_fd int blob = file_of(copy, size), tar = memfd_create("fuzz", MFD_CLOEXEC);
	(void)layer_sniff_archive(blob);
	static const int flags[] = {0, IMPORT_PLAIN, IMPORT_NO_HASH};
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		struct err e = ERR_INIT;
		struct layer_result r = {0};
		if (layer_import(blob, tar, flags[i], 64 << 20, &r, &e) != 0) {
			assert(e.kind != ERR_NONE && e.msg[0]);
			continue;
		}
		reopen(&r);
		if (flags[i] == 0)
			write_again(&r, tar);
		layer_result_release(&r);
	}
	return 0;
}
