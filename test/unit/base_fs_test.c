// SPDX-License-Identifier: Apache-2.0
// Complete reads and writes, replacing, folders, and paths as text.
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char temp[] = "/tmp/base-fs-XXXXXX";
static int dir = -1;

static int setup(void **state)
{
	if (!mkdtemp(temp))
		return -1;
	dir = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0;
}

static int teardown(void **state)
{
	struct err e;
	close(dir);
	return fs_remove_tree(AT_FDCWD, temp, &e);
}

static void write_file(const char *name, const char *text)
{
	struct err e;
	assert_int_equal(fs_replace_file(dir, name, text, strlen(text), 0644, &e), 0);
}

static void test_replace_and_read(void **state)
{
	struct err e;
	auto_buf struct buf b = {0};
	write_file("f", "first");
	auto_fd int old = openat(dir, "f", O_RDONLY | O_CLOEXEC);
	write_file("f", "second");
	buf_puts(&b, "kept ");
	assert_int_equal(fs_read_file(dir, "f", 6, &b, &e), 0);
	assert_string_equal(b.p, "kept second");
	assert_int_equal(fs_read_file(dir, "f", 5, &b, &e), -1); // one too many
	assert_int_equal(e.kind, ERR_CORRUPT);
	assert_string_equal(b.p, "kept second"); // untouched
	buf_reset(&b);
	assert_int_equal(fs_read_fd(old, 100, &b, &e), 0);
	assert_string_equal(b.p, "first"); // the old file is whole for whoever has it open
	assert_int_equal(fs_read_file(dir, "no", 5, &b, &e), -1);
	assert_int_equal(e.sys, ENOENT);
	assert_int_equal(fs_replace_file(dir, "no/f", "x", 1, 0644, &e), -1);
	assert_int_equal(e.sys, ENOENT);
	auto_strv struct strv names = {0};
	assert_int_equal(fs_list_dir(dir, &names, &e), 0);
	assert_int_equal(names.n, 1); // no temporary file is left
	char longest[256];
	memset(longest, 'n', 255);
	longest[255] = '\0';
	write_file(longest, "x");
	assert_int_equal(unlinkat(dir, longest, 0), 0);
}

static void test_read_sizes(void **state)
{
	static const size_t sizes[] = {0, 1, 4094, 4095, 4096, 4097, 65535, 65536, 1000000};
	auto_buf struct buf data = {0};
	struct err e;
	for (size_t i = 0; i < 1000000; i++)
		buf_putc(&data, (char)(i * 7 % 251));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		auto_buf struct buf got = {0};
		assert_int_equal(fs_replace_file(dir, "s", data.p, sizes[i], 0600, &e), 0);
		assert_int_equal(fs_read_file(dir, "s", sizes[i], &got, &e), 0);
		assert_int_equal(got.n, sizes[i]);
		assert_memory_equal(got.p, data.p, sizes[i]);
		assert_int_equal(got.p[got.n], '\0');
	}
	auto_buf struct buf proc = {0}; // says size 0 and is longer
	assert_int_equal(fs_read_file(AT_FDCWD, "/proc/self/status", 1 << 20, &proc, &e), 0);
	assert_true(proc.n > 100);
}

