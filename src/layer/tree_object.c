// SPDX-License-Identifier: Apache-2.0
// Making one object at a time below a root that is never left; see tree-int.h. Order of attributes:
// owner (clears set-id bits and capabilities), xattrs, mode, times.
#include "layer/tree-int.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

int tree_init(struct tree *t, int root_fd, struct err *e)
{
	struct stat st;
	if (fstat(root_fd, &st) != 0)
		return err_sys(e, "stat the target directory");
	t->root_fd = root_fd;
	t->uid = geteuid();
	// A set-group-id root hands its group down.
	t->gid = st.st_mode & S_ISGID ? st.st_gid : getegid();
	t->path = xstrdup("");
	t->copy = xmalloc(TREE_SMALL_FILE);
	return 0;
}

static int fault(const struct entry *en, const char *what, struct err *e)
{
	return err_sys(e, "%s '%s'", what, en->path);
}

static struct timespec *times_of(const struct entry *en, struct timespec ts[static 2])
{
	ts[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
	ts[1] = (struct timespec){.tv_sec = en->mtime_sec, .tv_nsec = en->mtime_nsec};
	return ts;
}

static bool needs_chown(const struct tree *t, const struct entry *en)
{
	return t->chown && (en->uid != t->uid || en->gid != t->gid);
}

// Attributes that decide nothing about what a program may do can be left out where the kernel or
// the file system refuses them; a file capability cannot.
static bool may_lack(const char *name, int error)
{
	if (strcmp(name, "security.capability") == 0)
		return false;
	return error == ENOTSUP || (error == EPERM && strncmp(name, "user.", 5) != 0);
}

static int set_xattrs(const struct entry *en, int fd, struct err *e)
{
	for (uint32_t i = 0; i < en->n_xattrs; i++) {
		const struct xattr *x = &en->xattrs[i];
		if (fsetxattr(fd, x->name, x->value, x->size, 0) != 0 && !may_lack(x->name, errno))
			return err_sys(e, "set attribute '%s' of '%s'", x->name, en->path);
	}
	return 0;
}

static int not_given(const struct entry *en, struct err *e)
{
	if (errno != EINVAL)
		return err_sys(e, "give '%s' to %u:%u", en->path, en->uid, en->gid);
	return err_set(e, ERR_SANDBOX,
	        "give '%s' to %u:%u: the user namespace has no such id: more subordinate ids are "
	        "needed (a line with 65536 of them in /etc/subuid and /etc/subgid)",
	        en->path, en->uid, en->gid);
}

static int set_attributes(const struct tree *t, const struct entry *en, int fd, struct err *e)
{
	struct timespec ts[2];
	if (needs_chown(t, en) && fchown(fd, en->uid, en->gid) != 0)
		return not_given(en, e);
	if (set_xattrs(en, fd, e) != 0)
		return -1;
	if (fchmod(fd, en->mode & 07777) != 0)
		return fault(en, "set the mode of", e);
	if (futimens(fd, times_of(en, ts)) != 0)
		return fault(en, "set the time of", e);
	return 0;
}

// --- directories -------------------------------------------------------------------------------

static int leave(struct tree *t, bool set, struct err *e)
{
	struct tree_level *l = &t->levels[--t->n_levels];
	int rc = 0;
	if (set && l->explicit) {
		if (l->en.opaque && t->opaque_xattr &&
		        fsetxattr(l->fd, t->opaque_xattr, "y", 1, 0) != 0)
			rc = fault(&l->en, "mark as opaque", e);
		else if (l->path_len > 0 || !t->keep_root)
			rc = set_attributes(t, &l->en, l->fd, e);
	}
	close_fd(&l->fd);
	return rc;
}

int tree_finish(struct tree *t, int rc, struct err *e)
{
	while (t->n_levels > 0)
		if (leave(t, rc == 0, rc == 0 ? e : &(struct err){0}) != 0)
			rc = -1;
	free(t->levels);
	free(t->path);
	free(t->copy);
	return rc;
}

static int parent_fd(const struct tree *t)
{
	return t->n_levels > 0 ? t->levels[t->n_levels - 1].fd : t->root_fd;
}

static int make_dir(struct tree *t, int dirfd, const char *name, bool implied, struct err *e)
{
	// Until it is left, only the owner may look in.
	bool made = mkdirat(dirfd, name, 0700) == 0;
	if (!made && !(errno == EEXIST && t->merge))
		return err_sys(e, "make directory '%s'", name);
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open directory '%s'", name);
	if (made && implied && fchmod(fd, 0755) != 0) {
		close_fd(&fd);
		return err_sys(e, "set the mode of '%s'", name);
	}
	return fd;
}

// The length of what the current level is below, with its slash.
static size_t level_start(const struct tree *t)
{
	size_t n = t->n_levels > 0 ? t->levels[t->n_levels - 1].path_len : 0;
	return n > 0 ? n + 1 : 0;
}

static int enter(
        struct tree *t, const char *path, size_t len, const struct entry *en, struct err *e)
{
	size_t start = level_start(t);
	auto_free char *name = xstrndup(path + start, len - start);
	int fd = make_dir(t, parent_fd(t), name, !en, e);
	if (fd < 0)
		return err_wrap(e, "'%.*s'", (int)len, path);
	if (t->n_levels == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 32;
		t->levels = xreallocarray(t->levels, t->cap, sizeof(*t->levels));
	}
	t->levels[t->n_levels++] = (struct tree_level){.fd = fd,
	        .path_len = len,
	        .explicit = en != NULL,
	        .en = en ? *en : (struct entry){0}};
	free(t->path);
	t->path = xstrndup(path, len);
	return 0;
}

// Makes the directories on the way to the entry. *ret_dirfd stays the tree's, *ret_name points into
// the path.
static int tree_reach(
        struct tree *t, const char *path, int *ret_dirfd, const char **ret_name, struct err *e)
{
	while (t->n_levels > 0) {
		size_t n = t->levels[t->n_levels - 1].path_len;
		if (n == 0 || (strncmp(path, t->path, n) == 0 && path[n] == '/'))
			break;
		if (leave(t, true, e) != 0)
			return -1;
	}
	size_t at = level_start(t);
	for (const char *slash; (slash = strchr(path + at, '/')); at = (size_t)(slash - path) + 1)
		if (enter(t, path, (size_t)(slash - path), NULL, e) != 0)
			return -1;
	*ret_dirfd = parent_fd(t);
	*ret_name = path + at;
	return 0;
}

int tree_put_dir(struct tree *t, const struct entry *en, struct err *e)
{
	int dirfd;
	const char *name;
	if (en->path[0] == '\0') {
		// The root: its descriptor is the caller's, its level a copy that is left last.
		t->levels = xreallocarray(NULL, t->cap = 32, sizeof(*t->levels));
		int fd = fcntl(t->root_fd, F_DUPFD_CLOEXEC, 0);
		if (fd < 0)
			return err_sys(e, "duplicate a descriptor");
		t->levels[t->n_levels++] =
		        (struct tree_level){.fd = fd, .explicit = true, .en = *en};
		return 0;
	}
	if (tree_reach(t, en->path, &dirfd, &name, e) != 0)
		return -1;
	return enter(t, en->path, strlen(en->path), en, e);
}

// --- everything else ---------------------------------------------------------------------------

// True if what stood in the way is gone. Directories are never removed for a file.
static bool cleared(const struct tree *t, int dirfd, const char *name)
{
	if (errno != EEXIST || !t->merge)
		return false;
	bool gone = unlinkat(dirfd, name, 0) == 0;
	if (!gone)
		errno = EEXIST;
	return gone;
}

// Holes of the source stay holes. Where it has none this is one copy.
static int copy_large(int src, uint64_t offset, int dst, uint64_t size, struct err *e)
{
	uint64_t end = offset + size, at = offset;
	struct stat st;
	// Of a file that ends early nothing is a hole: the copy says what is wrong.
	if (fstat(src, &st) != 0 || (uint64_t)st.st_size < end)
		return fs_copy_range(src, (off_t)offset, dst, size, e);
	while (at < end) {
		off_t data = lseek(src, (off_t)at, SEEK_DATA);
		if (data < 0 && errno != ENXIO) // a file system without holes
			return fs_copy_range(src, (off_t)at, dst, end - at, e);
		if (data < 0 || (uint64_t)data >= end)
			break;
		off_t hole = lseek(src, data, SEEK_HOLE);
		uint64_t stop = hole < 0 || (uint64_t)hole > end ? end : (uint64_t)hole;
		if (lseek(dst, data - (off_t)offset, SEEK_SET) < 0)
			return err_sys(e, "seek in a file");
		if (fs_copy_range(src, data, dst, stop - (uint64_t)data, e) != 0)
			return -1;
		at = stop;
	}
	return at < end && ftruncate(dst, (off_t)size) != 0 ? err_sys(e, "set the size of a file")
	                                                    : 0;
}

// Up to some size one read and one write beat copy_file_range.
static int copy_bytes(
        uint8_t *small, int src, uint64_t offset, int dst, uint64_t size, struct err *e)
{
	if (size > TREE_SMALL_FILE)
		return copy_large(src, offset, dst, size, e);
	if (size == 0)
		return 0;
	if (fs_pread_full(src, small, (size_t)size, (off_t)offset, e) != 0)
		return -1;
	return fs_write_all(dst, small, (size_t)size, e);
}

int tree_make_file(struct tree *t, const struct entry *en, struct err *e)
{
	int dirfd;
	const char *name;
	if (tree_reach(t, en->path, &dirfd, &name, e) != 0)
		return -1;
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dirfd, name, flags, 0600);
	if (fd < 0 && cleared(t, dirfd, name))
		fd = openat(dirfd, name, flags, 0600);
	return fd < 0 ? fault(en, "create", e) : fd;
}

