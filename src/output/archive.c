// SPDX-License-Identifier: Apache-2.0
// A plain ustar archive, written front to back so that it may go into a pipe: owner root, time 0,
// fixed modes. Sizes of 8 GiB and more are in base 256, as GNU tar and Go write and read them.
#include "output/archive.h"

#include "base/cancel.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 512
#define OCTAL_SIZE_MAX 077777777777u   // 11 digits
#define COPY_STEP ((uint64_t)64 << 20) // between two looks for cancellation

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], chksum[8], typeflag;
	char linkname[100], magic[6], version[2], uname[32], gname[32], devmajor[8], devminor[8];
	char prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a tar header is one block");

static void octal(char *field, size_t n, uint64_t v)
{
	for (size_t i = n - 1; i-- > 0; v >>= 3)
		field[i] = (char)('0' + (v & 7));
}

static void put_size(struct header *h, uint64_t size)
{
	if (size <= OCTAL_SIZE_MAX) {
		octal(h->size, sizeof(h->size), size);
		return;
	}
	for (size_t i = sizeof(h->size); i-- > 1; size >>= 8)
		h->size[i] = (char)(size & 0xff);
	h->size[0] = (char)0x80;
}

static int put_header(struct archive *a, const char *name, char type, uint64_t size, struct err *e)
{
	struct header h = {.typeflag = type};
	size_t n = strlen(name);
	if (n > sizeof(h.name))
		return err_set(e, ERR_FAIL, "archive: the name '%s' is too long", name);
	memcpy(h.name, name, n);
	octal(h.mode, sizeof(h.mode), type == '5' ? 0755 : 0644);
	octal(h.uid, sizeof(h.uid), 0);
	octal(h.gid, sizeof(h.gid), 0);
	put_size(&h, size);
	octal(h.mtime, sizeof(h.mtime), 0);
	memcpy(h.magic, "ustar", sizeof(h.magic));
	memcpy(h.version, "00", sizeof(h.version));
	octal(h.devmajor, sizeof(h.devmajor), 0);
	octal(h.devminor, sizeof(h.devminor), 0);
	memset(h.chksum, ' ', sizeof(h.chksum));
	uint32_t sum = 0;
	for (size_t i = 0; i < BLOCK; i++)
		sum += ((const unsigned char *)&h)[i];
	octal(h.chksum, 7, sum); // six digits, NUL, blank
	h.chksum[6] = '\0';
	if (fault_point("output.write") < 0)
		return err_sys(e, "write archive");
	return fs_write_all(a->fd, &h, BLOCK, e);
}

static int put_padding(struct archive *a, uint64_t size, struct err *e)
{
	static const char zero[BLOCK];
	size_t n = (size_t)(-size & (BLOCK - 1));
	return n ? fs_write_all(a->fd, zero, n, e) : 0;
}

static int create(struct archive *a, const char *name, struct err *e)
{
	if (fault_point("output.write") < 0)
		return err_sys(e, "write '%s'", name);
	int fd = openat(a->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	return fd < 0 ? err_sys(e, "create '%s'", name) : fd;
}

static int finish(int fd, const char *name, struct err *e)
{
	return close(fd) ? err_sys(e, "write '%s'", name) : 0;
}

int archive_folder(struct archive *a, const char *name, struct err *e)
{
	if (a->is_dir)
		return mkdirat(a->fd, name, 0777) ? err_sys(e, "create folder '%s'", name) : 0;
	auto_free char *slashed = xasprintf("%s/", name);
	return put_header(a, slashed, '5', 0, e);
}

int archive_bytes(struct archive *a, const char *name, const void *p, size_t n, struct err *e)
{
	if (!a->is_dir)
		return put_header(a, name, '0', n, e) || fs_write_all(a->fd, p, n, e) ||
		                       put_padding(a, n, e)
		               ? -1
		               : 0;
	auto_fd int fd = create(a, name, e);
	if (fd < 0 || fs_write_all(fd, p, n, e))
		return -1;
	return finish(steal_fd(&fd), name, e);
}

static int copy(int src, int dst, uint64_t size, struct err *e)
{
	for (uint64_t at = 0; at < size;) {
		uint64_t n = size - at < COPY_STEP ? size - at : COPY_STEP;
		if (cancel_check(e) || fs_copy_range(src, (off_t)at, dst, n, e))
			return -1;
		at += n;
	}
	return 0;
}

int archive_file(struct archive *a, const char *name, int src, uint64_t size, struct err *e)
{
	if (!a->is_dir)
		return put_header(a, name, '0', size, e) || copy(src, a->fd, size, e) ||
		                       put_padding(a, size, e)
		               ? -1
		               : 0;
	auto_fd int fd = create(a, name, e);
	if (fd < 0 || copy(src, fd, size, e))
		return -1;
	return finish(steal_fd(&fd), name, e);
}

int archive_end(struct archive *a, struct err *e)
{
	static const char zero[2 * BLOCK];
	return a->is_dir ? 0 : fs_write_all(a->fd, zero, sizeof(zero), e);
}
