// SPDX-License-Identifier: Apache-2.0
// Trees: a layer unpacked and read back as an upper directory is the same layer; overlayfs itself,
// mounted over such trees, shows what the chain view shows; nothing is written outside.
#include "layer_fixture.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static int sub_dir(const struct scratch_dir *d, const char *name)
{
	struct err e = ERR_INIT;
	MUST(fs_mkdir_p(d->fd, name, 0755, &e), e);
	int fd = openat(d->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void unpack_spec(
        const char *spec, int dirfd, enum tree_flavour flavour, struct layer_result *ret)
{
	struct err e = ERR_INIT;
	auto_fd int tar = scratch_fd();
	MUST(spec_write(spec, tar, ret, &e), e);
	MUST(tree_unpack(ret->index, NULL, tar, dirfd, flavour, &e), e);
}

static void test_round_trip(void **state)
{
	static const char *const specs[] = {
	        "",
	        "d a;f a/empty;f a/file hello;h a/link a/file;s a/sym ../x;d b 1777;p fifo",
	        "d a;d a/b;d a/b/c;f a/b/c/x;f a/d;f z",
	        "d a 500;f a/x secret;d a/y 0;d z 4755",
	        "d a;f a/file x;d z;h z/link a/file",
	        "d a;w a/gone;o c;f c/new;w gone;c null 1:3",
	};
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		for (int flavour = TREE_TRUSTED; flavour <= TREE_USER; flavour++) {
			struct err e = ERR_INIT;
			struct scratch_dir d = scratch_dir();
			auto_fd int out = scratch_fd();
			struct layer_result in = {0}, back = {0};
			unpack_spec(specs[i], d.fd, (enum tree_flavour)flavour, &in);
			const struct upper_options o = {.userxattr = flavour == TREE_USER};
			MUST(layer_write_upper(d.fd, out, &o, &back, &e), e);
			auto_free char *a = dump_index(in.index), *b = dump_index(back.index);
			if (strcmp(a, b) != 0 || !digest_eq(&in.diff_id, &back.diff_id) ||
			        !hash_eq(&in.content_id, &back.content_id))
				fail_msg("'%s' came back as '%s'", a, b);
			layer_result_release(&in);
			layer_result_release(&back);
			scratch_remove(&d);
		}
	}
}

// As many as are written by several threads: nothing is lost, and what a thread runs into is told.
static void test_many_files(void **state)
{
	if (geteuid() != 0)
		skip();
	auto_buf struct buf spec = {0};
	for (int d = 0; d < 20; d++) {
		buf_printf(&spec, "%sd d%02d %o", d ? ";" : "", d, d % 2 ? 0500 : 01777);
		for (int i = 0; i < 100; i++)
			buf_printf(&spec,
			        i % 10 == 9 ? ";h d%02d/f%02d d%02d/f00" : ";f d%02d/f%02d text-%d",
			        d, i, i % 10 == 9 ? d : d * i);
	}
	struct err e = ERR_INIT;
	struct scratch_dir d = scratch_dir(), none = scratch_dir();
	auto_fd int tar = scratch_fd(), out = scratch_fd();
	struct layer_result in = {0}, back = {0};
	MUST(spec_write(buf_cstr(&spec), tar, &in, &e), e);
	MUST(tree_unpack(in.index, NULL, tar, d.fd, TREE_TRUSTED, &e), e);
	const struct upper_options o = {0};
	MUST(layer_write_upper(d.fd, out, &o, &back, &e), e);
	assert_true(digest_eq(&in.diff_id, &back.diff_id));
	assert_int_equal(ftruncate(tar, (off_t)(in.tar_size / 2)), 0);
	assert_int_equal(tree_unpack(in.index, NULL, tar, none.fd, TREE_TRUSTED, &e), -1);
	assert_non_null(strstr(e.msg, "write 'd"));
	layer_result_release(&in);
	layer_result_release(&back);
	scratch_remove(&d);
	scratch_remove(&none);
}

static void test_attributes(void **state)
{
	if (geteuid() != 0)
		skip();
	struct err e = ERR_INIT;
	struct scratch_dir d = scratch_dir();
	auto_fd int tar = scratch_fd(), body = scratch_fd();
	assert_int_equal(write(body, "x", 1), 1);
	static const char cap[] = "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	struct xattr x[] = {
	        {"security.capability", cap, 20}, {"trusted.odd", "1", 1}, {"user.note", "n", 1}};
	const struct entry in[] = {
	        {.path = "", .type = ENTRY_DIR, .mode = 0711, .mtime_sec = 9},
	        {.path = "d",
	                .type = ENTRY_DIR,
	                .mode = 03775,
	                .uid = 5,
	                .gid = 6,
	                .mtime_sec = 7,
	                .mtime_nsec = 8},
	        {.path = "d/suid",
	                .type = ENTRY_FILE,
	                .mode = 06755,
	                .uid = 1,
	                .gid = 2,
	                .mtime_sec = -3,
	                .mtime_nsec = 4,
	                .size = 1,
	                .xattrs = x,
	                .n_xattrs = 3},
	        {.path = "link",
	                .type = ENTRY_SYMLINK,
	                .mode = 0777,
	                .uid = 3,
	                .gid = 4,
	                .link = "d",
	                .mtime_sec = 11},
	        {.path = "none", .type = ENTRY_FILE, .mode = 0, .size = 1},
	};
	struct layer_writer_options o = {.nanoseconds = true};
	auto_layer_writer struct layer_writer *w = layer_writer_new(tar, &o);
	struct content c = {.fd = body, .size = 1};
	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		MUST(layer_writer_add(w, &in[i], &c, &e), e);
	struct layer_result r = {0};
	MUST(layer_writer_finish(w, &r, &e), e);
	mode_t old = umask(077); // must not matter
	MUST(tree_unpack(r.index, NULL, tar, d.fd, TREE_TRUSTED, &e), e);
	umask(old);
	for (size_t i = 0; i < ARRAY_LEN(in); i++) {
		struct stat st;
		const char *path = in[i].path[0] ? in[i].path : ".";
		assert_int_equal(fstatat(d.fd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
		if ((st.st_mode & 07777) != in[i].mode || st.st_uid != in[i].uid ||
		        st.st_gid != in[i].gid || st.st_mtim.tv_sec != in[i].mtime_sec ||
		        st.st_mtim.tv_nsec != (long)in[i].mtime_nsec)
			fail_msg("'%s': mode %o, %u:%u, %lld.%09ld", path, st.st_mode, st.st_uid,
			        st.st_gid, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	}
	char value[32];
	auto_fd int fd = openat(d.fd, "d/suid", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fgetxattr(fd, "security.capability", value, sizeof(value)), 20);
	assert_memory_equal(value, cap, 20);
	layer_result_release(&r);
	scratch_remove(&d);
}

// A target directory that something else writes to: links in it are not followed.
static void test_stays_inside(void **state)
{
	struct err e = ERR_INIT;
	struct scratch_dir d = scratch_dir();
	auto_fd int root = sub_dir(&d, "root"), outside = sub_dir(&d, "outside");
	static const char *const specs[] = {"f a/x evil", "d a;f a/x evil", "f f x;h a/x f"};
	assert_int_equal(symlinkat("../outside", root, "a"), 0);
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		auto_fd int tar = scratch_fd();
		struct layer_result r = {0};
		MUST(spec_write(specs[i], tar, &r, &e), e);
		assert_int_equal(tree_unpack(r.index, NULL, tar, root, TREE_USER, &e), -1);
		struct view *v = chain_new(&r.index, 1, NULL);
		assert_int_equal(tree_export(v, root, false, NULL, &e), -1);
		view_free(v);
		layer_result_release(&r);
		unlinkat(root, "f", 0);
	}
	auto_strv struct strv names = {0};
	MUST(fs_list_dir(outside, &names, &e), e);
	assert_int_equal(names.n, 0);
	scratch_remove(&d);
}

// A tar that is shorter than the index says must not give short files.
static void test_short_tar(void **state)
{
	static const size_t sizes[] = {4096, 1 << 20};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct err e = ERR_INIT;
		struct scratch_dir d = scratch_dir();
		auto_fd int tar = scratch_fd(), body = scratch_fd();
		assert_int_equal(ftruncate(body, (off_t)sizes[i]), 0);
		auto_layer_writer struct layer_writer *w = layer_writer_new(tar, NULL);
		struct entry en = {.path = "f", .type = ENTRY_FILE, .mode = 0600, .size = sizes[i]};
		struct content c = {.fd = body, .size = sizes[i]};
		MUST(layer_writer_add(w, &en, &c, &e), e);
		struct layer_result r = {0};
		MUST(layer_writer_finish(w, &r, &e), e);
		assert_int_equal(ftruncate(tar, (off_t)sizes[i] / 2), 0);
		assert_int_equal(tree_unpack(r.index, NULL, tar, d.fd, TREE_USER, &e), -1);
		layer_result_release(&r);
		scratch_remove(&d);
	}
}

// --- overlayfs as the judge --------------------------------------------------------------------

struct tars {
	struct tar_source src;
	int fd[8];
};

static int get_tar(struct tar_source *self, size_t layer, struct err *e)
{
	return ((struct tars *)self)->fd[layer];
}

static int list_one(void *arg, const struct entry *en, struct err *e)
{
	struct entry flat = *en;
	flat.link = en->type == ENTRY_FILE ? NULL : en->link;
	dump_entry(arg, &flat);
	return 0;
}

static void list_mount(int dirfd, const char *prefix, struct buf *out)
{
	struct err e = ERR_INIT;
	auto_strv struct strv names = {0};
	MUST(fs_list_dir(dirfd, &names, &e), e);
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *path =
		        xasprintf("%s%s%s", prefix, prefix[0] ? "/" : "", names.v[i]);
		struct stat st;
		// In a directory that only one layer has, overlayfs lists whiteouts that it then
		// does not find.
		if (fstatat(dirfd, names.v[i], &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
			continue;
		struct entry en = {
		        .path = path, .mode = st.st_mode & 07777, .size = (uint64_t)st.st_size};
		en.type = S_ISDIR(st.st_mode) ? ENTRY_DIR : ENTRY_FILE;
		dump_entry(out, &en);
		if (!S_ISDIR(st.st_mode))
			continue;
		auto_fd int fd = openat(dirfd, names.v[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		list_mount(fd, path, out);
	}
}

static uint32_t seed = 7;
static uint32_t next_random(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static char *random_layer(void)
{
	static const char *const modes[] = {" 1777", " 700", ""};
	struct buf b = {0};
	for (uint32_t i = 1 + next_random(7); i > 0; i--) {
		char type = "dffwo"[next_random(5)];
		buf_printf(&b, "%s%c ", b.n ? ";" : "", type);
		for (uint32_t depth = 1 + next_random(3); depth > 0; depth--)
			buf_printf(&b, "%c%s", 'a' + (int)next_random(3), depth > 1 ? "/" : "");
		if (type == 'd')
			buf_puts(&b, modes[next_random(3)]);
	}
	return buf_steal(&b);
}

// A tree with what it lacks of the layers below; counts in *lacked.
static void unpack_above(struct layer_index *const *below, size_t n, const struct layer_index *ix,
        int tar, int tree, int *lacked)
{
	struct err e = ERR_INIT;
	struct layer_index *lacking;
	struct view *ground = chain_new(below, n, NULL);
	MUST(layer_index_lacking(ix, ground, &lacking, &e), e);
	MUST(tree_unpack(ix, lacking, tar, tree, TREE_TRUSTED, &e), e);
	*lacked += lacking != NULL;
	layer_index_close(lacking);
	view_free(ground);
}

// 0, or 77 if there is no overlayfs to be had.
static int judge(const struct scratch_dir *d, int round, int *lacked)
{
	struct err e = ERR_INIT;
	auto_free char *base = xasprintf("r%d", round);
	auto_fd int dir = sub_dir(d, base);
	struct tars tars = {.src.tar_fd = get_tar};
	struct layer_index *ix[4];
	size_t n = 2 + next_random(3);
	auto_buf struct buf lower = {0}, said = {0}, got = {0}, want = {0};
	for (size_t i = 0; i < n; i++) {
		char name[8];
		snprintf(name, sizeof(name), "l%zu", i);
		struct scratch_dir at = {.fd = dir};
		auto_fd int tree = sub_dir(&at, name);
		auto_free char *spec = random_layer();
		buf_printf(&said, "%s%s", i ? "|" : "", spec);
		struct layer_result r = {0};
		tars.fd[i] = scratch_fd();
		// Only what the index settled on: a spec may contradict itself.
		MUST(spec_write(spec, tars.fd[i], &r, &e), e);
		unpack_above(ix, i, r.index, tars.fd[i], tree, lacked);
		ix[i] = r.index;
		auto_free char *old = xstrdup(buf_cstr(&lower));
		buf_reset(&lower);
		buf_printf(&lower, "%s/%s/%s%s%s", d->path, base, name, old[0] ? ":" : "", old);
	}
	auto_free char *options = xasprintf("lowerdir=%s", lower.p);
	close(sub_dir(d, "merged"));
	auto_free char *target = xasprintf("%s/merged", d->path);
	int rc = 77;
	if (mount("overlay", target, "overlay", MS_RDONLY, options) == 0) {
		auto_fd int fd = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		list_mount(fd, "", &want);
		struct view *v = chain_new(ix, n, &tars.src);
		MUST(v->ops->walk(v, "", list_one, &got, &e), e);
		view_free(v);
		if (strcmp(buf_cstr(&got), buf_cstr(&want)) != 0)
			fail_msg("'%s': chain '%s', overlayfs '%s'", said.p, buf_cstr(&got),
			        buf_cstr(&want));
		close_fd(&fd);
		assert_int_equal(umount2(target, MNT_DETACH), 0);
		rc = 0;
	}
	for (size_t i = 0; i < n; i++) {
		layer_index_close(ix[i]);
		close(tars.fd[i]);
	}
	return rc;
}

static void test_overlayfs(void **state)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
	        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		skip();
	struct scratch_dir d = scratch_dir();
	int rc = 0, lacked = 0;
	for (int round = 0; round < 150 && rc == 0; round++)
		rc = judge(&d, round, &lacked);
	scratch_remove(&d);
	if (rc == 77)
		skip();
	assert_in_range(lacked, 5, 1000); // or nothing was tried
}

// --- export ------------------------------------------------------------------------------------

static void test_export(void **state)
{
	struct err e = ERR_INIT;
	struct scratch_dir d = scratch_dir();
	struct tars tars = {.src.tar_fd = get_tar};
	struct layer_index *ix[2];
	static const char *const specs[] = {"d a;f a/keep old;f a/gone;f m xyz;h n m;h o m;s s a",
	        "d a 700;f a/new new;w a/gone;f m other"};
	for (size_t i = 0; i < 2; i++) {
		struct layer_result r = {0};
		tars.fd[i] = scratch_fd();
		MUST(spec_write(specs[i], tars.fd[i], &r, &e), e);
		ix[i] = r.index;
	}
	// What is in the way and what is not.
	MUST(fs_mkdir_p(d.fd, "a", 0755, &e), e);
	MUST(fs_replace_file(d.fd, "a/keep", "in the way", 10, 0600, &e), e);
	MUST(fs_replace_file(d.fd, "mine", "stays", 5, 0600, &e), e);
	assert_int_equal(symlinkat("mine", d.fd, "s"), 0);
	struct view *v = chain_new(ix, 2, &tars.src);
	MUST(tree_export(v, d.fd, false, NULL, &e), e);
	static const struct {
		const char *path, *want;
	} rows[] = {{"a/keep", "old"}, {"a/new", "new"}, {"m", "other"}, {"n", "xyz"}, {"o", "xyz"},
	        {"mine", "stays"}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf got = {0};
		MUST(fs_read_file(d.fd, rows[i].path, 100, &got, &e), e);
		assert_string_equal(got.p, rows[i].want);
	}
	struct stat st;
	assert_int_equal(fstatat(d.fd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(fstatat(d.fd, "a/gone", &st, 0), -1);
	assert_int_equal(fstatat(d.fd, "s", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
	view_free(v);
	for (size_t i = 0; i < 2; i++) {
		layer_index_close(ix[i]);
		close(tars.fd[i]);
	}
	scratch_remove(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_round_trip),
	        cmocka_unit_test(test_many_files),
	        cmocka_unit_test(test_attributes),
	        cmocka_unit_test(test_stays_inside),
	        cmocka_unit_test(test_short_tar),
	        cmocka_unit_test(test_export),
	        cmocka_unit_test(test_overlayfs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
