// SPDX-License-Identifier: Apache-2.0
// Opening below a root, by the kernel and by the walk that stands in for it, and removing trees.
#include "base/buf.h"
#include "base/err.h"
#include "base/fs-int.h"
#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char temp[] = "/tmp/base-root-XXXXXX";
static int top = -1, root = -1; // root is top/root; top/secret lies outside

static void make_file(int fd, const char *path)
{
	struct err e;
	assert_int_equal(fs_replace_file(fd, path, path, strlen(path), 0644, &e), 0);
}

static int setup(void **state)
{
	static const struct {
		const char *target, *name;
	} links[] = {
	        {"d/f", "rel"},
	        {"/d/f", "abs"},
	        {"../../secret", "out"},
	        {"/secret", "abs-out"},
	        {"d", "dir-link"},
	        {"/", "to-root"},
	        {"loop", "loop"},
	        {"/d/new", "dangling"},
	        {"../rel", "d/up"},
	        {"dir-link/../abs", "winding"},
	};
	struct err e;
	if (!mkdtemp(temp))
		return -1;
	top = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fs_mkdir_p(top, "root/d/e", 0755, &e))
		return -1;
	root = openat(top, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	make_file(top, "secret");
	make_file(root, "d/f");
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (symlinkat(links[i].target, root, links[i].name))
			return -1;
	return 0;
}

static int teardown(void **state)
{
	struct err e;
	close(root);
	close(top);
	return fs_remove_tree(AT_FDCWD, temp, &e);
}

struct open_row {
	const char *path;
	int flags;
	int in_root, beneath; // 0 or the errno
};

static const struct open_row open_rows[] = {
        {"d/f", O_RDONLY, 0, 0},
        {"./d//f", O_RDONLY, 0, 0},
        {"d/e/../f", O_RDONLY, 0, 0},
        {"/d/f", O_RDONLY, 0, EXDEV},
        {"../d/f", O_RDONLY, 0, EXDEV},
        {"d/../../secret", O_RDONLY, ENOENT, EXDEV},
        {"../secret", O_RDONLY, ENOENT, EXDEV},
        {"rel", O_RDONLY, 0, ELOOP},
        {"abs", O_RDONLY, 0, ELOOP},
        {"d/up", O_RDONLY, 0, ELOOP},
        {"winding", O_RDONLY, 0, ELOOP},
        {"out", O_RDONLY, ENOENT, ELOOP},
        {"abs-out", O_RDONLY, ENOENT, ELOOP},
        {"to-root/d/f", O_RDONLY, 0, ELOOP},
        {"to-root/to-root/to-root/rel", O_RDONLY, 0, ELOOP},
        {"dir-link/f", O_RDONLY, 0, ELOOP},
        {"dir-link/", O_RDONLY, 0, ELOOP},
        {"loop", O_RDONLY, ELOOP, ELOOP},
        {"loop/x", O_RDONLY, ELOOP, ELOOP},
        {"dangling", O_RDONLY, ENOENT, ELOOP},
        {"rel", O_PATH | O_NOFOLLOW, 0, 0},
        {"rel", O_RDONLY | O_NOFOLLOW, ELOOP, ELOOP},
        {"d", O_PATH | O_DIRECTORY, 0, 0},
        {"", O_PATH | O_DIRECTORY, 0, 0},
        {".", O_RDONLY | O_DIRECTORY, 0, 0},
        {"d/f", O_RDONLY | O_DIRECTORY, ENOTDIR, ENOTDIR},
        {"d/f/x", O_RDONLY, ENOTDIR, ENOTDIR},
        {"d/f/", O_RDONLY, ENOTDIR, ENOTDIR},
        {"d/f/..", O_RDONLY, ENOTDIR, ENOTDIR},
        {"no/x", O_RDONLY, ENOENT, ENOENT},
        {"d/f", O_WRONLY | O_CREAT | O_EXCL, EEXIST, EEXIST},
        {"rel", O_WRONLY | O_CREAT | O_EXCL, EEXIST, EEXIST},
};

static void check_open(const char *how, const struct open_row *row, int fd, int want)
{
	int error = fd < 0 ? errno : 0;
	if (error != want)
		fail_msg("%s '%s' %#x: %s", how, row->path, (unsigned)row->flags, strerror(error));
	if (fd >= 0) {
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		close(fd);
	}
}

static void test_open_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(open_rows); i++) {
		const struct open_row *r = &open_rows[i];
		check_open(
		        "in root", r, fs_open_in_root(root, r->path, r->flags, 0600), r->in_root);
		check_open(
		        "beneath", r, fs_open_beneath(root, r->path, r->flags, 0600), r->beneath);
		check_open("walk in root", r, fs_walk_open(root, r->path, r->flags, 0600, true),
		        r->in_root);
		check_open("walk beneath", r, fs_walk_open(root, r->path, r->flags, 0600, false),
		        r->beneath);
	}
}

