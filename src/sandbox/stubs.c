// SPDX-License-Identifier: Apache-2.0
// Takes mount points out of the upper directory after the step, so that a layer has only what its
// command did. The overlay is gone by then: the upper is a plain directory, walked without
// following links. Parents get back the time they had, unless the command changed them too; a
// parent that overlay copied up for our sake only, and that is the same as below, goes as well.
#include "sandbox/step-int.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

void stub_list_add(struct stub_list *l, const struct report *r)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->v = xreallocarray(l->v, l->cap, sizeof *l->v);
	}
	l->v[l->n++] = *r;
}

void stub_list_release(struct stub_list *l)
{
	free(l->v);
	*l = (struct stub_list){0};
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

// Parent directory of a relative path, opened for use with *at(); *ret_name points into path.
static int open_parent(int root, const char *path, const char **ret_name)
{
	*ret_name = fs_base_name(path);
	size_t n = (size_t)(*ret_name - path);
	auto_free char *dir = n > 1 ? xstrndup(path, n - 1) : xstrdup(".");
	return fs_open_beneath(root, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
}

// The times of `dir` survive what is done to its entries.
static int remove_quietly(int dir, const char *name, bool is_dir)
{
	struct stat st;
	if (fstat(dir, &st) < 0 || unlinkat(dir, name, is_dir ? AT_REMOVEDIR : 0) < 0)
		return -1;
	const struct timespec times[2] = {st.st_atim, st.st_mtim};
	return futimens(dir, times);
}

static bool still_a_stub(int dir, const char *name, bool is_dir)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (is_dir)
		return S_ISDIR(st.st_mode);
	return S_ISREG(st.st_mode) && st.st_size == 0 && st.st_nlink == 1;
}

static void remove_stub(int upper, const struct report *r, struct strv *left)
{
	const char *name;
	auto_fd int dir = open_parent(upper, r->stub.path, &name);
	if (dir < 0 || !still_a_stub(dir, name, r->stub.is_dir))
		return;
	// A directory that the command filled is no stub any more.
	if (remove_quietly(dir, name, r->stub.is_dir) < 0 && errno != ENOTEMPTY && errno != EEXIST)
		strv_add(left, r->stub.path);
}

// The first report of a directory has the time before all stubs, the last one the time after.
static void restore_time(int upper, const struct stub_list *l, size_t first)
{
	const char *path = l->v[first].stub.path;
	struct timespec after = l->v[first].stub.after;
	for (size_t i = first + 1; i < l->n; i++)
		if (l->v[i].kind == REPORT_PARENT && !strcmp(l->v[i].stub.path, path))
			after = l->v[i].stub.after;
	auto_fd int dir =
	        fs_open_beneath(upper, path[0] ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	struct stat st;
	if (dir < 0 || fstat(dir, &st) < 0 || !same_time(st.st_mtim, after))
		return;
	const struct timespec times[2] = {st.st_atim, l->v[first].stub.before};
	futimens(dir, times);
}

static bool is_first_of_path(const struct stub_list *l, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (l->v[i].kind == REPORT_PARENT && !strcmp(l->v[i].stub.path, l->v[at].stub.path))
			return false;
	return true;
}

static bool has_own_xattrs(int fd)
{
	char names[4096];
	ssize_t n = flistxattr(fd, names, sizeof names);
	if (n < 0)
		return errno != ENOTSUP;
	for (const char *p = names; p < names + n; p += strlen(p) + 1) {
		bool private =
		        str_has_prefix(p, "trusted.overlay.") || str_has_prefix(p, "user.overlay.");
		if (!private || str_has_suffix(p, ".opaque"))
			return true;
	}
	return false;
}

static bool same_as_below(const struct step_spec *s, const char *path, int dir)
{
	struct stat ours, theirs;
	if (fstat(dir, &ours) < 0 || has_own_xattrs(dir))
		return false;
	for (size_t i = 0; i < s->n_lowers; i++) {
		auto_fd int fd = fs_open_beneath(s->lowers[i], path, O_PATH | O_CLOEXEC, 0);
		if (fd < 0)
			continue;
		return fstat(fd, &theirs) == 0 && theirs.st_mode == ours.st_mode &&
		       theirs.st_uid == ours.st_uid && theirs.st_gid == ours.st_gid &&
		       same_time(theirs.st_mtim, ours.st_mtim);
	}
	return false;
}

static void prune_copied_up(const struct step_spec *s, const char *path)
{
	auto_free char *at = xstrdup(path);
	while (at[0]) {
		const char *name;
		auto_fd int dir = open_parent(s->upper, at, &name);
		auto_fd int self =
		        fs_open_beneath(s->upper, at, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
		if (dir < 0 || self < 0 || !same_as_below(s, at, self) ||
		        remove_quietly(dir, name, true) < 0)
			return;
		at[name > at ? name - at - 1 : 0] = '\0';
	}
}

void stubs_remove(const struct stub_list *l, const struct step_spec *s, struct strv *left)
{
	if (s->upper < 0)
		return;
	// Deepest first: each was made after its parents.
	for (size_t i = l->n; i-- > 0;)
		if (l->v[i].kind == REPORT_STUB)
			remove_stub(s->upper, &l->v[i], left);
	for (size_t i = l->n; i-- > 0;) {
		if (l->v[i].kind != REPORT_PARENT || !is_first_of_path(l, i))
			continue;
		restore_time(s->upper, l, i);
		prune_copied_up(s, l->v[i].stub.path);
	}
}
