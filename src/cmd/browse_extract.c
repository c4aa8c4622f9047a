// SPDX-License-Identifier: Apache-2.0
// A file out of an image, by a key of hew browse.
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/browse.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

// Programs stay programs, but nobody becomes somebody else by them.
static int create(const char *name, const struct entry *en, struct err *e)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, en->mode & 0777);
	if (fd < 0 && errno == EEXIST)
		return err_set(e, ERR_FAIL, "'%s' is in the working directory already", name);
	return fd < 0 ? err_sys(e, "make '%s' in the working directory", name) : fd;
}

static int copy(struct view *v, const struct entry *en, const char *name, struct err *e)
{
	auto_content struct content c = CONTENT_NONE;
	if (v->ops->open(v, en, &c, e))
		return -1;
	auto_fd int fd = create(name, en, e);
	if (fd < 0)
		return -1;
	if (c.size && fs_copy_range(c.fd, (off_t)c.offset, fd, c.size, e)) {
		unlink(name); // it was not there before
		return err_wrap(e, "write '%s'", name);
	}
	return 0;
}

static int extract(struct view *v, const struct entry *en, const char *name, struct err *e)
{
	if (en->type == ENTRY_DIR)
		return err_set(e, ERR_USAGE,
		        "'%s' is a folder, files are written one by one (all of an image: hew "
		        "export)",
		        name);
	if (en->type == ENTRY_SYMLINK)
		return err_set(e, ERR_USAGE, "'%s' is a link: choose what it leads to, '%s'", name,
		        en->link);
	if (en->type != ENTRY_FILE)
		return err_set(e, ERR_USAGE, "'%s' is no regular file", name);
	return copy(v, en, name, e);
}

void extract_file(struct view *v, const struct entry *en, struct buf *says)
{
	struct err e = ERR_INIT;
	const char *name = fs_base_name(en->path);
	char size[24];
	auto_free char *folder = getcwd(NULL, 0);
	if (extract(v, en, name, &e)) {
		buf_printf(says, "nothing was written: %s", e.msg);
		return;
	}
	size_format(en->size, size);
	buf_printf(says, "wrote '%s' (%s) to %s", name, size,
	        folder ? folder : "the working directory");
}