static void test_what_is_opened(void **state)
{
	static const char *const same[] = {"rel", "/../abs", "d/up", "winding", "to-root/d/f"};
	struct stat want, got;
	assert_int_equal(fstatat(root, "d/f", &want, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		auto_fd int a = fs_open_in_root(root, same[i], O_RDONLY, 0);
		auto_fd int b = fs_walk_open(root, same[i], O_RDONLY, 0, true);
		assert_int_equal(fstat(a, &got), 0);
		assert_int_equal(got.st_ino, want.st_ino);
		assert_int_equal(fstat(b, &got), 0);
		assert_int_equal(got.st_ino, want.st_ino);
	}
}

// Through a link that points nowhere a file is made inside, with a mode that has file type bits.
static void test_create_through_link(void **state)
{
	for (int by_walk = 0; by_walk < 2; by_walk++) {
		const int flags = O_WRONLY | O_CREAT;
		auto_fd int fd =
		        by_walk ? fs_walk_open(root, "dangling", flags, S_IFREG | 0600, true)
		                : fs_open_in_root(root, "dangling", flags, S_IFREG | 0600);
		assert_true(fd >= 0);
		assert_int_equal(unlinkat(root, "d/new", 0), 0);
	}
}

static void test_remove_kinds(void **state)
{
	struct err e;
	assert_int_equal(fs_remove_tree(top, "nothing", &e), 0);
	assert_int_equal(fs_mkdir_p(top, "r/a/b", 0755, &e), 0);
	make_file(top, "r/a/f");
	assert_int_equal(symlinkat("../../root", top, "r/a/link"), 0);
	assert_int_equal(symlinkat("..", top, "r/up"), 0);
	assert_int_equal(mkfifoat(top, "r/fifo", 0600), 0);
	assert_int_equal(fs_remove_tree(top, "r", &e), 0);
	assert_int_equal(faccessat(top, "r", F_OK, 0), -1);
	assert_int_equal(faccessat(root, "d/f", F_OK, 0), 0); // links are not followed
	assert_int_equal(symlinkat("root", top, "l"), 0);
	assert_int_equal(fs_remove_tree(top, "l", &e), 0);
	assert_int_equal(faccessat(root, "d/f", F_OK, 0), 0);
	assert_int_equal(fs_remove_tree(top, "secret/x", &e), -1);
	assert_int_equal(e.sys, ENOTDIR);
}

// Deeper than descriptors and path names reach, with files on the way and names like the remover's
// own.
static void test_remove_deep(void **state)
{
	enum { DEPTH = 1200 };
	struct err e;
	struct rlimit old, few = {64, 64};
	assert_int_equal(mkdirat(top, "deep", 0755), 0);
	int fd = openat(top, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < DEPTH; i++) {
		assert_int_equal(mkdirat(fd, "dddddddddd", 0755), 0);
		if (i % 100 == 0)
			assert_int_equal(mkdirat(fd, ".lifted-0", 0755), 0);
		int next = openat(fd, "dddddddddd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(fd);
		fd = next;
	}
	close(fd);
	getrlimit(RLIMIT_NOFILE, &old);
	few.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_NOFILE, &few);
	int r = fs_remove_tree(top, "deep", &e);
	setrlimit(RLIMIT_NOFILE, &old);
	if (r)
		fail_msg("%s", e.msg);
	assert_int_equal(faccessat(top, "deep", F_OK, 0), -1);
}

// As somebody whom permissions bind: folders that may not be read, entered or changed go too.
static int remove_closed_tree(void)
{
	struct err e;
	if (geteuid() == 0 &&
	        (fchownat(top, "mine", 1234, 1234, 0) || setgid(1234) || setuid(1234)))
		return 2;
	int mine = openat(top, "mine", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mine < 0 || fs_mkdir_p(mine, "t/a/b/c", 0755, &e))
		return 3;
	if (fs_replace_file(mine, "t/a/f", "", 0, 0400, &e))
		return 4;
	char path[200] = "t/long";
	for (int i = 0; i < 40; i++) // nested deep enough to be lifted
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "/e");
	if (fs_mkdir_p(mine, path, 0755, &e) || fchmodat(mine, path, 0555, 0))
		return 5;
	if (fchmodat(mine, "t/a/b/c", 0, 0) || fchmodat(mine, "t/a/b", 0555, 0) ||
	        fchmodat(mine, "t/a", 0500, 0) || fchmodat(mine, "t", 0111, 0))
		return 6;
	if (fs_remove_tree(mine, "t", &e)) {
		dprintf(2, "%s\n", e.msg);
		return 7;
	}
	return faccessat(mine, "t", F_OK, 0) == 0 ? 8 : 0;
}

static void test_remove_closed(void **state)
{
	assert_int_equal(mkdirat(top, "mine", 0755), 0);
	assert_int_equal(chmod(temp, 0755), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(remove_closed_tree());
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_open_rows),
	        cmocka_unit_test(test_what_is_opened),
	        cmocka_unit_test(test_create_through_link),
	        cmocka_unit_test(test_remove_kinds),
	        cmocka_unit_test(test_remove_deep),
	        cmocka_unit_test(test_remove_closed),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
