// SPDX-License-Identifier: Apache-2.0
// Temporary files and folders in work/<lease>/, and the trash. Temporary files have names, so that
// one way serves every file system; a file is known again by its inode when it is committed. What a
// killed process leaves lies in its work folder, which moves into the trash as one.

#include "base/cancel.h"
#include "base/err.h"
#include "base/event.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "store/db-int.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define REAP_SHARE 10 // of the time a process has worked, which it may spend on the trash
#define REAP_NS_MAX 1000000000

static int open_work(struct store *s, struct err *e)
{
	if (s->work_fd >= 0)
		return 0;
	char path[STORE_PATH];
	snprintf(path, sizeof(path), "work/%s", s->lease);
	if (fault_point("store.work.mkdir") < 0 ||
	        (mkdirat(s->root_fd, path, 0700) < 0 && errno != EEXIST))
		return err_sys(e, "make '%s/%s'", s->root, path);
	s->work_fd = openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return s->work_fd < 0 ? err_sys(e, "open '%s/%s'", s->root, path) : 0;
}

static int work(struct store *s, struct err *e)
{
	if (store_need_write(s, e) < 0)
		return -1;
	pthread_mutex_lock(&s->temp_mutex);
	int rc = open_work(s, e);
	pthread_mutex_unlock(&s->temp_mutex);
	return rc;
}

static void temp_remember(struct store *s, ino_t ino, unsigned long number)
{
	pthread_mutex_lock(&s->temp_mutex);
	if (s->n_temps == s->cap_temps) {
		s->cap_temps = s->cap_temps ? s->cap_temps * 2 : 16;
		s->temps = xreallocarray(s->temps, s->cap_temps, sizeof(*s->temps));
	}
	s->temps[s->n_temps++] = (struct temp_entry){ino, number};
	pthread_mutex_unlock(&s->temp_mutex);
}

// The modes are ours whatever the umask: 0644, readable for tools once the root lets them in.
int store_temp_file(struct store *s, struct err *e)
{
	if (work(s, e) < 0)
		return -1;
	unsigned long number = s->counter++;
	char name[32];
	struct stat st;
	snprintf(name, sizeof(name), "f%lu", number);
	if (fault_point("store.temp.create") < 0)
		return err_sys(e, "make a temporary file in '%s/work'", s->root);
	auto_fd int fd = openat(s->work_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || fchmod(fd, 0644) < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "make a temporary file in '%s/work'", s->root);
	temp_remember(s, st.st_ino, number);
	return steal_fd(&fd);
}

// 0755 whatever the umask: an overlay shows its upper folder's mode as that of the root.
int store_temp_dir(struct store *s, char **ret_path, struct err *e)
{
	if (work(s, e) < 0)
		return -1;
	char name[32];
	snprintf(name, sizeof(name), "d%lu", s->counter++);
	if (fault_point("store.temp.mkdir") < 0 || mkdirat(s->work_fd, name, 0755) < 0)
		return err_sys(e, "make a temporary folder in '%s/work'", s->root);
	auto_fd int fd = openat(s->work_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0755) < 0)
		return err_sys(e, "open a temporary folder in '%s/work'", s->root);
	*ret_path = xasprintf("work/%s/%s", s->lease, name);
	return steal_fd(&fd);
}

static struct temp_entry *temp_find(struct store *s, int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return NULL;
	for (size_t i = s->n_temps; i-- > 0;)
		if (s->temps[i].ino == st.st_ino)
			return &s->temps[i];
	return NULL;
}

int temp_path_of(struct store *s, int fd, char out[static STORE_PATH], struct err *e)
{
	pthread_mutex_lock(&s->temp_mutex);
	struct temp_entry *t = temp_find(s, fd);
	if (t)
		snprintf(out, STORE_PATH, "work/%s/f%lu", s->lease, t->number);
	pthread_mutex_unlock(&s->temp_mutex);
	return t ? 0 : err_set(e, ERR_FAIL, "the file is no temporary file of this store");
}

void temp_forget(struct store *s, int fd)
{
	pthread_mutex_lock(&s->temp_mutex);
	struct temp_entry *t = temp_find(s, fd);
	if (t)
		*t = s->temps[--s->n_temps];
	pthread_mutex_unlock(&s->temp_mutex);
}

void temp_discard(struct store *s, int fd)
{
	char path[STORE_PATH];
	struct err ignored;
	if (temp_path_of(s, fd, path, &ignored) < 0)
		return;
	unlinkat(s->root_fd, path, 0); // if it fails it goes with the work folder
	temp_forget(s, fd);
}

int trash_move(struct store *s, const char *rel_path, struct err *e)
{
	char to[STORE_PATH];
	snprintf(to, sizeof(to), "trash/%s-%lu", s->lease, s->counter++);
	if (fault_point("store.trash.rename") < 0 ||
	        (renameat(s->root_fd, rel_path, s->root_fd, to) < 0 && errno != ENOENT))
		return err_sys(e, "move '%s/%s' into the trash", s->root, rel_path);
	return 0;
}

void store_trash(struct store *s, const char *rel_path)
{
	struct err ignored;
	if (store_writable(s) && trash_move(s, rel_path, &ignored) < 0)
		s->dirty = true;
}

// ---- reaping

// Where room is short nobody is better off without it.
static bool is_nearly_full(struct store *s)
{
	struct statvfs st;
	return fstatvfs(s->root_fd, &st) == 0 && st.f_bavail < st.f_blocks / 20;
}

// What belongs to other ids and cannot be deleted stays for whoever may.
uint64_t trash_reap(struct store *s, int64_t deadline_ns)
{
	struct err ignored;
	auto_strv struct strv names = {0};
	struct fs_removal r = {.deadline_ns = deadline_ns};
	auto_fd int fd = openat(s->root_fd, "trash", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fs_list_dir(fd, &names, &ignored) < 0)
		return 0;
	s->foreign_trash = false;
	if (names.n && is_nearly_full(s))
		r.deadline_ns = 0;
	for (size_t i = 0; i < names.n; i++) {
		if (fault_point("store.trash.unlink") < 0 || (!deadline_ns && cancel_requested()))
			break;
		int rc = fs_remove_tree_some(fd, names.v[i], &r, &ignored);
		if (rc > 0)
			break;
		s->foreign_trash |= rc < 0;
	}
	return r.freed;
}

void trash_make_room(struct store *s)
{
	if (is_nearly_full(s))
		trash_reap(s, 0);
}

bool store_trash_is_foreign(const struct store *s)
{
	return s->foreign_trash;
}

void store_reap(struct store *s)
{
	int64_t now = clock_ns(), share = (now - s->opened_ns) / REAP_SHARE;
	if (!store_writable(s) || cancel_requested())
		return;
	trash_reap(s, now + (share < REAP_NS_MAX ? share : REAP_NS_MAX));
	db_fold(s);
}

int root_file_replace(struct store *s, const char *name, const void *p, size_t n, const char *point,
        struct err *e)
{
	char path[STORE_PATH];
	auto_fd int fd = store_temp_file(s, e);
	if (fd < 0 || temp_path_of(s, fd, path, e) < 0)
		return -1;
	if (fault_point(point) < 0)
		return err_sys(e, "write '%s/%s'", s->root, name);
	if (fs_write_all(fd, p, n, e) < 0)
		return err_wrap(e, "write '%s/%s'", s->root, name);
	if (fault_point("store.file.rename") < 0 ||
	        renameat(s->root_fd, path, s->root_fd, name) < 0)
		return err_sys(e, "write '%s/%s'", s->root, name);
	temp_forget(s, fd);
	return 0;
}
