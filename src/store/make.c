// SPDX-License-Identifier: Apache-2.0
// Making a store. It can be repeated from any point: folders, then the files, then the schema,
// whose version is what says that the store exists. All is for the owner's eyes only: layers have
// programs with set-id bits, and build arguments and cache mounts may have secrets.

#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "store/db-int.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESERVE "locks/.reserve"
#define RESERVE_SIZE (1 << 20)
#define RESERVE_SIZE_MIN (64 << 10)

static const char *const folders[] = {"blobs", "blobs/sha256", "layers", "trees", "contexts",
        "cache", "logs", "work", "leases", "locks", "trash"};

// What must be written before anything can be freed, put aside for when the disk is full. As much
// as there is room for, so that using it does not give it away to whoever fills the disk.
void reserve_make(struct store *s)
{
	struct stat st;
	if (fstatat(s->root_fd, RESERVE, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	        st.st_size >= RESERVE_SIZE)
		return;
	auto_fd int fd = openat(s->root_fd, RESERVE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	for (off_t n = RESERVE_SIZE; fd >= 0 && n >= RESERVE_SIZE_MIN; n /= 2)
		if (posix_fallocate(fd, 0, n) == 0)
			return;
}

bool store_reserve_use(struct store *s)
{
	if (unlinkat(s->root_fd, RESERVE, 0) < 0)
		return false;
	s->reserve_used = true;
	return true;
}

// A mistaken HEW_ROOT must not fill somebody's folder.
int check_ours(struct store *s, struct err *e)
{
	auto_strv struct strv names = {0};
	if (fs_list_dir(s->root_fd, &names, e) < 0)
		return err_wrap(e, "open the store '%s'", s->root);
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.v[i];
		bool known = str_has_prefix(name, "hew.db") || !strcmp(name, "lost+found") ||
		             !strcmp(name, "oci-layout") || !strcmp(name, "index.json");
		for (size_t k = 0; k < ARRAY_LEN(folders) && !known; k++)
			known = !strcmp(name, folders[k]);
		if (!known)
			return err_set(e, ERR_USAGE,
			        "'%s' is not a store and not empty (it holds '%s'); set HEW_ROOT "
			        "to a "
			        "folder of its own",
			        s->root, name);
	}
	return 0;
}

int make_folders(struct store *s, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (faccessat(s->root_fd, folders[i], F_OK, 0) < 0 &&
		        (fault_point("store.init.mkdir") < 0 ||
		                (mkdirat(s->root_fd, folders[i], 0700) < 0 && errno != EEXIST)))
			return err_sys(e, "make '%s/%s'", s->root, folders[i]);
	return 0;
}

// Others may be making the same store. Blobs come after the tables are on the disk.
static bool made_meanwhile(struct store *s)
{
	int version = 0;
	struct stat st;
	struct err ignored;
	if (s->db)
		return db_user_version(s, &version, &ignored) == 0 && version > 0;
	return fstatat(s->root_fd, "hew.db", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0;
}

// Blobs that no database knows are somebody's images, not left-overs to be swept away.
int check_not_lost(struct store *s, struct err *e)
{
	auto_strv struct strv names = {0};
	struct err ignored;
	auto_fd int fd = openat(s->root_fd, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fs_list_dir(fd, &names, &ignored) < 0 || names.n == 0 || made_meanwhile(s))
		return 0;
	return err_set(e, ERR_CORRUPT,
	        "'%s' has blobs but no hew.db: it is a store that has lost its database, or "
	        "another "
	        "tool's image layout; set HEW_ROOT to another folder, 'hew load -i %s' takes over "
	        "the images",
	        s->root, s->root);
}

int no_store(struct store *s, struct err *e)
{
	if (check_not_lost(s, e) < 0)
		return -1;
	return err_set(e, ERR_NOT_FOUND, "there is no store at '%s' yet", s->root);
}

static int make_files(struct store *s, struct err *e)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	auto_buf struct buf index = {0};
	struct image_list none = {0};
	index_json_print(&none, &index);
	if (root_file_replace(s, "oci-layout", layout, sizeof(layout) - 1, "store.init.layout", e) <
	        0)
		return -1;
	reserve_make(s);
	return root_file_replace(s, "index.json", index.p, index.n, "store.index.write", e);
}

// No power cut may leave blobs beside a database that has lost its tables.
static int make_durable(struct store *s, struct err *e)
{
	db_fold(s);
	if (fault_point("store.sync") < 0 || syncfs(s->root_fd) < 0)
		return err_sys(e, "write the store '%s' to the disk", s->root);
	return 0;
}

// Two processes may come here at once: the second finds the schema made.
int make_store(struct store *s, struct err *e)
{
	int version = 0;
	if (flock(s->root_fd, LOCK_EX) < 0 && errno != EBADF && errno != ENOLCK)
		return err_sys(e, "lock '%s'", s->root);
	int rc = db_user_version(s, &version, e);
	if (rc == 0 && version == 0)
		rc = check_not_lost(s, e) < 0 || make_files(s, e) < 0 ||
		                     db_create_schema(s, e) < 0 || make_durable(s, e) < 0
		             ? -1
		             : 0;
	flock(s->root_fd, LOCK_UN);
	return rc;
}
