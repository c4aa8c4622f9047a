// SPDX-License-Identifier: Apache-2.0
// Opening and closing a store. The usual open is a descriptor for the root, the database, one lease
// file and a look at the few names in leases/ and locks/; everything else happens only after a
// crash, once a boot, or once in the life of a store (make.c).

#include "base/account.h"
#include "base/err.h"
#include "base/event.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "store/db-int.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static char *home_folder(void)
{
	const char *home = getenv("HOME");
	if (home && *home == '/')
		return xstrdup(home);
	struct account user;
	if (account_of(geteuid(), &user) && *user.home == '/')
		return xstrdup(user.home);
	return xasprintf("/var/tmp/user-%u", (unsigned)geteuid());
}

char *store_default_root(void)
{
	const char *root = getenv("HEW_ROOT");
	if (root && *root)
		return xstrdup(root);
	if (geteuid() == 0)
		return xstrdup("/var/lib/hew");
	const char *data =
	        getenv("XDG_DATA_HOME"); // a relative path is to be ignored, says the specification
	if (data && *data == '/')
		return xasprintf("%s/hew", data);
	auto_free char *home = home_folder();
	return xasprintf("%s/.local/share/hew", home);
}

static bool is_network(int fd)
{
	static const unsigned long types[] = {NFS_SUPER_MAGIC, 0xff534d42 /* cifs */,
	        0xfe534d42 /* smb2 */, SMB_SUPER_MAGIC, V9FS_MAGIC, AFS_SUPER_MAGIC,
	        CEPH_SUPER_MAGIC, CODA_SUPER_MAGIC, 0x65735546 /* fuse: sshfs and the like */,
	        0x0bd00bd0 /* lustre */, 0x01161970 /* gfs2 */, 0x7461636f /* ocfs2 */,
	        0x786f4256 /* vboxsf */};
	struct statfs st;
	if (fstatfs(fd, &st) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if ((unsigned long)st.f_type == types[i])
			return true;
	return false;
}

static void read_boot(struct store *s)
{
	auto_buf struct buf text = {0};
	struct err ignored;
	if (fs_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text, &ignored) < 0 ||
	        text.n < 36)
		buf_puts(&text, "unknown");
	snprintf(s->boot, sizeof(s->boot), "%.36s", buf_cstr(&text));
}

// What the system says of a folder that is not ours to use is true, and helps nobody.
static int not_ours(struct err *e)
{
	struct err plain = *e;
	if (e->sys != ENOTDIR && e->sys != EACCES && e->sys != EPERM && e->sys != EROFS)
		return -1;
	err_set(e, e->sys == ENOTDIR ? ERR_USAGE : ERR_AUTH,
	        "%s: set HEW_ROOT to a folder of your own", plain.msg);
	e->sys = plain.sys;
	return -1;
}

static int open_root(struct store *s, const char *root, struct err *e)
{
	s->root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->root_fd < 0 && errno == ENOENT) {
		if (!(s->flags & STORE_CREATE) || !store_writable(s))
			return err_set(e, ERR_NOT_FOUND, "there is no store at '%s' yet", root);
		if (fs_mkdir_p(AT_FDCWD, root, 0700, e) < 0)
			return err_wrap(e, "make the store '%s'", root);
		s->root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (s->root_fd < 0)
		return err_sys(e, "open the store '%s'", root);
	s->root = realpath(root, NULL);
	if (!s->root)
		return err_sys(e, "open the store '%s'", root);
	s->network_fs = is_network(s->root_fd);
	return 0;
}

static int check_version(struct store *s, int version, struct err *e)
{
	if (version <= SCHEMA_VERSION)
		return 0;
	return err_set(e, ERR_UNSUPPORTED,
	        "the store '%s' has format %d, this hew knows up to %d: use the newer hew that "
	        "made it, "
	        "or set HEW_ROOT to another folder",
	        s->root, version, SCHEMA_VERSION);
}

static bool is_caught_up(const struct store *s, char mark[STORE_PATH])
{
	snprintf(mark, STORE_PATH, "locks/" BOOT_MARK "%s", s->boot);
	return faccessat(s->root_fd, mark, F_OK, 0) == 0;
}

// A store of an older hew becomes one of this hew, unless it may only be read: then it is read as
// it is, for what an older one has means the same.
static int bring_up(struct store *s, int version, struct err *e)
{
	return version == SCHEMA_VERSION || !store_writable(s) ? 0 : db_upgrade(s, e);
}