int tree_fill_file(const struct tree *t, uint8_t *small, const struct entry *en, int fd, int src_fd,
        uint64_t offset, struct err *e)
{
	if (copy_bytes(small, src_fd, offset, fd, en->size, e) != 0)
		return err_wrap(e, "write '%s'", en->path);
	return set_attributes(t, en, fd, e);
}

int tree_put_file(
        struct tree *t, const struct entry *en, int src_fd, uint64_t offset, struct err *e)
{
	auto_fd int fd = tree_make_file(t, en, e);
	return fd < 0 ? -1 : tree_fill_file(t, t->copy, en, fd, src_fd, offset, e);
}

// The directory of a path that was made here before. Nothing on the way may be a link.
static int open_parent(const struct tree *t, const char *path, struct err *e)
{
	const char *base = fs_base_name(path);
	auto_free char *dir =
	        base == path ? xstrdup(".") : xstrndup(path, (size_t)(base - path) - 1);
	int fd = fs_open_beneath(t->root_fd, dir, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		err_sys(e, "open the directory of '%s'", path);
	return fd;
}

int tree_put_link(struct tree *t, const struct entry *en, struct err *e)
{
	int dirfd;
	const char *name;
	if (tree_reach(t, en->path, &dirfd, &name, e) != 0)
		return -1;
	auto_fd int from = open_parent(t, en->link, e);
	if (from < 0)
		return -1;
	const char *base = fs_base_name(en->link);
	if (linkat(from, base, dirfd, name, 0) == 0 ||
	        (cleared(t, dirfd, name) && linkat(from, base, dirfd, name, 0) == 0))
		return 0;
	return err_sys(e, "link '%s' to '%s'", en->path, en->link);
}

static int set_by_name(
        const struct tree *t, const struct entry *en, int dirfd, const char *name, struct err *e)
{
	struct timespec ts[2];
	if (needs_chown(t, en) && fchownat(dirfd, name, en->uid, en->gid, AT_SYMLINK_NOFOLLOW) != 0)
		return not_given(en, e);
	// The node is ours and new, and no link: chmod by name is safe.
	if (en->type != ENTRY_SYMLINK && fchmodat(dirfd, name, en->mode & 07777, 0) != 0)
		return fault(en, "set the mode of", e);
	if (utimensat(dirfd, name, times_of(en, ts), AT_SYMLINK_NOFOLLOW) != 0)
		return fault(en, "set the time of", e);
	return 0;
}

int tree_put_symlink(struct tree *t, const struct entry *en, struct err *e)
{
	int dirfd;
	const char *name;
	if (tree_reach(t, en->path, &dirfd, &name, e) != 0)
		return -1;
	if (symlinkat(en->link, dirfd, name) != 0 &&
	        !(cleared(t, dirfd, name) && symlinkat(en->link, dirfd, name) == 0))
		return fault(en, "make symbolic link", e);
	return set_by_name(t, en, dirfd, name, e);
}

int tree_put_node(struct tree *t, const struct entry *en, struct err *e)
{
	int dirfd;
	const char *name;
	if (tree_reach(t, en->path, &dirfd, &name, e) != 0)
		return -1;
	bool white = en->type == ENTRY_WHITEOUT, fifo = en->type == ENTRY_FIFO;
	mode_t type = fifo ? S_IFIFO : en->type == ENTRY_BLOCK ? S_IFBLK : S_IFCHR;
	dev_t dev = white || fifo ? 0 : makedev(en->dev_major, en->dev_minor);
	mode_t mode = type | (white ? 0 : 0600);
	if (mknodat(dirfd, name, mode, dev) != 0 &&
	        !(cleared(t, dirfd, name) && mknodat(dirfd, name, mode, dev) == 0)) {
		// A user namespace may make whiteouts but no devices; nothing could open them
		// there.
		if (errno == EPERM && !white && !fifo)
			return 0;
		return fault(en, "make node", e);
	}
	return white ? 0 : set_by_name(t, en, dirfd, name, e);
}
