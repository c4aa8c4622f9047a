// SPDX-License-Identifier: Apache-2.0
// See target.h. A new folder gets its name by one rename; merging into an existing one moves whole
// subtrees where dest has nothing of that name. Whoever writes under a temporary name holds a lock
// on it, so that what a killed process has left can be told from what is being written.
#include "output/target.h"

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define MERGE_DEPTH_MAX 512 // a descriptor or two a level
#define TEMP_PREFIX ".hew-"
#define TEMP_HEX 16

void target_release(struct target *t)
{
	struct err ignored = ERR_INIT;
	close_fd(&t->fd);
	if (t->temp && t->is_dir)
		fs_remove_tree(t->parent, t->temp, &ignored);
	else if (t->temp && !t->unnamed)
		unlinkat(t->parent, t->temp, 0);
	close_fd(&t->parent);
	close_fd(&t->into);
	free(t->dest);
	free(t->name);
	free(t->temp);
	*t = TARGET_NONE;
}

static char *temp_name(void)
{
	uint64_t r = 0;
	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		r = (uint64_t)getpid();
	return xasprintf(TEMP_PREFIX "%0*llx", TEMP_HEX, (unsigned long long)r);
}

static bool is_temp_name(const char *name)
{
	const char *hex = name + strlen(TEMP_PREFIX);
	return str_has_prefix(name, TEMP_PREFIX) && strlen(hex) == TEMP_HEX &&
	       strspn(hex, "0123456789abcdef") == TEMP_HEX;
}

