// SPDX-License-Identifier: Apache-2.0
#include "layer/sparse.h"

#include "base/cancel.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "layer/tar-int.h"
#include "layer/view.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (64u << 10)
#define IN_MEMORY_MAX \
	(8u << 20) // a larger archive may have more of the file than memory should hold

struct member_input {
	struct tar_input in; // first
	int fd;
	uint8_t *data;
};

static int member_fill(struct tar_input *in, struct err *e)
{
	struct member_input *m = (struct member_input *)in;
	ssize_t n;
	do
		n = pread(m->fd, m->data, CHUNK, (off_t)in->pos);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "read a tar");
	in->p = m->data;
	in->n = (size_t)n;
	return cancel_check(e);
}

static int new_file(int tar_fd, struct err *e)
{
	struct stat st;
	bool large = fstat(tar_fd, &st) == 0 && st.st_size > IN_MEMORY_MAX;
	int fd = large ? open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		fd = memfd_create("hew-sparse", MFD_CLOEXEC);
	return fd < 0 ? err_sys(e, "make a temporary file") : fd;
}

static int copy_pieces(struct tar_reader *r, int to, uint64_t size, struct err *e)
{
	const uint8_t *p;
	size_t n;
	for (uint64_t at = 0; at < size; at += n) {
		if (tar_reader_data(r, &p, &n, e) != 0)
			return -1;
		if (n == 0)
			return err_set(e, ERR_CORRUPT, "tar: a sparse member ends early");
		if (p && fs_pwrite_all(to, p, n, (off_t)at, e) != 0)
			return -1;
	}
	return ftruncate(to, (off_t)size) < 0 ? err_sys(e, "set the size of a file") : 0;
}

int sparse_open(int tar_fd, const struct entry *en, struct content *ret, struct err *e)
{
	auto_free uint8_t *data = xmalloc(CHUNK);
	struct member_input m = {.in = {.fill = member_fill, .pos = en->offset & ~ENTRY_SPARSE},
	        .fd = tar_fd,
	        .data = data};
	auto_tar_reader struct tar_reader *r = tar_reader_new(&m.in);
	struct tar_member found;
	int rc = tar_reader_next(r, &found, e);
	if (rc < 0)
		return -1;
	if (rc == 0 || !entry_is_sparse(&found.en) || found.en.size != en->size)
		return err_set(
		        e, ERR_CORRUPT, "'%s': its layer has no such sparse member", en->path);
	auto_fd int fd = new_file(tar_fd, e);
	if (fd < 0 || copy_pieces(r, fd, en->size, e) != 0)
		return err_wrap(e, "'%s'", en->path);
	*ret = (struct content){.fd = steal_fd(&fd), .owned = true, .size = en->size};
	return 0;
}
