// SPDX-License-Identifier: Apache-2.0
// Owns the descriptors, the unpacking and the window over the bytes. Nothing is written, and the
// names in archives are shown, never opened.
#include "advisory/input-int.h"

#include "base/cancel.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/zip.h"
#include "layer/compress.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_DEPTH 32
#define ZIP_MEMBER_MAX ((size_t)8 << 20)
#define INPUT_MAX ((uint64_t)64 << 30)

// --- the window --------------------------------------------------------------------------------

static int fill(struct input *in, struct err *e)
{
	memmove(in->window, in->window + in->at, in->n);
	in->at = 0;
	while (in->n < INPUT_WINDOW && !in->end) {
		ssize_t got = in->read(in->arg, in->window + in->n, INPUT_WINDOW - in->n, e);
		if (got < 0 || cancel_check(e))
			return -1;
		if ((uint64_t)got > in->left)
			return err_set(e, ERR_CORRUPT, "it becomes more than 64 GiB");
		in->left -= (uint64_t)got;
		in->end = got == 0;
		in->n += (size_t)got;
	}
	return 0;
}

int input_peek(struct input *in, struct str *ret, struct err *e)
{
	if (fill(in, e))
		return -1;
	*ret = (struct str){in->window + in->at, in->n};
	return 0;
}

static void take(struct input *in, size_t n)
{
	in->at += n;
	in->n -= n;
}

ssize_t input_read(void *input, void *p, size_t n, struct err *e)
{
	struct input *in = input;
	if (in->n == 0 && fill(in, e))
		return -1;
	if (n > in->n)
		n = in->n;
	memcpy(p, in->window + in->at, n);
	take(in, n);
	return (ssize_t)n;
}

int input_line(struct input *in, size_t max, struct buf *ret, bool *ret_too_long, struct err *e)
{
	buf_reset(ret);
	*ret_too_long = false;
	for (bool any = false;; any = true) {
		if (in->n == 0 && fill(in, e))
			return -1;
		if (in->n == 0)
			return any;
		const char *p = in->window + in->at, *end = memchr(p, '\n', in->n);
		size_t n = end ? (size_t)(end - p) : in->n, room = max - ret->n;
		*ret_too_long |= n > room;
		buf_add(ret, p, n > room ? room : n);
		take(in, n + (end != NULL));
		in->line += !any;
		if (end)
			return 1;
	}
}

// --- files -------------------------------------------------------------------------------------

struct walk {
	const struct input_visitor *visitor;
	char *window;
	bool sole;
};

static int unreadable(struct walk *w, const char *name, struct err *why, struct err *e)
{
	const struct err copy = *why;
	return w->visitor->unreadable(w->visitor->arg, name, &copy, e);
}

static int visit_stream(struct walk *w, const char *name, void *arg,
        ssize_t (*read_)(void *arg, void *p, size_t n, struct err *e), struct err *e)
{
	struct input in = {
	        .name = name, .read = read_, .arg = arg, .window = w->window, .left = INPUT_MAX};
	return w->visitor->file(w->visitor->arg, &in, w->sole, e);
}

static ssize_t read_plain(void *arg, void *p, size_t n, struct err *e)
{
	return fs_read(*(int *)arg, p, n, e);
}

static ssize_t read_inflated(void *arg, void *p, size_t n, struct err *e)
{
	return inflater_read(arg, p, n, e);
}

ssize_t input_read_str(void *str, void *p, size_t n, struct err *e)
{
	struct str *s = str;
	if (n > s->n)
		n = s->n;
	memcpy(p, s->p, n);
	s->p += n;
	s->n -= n;
	return (ssize_t)n;
}

static int visit_member(struct walk *w, struct zip *z, const struct zip_member *m,
        const char *archive, struct err *e)
{
	struct err why = ERR_INIT;
	auto_buf struct buf content = {0};
	auto_free char *name = xasprintf("%s:%.*s", archive, (int)m->name.n, m->name.p);
	if (m->name.n > 0 && m->name.p[m->name.n - 1] == '/')
		return 0;
	if (zip_extract(z, m, ZIP_MEMBER_MAX, &content, &why))
		return unreadable(w, name, &why, e);
	struct str rest = {content.p, content.n};
	return visit_stream(w, name, &rest, input_read_str, e);
}

static int visit_zip(struct walk *w, const char *name, const int *fd, uint64_t size, struct err *e)
{
	struct err why = ERR_INIT;
	auto_zip struct zip *z = NULL;
	struct zip_source source = zip_source_fd(fd, size);
	struct zip_member m;
	int rc;
	if (zip_open(&source, &z, &why))
		return unreadable(w, name, &why, e);
	w->sole = false;
	while ((rc = zip_next(z, &m, &why)) > 0)
		if (visit_member(w, z, &m, name, e))
			return -1;
	return rc ? unreadable(w, name, &why, e) : 0;
}

static int visit_file(struct walk *w, const char *name, int fd, uint64_t size, struct err *e)
{
	uint8_t magic[4] = {0};
	ssize_t n = pread(fd, magic, sizeof(magic), 0);
	if (n == 4 && (!memcmp(magic, "PK\3\4", 4) || !memcmp(magic, "PK\5\6", 4)))
		return visit_zip(w, name, &fd, size, e);
	// Texts begin with no such byte; their inflater would only cost memory.
	if (n == 4 && magic[0] < 0x80 && magic[0] != 0x1f && magic[0] != 0x28 && magic[0] != 'B')
		return visit_stream(w, name, &fd, read_plain, e);
	struct err why = ERR_INIT;
	struct inflater *z = inflater_new(fd, &why);
	if (!z)
		return unreadable(w, name, &why, e);
	int rc = visit_stream(w, name, z, read_inflated, e);
	inflater_free(z);
	return rc;
}

static int visit_at(
        struct walk *w, int dirfd, const char *file, const char *name, int depth, struct err *e);

static int visit_folder(struct walk *w, int fd, const char *name, int depth, struct err *e)
{
	auto_strv struct strv names = {0};
	if (depth == FOLDER_DEPTH)
		return err_set(e, ERR_FAIL, "'%s': more than %d folders deep", name, FOLDER_DEPTH);
	if (fs_list_dir(fd, &names, e))
		return -1;
	w->sole = false;
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *below = xasprintf("%s/%s", name, names.v[i]);
		if (visit_at(w, fd, names.v[i], below, depth + 1, e))
			return -1;
	}
	return 0;
}

static int visit_at(
        struct walk *w, int dirfd, const char *file, const char *name, int depth, struct err *e)
{
	struct stat st;
	auto_fd int fd =
	        openat(dirfd, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (depth ? O_NOFOLLOW : 0));
	if (fd < 0 && depth && errno == ELOOP)
		return 0;
	if (fd < 0 || fstat(fd, &st))
		return err_sys(e, "open '%s'", name);
	if (S_ISDIR(st.st_mode))
		return visit_folder(w, fd, name, depth, e);
	if (S_ISREG(st.st_mode))
		return visit_file(w, name, fd, (uint64_t)st.st_size, e);
	return depth ? 0 : err_set(e, ERR_USAGE, "'%s' is neither a file nor a folder", name);
}

int input_visit(const char *path, const struct input_visitor *v, struct err *e)
{
	auto_free char *window = xmalloc(INPUT_WINDOW);
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	auto_free char *name = xstrndup(path, n);
	struct walk w = {.visitor = v, .window = window, .sole = true};
	return visit_at(&w, AT_FDCWD, path, name, 0, e);
}
