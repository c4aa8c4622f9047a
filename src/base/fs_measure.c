// SPDX-License-Identifier: Apache-2.0
// What a file or a tree takes up on the disk, as du(1) counts it. Trees come from images and may
// be nested as deep as they like: one descriptor is open at a time, and the way back up is ".."
// that must be the folder we came from.
#include "base/fs.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct level {
	dev_t dev;
	ino_t ino;
	struct strv names;
	size_t at;
};

struct walk {
	struct fs_usage *u;
	int fd; // of the last level
	struct level *v;
	size_t n, cap;
};

void fs_usage_release(struct fs_usage *u)
{
	map_release(&u->links);
	*u = (struct fs_usage){0};
}

static void count(struct fs_usage *u, const struct stat *st)
{
	char key[48];
	u->entries++;
	if (!S_ISDIR(st->st_mode) && st->st_nlink > 1) {
		snprintf(key, sizeof(key), "%llx:%llx", (unsigned long long)st->st_dev,
		        (unsigned long long)st->st_ino);
		if (map_has(&u->links, key))
			return;
		map_set(&u->links, key, u);
	}
	u->bytes += (uint64_t)st->st_blocks * 512;
}

// What is gone or was replaced meanwhile is not there; what may not be read is counted as that.
static int go_down(struct walk *w, const char *name, struct err *e)
{
	struct stat st;
	auto_fd int fd = openat(w->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		w->u->denied += errno == EACCES || errno == EPERM;
		return 0;
	}
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at '%s'", name);
	if (w->n == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 16;
		w->v = xreallocarray(w->v, w->cap, sizeof(*w->v));
	}
	struct level *l = &w->v[w->n];
	*l = (struct level){.dev = st.st_dev, .ino = st.st_ino};
	if (fs_list_dir(fd, &l->names, e) < 0) {
		strv_release(&l->names);
		return e->sys == ENOENT ? 0 : -1; // deleted since it was opened
	}
	if (w->n++ > 0)
		close(w->fd);
	w->fd = steal_fd(&fd);
	return 0;
}

// 1: there is nothing above, or it is not where it was.
static int go_up(struct walk *w)
{
	struct stat st;
	strv_release(&w->v[--w->n].names);
	if (w->n == 0)
		return 1;
	int fd = openat(w->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(w->fd);
	w->fd = fd;
	const struct level *l = &w->v[w->n - 1];
	return fd < 0 || fstat(fd, &st) < 0 || st.st_dev != l->dev || st.st_ino != l->ino;
}

static int walk_tree(struct walk *w, struct err *e)
{
	struct stat st;
	while (w->n) {
		struct level *l = &w->v[w->n - 1];
		if (l->at == l->names.n) {
			if (go_up(w))
				return 0;
			continue;
		}
		const char *name = l->names.v[l->at++];
		if (fstatat(w->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		count(w->u, &st);
		if (S_ISDIR(st.st_mode) && st.st_dev == l->dev && go_down(w, name, e) < 0)
			return -1;
	}
	return 0;
}

int fs_measure(int dirfd, const char *name, struct fs_usage *u, struct err *e)
{
	struct stat st;
	struct walk w = {.u = u, .fd = dirfd};
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "look at '%s'", name);
	count(u, &st);
	if (!S_ISDIR(st.st_mode))
		return 0;
	int rc = go_down(&w, name, e);
	if (rc == 0)
		rc = walk_tree(&w, e);
	while (w.n > 0)
		strv_release(&w.v[--w.n].names);
	free(w.v);
	if (w.fd != dirfd)
		close_fd(&w.fd);
	return rc;
}
