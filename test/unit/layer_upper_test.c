// SPDX-License-Identifier: Apache-2.0
// The upper directory of an overlay: what deletes, what hides, what is left out. What a mounted
// overlay leaves there is tested with the real thing where it can be mounted.
#include "layer_fixture.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

static void put(const struct scratch_dir *d, const char *path, const char *text)
{
	struct err e = ERR_INIT;
	MUST(fs_replace_file(d->fd, path, text, strlen(text), 0644, &e), e);
}

static char *dump_upper(int fd, const struct upper_options *o)
{
	struct err e = ERR_INIT;
	struct layer_result r = {0};
	auto_fd int tar = scratch_fd();
	MUST(layer_write_upper(fd, tar, o, &r, &e), e);
	char *dump = dump_index(r.index);
	layer_result_release(&r);
	return dump;
}

static bool set_attr(
        const struct scratch_dir *d, const char *path, const char *name, const char *value)
{
	auto_fd int fd = openat(d->fd, path, O_RDONLY | O_CLOEXEC);
	return fsetxattr(fd, name, value, strlen(value), 0) == 0;
}

static void test_walk(void **state)
{
	struct err e = ERR_INIT;
	struct scratch_dir d = scratch_dir();
	MUST(fs_mkdir_p(d.fd, "a/sub", 0755, &e), e);
	put(&d, "a/x", "hello");
	put(&d, "a.b", "");
	put(&d, "a/sub/y", "1");
	assert_int_equal(linkat(d.fd, "a/x", d.fd, "a/z", 0), 0);
	assert_int_equal(linkat(d.fd, "a/x", d.fd, "0", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", d.fd, "s"), 0);
	assert_int_equal(mkfifoat(d.fd, "p", 0644), 0);
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/sock", d.path);
	auto_fd int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(sock, (struct sockaddr *)&sa, sizeof(sa)), 0);
	auto_free char *got = dump_upper(d.fd, NULL);
	assert_string_equal(
	        got, "f 0 5;d a;d a/sub;f a/sub/y 1;h a/x 0;h a/z 0;f a.b 0;p p;s s /etc/passwd");
	static const char *const skip[] = {"a/sub", "0", "p"};
	struct upper_options o = {.skip = skip, .n_skip = ARRAY_LEN(skip)};
	auto_free char *less = dump_upper(d.fd, &o);
	assert_string_equal(less, "d a;f a/x 5;h a/z a/x;f a.b 0;s s /etc/passwd");
	scratch_remove(&d);
}

static void test_deletions(void **state)
{
	struct err e = ERR_INIT;
	struct scratch_dir d = scratch_dir();
	MUST(fs_mkdir_p(d.fd, "opaque", 0755, &e), e);
	MUST(fs_mkdir_p(d.fd, "marked", 0755, &e), e);
	MUST(fs_mkdir_p(d.fd, "plain", 0755, &e), e);
	put(&d, "marked/gone", "");
	put(&d, "marked/full", "not empty");
	if (!set_attr(&d, "opaque", "user.overlay.opaque", "y") ||
	        !set_attr(&d, "marked", "user.overlay.opaque", "x") ||
	        !set_attr(&d, "marked/gone", "user.overlay.whiteout", "") ||
	        !set_attr(&d, "marked/full", "user.overlay.whiteout", "") ||
	        !set_attr(&d, "plain", "user.overlay.impure", "y") ||
	        !set_attr(&d, "plain", "user.note", "kept")) {
		scratch_remove(&d);
		skip();
	}
	bool nodes = mknodat(d.fd, "dev", S_IFCHR, 0) == 0;
	const struct upper_options o = {.userxattr = true};
	auto_free char *got = dump_upper(d.fd, &o);
	assert_string_equal(
	        got, nodes ? "w dev;d marked;f marked/full 9;w marked/gone;o opaque;d plain"
	                   : "d marked;f marked/full 9;w marked/gone;o opaque;d plain");
	struct layer_result r = {0};
	auto_fd int tar = scratch_fd();
	MUST(layer_write_upper(d.fd, tar, &o, &r, &e), e);
	struct entry en;
	assert_true(layer_index_find(r.index, "plain", &en));
	assert_int_equal(en.n_xattrs, 1);
	assert_string_equal(en.xattrs[0].name, "user.note");
	assert_memory_equal(en.xattrs[0].value, "kept", 4);
	layer_result_release(&r);
	// On a mount without userxattr they are a step's own doing, and mean nothing.
	auto_free char *root = dump_upper(d.fd, NULL);
	assert_string_equal(root + (nodes ? 6 : 0),
	        "d marked;f marked/full 9;f marked/gone 0;d opaque;d plain");
	scratch_remove(&d);
}

static void test_access_times_stay(void **state)
{
	struct scratch_dir d = scratch_dir();
	put(&d, "f", "hello");
	struct timespec ts[2] = {{.tv_sec = 5}, {.tv_sec = 6}};
	assert_int_equal(utimensat(d.fd, "f", ts, 0), 0);
	free(dump_upper(d.fd, NULL));
	struct stat st;
	assert_int_equal(fstatat(d.fd, "f", &st, 0), 0);
	assert_int_equal(st.st_atim.tv_sec, 5);
	scratch_remove(&d);
}

// What the kernel leaves in an upper after common changes.
static void test_mounted(void **state)
{
	struct err e = ERR_INIT;
	if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
	        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		skip();
	struct scratch_dir d = scratch_dir();
	static const char *const dirs[] = {"lower/dir/sub", "lower/old", "upper", "work", "merged"};
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		MUST(fs_mkdir_p(d.fd, dirs[i], 0755, &e), e);
	put(&d, "lower/dir/keep", "1");
	put(&d, "lower/dir/gone", "1");
	put(&d, "lower/dir/changed", "1");
	put(&d, "lower/old/x", "1");
	put(&d, "lower/top", "1");
	auto_free char *options = xasprintf("lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work,"
	                                    "redirect_dir=off,metacopy=off,index=off",
	        d.path, d.path, d.path);
	auto_free char *merged = xasprintf("%s/merged", d.path);
	if (mount("overlay", merged, "overlay", 0, options) != 0) {
		scratch_remove(&d);
		skip();
	}
	assert_int_equal(unlinkat(d.fd, "merged/dir/gone", 0), 0);
	assert_int_equal(unlinkat(d.fd, "merged/top", 0), 0);
	assert_int_equal(unlinkat(d.fd, "merged/old/x", 0), 0);
	assert_int_equal(unlinkat(d.fd, "merged/old", AT_REMOVEDIR), 0);
	assert_int_equal(mkdirat(d.fd, "merged/old", 0755), 0);
	put(&d, "merged/old/new", "22");
	auto_fd int fd = openat(d.fd, "merged/dir/changed", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "2", 1), 1);
	close_fd(&fd);
	fd = -1;
	assert_int_equal(umount2(merged, 0), 0);
	auto_fd int upper = openat(d.fd, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_free char *got = dump_upper(upper, NULL);
	assert_string_equal(got, "d dir;f dir/changed 2;w dir/gone;o old;f old/new 2;w top");
	scratch_remove(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_walk),
	        cmocka_unit_test(test_deletions),
	        cmocka_unit_test(test_access_times_stay),
	        cmocka_unit_test(test_mounted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
