// SPDX-License-Identifier: Apache-2.0
// Files that hold what the steps of a build said: logs/<id of the build>. Whoever writes one has it
// locked, so a log that is not locked is finished, or its writer was killed; it is readable at any
// time. All together are bounded: the oldest go first. Beside them lie the times of builds that
// were repeated.

#include "base/buf.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "store/store-int.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOGS_MAX (64u << 20) // bytes of all

// An id names a file: nothing that could lead elsewhere is one.
static bool path_of_log(const char *id, char out[static STORE_PATH])
{
	size_t n = strlen(id);
	if (n == 0 || n > 64 || strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz-") != n)
		return false;
	snprintf(out, STORE_PATH, "logs/%s", id);
	return true;
}

int log_create(struct store *s, const char *id, struct err *e)
{
	char path[STORE_PATH];
	if (!path_of_log(id, path))
		return err_set(e, ERR_FAIL, "'%s' is no id of a build", id);
	auto_fd int fd =
	        fault_point("store.log.create") < 0
	                ? -1
	                : openat(s->root_fd, path,
	                          O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_sys(e, "make '%s/%s'", s->root, path);
	return steal_fd(&fd);
}

static bool path_of_last(const char *id, char out[static STORE_PATH])
{
	if (!path_of_log(id, out))
		return false;
	size_t n = strlen(out);
	snprintf(out + n, STORE_PATH - n, LOG_LAST);
	return true;
}

void log_untouch(struct store *s, const char *id)
{
	char path[STORE_PATH];
	if (path_of_last(id, path))
		unlinkat(s->root_fd, path, 0);
}

int log_remove(struct store *s, const char *id, struct err *e)
{
	char path[STORE_PATH];
	log_untouch(s, id);
	return path_of_log(id, path) ? trash_move(s, path, e) : 0;
}

bool log_touch(struct store *s, const char *id)
{
	char path[STORE_PATH];
	if (!path_of_last(id, path))
		return false;
	// the kernel's own time of a file is some milliseconds old, and records have the clock's
	struct timespec times[2];
	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[1] = times[0];
	if (utimensat(s->root_fd, path, times, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	auto_fd int fd =
	        openat(s->root_fd, path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd >= 0 && futimens(fd, times) == 0;
}

int64_t log_last_time(struct store *s, const char *id)
{
	char path[STORE_PATH];
	struct stat st;
	if (!path_of_last(id, path) || fstatat(s->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

int store_log_open(struct store *s, const char *id)
{
	char path[STORE_PATH];
	if (!path_of_log(id, path))
		return -1;
	return openat(s->root_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

bool log_is_locked(struct store *s, const char *id)
{
	auto_fd int fd = store_log_open(s, id);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

struct log_file {
	char *name;
	int64_t at;
	uint64_t size;
};

static int by_age(const void *a, const void *b)
{
	const struct log_file *x = a, *y = b;
	return (x->at > y->at) - (x->at < y->at);
}

// What cannot be looked at is left alone: this is room to be won, not order to be kept.
void logs_trim(struct store *s)
{
	auto_strv struct strv names = {0};
	struct err ignored;
	uint64_t all = 0;
	size_t n = 0;
	auto_fd int dir = openat(s->root_fd, "logs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fs_list_dir(dir, &names, &ignored) < 0)
		return;
	auto_free struct log_file *files = xcalloc(names.n + 1, sizeof(*files));
	for (size_t i = 0; i < names.n; i++) {
		struct stat st;
		if (str_has_suffix(names.v[i], LOG_LAST) ||
		        fstatat(dir, names.v[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		files[n++] = (struct log_file){names.v[i],
		        (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
		        (uint64_t)st.st_size};
		all += (uint64_t)st.st_size;
	}
	if (all <= LOGS_MAX)
		return;
	qsort(files, n, sizeof(*files), by_age);
	for (size_t i = 0; i < n && all > LOGS_MAX; i++)
		if (!log_is_locked(s, files[i].name) && fault_point("store.log.unlink") == 0 &&
		        unlinkat(dir, files[i].name, 0) == 0)
			all -= files[i].size;
}
