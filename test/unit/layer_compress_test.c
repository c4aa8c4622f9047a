// SPDX-License-Identifier: Apache-2.0
// Compression: the same bytes from any number of workers, readable by the usual tools;
// decompression of what the usual tools write, and of what is cut off or damaged.
#include "layer_fixture.h"

#include "base/cancel.h"
#include "base/pool.h"
#include "layer/inflate-int.h"
#include <signal.h>
#include <stdio.h>
#include <time.h>

static void fill(struct buf *b, size_t n, bool random)
{
	buf_reserve(b, n + 1);
	uint32_t x = 1;
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		buf_putc(b, random ? (char)(x >> 24) : "abcd efg"[x >> 29]);
	}
}

static int file_of(const void *p, size_t n)
{
	int fd = scratch_fd();
	for (size_t at = 0; at < n;) {
		ssize_t put = write(fd, (const char *)p + at, n - at);
		assert_true(put > 0);
		at += (size_t)put;
	}
	return fd;
}

static void compress_to(
        const struct buf *in, const struct recipe *r, size_t threads, struct buf *out)
{
	struct err e = ERR_INIT;
	auto_fd int src = file_of(in->p, in->n), dst = scratch_fd();
	struct pool *pool = pool_new(threads);
	struct digest d;
	uint64_t size;
	MUST(layer_compress(src, in->n, dst, r, pool, &d, &size, &e), e);
	pool_free(pool);
	lseek(dst, 0, SEEK_SET);
	MUST(fs_read_fd(dst, 1 << 30, out, &e), e);
	assert_int_equal(out->n, size);
	struct digest want = digest_of(out->n ? out->p : "", out->n);
	assert_true(digest_eq(&d, &want));
}

static int inflate_all(int fd, size_t step, struct buf *out, struct err *e)
{
	struct inflater *z = inflater_new(fd, e);
	if (!z)
		return -1;
	ssize_t n;
	do {
		buf_reserve(out, step);
		n = inflater_read(z, out->p + out->n, step, e);
		if (n > 0)
			out->n += (size_t)n;
	} while (n > 0);
	inflater_free(z);
	return n < 0 ? -1 : 0;
}

static int inflate_bytes(const void *p, size_t n, size_t step, struct buf *out, struct err *e)
{
	auto_fd int fd = file_of(p, n);
	return inflate_all(fd, step, out, e);
}

static void test_recipes(void **state)
{
	static const struct recipe recipes[] = {{COMPRESSION_GZIP, 6}, {COMPRESSION_GZIP, 1},
	        {COMPRESSION_ZSTD, 3}, {COMPRESSION_NONE, 0}};
	static const size_t sizes[] = {0, 1, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, (9 << 20) + 1};
	for (size_t r = 0; r < ARRAY_LEN(recipes); r++) {
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			auto_buf struct buf in = {0}, one = {0}, three = {0}, back = {0};
			fill(&in, sizes[i], i != 4); // text is slow to compress
			compress_to(&in, &recipes[r], 1, &one);
			compress_to(&in, &recipes[r], 3, &three);
			assert_int_equal(one.n, three.n);
			if (one.n > 0)
				assert_memory_equal(one.p, three.p, one.n);
			struct err e = ERR_INIT;
			MUST(inflate_bytes(one.p, one.n, 100000, &back, &e), e);
			assert_int_equal(back.n, in.n);
			if (in.n > 0)
				assert_memory_equal(back.p, in.p, in.n);
		}
	}
}

static void test_gzip_bytes(void **state)
{
	auto_buf struct buf in = {0}, out = {0};
	buf_puts(&in, "hello");
	compress_to(&in, &RECIPE_DEFAULT, 1, &out);
	assert_memory_equal(out.p, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
	char text[RECIPE_TEXT];
	recipe_text(&RECIPE_DEFAULT, text);
	assert_string_equal(text, "gzip-libdeflate6-4m");
	recipe_text(&(struct recipe){COMPRESSION_ZSTD, 3}, text);
	assert_string_equal(text, "zstd-3-4m");
	// A change of these bytes needs a new recipe name.
	auto_buf struct buf big = {0}, packed = {0};
	fill(&big, 5000000, false);
	compress_to(&big, &RECIPE_DEFAULT, 2, &packed);
	struct digest d = digest_of(packed.p, packed.n);
	char got[DIGEST_TEXT];
	digest_text(&d, got);
	assert_string_equal(
	        got, "sha256:cbcc881d0c766562b1f5f5cd3d038c68a6723f293a56fcd5aaef0388fdd27855");
}

static void test_refused(void **state)
{
	static const struct recipe bad[] = {{COMPRESSION_GZIP, 13}, {COMPRESSION_GZIP, -1},
	        {COMPRESSION_ZSTD, 23}, {COMPRESSION_ZSTD, 0}};
	struct pool *pool = pool_new(1);
	auto_fd int fd = scratch_fd();
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = ERR_INIT;
		struct digest d;
		uint64_t size;
		assert_int_equal(layer_compress(fd, 0, fd, &bad[i], pool, &d, &size, &e), -1);
	}
	// A file that is shorter than it was said to be.
	struct err e = ERR_INIT;
	struct digest d;
	uint64_t size;
	auto_fd int out = scratch_fd(), in = file_of("abc", 3);
	assert_int_equal(
	        layer_compress(in, 3000000, out, &RECIPE_DEFAULT, pool, &d, &size, &e), -1);
	pool_free(pool);
}

