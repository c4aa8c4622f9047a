// SPDX-License-Identifier: Apache-2.0
// Opening below a root that is never left: openat2 (Linux 5.6), or where it is missing or forbidden
// a walk component by component that follows no link but reads it and starts over from the root.
// The walk is as safe: at worst a concurrent rename makes it fail.
#include "base/fs-int.h"
#include "base/fs.h"

#include "base/buf.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINKS_MAX 40
#define RACES_MAX \
	256 // EAGAIN: something was renamed meanwhile; who does that all the time gets it back

int fs_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	bool creates = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
	struct open_how how = {
	        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
	        .mode = creates ? mode & 07777 : 0,
	        .resolve = resolve,
	};
	int fd, races = 0;
	do {
		fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || (errno == EAGAIN && ++races < RACES_MAX)));
	return fd;
}

// ENOSYS, or EPERM from a seccomp filter older than the call: the walk has to do.
static bool is_missing(int rootfd)
{
	static int state; // 0 not known, 1 there, 2 missing
	int saved = errno;
	if (saved != ENOSYS && saved != EPERM)
		return false;
	int known = __atomic_load_n(&state, __ATOMIC_RELAXED);
	if (!known) {
		auto_fd int fd = fs_openat2(rootfd, ".", O_PATH, 0, RESOLVE_BENEATH);
		known = fd < 0 && (errno == ENOSYS || errno == EPERM) ? 2 : 1;
		__atomic_store_n(&state, known, __ATOMIC_RELAXED);
	}
	errno = saved;
	return known == 2;
}

static int open_below(int rootfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	if (!*path)
		path = ".";
	int fd = fs_openat2(rootfd, path, flags, mode, resolve);
	if (fd < 0 && is_missing(rootfd))
		return fs_walk_open(rootfd, path, flags, mode, resolve & RESOLVE_IN_ROOT);
	return fd;
}

int fs_open_in_root(int rootfd, const char *path, int flags, mode_t mode)
{
	return open_below(rootfd, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int fs_open_beneath(int rootfd, const char *path, int flags, mode_t mode)
{
	return open_below(rootfd, path, flags, mode,
	        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

// ---- the walk

struct walk {
	int root, at;      // at: the folder reached, owned
	struct strv names; // how it is reached from the root
	char *rest;        // what is still to be resolved, owned
	const char *next;  // in rest
	int links;
	bool in_root; // links are followed and stay inside; else there may be none
};

static int fail(int error)
{
	errno = error;
	return -1;
}

static int enter_folder(int dirfd, const char *name)
{
	return openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

// Goes to the root and down the first n names.
static int restart(struct walk *w, size_t n)
{
	close_fd(&w->at);
	w->at = enter_folder(w->root, ".");
	for (size_t i = 0; i < n && w->at >= 0; i++) {
		int fd = enter_folder(w->at, w->names.v[i]);
		close_fd(&w->at);
		w->at = fd;
	}
	while (w->names.n > n)
		free(w->names.v[--w->names.n]);
	return w->at < 0 ? -1 : 0;
}

static int go_up(struct walk *w)
{
	if (w->names.n)
		return restart(w, w->names.n - 1);
	return w->in_root ? 0 : fail(EXDEV);
}

static int go_down(struct walk *w, char *name)
{
	int fd = enter_folder(w->at, name);
	if (fd < 0) {
		free(name);
		return -1;
	}
	close_fd(&w->at);
	w->at = fd;
	strv_take(&w->names, name);
	return 0;
}

// 1 if name is a link, which is then put before the rest; 0 if it is none.
static int expand_link(struct walk *w, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(w->at, name, target, sizeof(target) - 1);
	if (n < 0)
		return errno == EINVAL ? 0 : -1;
	target[n] = '\0';
	if (!w->in_root || ++w->links > LINKS_MAX)
		return fail(ELOOP);
	char *rest = xasprintf("%s%s", target, w->next);
	free(w->rest);
	w->rest = rest;
	w->next = rest;
	if (*target == '/' && restart(w, 0))
		return -1;
	return 1;
}

static int open_last(struct walk *w, const char *name, int flags, mode_t mode)
{
	bool must_be_new = (flags & O_CREAT) && (flags & O_EXCL);
	if (*w->next) // only slashes are left: it must be a folder
		flags |= O_DIRECTORY;
	if (!(flags & O_NOFOLLOW) && !must_be_new) {
		int link = expand_link(w, name);
		if (link > 0)
			return -2;
		if (link < 0 && errno != ENOENT)
			return -1;
	}
	return openat(w->at, name, flags | O_NOFOLLOW | O_CLOEXEC, mode & 07777);
}

// Resolves one component. -2: go on; else the result.
static int walk_step(struct walk *w, int flags, mode_t mode)
{
	w->next += strspn(w->next, "/");
	size_t n = strcspn(w->next, "/");
	if (!n)
		return openat(w->at, ".", flags | O_CLOEXEC, mode & 07777);
	auto_free char *name = xstrndup(w->next, n);
	w->next += n;
	if (!strcmp(name, "."))
		return -2;
	if (!strcmp(name, ".."))
		return go_up(w) ? -1 : -2;
	if (!w->next[strspn(w->next, "/")])
		return open_last(w, name, flags, mode);
	int link = expand_link(w, name);
	if (link < 0 || (!link && go_down(w, steal_ptr(&name))))
		return -1;
	return -2;
}

int fs_walk_open(int rootfd, const char *path, int flags, mode_t mode, bool in_root)
{
	if (*path == '/' && !in_root)
		return fail(EXDEV);
	struct walk w = {.root = rootfd, .at = -1, .in_root = in_root, .rest = xstrdup(path)};
	w.next = w.rest;
	int fd = restart(&w, 0) ? -1 : -2;
	while (fd == -2)
		fd = walk_step(&w, flags, mode);
	close_fd(&w.at);
	strv_release(&w.names);
	free(w.rest);
	return fd;
}
