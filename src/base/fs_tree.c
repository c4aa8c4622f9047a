// SPDX-License-Identifier: Apache-2.0
// Listing and removing directories.
#include "base/fs.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
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

static DIR *open_again(int dirfd)
{
	auto_fd int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (d)
		fd = -1;
	return d;
}

int fs_list_dir(int dirfd, struct strv *ret, struct err *e)
{
	auto_dir DIR *d = open_again(dirfd);
	if (!d)
		return err_sys(e, "list folder");
	size_t first = ret->n;
	struct dirent *entry;
	while (errno = 0, (entry = readdir(d)))
		if (!is_dots(entry->d_name))
			strv_add(ret, entry->d_name);
	if (errno)
		return err_sys(e, "list folder");
	if (ret->n > first)
		qsort(ret->v + first, ret->n - first, sizeof(*ret->v), by_bytes);
	return 0;
}

// One level is emptied by moving what is nested into the top first: depth never costs descriptors.
struct remover {
	int top; // descriptor of the tree's root, where nested folders are moved to
	unsigned long moved;
};

static int remove_level(struct remover *r, int fd, struct err *e);

static int remove_one(struct remover *r, int fd, const char *name, struct err *e)
{
	if (unlinkat(fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_sys(e, "remove '%s'", name);
	if (unlinkat(fd, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return err_sys(e, "remove '%s'", name);
	if (fd != r->top) { // lift it: it is emptied as a child of the top
		auto_free char *lifted = xasprintf(".lifted-%lu", r->moved++);
		if (renameat(fd, name, r->top, lifted) == 0)
			return 0;
	}
	auto_fd int sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub < 0)
		return err_sys(e, "remove '%s'", name);
	if (remove_level(r, sub, e))
		return -1;
	if (unlinkat(fd, name, AT_REMOVEDIR))
		return err_sys(e, "remove '%s'", name);
	return 0;
}

static int remove_level(struct remover *r, int fd, struct err *e)
{
	for (int round = 0; round < 100000; round++) {
		auto_strv struct strv names = {0};
		if (fs_list_dir(fd, &names, e))
			return -1;
		if (!names.n)
			return 0;
		for (size_t i = 0; i < names.n; i++)
			if (remove_one(r, fd, names.v[i], e))
				return -1;
	}
	return err_set(e, ERR_FAIL, "folder fills faster than it can be emptied");
}

int fs_remove_tree(int dirfd, const char *name, struct err *e)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_sys(e, "remove '%s'", name);
	auto_fd int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "remove '%s'", name);
	struct remover r = {.top = fd};
	if (remove_level(&r, fd, e))
		return err_wrap(e, "'%s'", name);
	return unlinkat(dirfd, name, AT_REMOVEDIR) ? err_sys(e, "remove '%s'", name) : 0;
}