// --- other programs ----------------------------------------------------------------------------

static void test_tools_read_ours(void **state)
{
	struct err e = ERR_INIT;
	struct scratch_dir d = scratch_dir();
	auto_buf struct buf in = {0}, gz = {0}, zst = {0}, back = {0};
	fill(&in, 5000000, false);
	compress_to(&in, &RECIPE_DEFAULT, 2, &gz);
	compress_to(&in, &(struct recipe){COMPRESSION_ZSTD, 3}, 2, &zst);
	MUST(fs_replace_file(d.fd, "a.gz", gz.p, gz.n, 0600, &e), e);
	MUST(fs_replace_file(d.fd, "b.zst", zst.p, zst.n, 0600, &e), e);
	auto_free char *a = xasprintf("%s/a.gz", d.path), *b = xasprintf("%s/b.zst", d.path);
	static const char *const names[] = {"a", "b"};
	int rc[] = {RUN("gzip", "-d", a), RUN("zstd", "-q", "-d", b)};
	for (size_t i = 0; i < 2; i++) {
		if (rc[i] == 127)
			continue;
		assert_int_equal(rc[i], 0);
		buf_reset(&back);
		MUST(fs_read_file(d.fd, names[i], 1 << 24, &back, &e), e);
		assert_int_equal(back.n, in.n);
		assert_memory_equal(back.p, in.p, in.n);
	}
	scratch_remove(&d);
}

