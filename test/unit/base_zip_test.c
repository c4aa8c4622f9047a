// SPDX-License-Identifier: Apache-2.0
// The archives of test/fuzz/corpus/zip, which Python's zipfile wrote, in all the forms archives
// have; each damage is one of those with some bytes changed.
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/zip.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TWO                      \
	"a.txt=one\n|dir/b.txt=" \
	"two two two two two two two two two two two two two two two two two two two two |"

static char *corpus_path(const char *name)
{
	const char *slash = strrchr(__FILE__, '/');
	return xasprintf("%.*s/../fuzz/corpus/zip/%s", (int)(slash - __FILE__), __FILE__, name);
}

static void read_corpus(const char *name, struct buf *ret)
{
	struct err e = ERR_INIT;
	auto_free char *path = corpus_path(name);
	if (fs_read_file(AT_FDCWD, path, 1 << 20, ret, &e))
		fail_msg("%s", e.msg);
}

// "name=content|" of every member; what failed as "name!|". The last failure stays in *e.
static int list(struct str bytes, size_t max, struct buf *ret, struct err *e)
{
	auto_zip struct zip *z = NULL;
	struct zip_source source = zip_source_memory(&bytes);
	struct zip_member m;
	int rc;
	if (zip_open(&source, &z, e))
		return -1;
	while ((rc = zip_next(z, &m, e)) > 0) {
		buf_add(ret, m.name.p, m.name.n);
		auto_buf struct buf content = {0};
		if (zip_extract(z, &m, max, &content, e)) {
			buf_puts(ret, "!|");
			continue;
		}
		buf_putc(ret, '=');
		buf_add(ret, buf_cstr(&content), content.n);
		buf_putc(ret, '|');
	}
	return rc;
}

static void test_forms(void **state)
{
	static const struct {
		const char *name, *want;
	} rows[] = {{"two", TWO}, {"before", TWO}, {"comment", TWO}, {"stream", TWO},
	        {"zip64", TWO}, {"zip64-end", TWO}, {"empty", ""}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf bytes = {0}, got = {0};
		struct err e = ERR_INIT;
		read_corpus(rows[i].name, &bytes);
		assert_int_equal(list((struct str){bytes.p, bytes.n}, 1000, &got, &e), 0);
		assert_string_equal(buf_cstr(&got), rows[i].want);
	}
}

static void test_file_and_nested(void **state)
{
	struct err e = ERR_INIT;
	auto_zip struct zip *z = NULL;
	auto_buf struct buf inner = {0}, got = {0};
	struct zip_member m;
	auto_free char *path = corpus_path("nested");
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	(void)state;
	assert_true(fd >= 0);
	struct zip_source source = zip_source_fd(&fd, (uint64_t)lseek(fd, 0, SEEK_END));
	assert_int_equal(zip_open(&source, &z, &e), 0);
	assert_int_equal(zip_next(z, &m, &e), 1);
	assert_true(str_eq(m.name, "lib/two.jar"));
	assert_int_equal(zip_extract(z, &m, 1000, &inner, &e), 0);
	assert_int_equal(zip_next(z, &m, &e), 0);
	assert_int_equal(list((struct str){inner.p, inner.n}, 1000, &got, &e), 0);
	assert_string_equal(buf_cstr(&got), TWO);
}

// One byte of "two" set, and what then comes of it.
static void test_damage(void **state)
{
	static const struct {
		size_t at;
		int byte;
		size_t max;
		int rc;
		const char *want, *message;
	} rows[] = {
	        {35, 'X', 1000, 0,
	                "a.txt!|"
	                "dir/b.txt=",
	                "its checksum is wrong"},
	        {0, 'X', 1000, 0, "a.txt!|", "no member where the directory says"},
	        {80, 0xff, 1000, 0, "a.txt=one\n|dir/b.txt!|", "damaged"},
	        {2, 3, 50, 0, "a.txt=one\n|dir/b.txt!|", "80 bytes (at most 50 are read)"},
	        {193 + 2, 'X', 1000, -1, "", "not a zip archive: no end of a directory"},
	        {193 + 16, 0xff, 1000, -1, "", "damaged zip archive: a directory behind its end"},
	        {193 + 12, 10, 1000, -1, "", "damaged zip archive: its directory ends early"},
	        {87, 'X', 1000, -1, "", "damaged zip archive: no entry in its directory"},
	        {87 + 8, 1, 1000, 0, "a.txt!|", "encrypted"},
	        {87 + 10, 12, 1000, 0, "a.txt!|",
	                "compressed by method 12, which hew does not read"},
	        {87 + 24, 5, 1000, 0, "a.txt!|", "4 bytes cannot become 5"},
	        {87 + 51 + 26, 0xff, 1 << 25, 0, "a.txt=one\n|dir/b.txt!|",
	                "9 bytes cannot become 16711760"},
	};
	(void)state;
	auto_buf struct buf two = {0};
	read_corpus("two", &two);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf bytes = {0}, got = {0};
		struct err e = ERR_INIT;
		buf_add(&bytes, two.p, two.n);
		bytes.p[rows[i].at] = (char)rows[i].byte;
		assert_int_equal(
		        list((struct str){bytes.p, bytes.n}, rows[i].max, &got, &e), rows[i].rc);
		assert_memory_equal(buf_cstr(&got), rows[i].want, strlen(rows[i].want));
		assert_string_equal(e.msg, rows[i].message);
	}
}

// Every beginning of an archive is an error, and reads nothing behind its end.
static void test_cut(void **state)
{
	auto_buf struct buf two = {0};
	(void)state;
	read_corpus("two", &two);
	for (size_t n = 0; n < two.n; n++) {
		auto_free char *part = xmalloc(n + 1);
		auto_buf struct buf got = {0};
		struct err e = ERR_INIT;
		memcpy(part, two.p, n);
		assert_int_equal(list((struct str){part, n}, 1000, &got, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
}

static void test_bomb(void **state)
{
	auto_buf struct buf bytes = {0}, got = {0};
	struct err e = ERR_INIT;
	(void)state;
	read_corpus("bomb", &bytes);
	// Ten entries of 5000 bytes with one content of 19: the archive of 545 bytes pays for all.
	// Of a hundred it would not.
	assert_int_equal(list((struct str){bytes.p, bytes.n}, 10000, &got, &e), 0);
	auto_zip struct zip *z = NULL;
	struct str s = {bytes.p, bytes.n};
	struct zip_source source = zip_source_memory(&s);
	struct zip_member m;
	assert_int_equal(zip_open(&source, &z, &e), 0);
	assert_int_equal(zip_next(z, &m, &e), 1);
	size_t times = 0;
	buf_reset(&got);
	while (times < 100 && zip_extract(z, &m, 10000, &got, &e) == 0)
		times++;
	assert_int_equal(times, bytes.n / m.packed);
	assert_string_equal(e.msg, "members that share their bytes, as those of bombs do");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_forms),
	        cmocka_unit_test(test_file_and_nested),
	        cmocka_unit_test(test_damage),
	        cmocka_unit_test(test_cut),
	        cmocka_unit_test(test_bomb),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