static void test_positions(void **state)
{
	struct err e;
	char got[8] = "";
	auto_fd int fd = openat(dir, "p", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(fs_write_all(fd, "0123456789", 10, &e), 0);
	assert_int_equal(fs_pwrite_all(fd, "ab", 2, 4, &e), 0);
	assert_int_equal(fs_pread_full(fd, got, 7, 3, &e), 0);
	assert_memory_equal(got, "3ab6789", 7);
	assert_int_equal(fs_pread_full(fd, got, 7, 4, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
	auto_fd int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	if (full >= 0) {
		assert_int_equal(fs_write_all(full, "x", 1, &e), -1);
		assert_int_equal(e.kind, ERR_SPACE);
	}
}

static void copy_row(int src, off_t off, uint64_t n, const char *want)
{
	struct err e;
	char got[16] = "";
	auto_fd int dst = openat(dir, "dst", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(fs_copy_range(src, off, dst, n, &e), 0);
	assert_int_equal(pread(dst, got, sizeof(got), 0), (ssize_t)n);
	assert_memory_equal(got, want, n);
}

static void test_copy(void **state)
{
	struct err e;
	write_file("src", "0123456789");
	auto_fd int src = openat(dir, "src", O_RDONLY | O_CLOEXEC);
	auto_fd int dst = openat(dir, "dst", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	copy_row(src, 2, 5, "23456");
	copy_row(src, 0, 10, "0123456789");
	copy_row(src, -1, 3, "012"); // the position moves
	copy_row(src, -1, 3, "345");
	assert_int_equal(fs_copy_range(src, 5, dst, 6, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0); // which copy_file_range refuses
	assert_int_equal(fs_write_all(ends[1], "piped", 5, &e), 0);
	copy_row(ends[0], -1, 5, "piped");
	close(ends[0]);
	close(ends[1]);
}

static void test_folders(void **state)
{
	static const struct {
		const char *path;
		int error;
	} rows[] = {
	        {"m", 0},
	        {"m", 0},
	        {"m/a/b/c", 0},
	        {"m//a/./d/", 0},
	        {"", 0},
	        {"m/file", ENOTDIR},
	        {"m/file/x", ENOTDIR},
	        {"m/file/x/y", ENOTDIR},
	        {"m/link", 0},
	        {"m/link/z", 0},
	        {"m/dangling/z", ENOENT},
	};
	struct err e;
	assert_int_equal(mkdirat(dir, "m", 0755), 0);
	write_file("m/file", "");
	assert_int_equal(symlinkat("a", dir, "m/link"), 0);
	assert_int_equal(symlinkat("nowhere", dir, "m/dangling"), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stat st;
		int r = fs_mkdir_p(dir, rows[i].path, 0755, &e);
		if (r != (rows[i].error ? -1 : 0) || (r && e.sys != rows[i].error))
			fail_msg("'%s': %d %s", rows[i].path, r, r ? e.msg : "");
		if (!r && *rows[i].path)
			assert_int_equal(fstatat(dir, rows[i].path, &st, 0), 0);
	}
}

static void test_list(void **state)
{
	static const char *const names[] = {"b", "a", "Z", "\xc3\xa9", "10", "9", ".x"};
	static const char *const want[] = {".x", "10", "9", "Z", "a", "b", "\xc3\xa9"};
	struct err e;
	auto_strv struct strv got = {0};
	assert_int_equal(mkdirat(dir, "l", 0755), 0);
	auto_fd int fd = openat(dir, "l", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(mkdirat(fd, names[i], 0755), 0);
	for (int again = 0; again < 2; again++) { // the descriptor can be used again
		strv_release(&got);
		assert_int_equal(fs_list_dir(fd, &got, &e), 0);
		assert_int_equal(got.n, ARRAY_LEN(want));
		for (size_t i = 0; i < got.n; i++)
			assert_string_equal(got.v[i], want[i]);
	}
}

static void test_clean(void **state)
{
	static const struct {
		const char *path, *clean, *cwd, *joined;
	} rows[] = {
	        {"", "", "/w", "/w"},
	        {"/", "", "/w", "/"},
	        {".", "", "/w", "/w"},
	        {"a//b/./c/", "a/b/c", "/w/", "/w/a/b/c"},
	        {"../x", "x", "/w", "/x"},
	        {"a/../../../b", "b", "/w/v", "/b"},
	        {"/../..", "", "/w", "/"},
	        {"a/..", "", "/w", "/w"},
	        {"...", "...", "/w", "/w/..."},
	        {"..a/.b", "..a/.b", "/", "/..a/.b"},
	        {"/abs/./p", "abs/p", "/w", "/abs/p"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *clean = fs_clean_rel(rows[i].path);
		auto_free char *joined = fs_join_abs(rows[i].cwd, rows[i].path);
		assert_string_equal(clean, rows[i].clean);
		assert_string_equal(joined, rows[i].joined);
	}
	assert_string_equal(fs_base_name("a/b"), "b");
	assert_string_equal(fs_base_name("b"), "b");
	assert_string_equal(fs_base_name("a/"), "");
}

static void test_order_and_within(void **state)
{
	static const char *const sorted[] = {
	        "", "a", "a/b", "a/b/c", "a/c", "a\t", "a!", "a-b", "a.", "ab", "b", "\xff"};
	for (size_t i = 0; i < ARRAY_LEN(sorted); i++)
		for (size_t k = 0; k < ARRAY_LEN(sorted); k++) {
			int got = fs_path_cmp(sorted[i], sorted[k]);
			if ((got > 0) - (got < 0) != (i > k) - (i < k))
				fail_msg("'%s' '%s': %d", sorted[i], sorted[k], got);
		}
	assert_true(fs_path_within("a/b", "a"));
	assert_true(fs_path_within("a", "a"));
	assert_false(fs_path_within("ab", "a"));
	assert_false(fs_path_within("a", "a/b"));
	assert_true(fs_path_within("anything", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_replace_and_read),
	        cmocka_unit_test(test_read_sizes),
	        cmocka_unit_test(test_positions),
	        cmocka_unit_test(test_copy),
	        cmocka_unit_test(test_folders),
	        cmocka_unit_test(test_list),
	        cmocka_unit_test(test_clean),
	        cmocka_unit_test(test_order_and_within),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