static void check_stream(const char *name, const struct buf *packed, const struct buf *want)
{
	static const size_t steps[] = {1000, 1 << 20};
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct err e = ERR_INIT;
		auto_buf struct buf got = {0};
		if (inflate_bytes(packed->p, packed->n, steps[i], &got, &e) != 0)
			fail_msg("%s: %s", name, e.msg);
		if (got.n != want->n || memcmp(got.p, want->p, got.n) != 0)
			fail_msg("%s: %zu bytes of %zu", name, got.n, want->n);
	}
	// Twice the stream is the content twice; anything cut off is noticed.
	auto_buf struct buf twice = {0}, both = {0};
	buf_add(&twice, packed->p, packed->n);
	buf_add(&twice, packed->p, packed->n);
	struct err e = ERR_INIT;
	if (inflate_bytes(twice.p, twice.n, 100000, &both, &e) != 0)
		fail_msg("%s twice: %s", name, e.msg);
	assert_int_equal(both.n, 2 * want->n);
	for (size_t n = packed->n - 1; n > packed->n - 20; n -= 6) {
		auto_buf struct buf got = {0};
		if (inflate_bytes(packed->p, n, 100000, &got, &e) == 0)
			fail_msg("%s cut to %zu of %zu: not noticed", name, n, packed->n);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
	auto_buf struct buf bad = {0}, out = {0};
	buf_add(&bad, packed->p, packed->n);
	for (size_t i = 0; i < 64; i++)
		bad.p[packed->n / 2 + i] ^= 0x55;
	assert_int_equal(inflate_bytes(bad.p, bad.n, 100000, &out, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
}

static void test_we_read_tools(void **state)
{
	static const struct {
		const char *argv[4], *suffix;
	} rows[] = {{{"gzip", "-1"}, ".gz"}, {{"gzip", "-9", "-n"}, ".gz"},
	        {{"zstd", "-q", "-3"}, ".zst"}, {{"zstd", "-q", "--long=27"}, ".zst"},
	        {{"bzip2", "-1"}, ".bz2"}, {{"xz", "-1"}, ".xz"}};
	struct err e = ERR_INIT;
	struct scratch_dir d = scratch_dir();
	auto_buf struct buf in = {0};
	fill(&in, 1060000, false);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *name = xasprintf("f%zu", i);
		auto_free char *path = xasprintf("%s/%s", d.path, name);
		auto_free char *made = xasprintf("%s%s", name, rows[i].suffix);
		MUST(fs_replace_file(d.fd, name, in.p, in.n, 0600, &e), e);
		const char *argv[6] = {0};
		size_t n = 0;
		while (n < 4 && rows[i].argv[n]) {
			argv[n] = rows[i].argv[n];
			n++;
		}
		argv[n] = path;
		if (run(argv) != 0)
			continue;
		auto_buf struct buf packed = {0};
		MUST(fs_read_file(d.fd, made, 1 << 24, &packed, &e), e);
		check_stream(rows[i].argv[0], &packed, &in);
	}
	scratch_remove(&d);
}

static void test_gzip_members(void **state)
{
	auto_buf struct buf in = {0}, gz = {0}, empty = {0}, none = {0}, all = {0}, got = {0};
	struct err e = ERR_INIT;
	fill(&in, 2500000, true);
	compress_to(&in, &RECIPE_DEFAULT, 1, &gz);
	compress_to(&none, &RECIPE_DEFAULT, 1, &empty);
	// Empty members anywhere, padding at the end.
	buf_add(&all, empty.p, empty.n);
	buf_add(&all, gz.p, gz.n);
	buf_add(&all, empty.p, empty.n);
	static const char zero[3000];
	buf_add(&all, zero, sizeof(zero));
	MUST(inflate_bytes(all.p, all.n, 1 << 20, &got, &e), e);
	assert_int_equal(got.n, in.n);
	assert_memory_equal(got.p, in.p, in.n);
	buf_putc(&all, 'x');
	buf_reset(&got);
	assert_int_equal(inflate_bytes(all.p, all.n, 1 << 20, &got, &e), -1);
	// A small wrong checksum in a member that is inflated whole.
	gz.p[gz.n - 8] ^= 1;
	buf_reset(&got);
	assert_int_equal(inflate_bytes(gz.p, gz.n, 1 << 20, &got, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
}

// Which of gzip's two ways a stream ended on.
static bool ends_by_zlib(const struct buf *gz)
{
	struct err e = ERR_INIT;
	auto_fd int fd = file_of(gz->p, gz->n);
	auto_free char *p = xmalloc(1 << 20);
	struct inflater *z = inflater_new(fd, &e);
	assert_non_null(z);
	while (inflater_read(z, p, 1 << 20, &e) > 0)
		continue;
	bool large = z->u.gz.large;
	inflater_free(z);
	return large;
}

static void test_ours_go_the_fast_way(void **state)
{
	auto_buf struct buf in = {0}, gz = {0}, mixed = {0}, got = {0};
	struct err e = ERR_INIT;
	fill(&in, (9 << 20) + 1, true); // does not shrink
	compress_to(&in, &RECIPE_DEFAULT, 2, &gz);
	assert_false(ends_by_zlib(&gz));
	// One that is too large, and a small one behind it.
	struct libdeflate_compressor *c = NULL;
	buf_reserve(&mixed, gzip_member_max(in.n) * 2);
	for (size_t i = 0; i < 2; i++) {
		size_t n;
		MUST(gzip_member(
		             &c, 1, in.p, i ? 1000 : in.n, (uint8_t *)mixed.p + mixed.n, &n, &e),
		        e);
		mixed.n += n;
		assert_true(ends_by_zlib(&mixed));
	}
	libdeflate_free_compressor(c);
	MUST(inflate_bytes(mixed.p, mixed.n, 1 << 20, &got, &e), e);
	assert_int_equal(got.n, in.n + 1000);
	assert_memory_equal(got.p, in.p, in.n);
}

// As estargz has them, one for each file: the input may not be moved for each.
static void test_many_members(void **state)
{
	auto_buf struct buf in = {0}, gz = {0}, all = {0}, got = {0};
	struct err e = ERR_INIT;
	struct timespec before, after;
	fill(&in, 100, true);
	compress_to(&in, &RECIPE_DEFAULT, 1, &gz);
	for (size_t i = 0; i < 100000; i++)
		buf_add(&all, gz.p, gz.n);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	MUST(inflate_bytes(all.p, all.n, 1 << 20, &got, &e), e);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	assert_int_equal(got.n, 100000 * in.n);
	double took = (double)(after.tv_sec - before.tv_sec) +
	              (double)(after.tv_nsec - before.tv_nsec) / 1e9;
	print_message("100000 members: %.3f s\n", took);
	assert_true(took < 0.4);
}

// Runs last: a cancelled process stays so.
static void test_cancelled_without_a_byte(void **state)
{
	auto_buf struct buf none = {0}, gz = {0}, all = {0};
	struct err e = ERR_INIT;
	compress_to(&none, &RECIPE_DEFAULT, 1, &gz);
	while (all.n < 2 * INFLATE_INPUT)
		buf_add(&all, gz.p, gz.n);
	auto_fd int fd = file_of(all.p, all.n);
	struct inflater *z = inflater_new(fd, &e);
	cancel_trigger(SIGINT);
	assert_int_equal(inflater_read(z, &(char){0}, 1, &e), -1);
	assert_int_equal(e.kind, ERR_CANCELLED);
	inflater_free(z);
}

static void test_pipe(void **state)
{
	auto_buf struct buf in = {0}, gz = {0}, got = {0};
	struct err e = ERR_INIT;
	fill(&in, 20000, true);
	compress_to(&in, &RECIPE_DEFAULT, 1, &gz);
	int p[2];
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(write(p[1], gz.p, gz.n), gz.n);
	close(p[1]);
	MUST(inflate_all(p[0], 777, &got, &e), e);
	close(p[0]);
	assert_int_equal(got.n, in.n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_recipes),
	        cmocka_unit_test(test_gzip_bytes),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_tools_read_ours),
	        cmocka_unit_test(test_we_read_tools),
	        cmocka_unit_test(test_gzip_members),
	        cmocka_unit_test(test_ours_go_the_fast_way),
	        cmocka_unit_test(test_many_members),
	        cmocka_unit_test(test_pipe),
	        cmocka_unit_test(test_cancelled_without_a_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
