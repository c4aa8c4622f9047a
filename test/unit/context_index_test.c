// SPDX-License-Identifier: Apache-2.0
// The stat index by itself: which records it believes, which it forgets, that many are as good as
// few; and of which file systems stat is believed at all.
#include "base/buf.h"
#include "base/err.h"
#include "base/event.h"
#include "base/fs.h"
#include "base/mem.h"
#include "context/stat_index.h"
#include "context/trust.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
// after the standard headers it needs
#include <cmocka.h>

#define SECOND INT64_C(1000000000)
#define MS INT64_C(1000000)

struct fixture {
	char path[64];
	int fd;
};

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	snprintf(f->path, sizeof(f->path), "/tmp/hew-contextix-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct err e;
	close(f->fd);
	fs_remove_tree(AT_FDCWD, f->path, &e);
	free(f);
	return 0;
}

static struct timespec at(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / SECOND, .tv_nsec = ns % SECOND};
}

static struct stat stat_of(int64_t written, int64_t changed)
{
	return (struct stat){.st_dev = 1,
	        .st_ino = 2,
	        .st_size = 3,
	        .st_mode = S_IFREG | 0644,
	        .st_mtim = at(written),
	        .st_ctim = at(changed)};
}

static bool none_exists(void *arg, const char *path)
{
	++*(size_t *)arg;
	return false;
}

static bool not_the_gone(void *arg, const char *path)
{
	++*(size_t *)arg;
	return strcmp(path, "gone") != 0;
}

static void save(struct fixture *f, struct stat_index *ix,
        bool (*exists)(void *arg, const char *path), size_t *ret_asked)
{
	struct err e = ERR_INIT;
	auto_buf struct buf out = {0};
	*ret_asked = 0;
	stat_index_print(ix, exists, ret_asked, &out);
	stat_index_free(ix);
	assert_int_equal(fs_replace_file(f->fd, "index", out.p, out.n, 0600, &e), 0);
}

static bool knows(struct stat_index *ix, const char *path, const struct stat *st)
{
	struct stat_record ignored;
	return stat_index_get(ix, path, st, &ignored);
}

// ---- which are believed

// Times in seconds and milliseconds before the reading of the file began.
static void times_prove_what_they_can(void **state)
{
	static const struct {
		const char *name;
		int64_t mtime_ms, ctime_ms; // before the reading began
		bool whole_seconds;
		bool want;
	} rows[] = {
	        {"long ago", 100000, 100000, false, true},
	        {"a moment ago", 100000, 30, false, true},
	        {"within a tick", 100000, 10, false, false},
	        {"at the same time", 100000, 0, false, false},
	        {"changed while it was read", 100000, -5, false, false},
	        {"mtime within a tick", 10, 100000, false, false},
	        {"a time to come", -3600000, 100000, false, false},
	        {"a change to come", 100000, -3600000, false, false},
	        // a file system that counts seconds: the same second may come once more
	        {"whole seconds, just now", 100000, 1000, true, false},
	        {"whole seconds, FAT's two", 100000, 2000, true, false},
	        {"whole seconds, before", 100000, 3000, true, true},
	        {"an archive's mtime in whole seconds", 1000, 1100, false, true},
	};
	const int64_t began = (clock_real_ns() / SECOND - 1000) * SECOND;
	struct fixture *f = *state;
	struct hash content = {{7}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t off = rows[i].whole_seconds ? 0 : 1;
		struct stat st =
		        stat_of(began - rows[i].mtime_ms * MS, began - rows[i].ctime_ms * MS - off);
		struct stat_index *ix = stat_index_open(-1, NULL);
		size_t ignored;
		stat_index_put(ix, "f", &st, &content, false, began);
		save(f, ix, none_exists, &ignored);
		ix = stat_index_open(f->fd, "index");
		if (knows(ix, "f", &st) != rows[i].want)
			fail_msg("%s: %s", rows[i].name, rows[i].want ? "unknown" : "believed");
		stat_index_free(ix);
	}
}