// After a restart of the machine the last transactions may be gone, and with them all that tells
// of files which did reach the disk: once a boot, every file is looked at.
static int catch_up(struct store *s, struct err *e)
{
	char mark[STORE_PATH];
	bool known = is_caught_up(s, mark);
	int rc = recover_boots(s, e);
	if (rc < 0 && e->kind == ERR_SPACE && store_reserve_use(s))
		rc = recover_boots(s, e);
	if (rc < 0)
		return -1;
	rc = lease_reap_dead(s, !known, e);
	trash_make_room(s);
	if (rc < 0 && e->kind == ERR_SPACE) { // the disk is full: what lies about can wait
		s->dirty = false;
		return 0;
	}
	if (rc == 0 && !known)
		close(openat(s->root_fd, mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	return rc;
}

// A lease before the database: from here on a kill is noticed by whoever comes next. Its folder may
// be missing: a copy of a store may lack what was empty.
static int open_lease(struct store *s, struct err *e)
{
	int rc = lease_take(s, e);
	if (rc < 0 && e->sys == ENOENT)
		rc = make_folders(s, e) < 0 ? -1 : lease_take(s, e);
	return rc;
}

// Two owners would make files that the other can neither change nor delete.
static int check_owner(const struct store *s, struct err *e)
{
	struct stat st;
	if (fstatat(s->root_fd, "hew.db", &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_uid == geteuid())
		return 0;
	return err_set(e, ERR_AUTH,
	        "the store '%s' belongs to user %u, and hew runs as user %u: run it as that user, "
	        "or set HEW_ROOT to a folder of your own",
	        s->root, st.st_uid, geteuid());
}

static int open_parts(struct store *s, const char *root, struct err *e)
{
	int version = 0;
	bool create = s->flags & STORE_CREATE && store_writable(s);
	char mark[STORE_PATH];
	if (open_root(s, root, e) < 0 || check_owner(s, e) < 0)
		return -1;
	if (s->flags & STORE_ROWS && is_caught_up(s, mark))
		s->flags |= STORE_READ_ONLY;
	bool exists = faccessat(s->root_fd, "hew.db", F_OK, 0) == 0;
	if (!exists && !create)
		return no_store(s, e);
	if (!exists && (check_ours(s, e) < 0 || check_not_lost(s, e) < 0 || make_folders(s, e) < 0))
		return -1;
	if (store_writable(s) && open_lease(s, e) < 0)
		return -1;
	if (db_open(s, create, e) < 0 || db_user_version(s, &version, e) < 0 ||
	        check_version(s, version, e) < 0)
		return -1;
	if (version == 0 && !create)
		return no_store(s, e);
	if (store_writable(s) && make_folders(s, e) < 0) // an older hew had less, a copy too
		return -1;
	if (version == 0 && make_store(s, e) < 0)
		return -1;
	if (version > 0 && bring_up(s, version, e) < 0)
		return -1;
	return store_writable(s) ? catch_up(s, e) : 0;
}

struct store *store_open(const char *root, int flags, struct err *e)
{
	struct store *s = xcalloc(1, sizeof(*s));
	s->flags = flags;
	s->pid = getpid();
	s->opened_ns = clock_ns();
	s->root_fd = s->lease_fd = s->gc_fd = s->work_fd = -1;
	pthread_mutex_init(&s->db_mutex, NULL);
	pthread_mutex_init(&s->lease_mutex, NULL);
	pthread_mutex_init(&s->temp_mutex, NULL);
	pthread_mutex_init(&s->index_mutex, NULL);
	pthread_mutex_init(&s->known_mutex, NULL);
	read_boot(s);
	if (open_parts(s, root, e) < 0) {
		not_ours(e);
		store_close(s);
		return NULL;
	}
	return s;
}

static void close_indexes(struct store *s)
{
	const char *key;
	void *index;
	for (size_t i = 0; map_next(&s->indexes, &i, &key, &index);)
		layer_index_close(index);
	map_release(&s->indexes);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (s->pid == getpid() && store_writable(s)) {
		store_note_uses(s);
		if (s->reserve_used)
			reserve_make(s);
		lease_drop(s);
	}
	db_close(s);
	close_indexes(s);
	known_release(s);
	uses_release(s);
	lost_release(s);
	map_release(&s->leased);
	close_fd(&s->work_fd);
	close_fd(&s->gc_fd);
	close_fd(&s->lease_fd);
	close_fd(&s->root_fd);
	pthread_mutex_destroy(&s->db_mutex);
	pthread_mutex_destroy(&s->lease_mutex);
	pthread_mutex_destroy(&s->temp_mutex);
	pthread_mutex_destroy(&s->index_mutex);
	pthread_mutex_destroy(&s->known_mutex);
	free(s->temps);
	free(s->root);
	free(s);
}

void store_close_ptr(struct store **s)
{
	store_close(*s);
	*s = NULL;
}

const char *store_root(const struct store *s)
{
	return s->root;
}

int store_root_fd(const struct store *s)
{
	return s->root_fd;
}

const char *store_note(const struct store *s)
{
	if (!s->network_fs)
		return NULL;
	return "the store lies on a network or FUSE file system: it works, but slower, and only as "
	       "safely as "
	       "that file system's locks";
}

int store_need_write(const struct store *s, struct err *e)
{
	if (store_writable(s))
		return 0;
	return err_set(e, ERR_AUTH,
	        "the store '%s' may only be read: set HEW_ROOT to a folder of your own", s->root);
}
