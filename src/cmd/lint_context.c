// SPDX-License-Identifier: Apache-2.0
// The folder is looked at through its ignore file, never followed out of, and not further than a
// fixed number of names: a check must be quick in a folder of any size.
#include "cmd/lint_context.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/glob.h"
#include "context/local.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MAX 20000
#define DEPTH_MAX 20

void lint_context_init(struct lint_context *c, const char *folder, const char *dockerfile)
{
	struct err ignored = ERR_INIT;
	auto_free char *name = NULL;
	*c = (struct lint_context){.root = -1};
	if (!folder)
		return;
	c->root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	// A bad ignore file is the build's failure, which is reported.
	if (context_ignore_load(folder, dockerfile, &c->ignore, &name, &ignored))
		c->ignore = NULL;
}

void lint_context_release(struct lint_context *c)
{
	close_fd(&c->root);
	ignore_free(c->ignore);
	free(c->found);
}

static bool is_hidden(const struct lint_context *c, const char *path)
{
	return c->ignore && ignore_excludes(c->ignore, path, NULL);
}

static bool is_copied(void *arg, const char *path)
{
	const struct lint_context *c = arg;
	auto_fd int fd = fs_open_beneath(c->root, path, O_PATH | O_CLOEXEC, 0);
	return fd >= 0 && !is_hidden(c, path);
}

// ---- archives

// The sum over the header with its own field as blanks (POSIX ustar).
static bool is_tar(const unsigned char *p)
{
	unsigned sum = 0, want = 0;
	for (size_t i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? ' ' : p[i];
	for (size_t i = 148; i < 156; i++)
		if (p[i] >= '0' && p[i] <= '7')
			want = want * 8 + (unsigned)(p[i] - '0');
	return sum == want;
}

static bool is_archive(const unsigned char *p, size_t n)
{
	static const struct {
		const char *bytes;
		size_t n;
	} magics[] = {{"\x1f\x8b", 2}, {"BZh", 3},
	        {"\xfd"
	         "7zXZ",
	                5},
	        {"\x28\xb5\x2f\xfd", 4}};
	for (size_t i = 0; i < ARRAY_LEN(magics); i++)
		if (n >= magics[i].n && !memcmp(p, magics[i].bytes, magics[i].n))
			return true;
	return n == 512 && is_tar(p);
}

static bool is_plain(void *arg, const char *path)
{
	const struct lint_context *c = arg;
	struct stat st;
	unsigned char head[512];
	auto_free char *clean = fs_clean_rel(path);
	auto_fd int fd = fs_open_beneath(
	        c->root, *clean ? clean : ".", O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
	if (fd < 0 || fstat(fd, &st) || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return false;
	if (S_ISDIR(st.st_mode))
		return true;
	ssize_t n = pread(fd, head, sizeof(head), 0);
	return n >= 0 && !is_archive(head, (size_t)n);
}

// ---- secrets

struct search {
	struct lint_context *c;
	const struct ignore *excludes; // of what is below the first `top` bytes of a path
	size_t top;
	size_t left; // names that are still looked at
};

// .npmrc is harmless unless it says who one is.
static bool holds_secret(const struct lint_context *c, const char *path)
{
	auto_buf struct buf text = {0};
	struct err ignored = ERR_INIT;
	if (strcmp(fs_base_name(path), ".npmrc") != 0)
		return true;
	auto_fd int fd = fs_open_beneath(c->root, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	        fs_read_fd(fd, 1 << 20, &text, &ignored))
		return false;
	return strstr(buf_cstr(&text), "_auth") || strstr(buf_cstr(&text), "_password");
}

static bool search(struct search *s, const char *path, int depth);

static bool search_folder(struct search *s, int fd, const char *path, int depth)
{
	auto_dir DIR *dir = fdopendir(dup(fd));
	struct dirent *d;
	while (dir && s->left > 0 && (d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..") ||
		        !strcmp(d->d_name, ".git") || !strcmp(d->d_name, "node_modules"))
			continue;
		auto_free char *below = xasprintf("%s%s%s", path, *path ? "/" : "", d->d_name);
		s->left--;
		if (search(s, below, depth + 1))
			return true;
	}
	return false;
}

// The path as the patterns of --exclude see it: below the source, a source that is a file by its
// name.
static const char *below_top(const struct search *s, const char *path)
{
	const char *rel = path + s->top;
	return *rel ? rel + (*rel == '/') : fs_base_name(path);
}

static bool search(struct search *s, const char *path, int depth)
{
	struct stat st;
	const struct lint_context *c = s->c;
	const char *rel = below_top(s, path);
	bool hidden = *path && is_hidden(c, path);
	bool excluded = *path && s->excludes && ignore_excludes(s->excludes, rel, NULL);
	if (depth > DEPTH_MAX || (hidden && ignore_prunes(c->ignore, path)) ||
	        (excluded && depth > 0 && ignore_prunes(s->excludes, rel)))
		return false;
	auto_fd int fd =
	        fs_open_beneath(c->root, *path ? path : ".", O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
	if (fd < 0 || fstat(fd, &st))
		return false;
	if (!hidden && !excluded && *path && lint_is_secret_name(fs_base_name(path)) &&
	        holds_secret(c, path)) {
		free(s->c->found);
		s->c->found = xstrdup(path);
		return true;
	}
	return S_ISDIR(st.st_mode) && search_folder(s, fd, path, depth);
}

static const char *secret_below(void *arg, const char *path, const struct ignore *excludes)
{
	auto_free char *clean = fs_clean_rel(path);
	struct search s = {
	        .c = arg, .excludes = excludes, .top = strlen(clean), .left = ENTRIES_MAX};
	return search(&s, clean, 0) ? s.c->found : NULL;
}

struct lint_options lint_context_options(struct lint_context *c)
{
	struct lint_options o = {.arg = c};
	if (c->root < 0)
		return o;
	o.is_plain = is_plain;
	o.secret_below = secret_below;
	o.is_copied = is_copied;
	o.has_ignore_file = c->ignore != NULL;
	return o;
}
