// SPDX-License-Identifier: Apache-2.0
// Listing and removing directories.
#include "base/fs.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/event.h"
#include "base/fs-int.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

void dir_close_ptr(DIR **d)
{
	int saved = errno;
	if (*d)
		closedir(*d);
	*d = NULL;
	errno = saved;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

// The records of getdents64 itself: a DIR would cost five more system calls and an allocation.
int fs_list_dir(int dirfd, struct strv *ret, struct err *e)
{
	auto_fd int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t first = ret->n;
	_Alignas(struct dirent64) char records[32 << 10];
	ssize_t n = -1;
	while (fd >= 0 && (n = getdents64(fd, records, sizeof(records))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *d = (const void *)(records + at);
			if (!is_dots(d->d_name))
				strv_add(ret, d->d_name);
			at += d->d_reclen;
		}
	if (n < 0)
		return err_sys(e, "list folder");
	if (ret->n > first)
		qsort(ret->v + first, ret->n - first, sizeof(*ret->v), by_bytes);
	return 0;
}

// ---- removing
//
// The recursion holds one descriptor a level, so it goes down only so far; what is nested deeper is
// first moved up into the top folder and removed from there.

enum { DEEP = 32, PASSES_MAX = 1 << 20, FEW = 64 };

struct remover {
	struct fs_removal *count; // may be NULL
	bool late;
	int top;
	uint64_t tag; // of the names in the top folder, so that the tree cannot have taken them
	unsigned long moved;
};

static int empty_folder(struct remover *r, int fd, int depth, struct err *e);

// Folders that even their owner may not change are common in images. True if that was it.
static bool grant(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700 && fchmod(fd, 0700) == 0;
}

static int open_top(int dirfd, const char *name)
{
	return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int open_folder(int fd, const char *name)
{
	const uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
	// never into a mount: what a lost sandbox left mounted here belongs to somebody
	int sub = fs_openat2(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, resolve);
	if (sub < 0 && (errno == ENOSYS || errno == EPERM))
		sub = open_top(fd, name);
	return sub;
}

static int open_granted(int fd, const char *name, int (*open_it)(int, const char *))
{
	int sub = open_it(fd, name);
	if (sub < 0 && errno == EACCES && fchmodat(fd, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
		sub = open_it(fd, name);
	return sub;
}

static bool lift(struct remover *r, int fd, const char *name)
{
	char lifted[64];
	snprintf(lifted, sizeof(lifted), ".%016llx-%lu", (unsigned long long)r->tag, r->moved++);
	if (renameat(fd, name, r->top, lifted) == 0)
		return true;
	auto_fd int sub = errno == EACCES ? open_granted(fd, name, open_folder) : -1;
	return sub >= 0 && (grant(sub), renameat(fd, name, r->top, lifted) == 0);
}

static int remove_folder(struct remover *r, int fd, const char *name, int depth, struct err *e)
{
	if (depth >= DEEP)
		return lift(r, fd, name) ? 0 : err_sys(e, "remove '%s'", name);
	for (int tries = 0; tries < 8; tries++) { // somebody may still be writing into it
		auto_fd int sub = open_granted(fd, name, open_folder);
		if (sub < 0)
			return errno == ENOENT ? 0 : err_sys(e, "remove '%s'", name);
		if (empty_folder(r, sub, depth, e))
			return -1;
		if (unlinkat(fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST)
			break;
	}
	return err_sys(e, "remove '%s'", name);
}

// Of a file with several names the last one frees the bytes.
static int unlink_counted(struct fs_removal *count, int fd, const char *name)
{
	struct stat st;
	bool counts = count && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	              !S_ISDIR(st.st_mode) && st.st_nlink == 1;
	if (unlinkat(fd, name, 0) < 0)
		return -1;
	if (counts)
		count->freed += (uint64_t)st.st_blocks * 512;
	return 0;
}

static int remove_entry(struct remover *r, int fd, const char *name, int depth, struct err *e)
{
	if (unlink_counted(r->count, fd, name) == 0 || errno == ENOENT)
		return 0;
	if (errno == EACCES && grant(fd))
		return remove_entry(r, fd, name, depth, e);
	if (errno != EISDIR && errno != EPERM)
		return err_sys(e, "remove '%s'", name);
	if (unlinkat(fd, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno == ENOTDIR) // so the first answer was about a file
		errno = EPERM;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return err_sys(e, "remove '%s'", name);
	return remove_folder(r, fd, name, depth, e);
}

static bool is_late(struct fs_removal *c)
{
	return c && c->deadline_ns && c->entries++ >= FEW && clock_ns() >= c->deadline_ns;
}

static int empty_folder(struct remover *r, int fd, int depth, struct err *e)
{
	auto_strv struct strv names = {0};
	if (fs_list_dir(fd, &names, e))
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		r->late = is_late(r->count);
		if (r->late)
			return -1;
		if (remove_entry(r, fd, names.v[i], depth + 1, e))
			return -1;
	}
	return 0;
}

static int remove_top(int dirfd, const char *name, struct fs_removal *count, struct err *e)
{
	auto_fd int fd = open_granted(dirfd, name, open_top);
	if (fd < 0)
		return err_sys(e, "open");
	struct remover r = {.top = fd, .count = count};
	if (getrandom(&r.tag, sizeof(r.tag), GRND_NONBLOCK) != sizeof(r.tag))
		r.tag = (uint64_t)clock_ns();
	for (int pass = 0; pass < PASSES_MAX; pass++) { // what was lifted is there in the next one
		if (empty_folder(&r, fd, 0, e))
			return r.late ? 1 : -1;
		if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST)
			break;
	}
	return err_sys(e, "remove folder");
}

int fs_remove_tree_some(int dirfd, const char *name, struct fs_removal *count, struct err *e)
{
	if (unlink_counted(count, dirfd, name) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_sys(e, "remove '%s'", name);
	int rc = remove_top(dirfd, name, count, e);
	return rc < 0 ? err_wrap(e, "remove '%s'", name) : rc;
}

int fs_remove_tree(int dirfd, const char *name, struct err *e)
{
	return fs_remove_tree_some(dirfd, name, NULL, e);
}