static void remove_stale(int dir)
{
	auto_strv struct strv names = {0};
	struct err ignored = ERR_INIT;
	if (fs_list_dir(dir, &names, &ignored))
		return;
	for (size_t i = 0; i < names.n; i++) {
		if (!is_temp_name(names.v[i]))
			continue;
		auto_fd int fd =
		        openat(dir, names.v[i], O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			fs_remove_tree(dir, names.v[i], &ignored);
	}
}

// False: between making and locking it, somebody has taken it for left behind. A file system
// without locks refuses them to the others too.
static bool lock_temp(int fd, bool named)
{
	struct stat st;
	(void)!flock(fd, LOCK_EX);
	return !named || fstat(fd, &st) < 0 || st.st_nlink > 0;
}

// Opens the folder that path lies in; *ret_name is what is left of it.
static int open_parent(const char *path, char **ret_name, struct err *e)
{
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	auto_free char *trimmed = xstrndup(path, n);
	const char *base = fs_base_name(trimmed);
	auto_free char *dir = base == trimmed ? xstrdup(".")
	                      : base == trimmed + 1
	                              ? xstrdup("/")
	                              : xstrndup(trimmed, (size_t)(base - trimmed) - 1);
	if (!*base || !strcmp(base, ".") || !strcmp(base, ".."))
		return err_set(e, ERR_USAGE, "'%s' is a folder", path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open the folder of '%s'", path);
	*ret_name = xstrdup(base);
	return fd;
}

// ---- files

static int open_stdout(struct target *t, struct err *e)
{
	if (isatty(STDOUT_FILENO))
		return err_set(e, ERR_USAGE,
		        "refusing to write an archive to a terminal: give dest=FILE or redirect");
	t->direct = true;
	t->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return t->fd < 0 ? err_sys(e, "open standard output") : 0;
}

static int open_direct(struct target *t, struct err *e)
{
	t->direct = true;
	t->fd = open(t->dest, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	return t->fd < 0 ? err_sys(e, "open '%s'", t->dest) : 0;
}

// Without a name until it is complete, where the file system can do that: then not even a killed
// process leaves anything.
static int open_temp(struct target *t, struct err *e)
{
	remove_stale(t->parent);
	do {
		close_fd(&t->fd);
		free(t->temp);
		t->temp = temp_name();
		t->fd = openat(t->parent, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
		t->unnamed = t->fd >= 0;
		if (t->fd < 0)
			t->fd = openat(
			        t->parent, t->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	} while (t->fd >= 0 && !lock_temp(t->fd, !t->unnamed));
	if (t->fd >= 0)
		return 0;
	free(steal_ptr(&t->temp));
	return err_sys(e, "create '%s'", t->dest);
}

static int open_file(struct target *t, struct err *e)
{
	struct stat st;
	char real[PATH_MAX];
	const char *path = t->dest;
	if (!strcmp(t->dest, "-"))
		return open_stdout(t, e);
	if (stat(t->dest, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return err_set(
			        e, ERR_USAGE, "'%s' is a folder: a file name is needed", t->dest);
		if (!S_ISREG(st.st_mode))
			return open_direct(t, e);
		if (realpath(t->dest, real)) // a link stays, what it points to is replaced
			path = real;
	}
	t->parent = open_parent(path, &t->name, e);
	return t->parent < 0 ? -1 : open_temp(t, e);
}

int target_open_file(const char *dest, struct target *ret, struct err *e)
{
	struct target t = TARGET_NONE;
	t.dest = xstrdup(dest);
	if (open_file(&t, e)) {
		target_release(&t);
		return -1;
	}
	*ret = t;
	return 0;
}

// At once where nothing stands in the way; else under a temporary name first, which is renamed over
// the old file.
static int give_name(struct target *t, struct err *e)
{
	if (t->unnamed && fs_link_fd(t->fd, t->parent, t->name) == 0)
		return 0;
	if (t->unnamed && fs_link_fd(t->fd, t->parent, t->temp))
		return err_sys(e, "create '%s'", t->dest);
	t->unnamed = false;
	if (fault_point("output.rename") < 0 ||
	        renameat(t->parent, t->temp, t->parent, t->name) < 0)
		return err_sys(e, "rename to '%s'", t->dest);
	return 0;
}

// Closing is where a network file system tells that it is full, so it comes before the name; the
// lock and the file without a name live on by the second descriptor.
int target_commit_file(struct target *t, struct err *e)
{
	auto_fd int again = t->direct ? -1 : fcntl(t->fd, F_DUPFD_CLOEXEC, 3);
	if (!t->direct && again < 0)
		return err_sys(e, "write '%s'", t->dest);
	if (close(steal_fd(&t->fd)))
		return err_sys(e, "write '%s'", t->dest);
	if (t->direct)
		return 0;
	t->fd = steal_fd(&again);
	if (fault_point("output.link") < 0)
		return err_sys(e, "create '%s'", t->dest);
	if (give_name(t, e))
		return -1;
	free(steal_ptr(&t->temp));
	return 0;
}

// ---- folders

static int make_parents(const char *dest, struct err *e)
{
	size_t n = strlen(dest);
	while (n > 0 && dest[n - 1] == '/')
		n--;
	while (n > 0 && dest[n - 1] != '/')
		n--;
	auto_free char *dir = xstrndup(dest, n);
	return n > 1 ? fs_mkdir_p(AT_FDCWD, dir, 0777, e) : 0;
}

static int open_temp_dir(struct target *t, struct err *e)
{
	remove_stale(t->parent);
	for (;;) {
		t->temp = temp_name();
		if (mkdirat(t->parent, t->temp, 0777)) {
			free(steal_ptr(&t->temp));
			return err_sys(e, "create folder '%s'", t->dest);
		}
		t->fd = openat(t->parent, t->temp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (t->fd >= 0 && lock_temp(t->fd, true))
			return 0;
		if (t->fd < 0 && errno != ENOENT)
			return err_sys(e, "open folder '%s'", t->dest);
		close_fd(&t->fd);
		t->fd = -1;
		free(steal_ptr(&t->temp));
	}
}

static int open_dir(struct target *t, struct err *e)
{
	t->parent = open(t->dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	t->exists = t->parent >= 0;
	if (!t->exists) {
		if (errno != ENOENT)
			return err_sys(e, "open folder '%s'", t->dest);
		if (make_parents(t->dest, e))
			return -1;
		t->parent = open_parent(t->dest, &t->name, e);
		if (t->parent < 0)
			return -1;
	}
	return open_temp_dir(t, e);
}

int target_open_dir(const char *dest, struct target *ret, struct err *e)
{
	struct target t = TARGET_NONE;
	t.dest = xstrdup(dest);
	t.is_dir = true;
	if (open_dir(&t, e)) {
		target_release(&t);
		return -1;
	}
	*ret = t;
	return 0;
}

struct merge {
	const char *keep; // the folder that everything comes from, if that lies in the other
	bool only;
	int depth;
};

static int merge_dir(struct merge *m, int from, int to, struct err *e);

static int open_sub(int dirfd, const char *name)
{
	return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int merge_sub(struct merge *m, int from, int to, const char *name, struct err *e)
{
	struct stat st;
	auto_fd int a = open_sub(from, name);
	auto_fd int b = open_sub(to, name);
	if (a < 0 || b < 0 || fstat(a, &st))
		return err_sys(e, "open folder '%s'", name);
	if (m->depth >= MERGE_DEPTH_MAX)
		return err_set(
		        e, ERR_UNSUPPORTED, "folders are nested deeper than %d", MERGE_DEPTH_MAX);
	// The folder that stays gets what the image says about the one that goes.
	fchmod(b, (st.st_mode & 07777) | 0700);
	m->depth++;
	int rc = merge_dir(m, a, b, e);
	m->depth--;
	if (rc)
		return -1;
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, st.st_mtim};
	if (geteuid() == 0 && fchown(b, st.st_uid, st.st_gid))
		return err_sys(e, "set the owner of '%s'", name);
	if (fchmod(b, st.st_mode & 07777) || futimens(b, times))
		return err_sys(e, "set the mode of '%s'", name);
	return 0;
}

// A folder moves only if its owner may write in it, because of its "..".
static int move(int from, int to, const char *name, const struct stat *st, struct err *e)
{
	bool opened = S_ISDIR(st->st_mode) && !(st->st_mode & 0200) &&
	              fchmodat(from, name, (st->st_mode & 07777) | 0200, 0) == 0;
	int rc = renameat(from, name, to, name);
	int error = errno;
	if (opened && fchmodat(rc ? from : to, name, st->st_mode & 07777, 0) && !rc)
		return err_sys(e, "set the mode of '%s'", name);
	errno = error;
	return rc ? err_sys(e, "put '%s' in place", name) : 0;
}

static int merge_one(struct merge *m, int from, int to, const char *name, struct err *e)
{
	struct stat a, b;
	if (cancel_check(e))
		return -1;
	if (fstatat(from, name, &a, AT_SYMLINK_NOFOLLOW))
		return err_sys(e, "look at '%s'", name);
	bool there = fstatat(to, name, &b, AT_SYMLINK_NOFOLLOW) == 0;
	if (there && S_ISDIR(a.st_mode) && S_ISDIR(b.st_mode))
		return merge_sub(m, from, to, name, e);
	if (there && (S_ISDIR(a.st_mode) || S_ISDIR(b.st_mode)) && fs_remove_tree(to, name, e))
		return -1;
	return move(from, to, name, &a, e);
}

// Both lists are sorted. Links are removed, not followed.
static int remove_others(const struct merge *m, const struct strv *names, int to, struct err *e)
{
	auto_strv struct strv old = {0};
	if (fs_list_dir(to, &old, e))
		return -1;
	for (size_t i = 0, k = 0; i < old.n; i++) {
		while (k < names->n && strcmp(names->v[k], old.v[i]) < 0)
			k++;
		bool stays = (k < names->n && !strcmp(names->v[k], old.v[i])) ||
		             (m->depth == 0 && m->keep && !strcmp(m->keep, old.v[i]));
		if (!stays && (cancel_check(e) || fs_remove_tree(to, old.v[i], e)))
			return err_wrap(e, "remove '%s'", old.v[i]);
	}
	return 0;
}

static int merge_dir(struct merge *m, int from, int to, struct err *e)
{
	auto_strv struct strv names = {0};
	if (fs_list_dir(from, &names, e) || (m->only && remove_others(m, &names, to, e)))
		return -1;
	for (size_t i = 0; i < names.n; i++)
		if (merge_one(m, from, to, names.v[i], e))
			return -1;
	return 0;
}

int target_name_dir(struct target *t, struct err *e)
{
	if (t->exists)
		return 0;
	if (fault_point("output.rename") < 0)
		return err_sys(e, "rename to '%s'", t->dest);
	if (renameat(t->parent, t->temp, t->parent, t->name) == 0) {
		free(steal_ptr(&t->temp));
		return 1;
	}
	if (errno != EEXIST && errno != ENOTEMPTY)
		return err_sys(e, "rename to '%s'", t->dest);
	t->into = openat(t->parent, t->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->into < 0)
		return err_sys(e, "open folder '%s'", t->dest);
	t->exists = true;
	return 0;
}

int target_dir(const struct target *t)
{
	return t->into >= 0 ? t->into : t->parent;
}

int target_commit_dir(struct target *t, bool only, struct err *e)
{
	int named = target_name_dir(t, e);
	if (named)
		return named < 0 ? -1 : 0;
	if (fault_point("output.rename") < 0)
		return err_sys(e, "rename to '%s'", t->dest);
	struct merge m = {.keep = t->into < 0 ? t->temp : NULL, .only = only};
	return merge_dir(&m, t->fd, target_dir(t), e) ? err_wrap(e, "write into '%s'", t->dest) : 0;
}
