// SPDX-License-Identifier: Apache-2.0
// Where a mount goes. The image decides what lies at a path: links of any kind, a file where a
// directory is expected, nothing. Lookups never leave the root (openat2 RESOLVE_IN_ROOT, no magic
// links), what is missing is made one component at a time below descriptors, and every thing made
// is told to the supervisor with its parent's times, so that nothing of it stays in the layer.
#include "sandbox/mounts.h"
#include "sandbox/step-int.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40

static int open_path(struct mounts *m, const char *rel, unsigned flags, unsigned more)
{
	const char *path = rel[0] ? rel : ".";
	if (flags & TARGET_NO_LINKS)
		return fs_open_beneath(m->root, path, (int)(O_PATH | O_CLOEXEC | more), 0);
	return fs_open_in_root(m->root, path, (int)(O_PATH | O_CLOEXEC | more), 0);
}

static int check_type(int fd, const char *rel, unsigned flags, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at mount target '/%s'", rel);
	bool want_file = flags & TARGET_FILE;
	if (S_ISDIR(st.st_mode) == want_file)
		return err_set(e, ERR_STEP,
		        "mount target '/%s' is %s in the image, but the source is %s", rel,
		        want_file ? "a directory" : "not a directory",
		        want_file ? "a file" : "a directory");
	return 0;
}

// Path of a directory below the root, without links, or -1.
static int real_path(int fd, char *out, size_t size)
{
	static const char prefix[] = "/root"; // where it is mounted in the scratch file system
	char link[64], path[PATH_MAX];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n < (ssize_t)sizeof prefix - 1 || memcmp(path, prefix, sizeof prefix - 1) != 0)
		return -1;
	path[n] = '\0';
	const char *rel = path + sizeof prefix - 1;
	if (*rel == '/')
		rel++;
	return (size_t)snprintf(out, size, "%s", rel) < size ? 0 : -1;
}

static void tell(const struct mounts *m, const struct report *r)
{
	while (send(m->report, r, sizeof *r, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static struct timespec to_timespec(struct statx_timestamp t)
{
	return (struct timespec){.tv_sec = t.tv_sec, .tv_nsec = t.tv_nsec};
}

static int make_entry(int parent, const char *name, unsigned flags)
{
	if (!(flags & TARGET_FILE))
		return mkdirat(parent, name, 0755);
	int fd = openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

static int make_stub(struct mounts *m, int parent, const char *name, unsigned flags, struct err *e)
{
	static struct report r; // large; process 1 has one thread
	struct statx before, after;
	char dir[REPORT_PATH_MAX];
	if (statx(parent, "", AT_EMPTY_PATH, STATX_MTIME | STATX_MNT_ID, &before) < 0)
		return err_sys(e, "look at the directory of mount target '%s'", name);
	if (make_entry(parent, name, flags) < 0)
		return err_sys(e, "make mount target '%s'", name);
	// Inside another mount (a cache, a tmpfs) it is not in the layer.
	bool in_layer = before.stx_mnt_id == m->root_mnt_id && m->upper >= 0;
	if ((flags & TARGET_KEEP) || !in_layer || real_path(parent, dir, sizeof dir) < 0)
		return 0;
	if (statx(parent, "", AT_EMPTY_PATH, STATX_MTIME, &after) < 0)
		return err_sys(e, "look at the directory of mount target '%s'", name);
	memset(&r, 0, sizeof r);
	r.kind = REPORT_PARENT;
	r.stub.before = to_timespec(before.stx_mtime);
	r.stub.after = to_timespec(after.stx_mtime);
	snprintf(r.stub.path, sizeof r.stub.path, "%s", dir);
	tell(m, &r);
	r.kind = REPORT_STUB;
	r.stub.is_dir = !(flags & TARGET_FILE);
	if ((size_t)snprintf(r.stub.path, sizeof r.stub.path, "%s%s%s", dir, dir[0] ? "/" : "",
	            name) < sizeof r.stub.path)
		tell(m, &r);
	return 0;
}

static int open_or_make(
        struct mounts *m, const char *rel, unsigned flags, int depth, struct err *e);

// A link to nowhere: docker makes what it points to, inside the root.
static int follow_dangling(
        struct mounts *m, int parent, const char *name, unsigned flags, int depth, struct err *e)
{
	char to[PATH_MAX], dir[PATH_MAX];
	ssize_t n = readlinkat(parent, name, to, sizeof to - 1);
	if (n < 0 || real_path(parent, dir, sizeof dir) < 0)
		return err_sys(e, "read the link at mount target '%s'", name);
	to[n] = '\0';
	auto_free char *joined = to[0] == '/' ? xstrdup(to) : xasprintf("/%s/%s", dir, to);
	auto_free char *rel = fs_clean_rel(joined);
	return open_or_make(m, rel, flags, depth + 1, e);
}

static int make_below(struct mounts *m, const char *rel, unsigned flags, int depth, struct err *e)
{
	const char *name = fs_base_name(rel);
	size_t dir_len = (size_t)(name - rel);
	auto_free char *dir = xstrndup(rel, dir_len > 0 ? dir_len - 1 : 0);
	auto_fd int parent = open_or_make(m, dir, flags & ~(unsigned)TARGET_FILE, depth, e);
	if (parent < 0)
		return -1;
	struct stat st;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode)) {
		if (flags & TARGET_NO_LINKS)
			return err_set(e, ERR_STEP, "'/%s' must not be a link in the image", rel);
		return follow_dangling(m, parent, name, flags, depth, e);
	}
	if (make_stub(m, parent, name, flags, e) < 0)
		return -1;
	int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open mount target '/%s'", rel) : fd;
}

static int open_or_make(struct mounts *m, const char *rel, unsigned flags, int depth, struct err *e)
{
	if (depth > LINKS_MAX)
		return err_set(e, ERR_STEP, "too many links at mount target '/%s'", rel);
	auto_fd int fd = open_path(m, rel, flags, 0);
	if (fd >= 0)
		return check_type(fd, rel, flags, e) < 0 ? -1 : steal_fd(&fd);
	if (errno == ELOOP && (flags & TARGET_NO_LINKS))
		return err_set(e, ERR_STEP, "'/%s' must not be a link in the image", rel);
	if (errno != ENOENT || !rel[0])
		return err_set(e, ERR_STEP, "open mount target '/%s': %s", rel, strerror(errno));
	return make_below(m, rel, flags, depth, e);
}

int target_open(struct mounts *m, const char *path, unsigned flags, struct err *e)
{
	auto_free char *rel = fs_clean_rel(path);
	return open_or_make(m, rel, flags, 0, e);
}

uint32_t target_mode(struct mounts *m, const char *path)
{
	struct stat st;
	auto_free char *rel = fs_clean_rel(path);
	auto_fd int fd = open_path(m, rel, 0, O_DIRECTORY);
	return fd < 0 || fstat(fd, &st) < 0 ? 0 : st.st_mode & 07777;
}
