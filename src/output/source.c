// SPDX-License-Identifier: Apache-2.0
// An archive may be plain or compressed, a file or a pipe, and is hostile. One pass makes its
// index; only what is compressed or comes from a pipe is written down, into the store's work
// folder.
#include "output/source.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "layer/import.h"
#include "store/store.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void source_release(struct source *s)
{
	view_free(s->view);
	layer_index_close(s->index);
	close_fd(&s->fd);
	*s = SOURCE_NONE;
}

static int archive_fd(struct tar_source *tar, size_t layer, struct err *e)
{
	return ((struct source *)tar)->fd;
}

// A plain tar on disk can be read where it lies.
static bool is_plain(int fd)
{
	static const struct {
		const char *magic;
		size_t n;
	} compressed[] = {{"\x1f\x8b", 2}, {"\x28\xb5\x2f\xfd", 4}, {"BZh", 3},
	        {"\xfd"
	         "7zXZ",
	                5}};
	char head[263];
	if (pread(fd, head, sizeof(head), 0) != sizeof(head))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(compressed); i++)
		if (!memcmp(head, compressed[i].magic, compressed[i].n))
			return false;
	return !memcmp(head + 257, "ustar", 5);
}

static int index_archive(struct store *st, int in, bool on_disk, struct source *s, struct err *e)
{
	struct layer_result r = {0};
	auto_fd int spool = -1;
	if (!on_disk || !is_plain(in)) {
		spool = store_temp_file(st, e);
		if (spool < 0)
			return -1;
	}
	if (layer_import(in, spool, IMPORT_PLAIN | IMPORT_NO_HASH, 0, &r, e))
		return -1;
	s->fd = spool >= 0 ? steal_fd(&spool) : fcntl(in, F_DUPFD_CLOEXEC, 3);
	s->index = r.index;
	if (s->fd < 0)
		return err_sys(e, "open the archive again");
	s->tar.tar_fd = archive_fd;
	s->view = chain_new(&s->index, 1, &s->tar);
	return 0;
}

static int open_path(const char *path, struct err *e)
{
	if (!strcmp(path, "-"))
		return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	int missing = errno == ENOENT;
	err_sys(e, "open '%s'", path);
	if (missing)
		e->kind = ERR_NOT_FOUND;
	return -1;
}

int source_open(struct store *st, const char *path, struct source *ret, struct err *e)
{
	struct stat sb;
	*ret = SOURCE_NONE;
	auto_fd int fd = open_path(path, e);
	if (fd < 0)
		return -1;
	if (fstat(fd, &sb))
		return err_sys(e, "look at '%s'", path);
	if (S_ISDIR(sb.st_mode)) {
		ret->fd = steal_fd(&fd);
		ret->is_dir = true;
		return 0;
	}
	if (index_archive(st, fd, S_ISREG(sb.st_mode), ret, e) == 0)
		return 0;
	source_release(ret);
	return err_wrap(e, "read archive '%s'", strcmp(path, "-") ? path : "standard input");
}

// Blobs that several layouts share are no part of this one.
static int absent(struct source *s, const char *path, struct err *e)
{
	struct stat st;
	if (str_has_prefix(path, "blobs/") && !fstatat(s->fd, "blobs", &st, AT_SYMLINK_NOFOLLOW) &&
	        S_ISLNK(st.st_mode))
		return err_set(e, ERR_CORRUPT,
		        "'%s' is not in it: its folder 'blobs' is a symbolic link, which is not "
		        "followed out of the layout",
		        path);
	return 0;
}

static int file_in_folder(struct source *s, const char *path, struct content *ret, struct err *e)
{
	struct stat st;
	auto_fd int fd =
	        fs_open_in_root(s->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	if (fd < 0 && errno != ENOENT)
		return err_sys(e, "open '%s'", path);
	if (fd < 0)
		return absent(s, path, e);
	if (fstat(fd, &st))
		return err_sys(e, "look at '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_CORRUPT, "'%s' is no regular file", path);
	*ret = (struct content){.owned = true, .size = (uint64_t)st.st_size};
	ret->fd = steal_fd(&fd);
	return 1;
}

int source_file(struct source *s, const char *path, struct content *ret, struct err *e)
{
	struct entry en;
	if (s->is_dir)
		return file_in_folder(s, path, ret, e);
	auto_free char *clean = fs_clean_rel(path);
	auto_free char *real = NULL;
	int found = view_resolve(s->view, clean, 0, &real, &en, e);
	if (found < 0 && e->kind == ERR_CONTEXT)
		e->kind = ERR_CORRUPT; // links in a circle: the archive's fault
	if (found <= 0)
		return found;
	if (en.type != ENTRY_FILE)
		return err_set(e, ERR_CORRUPT, "'%s' is no regular file", path);
	return s->view->ops->open(s->view, &en, ret, e) ? -1 : 1;
}

int source_read(struct source *s, const char *path, size_t max, struct buf *ret, struct err *e)
{
	auto_content struct content c = CONTENT_NONE;
	int found = source_file(s, path, &c, e);
	if (found <= 0)
		return found;
	if (c.size > max)
		return err_set(e, ERR_CORRUPT, "'%s' has more than %zu bytes", path, max);
	size_t n = (size_t)c.size, at = ret->n;
	buf_reserve(ret, n + 1);
	if (n && fs_pread_full(c.fd, ret->p + at, n, (off_t)c.offset, e))
		return err_wrap(e, "read '%s'", path);
	ret->n = at + n;
	ret->p[ret->n] = '\0';
	return 1;
}
