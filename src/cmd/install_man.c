// SPDX-License-Identifier: Apache-2.0
// hew install man: the man pages inside the program as files where man looks for them. Hew's is a
// page that begins with a line that says so: those of a package or of somebody else do not.
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cmd/install.h"
#include "cmd/man_pages.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OURS ".\\\" Written by hew install.\n"

// Where a folder for each section lies.
static char *man_root(bool user, struct err *e)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	if (!user)
		return xstrdup("/usr/local/share/man");
	if (data && *data == '/') // a relative one is to be ignored, says the specification
		return xasprintf("%s/man", data);
	if (home && *home)
		return xasprintf("%s/.local/share/man", home);
	err_set(e, ERR_FAIL, "HOME is not set");
	return NULL;
}

static enum install_there what_is_there(const char *path)
{
	char line[sizeof(OURS) - 1];
	auto_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? THERE_NOTHING : THERE_OTHER;
	bool ours = read(fd, line, sizeof(line)) == (ssize_t)sizeof(line) &&
	            !memcmp(line, OURS, sizeof(line));
	return ours ? THERE_OURS : THERE_OTHER;
}

// ---- install

// Of all pages, ahead of the first: half a manual helps nobody.
static int check_way(
        const char *dir, struct str pages, const struct install_options *o, struct err *e)
{
	struct man_page p;
	int rc = 0;
	while (!o->force && (rc = man_pages_next(&pages, &p, e)) > 0) {
		auto_free char *file = xstrndup(p.name.p, p.name.n);
		auto_free char *path = xasprintf("%s/%s", dir, file);
		if (what_is_there(path) == THERE_OTHER)
			return install_make_way(dir, file, o, e);
	}
	return rc;
}

static int put_page(
        const char *dir, const struct man_page *p, const struct install_options *o, struct err *e)
{
	auto_free char *file = xstrndup(p->name.p, p->name.n);
	auto_free char *path = xasprintf("%s/%s", dir, file);
	auto_buf struct buf text = {0};
	struct err failed = ERR_INIT;
	if (what_is_there(path) == THERE_OTHER && install_make_way(dir, file, o, e))
		return -1;
	buf_puts(&text, OURS);
	buf_add(&text, p->text.p, p->text.n);
	if (fs_replace_file(AT_FDCWD, path, text.p, text.n, 0644, &failed) == 0)
		return 0;
	errno = failed.sys;
	return install_cannot("write", path, o->user, e);
}

// man looks beside the folders of PATH: in ~/.local/share/man if ~/.local/bin is one.
static void warn_of_man(const char *root)
{
	const char *path = getenv("PATH"), *manpath = getenv("MANPATH");
	auto_strv struct strv programs = {0}, roots = {0};
	size_t n = strlen(root) - strlen("/share/man");
	auto_free char *bin =
	        str_has_suffix(root, "/share/man") ? xasprintf("%.*s/bin", (int)n, root) : NULL;
	strv_split(&programs, path ? path : "", ':');
	strv_split(&roots, manpath ? manpath : "", ':');
	if ((!bin || !strv_has(&programs, bin)) && !strv_has(&roots, root))
		fprintf(stderr, "hew: man looks there when MANPATH is %s:\n", root);
}

int install_man(const struct install_options *o, struct err *e)
{
	auto_free char *root = man_root(o->user, e);
	auto_buf struct buf text = {0};
	struct err made = ERR_INIT;
	struct man_page p;
	size_t n = 0;
	int rc;
	if (!root || man_pages_unpack(&text, e))
		return -1;
	auto_free char *dir = xasprintf("%s/man1", root);
	if (fs_mkdir_p(AT_FDCWD, dir, 0755, &made)) {
		errno = made.sys;
		return install_cannot("make", dir, o->user, e);
	}
	struct str rest = {text.p, text.n};
	if (check_way(dir, rest, o, e))
		return -1;
	for (; (rc = man_pages_next(&rest, &p, e)) > 0; n++)
		if (put_page(dir, &p, o, e))
			return -1;
	if (rc)
		return -1;
	printf("%zu man pages were written to %s\n", n, dir);
	if (o->user)
		warn_of_man(root);
	return 0;
}

// ---- uninstall

// hew.1, hew-build.1: also of a version that had others.
static bool is_page_name(const char *file)
{
	return !strcmp(file, "hew.1") ||
	       (str_has_prefix(file, "hew-") && str_has_suffix(file, ".1"));
}

static int remove_page(const char *dir, const char *file, bool user, struct err *e)
{
	auto_free char *path = xasprintf("%s/%s", dir, file);
	if (unlink(path))
		return install_cannot("remove", path, user, e);
	install_bring_back(dir, file);
	return 0;
}

int uninstall_man(const struct install_options *o, bool named, struct err *e)
{
	auto_free char *root = man_root(o->user, e);
	if (!root)
		return -1;
	auto_free char *dir = xasprintf("%s/man1", root);
	auto_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_strv struct strv files = {0};
	size_t n = 0;
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(e, "open '%s'", dir);
	if (fs_list_dir(fd, &files, e))
		return -1;
	for (size_t i = 0; i < files.n; i++) {
		auto_free char *path = xasprintf("%s/%s", dir, files.v[i]);
		if (!is_page_name(files.v[i]))
			continue;
		if (what_is_there(path) == THERE_OURS) {
			if (remove_page(dir, files.v[i], o->user, e))
				return -1;
			n++;
		} else if (named) {
			printf("%s is not hew's: it stays\n", path);
		}
	}
	if (n)
		printf("%zu man pages were removed from %s\n", n, dir);
	return 0;
}
