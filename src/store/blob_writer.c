// SPDX-License-Identifier: Apache-2.0
// A blob while it is written: a temporary file and a running hash of its beginning, behind which
// more may lie already. It becomes a blob only if it is what was expected.

#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "store/store-int.h"
#include <unistd.h>

#define PIECE ((size_t)256 << 10)

struct blob_writer {
	struct store *store;
	struct hasher *hasher;
	int fd;
	uint64_t size;
	bool finished;
};

struct blob_writer *blob_writer_new(struct store *s, struct err *e)
{
	int fd = store_temp_file(s, e);
	if (fd < 0)
		return NULL;
	struct blob_writer *w = xcalloc(1, sizeof(*w));
	*w = (struct blob_writer){.store = s, .hasher = hasher_new(), .fd = fd};
	return w;
}

int blob_writer_place(struct blob_writer *w, uint64_t at, const void *p, size_t n, struct err *e)
{
	if (fault_point("store.blob.write") < 0)
		return err_sys(e, "write a blob in '%s'", store_root(w->store));
	if (fs_pwrite_all(w->fd, p, n, (off_t)at, e) < 0)
		return err_wrap(e, "write a blob in '%s'", store_root(w->store));
	return 0;
}

int blob_writer_write(struct blob_writer *w, const void *p, size_t n, struct err *e)
{
	if (blob_writer_place(w, w->size, p, n, e) < 0)
		return -1;
	hasher_add(w->hasher, p, n);
	w->size += n;
	return 0;
}

// Hashed as it is in the file: just written, so in memory.
int blob_writer_advance(struct blob_writer *w, uint64_t n, struct err *e)
{
	auto_free char *data = xmalloc(PIECE);
	uint64_t end = w->size + n;
	while (w->size < end) {
		size_t part = end - w->size < PIECE ? (size_t)(end - w->size) : PIECE;
		if (fs_pread_full(w->fd, data, part, (off_t)w->size, e) < 0)
			return err_wrap(e, "read a blob back in '%s'", store_root(w->store));
		hasher_add(w->hasher, data, part);
		w->size += part;
	}
	return 0;
}

uint64_t blob_writer_size(const struct blob_writer *w)
{
	return w->size;
}

int blob_writer_reset(struct blob_writer *w, struct err *e)
{
	if (ftruncate(w->fd, 0) < 0)
		return err_sys(e, "start a blob again in '%s'", store_root(w->store));
	hasher_reset(w->hasher);
	w->size = 0;
	return 0;
}

int blob_writer_finish(struct blob_writer *w, const struct digest *expect, uint64_t expect_size,
        struct digest *ret, struct err *e)
{
	struct digest got = {hasher_end(w->hasher)};
	char got_text[DIGEST_TEXT], expect_text[DIGEST_TEXT];
	digest_text(&got, got_text);
	if (expect && !digest_eq(&got, expect)) {
		digest_text(expect, expect_text);
		return err_set(e, ERR_CORRUPT,
		        "the content has digest %s (%llu bytes), but %s was expected", got_text,
		        (unsigned long long)w->size, expect_text);
	}
	if (expect_size != UINT64_MAX && w->size != expect_size)
		return err_set(e, ERR_CORRUPT, "%s has %llu bytes, but %llu were expected",
		        got_text, (unsigned long long)w->size, (unsigned long long)expect_size);
	if (store_blob_commit(w->store, w->fd, &got, w->size, e) < 0)
		return -1;
	w->finished = true;
	if (ret)
		*ret = got;
	return 0;
}

void blob_writer_free(struct blob_writer *w)
{
	if (!w)
		return;
	if (!w->finished)
		temp_discard(w->store, w->fd);
	close_fd(&w->fd);
	hasher_free(w->hasher);
	free(w);
}