// A file is believed if it is older than its reading, by the clock that its times are from. If the
// clock is set back while hew runs, that is the new one.
static void a_clock_that_jumps(void **state)
{
	const int64_t hour = 3600 * SECOND;
	struct stat_clock now = stat_clock_now();
	struct stat_clock ahead = {now.real_ns + hour, now.steady_ns};
	struct stat_clock behind = {now.real_ns - hour, now.steady_ns};
	int64_t set_back = stat_clock_since(&ahead), set_on = stat_clock_since(&behind);
	int64_t still = stat_clock_since(&now);
	assert_in_range(set_back, now.real_ns - 50 * MS, now.real_ns + SECOND);
	assert_int_equal(set_on, behind.real_ns);
	assert_in_range(still, now.real_ns - 50 * MS, now.real_ns);
	// written after the clock was set back, and perhaps again in the same tick
	struct fixture *f = *state;
	struct hash content = {{7}};
	struct stat st = stat_of(set_back, set_back);
	size_t ignored;
	struct stat_index *ix = stat_index_open(-1, NULL);
	stat_index_put(ix, "f", &st, &content, false, set_back);
	save(f, ix, none_exists, &ignored);
	ix = stat_index_open(f->fd, "index");
	assert_false(knows(ix, "f", &st));
	stat_index_free(ix);
	// read by a clock that was ahead: no proof against the time that the index was begun
	ix = stat_index_open(-1, NULL);
	stat_index_put(ix, "f", &st, &content, false, ahead.real_ns);
	save(f, ix, none_exists, &ignored);
	ix = stat_index_open(f->fd, "index");
	assert_false(knows(ix, "f", &st));
	stat_index_free(ix);
}

static void every_field_counts(void **state)
{
	const int64_t began = clock_real_ns() - 100 * SECOND;
	struct fixture *f = *state;
	struct hash content = {{7}};
	size_t ignored;
	const struct stat was = stat_of(began - 50 * SECOND, began - 50 * SECOND);
	struct stat changed[6] = {was, was, was, was, was, was};
	changed[0].st_dev++;
	changed[1].st_ino++;
	changed[2].st_size++;
	changed[3].st_mtim.tv_nsec ^= 1;
	changed[4].st_ctim.tv_nsec ^= 1;
	changed[5].st_mode ^= 0100;
	struct stat_index *ix = stat_index_open(-1, NULL);
	stat_index_put(ix, "f", &was, &content, true, began);
	save(f, ix, none_exists, &ignored);
	ix = stat_index_open(f->fd, "index");
	for (size_t i = 0; i < ARRAY_LEN(changed); i++)
		if (knows(ix, "f", &changed[i]))
			fail_msg("change %zu is not seen", i);
	struct stat_record r;
	assert_true(stat_index_get(ix, "f", &was, &r));
	assert_true(hash_eq(&r.content, &content));
	assert_true(r.has_xattrs);
	assert_false(knows(ix, "g", &was));
	stat_index_free(ix);
}

// ---- which are forgotten

static struct stat_index *filled(const struct stat *st, int64_t began, size_t n)
{
	struct stat_index *ix = stat_index_open(-1, NULL);
	for (size_t i = 0; i < n; i++) {
		size_t k = i * 7919 % n; // in no order
		auto_free char *path = xasprintf("d%zu/f%05zu", k % 100, k);
		struct hash content = {{(uint8_t)k}};
		stat_index_put(ix, path, st, &content, false, began);
	}
	return ix;
}

