// SPDX-License-Identifier: Apache-2.0
// Leases: a file in leases/ that is locked as long as its process lives, and lists, one line each,
// the digests the process uses. A lease that can be locked belongs to a dead process (or one that
// could not finish something): whoever finds it sweeps up behind it and removes it.

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
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEASE_FILE_MAX (64u << 20)
#define CLOSE_NS 2000000 // how long a closing process empties the trash: nobody shall notice

static int lock_file(int fd, int how)
{
	int rc;
	do
		rc = flock(fd, how);
	while (rc < 0 && errno == EINTR);
	return rc;
}

// Between making the file and locking it somebody may take it for dead and remove it: then try
// again.
static int try_take(struct store *s, struct err *e)
{
	uint64_t random;
	char path[STORE_PATH];
	struct stat st;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return err_sys(e, "get random bytes");
	snprintf(s->lease, sizeof(s->lease), "%d-%012llx", (int)s->pid,
	        (unsigned long long)(random & 0xffffffffffff));
	snprintf(path, sizeof(path), "leases/%s", s->lease);
	if (fault_point("store.lease.create") < 0)
		return err_sys(e, "make '%s/%s'", s->root, path);
	auto_fd int fd =
	        openat(s->root_fd, path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EEXIST)
		return 1;
	if (fd < 0)
		return err_sys(e, "make '%s/%s'", s->root, path);
	if (lock_file(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return 1;
		return err_sys(e, "lock '%s/%s'", s->root, path);
	}
	if (fstat(fd, &st) == 0 && st.st_nlink == 0)
		return 1;
	s->lease_fd = steal_fd(&fd);
	return 0;
}

int lease_take(struct store *s, struct err *e)
{
	int rc = 1;
	for (int i = 0; rc == 1 && i < 100; i++)
		rc = try_take(s, e);
	if (rc == 1)
		return err_set(
		        e, ERR_FAIL, "make a lease in '%s/leases': it is removed at once", s->root);
	return rc;
}

// Ours is not needed any more: first the work folder, then the lease, so that a kill in between
// leaves something to be found.
void lease_drop(struct store *s)
{
	char path[STORE_PATH];
	struct err ignored;
	if (s->lease_fd < 0)
		return;
	if (s->work_fd >= 0) {
		snprintf(path, sizeof(path), "work/%s", s->lease);
		if (unlinkat(s->root_fd, path, AT_REMOVEDIR) < 0 &&
		        trash_move(s, path, &ignored) < 0)
			s->dirty = true;
	}
	snprintf(path, sizeof(path), "leases/%s", s->lease);
	if (!s->dirty && fault_point("store.lease.unlink") == 0)
		unlinkat(s->root_fd, path, 0);
	trash_reap(s, clock_ns() + CLOSE_NS);
}

// A shared lock is enough to know, and lets others ask at the same time.
bool lease_alive(struct store *s, const char *id)
{
	char path[STORE_PATH];
	if (strchr(id, '/') || strlen(id) >= LEASE_TEXT)
		return false;
	snprintf(path, sizeof(path), "leases/%s", id);
	auto_fd int fd = openat(s->root_fd, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && lock_file(fd, LOCK_SH | LOCK_NB) < 0;
}

static int list_leases(struct store *s, struct strv *ret, struct err *e)
{
	auto_fd int fd = openat(s->root_fd, "leases", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s/leases'", s->root);
	return fs_list_dir(fd, ret, e);
}

// The locked descriptor of a dead lease, or -1: it lives, or another process is busy with it.
static int lock_dead(struct store *s, const char *id)
{
	char path[STORE_PATH];
	struct stat st;
	if (!strcmp(id, s->lease) || strlen(id) >= LEASE_TEXT)
		return -1;
	snprintf(path, sizeof(path), "leases/%s", id);
	auto_fd int fd = openat(s->root_fd, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || lock_file(fd, LOCK_EX | LOCK_NB) < 0)
		return -1;
	if (fstat(fd, &st) < 0 || st.st_nlink == 0)
		return -1;
	return steal_fd(&fd);
}

// everything: also what only a power cut or somebody's hand can have done.
static int clean_up(struct store *s, bool everything, struct err *e)
{
	locks_sweep(s);
	if (sweep_orphans(s, e) < 0 || sweep_work(s, e) < 0 || db_begin(s, e) < 0)
		return -1;
	if (everything && (sweep_lost(s, e) < 0 || sweep_rows(s, e) < 0))
		return db_abandon(s);
	if (index_json_write(s, e) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}

static int remove_dead(struct store *s, const char *id, struct err *e)
{
	char path[STORE_PATH];
	snprintf(path, sizeof(path), "work/%s", id);
	if (trash_move(s, path, e) < 0)
		return -1;
	snprintf(path, sizeof(path), "leases/%s", id);
	if (fault_point("store.lease.unlink") < 0 ||
	        (unlinkat(s->root_fd, path, 0) < 0 && errno != ENOENT))
		return err_sys(e, "remove '%s/%s'", s->root, path);
	return 0;
}

// All dead leases are locked first, then one sweep serves them all.
int lease_reap_dead(struct store *s, bool anyway, struct err *e)
{
	auto_strv struct strv names = {0};
	if (list_leases(s, &names, e) < 0)
		return -1;
	if (names.n <= 1 && !anyway)
		return 0;
	int *fds = xcalloc(names.n, sizeof(*fds));
	size_t dead = 0;
	for (size_t i = 0; i < names.n; i++) {
		fds[i] = lock_dead(s, names.v[i]);
		dead += fds[i] >= 0;
	}
	int rc = dead || anyway ? clean_up(s, anyway, e) : 0;
	for (size_t i = 0; i < names.n; i++) {
		if (rc == 0 && fds[i] >= 0)
			rc = remove_dead(s, names.v[i], e);
		close_fd(&fds[i]);
	}
	free(fds);
	return rc;
}

// ---- the digests in a lease

static int gc_lock(struct store *s, int how, struct err *e)
{
	if (s->gc_fd < 0)
		s->gc_fd = openat(s->root_fd, "locks/.gc", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (s->gc_fd < 0 || lock_file(s->gc_fd, how) < 0)
		return err_sys(e, "lock '%s/locks/.gc'", s->root);
	return 0;
}

static int lease_append(struct store *s, const char *hex, struct err *e)
{
	char line[HASH_HEX +
	          2]; // begins a line of its own, should a full disk have cut the last one
	int n = snprintf(line, sizeof(line), "\n%s\n", hex);
	if (gc_lock(s, LOCK_SH, e) < 0)
		return -1;
	int rc = fault_point("store.lease.write") < 0
	                 ? err_sys(e, "write")
	                 : fs_write_all(s->lease_fd, line, (size_t)n, e);
	if (rc < 0)
		err_wrap(e, "'%s/leases/%s'", s->root, s->lease);
	flock(s->gc_fd, LOCK_UN);
	return rc;
}

int store_lease_add(struct store *s, const struct digest *d, struct err *e)
{
	char hex[HASH_HEX];
	if (!store_writable(s))
		return 0; // a reader holds what it opens by its descriptors
	digest_hex(d, hex);
	pthread_mutex_lock(&s->lease_mutex);
	int rc = map_has(&s->leased, hex) ? 0 : lease_append(s, hex, e);
	if (rc == 0)
		map_set(&s->leased, hex, s);
	pthread_mutex_unlock(&s->lease_mutex);
	return rc;
}

// A line cut off by a full disk is no digest and names nothing.
static int each_line(struct store *s, const char *name, lease_fn *fn, void *arg, struct err *e)
{
	char path[STORE_PATH];
	auto_buf struct buf text = {0};
	auto_strv struct strv lines = {0};
	snprintf(path, sizeof(path), "leases/%s", name);
	if (fs_read_file(s->root_fd, path, LEASE_FILE_MAX, &text, e) < 0)
		return e->sys == ENOENT ? 0 : -1;
	strv_split(&lines, buf_cstr(&text), '\n');
	for (size_t i = 0; i < lines.n; i++) {
		struct digest d;
		if (hash_parse(lines.v[i], &d.h) && fn(arg, name, &d, e) < 0)
			return -1;
	}
	return 0;
}

int lease_each(struct store *s, lease_fn *fn, void *arg, struct err *e)
{
	auto_strv struct strv names = {0};
	int rc = list_leases(s, &names, e);
	for (size_t i = 0; rc == 0 && i < names.n; i++)
		if (strlen(names.v[i]) < LEASE_TEXT &&
		        (!strcmp(names.v[i], s->lease) || lease_alive(s, names.v[i])))
			rc = each_line(s, names.v[i], fn, arg, e);
	return rc;
}

int lease_gc_begin(struct store *s, lease_fn *fn, void *arg, struct err *e)
{
	pthread_mutex_lock(&s->lease_mutex);
	if (gc_lock(s, LOCK_EX, e) < 0) {
		pthread_mutex_unlock(&s->lease_mutex);
		return -1;
	}
	int rc = fn ? lease_each(s, fn, arg, e) : 0;
	if (rc < 0)
		lease_gc_end(s);
	return rc;
}

void lease_gc_end(struct store *s)
{
	flock(s->gc_fd, LOCK_UN);
	pthread_mutex_unlock(&s->lease_mutex);
}

// What this process has used it needs no more: its own lease no longer keeps it from a collection.
int lease_let_go(struct store *s, struct err *e)
{
	pthread_mutex_lock(&s->lease_mutex);
	int rc = gc_lock(s, LOCK_SH, e);
	if (rc == 0 && ftruncate(s->lease_fd, 0) < 0)
		rc = err_sys(e, "write '%s/leases/%s'", s->root, s->lease);
	if (rc == 0)
		map_release(&s->leased);
	if (s->gc_fd >= 0)
		flock(s->gc_fd, LOCK_UN);
	pthread_mutex_unlock(&s->lease_mutex);
	known_release(s);
	return rc;
}
