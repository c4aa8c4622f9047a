// SPDX-License-Identifier: Apache-2.0
// Named locks across processes and threads: a flock on locks/<hash of the name>. flock
// belongs to the open file description, so two threads exclude each other as two processes do. The
// file goes away with its lock; whoever got a file that has gone tries again with the new one.
//
// A blocked flock cannot watch for cancellation, so a waiter tries again: some 4 ms late, for a few
// microseconds of work each time. inotify would tell when, but closing it takes 10 to 20 ms.

#include "base/cancel.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "store/store-int.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define PAUSE_MAX_MS 8

struct store_lock {
	struct store *store;
	int fd;
	bool shared;
	char path[STORE_PATH];
};

void path_of_named(const char *folder, const char *name, char out[static STORE_PATH])
{
	char hex[HASH_HEX];
	struct hash h = hash_bytes(name, strlen(name));
	hash_hex(&h, hex);
	snprintf(out, STORE_PATH, "%s/%.32s", folder, hex);
}

static bool still_named(struct store_lock *l)
{
	return fs_is_named(l->fd, l->store->root_fd, l->path);
}

// 1 locked, 0 somebody else has it (or had it), -1 error.
static int try_lock(struct store_lock *l, struct err *e)
{
	if (l->fd < 0) {
		if (fault_point("store.lock.create") < 0)
			return err_sys(e, "make '%s/%s'", l->store->root, l->path);
		int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
		l->fd = openat(l->store->root_fd, l->path, flags, 0644);
		if (l->fd < 0)
			return err_sys(e, "make '%s/%s'", l->store->root, l->path);
	}
	if (flock(l->fd, (l->shared ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK || errno == EINTR)
			return 0;
		return err_sys(e, "lock '%s/%s'", l->store->root, l->path);
	}
	if (still_named(l))
		return 1;
	close_fd(&l->fd);
	l->fd = -1;
	return 0;
}

static int wait_lock(struct store_lock *l, struct err *e)
{
	int ms = 1, rc;
	while ((rc = try_lock(l, e)) == 0) {
		if (cancel_check(e) < 0)
			return -1;
		if (l->fd < 0)
			continue;
		struct pollfd pfd = {.fd = cancel_fd(), .events = POLLIN};
		poll(&pfd, 1, ms);
		ms = ms < PAUSE_MAX_MS ? ms * 2 : ms;
	}
	return rc < 0 ? -1 : 0;
}

static struct store_lock *lock_new(struct store *s, const char *name, struct err *e)
{
	if (store_need_write(s, e) < 0)
		return NULL;
	struct store_lock *l = xcalloc(1, sizeof(*l));
	l->store = s;
	l->fd = -1;
	path_of_named("locks", name, l->path);
	return l;
}

static struct store_lock *lock_abandon(struct store_lock *l)
{
	close_fd(&l->fd);
	free(l);
	return NULL;
}

struct store_lock *store_lock(struct store *s, const char *name, struct err *e)
{
	struct store_lock *l = lock_new(s, name, e);
	return !l || wait_lock(l, e) == 0 ? l : lock_abandon(l);
}

struct store_lock *store_lock_hash(
        struct store *s, const char *kind, const struct hash *h, struct err *e)
{
	char hex[HASH_HEX];
	hash_hex(h, hex);
	auto_free char *name = xasprintf("%s-%s", kind, hex);
	return store_lock(s, name, e);
}

struct store_lock *store_lock_shared(struct store *s, const char *name, struct err *e)
{
	struct store_lock *l = lock_new(s, name, e);
	if (l)
		l->shared = true;
	return !l || wait_lock(l, e) == 0 ? l : lock_abandon(l);
}

struct store_lock *store_trylock(struct store *s, const char *name, bool *ret_taken, struct err *e)
{
	struct store_lock *l = lock_new(s, name, e);
	int rc = 0;
	if (!l)
		return NULL;
	// a file that went away under us was somebody's who has let go
	while ((rc = try_lock(l, e)) == 0 && l->fd < 0)
		;
	*ret_taken = rc == 0;
	return rc == 1 ? l : lock_abandon(l);
}

// A killed process cannot take its file away.
void locks_sweep(struct store *s)
{
	auto_strv struct strv names = {0};
	struct err ignored;
	auto_fd int dir = openat(s->root_fd, "locks", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fs_list_dir(dir, &names, &ignored) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		struct store_lock l = {.store = s, .fd = -1};
		if (names.v[i][0] == '.')
			continue;
		snprintf(l.path, sizeof(l.path), "locks/%.64s", names.v[i]);
		l.fd = openat(s->root_fd, l.path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
		if (l.fd >= 0 && flock(l.fd, LOCK_EX | LOCK_NB) == 0 && still_named(&l))
			unlinkat(s->root_fd, l.path, 0);
		close_fd(&l.fd);
	}
}

void store_unlock(struct store_lock *l)
{
	if (!l)
		return;
	// The last of those who share it takes it away.
	if (!l->shared || (flock(l->fd, LOCK_EX | LOCK_NB) == 0 && still_named(l)))
		unlinkat(l->store->root_fd, l->path, 0); // still locked, so it is ours
	close_fd(&l->fd);
	free(l);
}
