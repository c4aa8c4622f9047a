// SPDX-License-Identifier: Apache-2.0
// The upper directory of an overlay as a layer (kernel documentation, overlayfs.rst): a 0:0
// character device, or an empty file with the whiteout xattr, deletes; a directory with the opaque
// xattr "y" hides. redirect_dir, metacopy and index are off, so an upper says everything by itself.
// The walk goes in the order of the index, follows nothing, and leaves access times alone.
#include "layer/writer.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

struct upper {
	struct layer_writer *w;
	const struct upper_options *o;
	struct buf path;
	struct map inodes; // "dev:ino" to the first path of a file with several
	struct arena arena;
	struct buf names, values; // of the xattrs of the current object
	struct xattr xattrs[XATTR_MAX];
	uint32_t n_xattrs;
	bool opaque, whiteout;
};

static bool skipped(const struct upper *u)
{
	for (size_t i = 0; i < u->o->n_skip; i++)
		if (fs_path_within(u->path.p, u->o->skip[i]))
			return true;
	return false;
}

// What of an object's attributes belongs to the image: file capabilities and what users set. Labels
// and access lists are this machine's.
static bool xattr_wanted(const char *name)
{
	return strcmp(name, "security.capability") == 0 || strncmp(name, "user.", 5) == 0;
}

// What overlayfs itself said. The other prefix says nothing: anyone can set user.overlay.*.
static const char *overlay_xattr(const struct upper *u, const char *name)
{
	const char *prefix = u->o->userxattr ? "user.overlay." : "trusted.overlay.";
	size_t n = strlen(prefix);
	return strncmp(name, prefix, n) == 0 ? name + n : NULL;
}

static ssize_t read_xattr(struct upper *u, int fd, const char *name, struct err *e)
{
	buf_reserve(&u->values, XATTR_VALUE_MAX);
	ssize_t n = fgetxattr(fd, name, u->values.p + u->values.n, XATTR_VALUE_MAX);
	if (n < 0 && errno == ENODATA)
		return 0;
	if (n < 0)
		return err_sys(e, "read attribute '%s' of '%s'", name, u->path.p);
	return n;
}

static int take_xattr(struct upper *u, int fd, const char *name, struct err *e)
{
	const char *overlay = overlay_xattr(u, name);
	if (!overlay && !xattr_wanted(name))
		return 0;
	ssize_t n = read_xattr(u, fd, name, e);
	if (n < 0)
		return -1;
	const char *value = u->values.p + u->values.n;
	if (overlay) {
		u->opaque |= strcmp(overlay, "opaque") == 0 && n == 1 && value[0] == 'y';
		u->whiteout |= strcmp(overlay, "whiteout") == 0;
		return 0;
	}
	if (u->n_xattrs == XATTR_MAX)
		return err_set(e, ERR_UNSUPPORTED, "'%s' has more than %d extended attributes",
		        u->path.p, XATTR_MAX);
	// The buffer may still move: an offset for now.
	u->xattrs[u->n_xattrs++] = (struct xattr){name, (void *)u->values.n, (uint32_t)n};
	u->values.n += (size_t)n;
	return 0;
}

static void sort_xattrs(struct upper *u)
{
	for (uint32_t i = 0; i < u->n_xattrs; i++) {
		struct xattr x = u->xattrs[i];
		x.value = u->values.p + (size_t)x.value;
		uint32_t at = i;
		for (; at > 0 && strcmp(u->xattrs[at - 1].name, x.name) > 0; at--)
			u->xattrs[at] = u->xattrs[at - 1];
		u->xattrs[at] = x;
	}
}

static int take_xattrs(struct upper *u, int fd, struct err *e)
{
	u->n_xattrs = 0;
	u->opaque = u->whiteout = false;
	buf_reset(&u->values);
	buf_reserve(&u->names, XATTR_LIST_MAX);
	ssize_t n = flistxattr(fd, u->names.p, XATTR_LIST_MAX);
	if (n < 0 && (errno == ENOTSUP || errno == ENOSYS))
		return 0;
	if (n < 0)
		return err_sys(e, "list attributes of '%s'", u->path.p);
	for (const char *name = u->names.p; name < u->names.p + n; name += strlen(name) + 1)
		if (take_xattr(u, fd, name, e) != 0)
			return -1;
	sort_xattrs(u);
	return 0;
}

static void fill(
        const struct upper *u, const struct stat *st, enum entry_type type, struct entry *ret)
{
	*ret = (struct entry){
	        .path = u->path.p,
	        .type = type,
	        .mode = st->st_mode & 07777,
	        .uid = st->st_uid,
	        .gid = st->st_gid,
	        .mtime_sec = st->st_mtim.tv_sec,
	        .mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
	        .offset = ENTRY_NO_OFFSET,
	};
}

static int open_quietly(int dirfd, const char *name, int flags)
{
	flags |= O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = openat(dirfd, name, flags | O_NOATIME);
	// O_NOATIME is the owner's right only.
	return fd < 0 && errno == EPERM ? openat(dirfd, name, flags) : fd;
}

static int put_whiteout(struct upper *u, struct err *e)
{
	struct entry en = {.path = u->path.p, .type = ENTRY_WHITEOUT, .offset = ENTRY_NO_OFFSET};
	return layer_writer_add(u->w, &en, NULL, e);
}

