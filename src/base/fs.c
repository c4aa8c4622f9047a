// SPDX-License-Identifier: Apache-2.0
// Complete reads and writes, safe replacement, and opening below a root that is never left
// (openat2).
#include "base/fs.h"

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

int fs_write_all(int fd, const void *p, size_t n, struct err *e)
{
	const char *s = p;
	while (n) {
		ssize_t w = write(fd, s, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_sys(e, "write");
		s += w;
		n -= (size_t)w;
	}
	return 0;
}

int fs_pwrite_all(int fd, const void *p, size_t n, off_t off, struct err *e)
{
	const char *s = p;
	while (n) {
		ssize_t w = pwrite(fd, s, n, off);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_sys(e, "write");
		s += w;
		off += w;
		n -= (size_t)w;
	}
	return 0;
}

int fs_pread_full(int fd, void *p, size_t n, off_t off, struct err *e)
{
	char *s = p;
	while (n) {
		ssize_t r = pread(fd, s, n, off);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(e, "read");
		if (r == 0)
			return err_set(e, ERR_CORRUPT, "file is shorter than it should be");
		s += r;
		off += r;
		n -= (size_t)r;
	}
	return 0;
}

static size_t size_hint(int fd, size_t max)
{
	struct stat st;
	size_t size = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (size_t)st.st_size : 0;
	return size < max ? size + 1 : 1; // one more, to see the end without growing
}

ssize_t fs_read(int fd, void *p, size_t n, struct err *e)
{
	for (;;) {
		struct pollfd wait[] = {{fd, POLLIN, 0}, {cancel_fd(), POLLIN, 0}};
		if (poll(wait, 2, -1) < 0 && errno != EINTR)
			return err_sys(e, "wait for what is to be read");
		if (!wait[0].revents && cancel_check(e))
			return -1;
		ssize_t r = wait[0].revents ? read(fd, p, n) : -1;
		if (r >= 0)
			return r;
		if (wait[0].revents && errno != EINTR && errno != EAGAIN)
			return err_sys(e, "read");
	}
}

int fs_read_fd(int fd, size_t max, struct buf *ret, struct err *e)
{
	size_t start = ret->n, hint = size_hint(fd, max);
	buf_reserve(ret, hint < 4096 ? 4096 : hint);
	for (;;) {
		if (ret->cap - ret->n < 2)
			buf_reserve(ret, ret->n - start); // doubles
		ssize_t r = fs_read(fd, ret->p + ret->n, ret->cap - ret->n - 1, e);
		if (r > 0 && (size_t)r <= max - (ret->n - start)) {
			ret->n += (size_t)r;
			continue;
		}
		if (r > 0)
			err_set(e, ERR_CORRUPT, "larger than %zu bytes", max);
		if (r)
			ret->n = start;
		ret->p[ret->n] = '\0';
		return r ? -1 : 0;
	}
}

int fs_read_file(int dirfd, const char *path, size_t max, struct buf *ret, struct err *e)
{
	auto_fd int fd = openat(dirfd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	return fs_read_fd(fd, max, ret, e) ? err_wrap(e, "'%s'", path) : 0;
}

int fs_link_fd(int fd, int dirfd, const char *name)
{
	char path[40];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, dirfd, name, AT_SYMLINK_FOLLOW);
}

bool fs_is_named(int fd, int dirfd, const char *path)
{
	struct stat mine, named;
	return fstat(fd, &mine) == 0 && fstatat(dirfd, path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

struct fresh {
	int dirfd;
	const char *path,
	        *temp; // temp: what it is called until it is complete, if it must be called
	mode_t mode;
	const struct stat *like; // whose mode and, where we may, owner it gets; NULL
	int fd;
	bool unnamed;
};

static int fresh_write(struct fresh *f, const char *folder, struct str data, struct err *e)
{
	mode_t mode = f->mode;
	f->fd = openat(f->dirfd, *folder ? folder : ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
	f->unnamed = f->fd >= 0;
	if (!f->unnamed)
		f->fd = openat(f->dirfd, f->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (f->fd < 0)
		return err_sys(e, "create '%s'", f->path);
	const struct stat *like = f->like;
	bool other_group = like && fchown(f->fd, like->st_uid, like->st_gid) &&
	                   fchown(f->fd, (uid_t)-1, like->st_gid);
	if (like && fchmod(f->fd, other_group ? mode & ~(mode_t)0070 : mode))
		return err_sys(e, "set the mode of '%s'", f->path);
	return fs_write_all(f->fd, data.p, data.n, e) ? err_wrap(e, "'%s'", f->path) : 0;
}

static int fresh_name(struct fresh *f, struct err *e)
{
	if (fault_point("fs.replace"))
		return err_sys(e, "replace '%s'", f->path);
	if (f->unnamed && fs_link_fd(f->fd, f->dirfd, f->path) == 0)
		return 0; // there was none
	if (f->unnamed && fs_link_fd(f->fd, f->dirfd, f->temp))
		return err_sys(e, "create '%s'", f->path);
	f->unnamed = false;
	if (close(steal_fd(&f->fd))) // where a network file system tells that it is full
		return err_sys(e, "write '%s'", f->path);
	if (renameat(f->dirfd, f->temp, f->dirfd, f->path))
		return err_sys(e, "replace '%s'", f->path);
	return 0;
}

static int replace(struct fresh *f, const void *p, size_t n, struct err *e)
{
	const char *path = f->path;
	uint64_t random = 0;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = (uint64_t)getpid();
	// a short name of its own: path may be as long as names can be
	auto_free char *folder = xstrndup(path, (size_t)(fs_base_name(path) - path));
	auto_free char *temp = xasprintf("%s.new-%016llx", folder, (unsigned long long)random);
	f->temp = temp;
	f->fd = -1;
	int rc = fresh_write(f, folder, (struct str){p, n}, e) ? -1 : fresh_name(f, e);
	if (rc && !f->unnamed)
		unlinkat(f->dirfd, temp, 0);
	close_fd(&f->fd);
	return rc;
}

int fs_replace_file(
        int dirfd, const char *path, const void *p, size_t n, mode_t mode, struct err *e)
{
	struct fresh f = {.dirfd = dirfd, .path = path, .mode = mode};
	return replace(&f, p, n, e);
}

int fs_replace_file_like(int dirfd, const char *path, const void *p, size_t n,
        const struct stat *like, struct err *e)
{
	struct fresh f = {.dirfd = dirfd, .path = path, .mode = like->st_mode & 0777, .like = like};
	return replace(&f, p, n, e);
}

static int copy_by_hand(int src, off_t *off, int dst, uint64_t n, struct err *e)
{
	enum { CHUNK = 256 << 10 };
	auto_free char *p = xmalloc(CHUNK);
	while (n) {
		size_t want = n < CHUNK ? (size_t)n : CHUNK;
		ssize_t r = off ? pread(src, p, want, *off) : read(src, p, want);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(e, "read");
		if (r == 0)
			return err_set(e, ERR_CORRUPT, "file is shorter than it should be");
		if (fs_write_all(dst, p, (size_t)r, e))
			return -1;
		if (off)
			*off += r;
		n -= (uint64_t)r;
	}
	return 0;
}

int fs_copy_range(int src, off_t off, int dst, uint64_t n, struct err *e)
{
	off_t *from = off < 0 ? NULL : &off;
	while (n) {
		size_t want = n < (1u << 30) ? (size_t)n : 1u << 30;
		ssize_t r = copy_file_range(src, from, dst, NULL, want, 0);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS ||
		                     errno == EOPNOTSUPP || errno == EBADF))
			return copy_by_hand(src, from, dst, n, e);
		if (r < 0)
			return err_sys(e, "copy");
		if (r == 0) // some file systems answer 0 where read does not
			return copy_by_hand(src, from, dst, n, e);
		n -= (uint64_t)r;
	}
	return 0;
}

static bool is_folder(int dirfd, const char *path)
{
	struct stat st;
	return fstatat(dirfd, path, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

int fs_mkdir_p(int dirfd, const char *path, mode_t mode, struct err *e)
{
	auto_free char *part = xstrdup(path);
	if (!*path || mkdirat(dirfd, path, mode) == 0)
		return 0;
	for (char *s = part + (*part == '/'); errno == ENOENT; s++) {
		if (*s && *s != '/')
			continue;
		char saved = *s;
		*s = '\0';
		if (mkdirat(dirfd, part, mode) && errno != EEXIST)
			break;
		if (!saved)
			return 0;
		*s = saved;
		errno = ENOENT;
	}
	if (errno == EEXIST && is_folder(dirfd, path))
		return 0;
	if (errno == EEXIST)
		errno = ENOTDIR;
	return err_sys(e, "make folder '%s'", path);
}

// ---- paths as text

char *fs_clean_rel(const char *path)
{
	char *out = xmalloc(strlen(path) + 1);
	size_t n = 0;
	while (*path) {
		const char *end = strchrnul(path, '/');
		size_t len = (size_t)(end - path);
		if (len == 2 && path[0] == '.' && path[1] == '.') {
			while (n && out[n - 1] != '/')
				n--;
			n -= n > 0;
		} else if (len && !(len == 1 && path[0] == '.')) {
			if (n)
				out[n++] = '/';
			memcpy(out + n, path, len);
			n += len;
		}
		path = *end ? end + 1 : end;
	}
	out[n] = '\0';
	return out;
}

bool fs_path_climbs(const char *path)
{
	long depth = 0;
	while (*path && depth >= 0) {
		size_t n = strcspn(path, "/");
		if (n == 2 && path[0] == '.' && path[1] == '.')
			depth--;
		else if (n && !(n == 1 && path[0] == '.'))
			depth++;
		path += n + (path[n] == '/');
	}
	return depth < 0;
}

char *fs_join_abs(const char *cwd, const char *path)
{
	auto_free char *joined = *path == '/' ? xstrdup(path) : xasprintf("%s/%s", cwd, path);
	auto_free char *clean = fs_clean_rel(joined);
	return xasprintf("/%s", clean);
}

const char *fs_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

int fs_path_cmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a == *b)
		return 0;
	int x = *a == '/' ? 0 : (unsigned char)*a + 1, y = *b == '/' ? 0 : (unsigned char)*b + 1;
	return !*a ? -1 : !*b ? 1 : x - y;
}

bool fs_path_within(const char *path, const char *dir)
{
	size_t n = strlen(dir);
	return !n || (!strncmp(path, dir, n) && (!path[n] || path[n] == '/'));
}