static void what_is_gone_is_forgotten(void **state)
{
	const int64_t began = clock_real_ns() - 100 * SECOND;
	struct fixture *f = *state;
	struct hash content = {{7}};
	size_t asked;
	struct stat st = stat_of(began - 50 * SECOND, began - 50 * SECOND);
	struct stat_index *ix = stat_index_open(-1, NULL);
	stat_index_put(ix, "gone", &st, &content, false, began);
	stat_index_put(ix, "here", &st, &content, false, began);
	stat_index_put(ix, "used", &st, &content, false, began);
	save(f, ix, not_the_gone, &asked);
	assert_int_equal(asked, 0);
	// The next build takes a part of the folder, and learns something.
	ix = stat_index_open(f->fd, "index");
	assert_true(knows(ix, "used", &st));
	stat_index_put(ix, "new", &st, &content, false, began);
	save(f, ix, not_the_gone, &asked);
	assert_int_equal(asked, 2);
	ix = stat_index_open(f->fd, "index");
	assert_false(knows(ix, "gone", &st));
	assert_true(knows(ix, "here", &st));
	assert_true(knows(ix, "used", &st));
	assert_true(knows(ix, "new", &st));
	stat_index_free(ix);
}

// However many are gone: a build looks for a few thousand, and a few builds for all.
static void many_are_forgotten_in_parts(void **state)
{
	const int64_t began = clock_real_ns() - 100 * SECOND;
	struct fixture *f = *state;
	size_t asked = 1, runs = 0;
	struct stat st = stat_of(began - 50 * SECOND, began - 50 * SECOND), file;
	save(f, filled(&st, began, 10000), none_exists, &asked);
	do {
		save(f, stat_index_open(f->fd, "index"), none_exists, &asked);
		assert_true(asked <= 4096);
		assert_int_equal(fstatat(f->fd, "index", &file, 0), 0);
		runs++;
	} while (file.st_size > 100 && runs < 10);
	assert_in_range(runs, 3, 4);
}

// ---- many

static void a_hundred_thousand(void **state)
{
	enum { N = 100000 };
	const int64_t began = clock_real_ns() - 100 * SECOND;
	struct fixture *f = *state;
	size_t asked;
	struct stat st = stat_of(began - 50 * SECOND, began - 50 * SECOND);
	save(f, filled(&st, began, N), none_exists, &asked);
	struct stat_index *ix = stat_index_open(f->fd, "index");
	for (size_t k = 0; k < N; k++) {
		auto_free char *path = xasprintf("d%zu/f%05zu", k % 100, k);
		struct stat_record r;
		if (!stat_index_get(ix, path, &st, &r) || r.content.b[0] != (uint8_t)k)
			fail_msg("%s is not known", path);
	}
	// All were asked for, so the disk is not.
	save(f, ix, none_exists, &asked);
	assert_int_equal(asked, 0);
}

// ---- where nothing is believed

static void file_systems(void **state)
{
	static const struct {
		const char *name;
		unsigned long magic;
		bool want;
	} rows[] = {
	        {"ext4", 0xef53, true},
	        {"xfs", 0x58465342, true},
	        {"btrfs", 0x9123683e, true},
	        {"tmpfs", 0x01021994, true},
	        {"overlay", 0x794c7630, true},
	        {"f2fs", 0xf2f52010, true},
	        {"zfs", 0x2fc12fc1, true},
	        {"nfs", 0x6969, false},
	        {"9p", 0x01021997, false},
	        {"fuse", 0x65735546, false},
	        {"smb2", 0xfe534d42, false},
	        {"cifs", 0xff534d42, false},
	        {"cifs, as a signed word", (unsigned long)(int)0xff534d42, false},
	        {"ceph", 0x00c36400, false},
	        {"vboxsf", 0x786f4256, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (trust_file_system(rows[i].magic) != rows[i].want)
			fail_msg("%s", rows[i].name);
	struct fixture *f = *state;
	struct trust *t = trust_new();
	struct stat st;
	assert_int_equal(fstat(f->fd, &st), 0);
	assert_true(trust_stat(t, st.st_dev, f->fd, ""));
	assert_true(trust_stat(t, st.st_dev, -1, ""));      // asked once a device
	assert_false(trust_stat(t, st.st_dev + 1, -1, "")); // cannot be asked
	trust_free(t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
	        TEST(times_prove_what_they_can),
	        TEST(a_clock_that_jumps),
	        TEST(every_field_counts),
	        TEST(what_is_gone_is_forgotten),
	        TEST(many_are_forgotten_in_parts),
	        TEST(a_hundred_thousand),
	        TEST(file_systems),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