// The path this inode was written under before, or NULL and it is remembered.
static const char *linked_to(struct upper *u, const struct stat *st)
{
	if (st->st_nlink < 2)
		return NULL;
	char key[64];
	snprintf(key, sizeof(key), "%llu:%llu", (unsigned long long)st->st_dev,
	        (unsigned long long)st->st_ino);
	const char *first = map_get(&u->inodes, key);
	if (!first)
		map_set(&u->inodes, key, arena_strdup(&u->arena, u->path.p));
	return first;
}

static int put_file(struct upper *u, int dirfd, const char *name, struct stat *st, struct err *e)
{
	auto_fd int fd = open_quietly(dirfd, name, 0);
	if (fd < 0)
		return err_sys(e, "open '%s'", u->path.p);
	if (fstat(fd, st) != 0)
		return err_sys(e, "stat '%s'", u->path.p);
	if (!S_ISREG(st->st_mode))
		return err_set(e, ERR_FAIL, "'%s' changed while it was read", u->path.p);
	if (take_xattrs(u, fd, e) != 0)
		return -1;
	if (u->whiteout && st->st_size == 0)
		return put_whiteout(u, e);
	struct entry en;
	fill(u, st, ENTRY_FILE, &en);
	en.size = (uint64_t)st->st_size;
	en.xattrs = u->xattrs;
	en.n_xattrs = u->n_xattrs;
	en.link = linked_to(u, st);
	struct content c = {.fd = fd, .size = en.size};
	return layer_writer_add(u->w, &en, en.link ? NULL : &c, e);
}

static int put_symlink(
        struct upper *u, int dirfd, const char *name, const struct stat *st, struct err *e)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlinkat(dirfd, name, target, sizeof(target) - 1);
	if (n < 0)
		return err_sys(e, "read link '%s'", u->path.p);
	target[n] = '\0';
	struct entry en;
	fill(u, st, ENTRY_SYMLINK, &en);
	en.link = target;
	return layer_writer_add(u->w, &en, NULL, e);
}

static int put_special(struct upper *u, const struct stat *st, enum entry_type type, struct err *e)
{
	struct entry en;
	fill(u, st, type, &en);
	if (type != ENTRY_FIFO) {
		en.dev_major = major(st->st_rdev);
		en.dev_minor = minor(st->st_rdev);
	}
	return layer_writer_add(u->w, &en, NULL, e);
}

static int walk_dir(struct upper *u, int dirfd, struct err *e);

static int put_dir(
        struct upper *u, int dirfd, const char *name, const struct stat *st, struct err *e)
{
	auto_fd int fd = open_quietly(dirfd, name, O_DIRECTORY);
	if (fd < 0)
		return err_sys(e, "open '%s'", u->path.p);
	if (take_xattrs(u, fd, e) != 0)
		return -1;
	struct entry en;
	fill(u, st, ENTRY_DIR, &en);
	en.opaque = u->opaque;
	en.xattrs = u->xattrs;
	en.n_xattrs = u->n_xattrs;
	if (layer_writer_add(u->w, &en, NULL, e) != 0)
		return -1;
	return walk_dir(u, fd, e);
}

static int put_one(struct upper *u, int dirfd, const char *name, struct err *e)
{
	struct stat st;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys(e, "stat '%s'", u->path.p);
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return put_file(u, dirfd, name, &st, e);
	case S_IFDIR:
		return put_dir(u, dirfd, name, &st, e);
	case S_IFLNK:
		return put_symlink(u, dirfd, name, &st, e);
	case S_IFCHR:
		return st.st_rdev == 0 ? put_whiteout(u, e) : put_special(u, &st, ENTRY_CHAR, e);
	case S_IFBLK:
		return put_special(u, &st, ENTRY_BLOCK, e);
	case S_IFIFO:
		return put_special(u, &st, ENTRY_FIFO, e);
	default: // a socket means nothing without its process
		return 0;
	}
}

static int walk_dir(struct upper *u, int dirfd, struct err *e)
{
	auto_strv struct strv names = {0};
	if (fs_list_dir(dirfd, &names, e) != 0)
		return err_wrap(e, "list '%s'", buf_cstr(&u->path));
	size_t len = u->path.n;
	for (size_t i = 0; i < names.n; i++) {
		if (len > 0)
			buf_putc(&u->path, '/');
		buf_puts(&u->path, names.v[i]);
		if (!skipped(u) && put_one(u, dirfd, names.v[i], e) != 0)
			return -1;
		u->path.n = len;
		u->path.p[len] = '\0';
	}
	return 0;
}

int layer_write_upper(int upper_fd, int tar_fd, const struct upper_options *o,
        struct layer_result *ret, struct err *e)
{
	static const struct upper_options none;
	auto_layer_writer struct layer_writer *w = layer_writer_new(tar_fd, o ? &o->writer : NULL);
	struct upper *u = xcalloc(1, sizeof(*u));
	u->w = w;
	u->o = o ? o : &none;
	int rc = walk_dir(u, upper_fd, e);
	buf_release(&u->path);
	buf_release(&u->names);
	buf_release(&u->values);
	map_release(&u->inodes);
	arena_release(&u->arena);
	free(u);
	return rc != 0 ? -1 : layer_writer_finish(w, ret, e);
}
