// SPDX-License-Identifier: Apache-2.0
// A layer that was made here lies in the store uncompressed, and is compressed when it first goes
// out. What that will come to is measured by the same recipe: of a small layer exactly, of a large
// one by pieces spread over it, which on layers of real images is within a few hundredths.
#include "subject/size_image.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/pool.h"
#include "layer/compress.h"
#include "store/store.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NOTE "packed 1 "
#define PIECE ((uint64_t)512 << 10)
#define PIECES ((uint64_t)24)

// Copies pieces of the tar, evenly spread, into a file in memory.
static int sample(int tar, uint64_t size, struct err *e)
{
	int fd = memfd_create("hew-sample", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "make a file in memory");
	for (uint64_t i = 0; i < PIECES; i++) {
		uint64_t at = (size - PIECE) / (PIECES - 1) * i;
		if (fs_copy_range(tar, (off_t)at, fd, PIECE, e)) {
			close(fd);
			return -1;
		}
	}
	return fd;
}

static int measure(int tar, uint64_t size, struct size_layer *l, struct err *e)
{
	const struct recipe recipe = RECIPE_DEFAULT;
	struct digest ignored;
	uint64_t packed = 0;
	bool whole = size <= PIECE * PIECES;
	auto_fd int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	auto_fd int pieces = whole ? -1 : sample(tar, size, e);
	if (null < 0 || (!whole && pieces < 0))
		return -1;
	struct pool *pool = pool_new(0);
	int rc = layer_compress(whole ? tar : pieces, whole ? size : PIECE * PIECES, null, &recipe,
	        pool, &ignored, &packed, e);
	pool_free(pool);
	if (rc)
		return -1;
	l->packed = whole ? packed
	                  : (uint64_t)((double)packed * (double)size / (double)(PIECE * PIECES));
	l->estimated = !whole;
	return 0;
}

static bool recall(struct store *s, const char *kind, struct size_layer *l)
{
	auto_buf struct buf note = {0};
	struct err ignored = ERR_INIT;
	uint64_t packed;
	if (store_layer_note_get(s, &l->diff_id, kind, &note, &ignored) != 1)
		return false;
	const char *text = buf_cstr(&note);
	bool estimated = *text == '~';
	if (!str_to_u64(text + estimated, &packed) || packed == WEIGH_UNKNOWN)
		return false;
	l->packed = packed;
	l->estimated = estimated;
	return true;
}

static void remember(struct store *s, const char *kind, const struct size_layer *l)
{
	char text[32];
	struct err ignored = ERR_INIT;
	snprintf(text, sizeof(text), "%s%llu", l->estimated ? "~" : "",
	        (unsigned long long)l->packed);
	// without it the next time takes longer, that is all
	store_layer_note_put(s, &l->diff_id, kind, text, &ignored);
}

void size_packed_measure(struct store *s, struct size_layer *l)
{
	const struct recipe recipe = RECIPE_DEFAULT;
	char name[RECIPE_TEXT], kind[sizeof(NOTE) + RECIPE_TEXT];
	struct layer_blob b;
	struct layer_info info = {0};
	struct err ignored = ERR_INIT;
	recipe_text(&recipe, name);
	snprintf(kind, sizeof(kind), NOTE "%s", name);
	if (store_layer_blob(s, &l->diff_id, name, &b, &ignored) == 1) {
		l->packed = b.size;
		return;
	}
	if (recall(s, kind, l) || !store_layer_get(s, &l->diff_id, &info) || !info.has_tar)
		return;
	auto_fd int tar = store_layer_tar(s, &l->diff_id, &ignored);
	if (tar >= 0 && !measure(tar, info.tar_size, l, &ignored))
		remember(s, kind, l);
}
