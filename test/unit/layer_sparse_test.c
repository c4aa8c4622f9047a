// SPDX-License-Identifier: Apache-2.0
// Sparse members: what GNU tar writes in all its forms is read as the file it was made from, and
// unpacked with its holes; what a hostile archive says of pieces gets nowhere.
#include "layer_fixture.h"

#include "layer/sparse.h"
#include "layer/tar-int.h"
#include <stdio.h>
#include <sys/stat.h>

// ---- against GNU tar

#define PAGE 4096

// Files of one byte pattern, where it is not a hole.
static const struct sample {
	const char *name;
	uint64_t size;
	uint64_t first, step, count, length; // data at first + i * step
} samples[] = {
        {"hole", 1 << 20, 0, 0, 0, 0},
        {"start", 1 << 20, 0, 0, 1, PAGE},
        {"end", 300 * PAGE + 17, 300 * PAGE, 0, 1, 17},
        {"both", 64 * PAGE, 0, 63 * PAGE, 2, PAGE},
        {"four", 64 * PAGE, PAGE, 8 * PAGE, 4, PAGE},
        {"five", 64 * PAGE, PAGE, 8 * PAGE, 5, PAGE},
        {"blocks", 200 * PAGE, 0, 2 * PAGE, 90, PAGE}, // more than a header and three blocks hold
        {"large", 70 << 20, 69 << 20, 0, 1, 3 * PAGE},
};

static void make_sample(const struct scratch_dir *d, const struct sample *s)
{
	auto_free char *path = xasprintf("t/%s", s->name);
	auto_free char *bytes = xmalloc((size_t)s->length + 1);
	for (size_t i = 0; i < s->length; i++)
		bytes[i] = (char)('a' + i % 23);
	auto_fd int fd = openat(d->fd, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0640);
	assert_true(fd >= 0);
	for (size_t i = 0; i < s->count; i++)
		assert_int_equal(
		        pwrite(fd, bytes, (size_t)s->length, (off_t)(s->first + i * s->step)),
		        s->length);
	assert_int_equal(ftruncate(fd, (off_t)s->size), 0);
}

static void same_bytes(int a, int b, uint64_t size, const char *what)
{
	static char x[1 << 16], y[1 << 16];
	for (uint64_t at = 0; at < size; at += sizeof x) {
		ssize_t n = pread(a, x, sizeof x, (off_t)at);
		if (n <= 0 || pread(b, y, sizeof y, (off_t)at) != n || memcmp(x, y, (size_t)n) != 0)
			fail_msg("%s: differs after %llu", what, (unsigned long long)at);
	}
}

static void check_unpacked(
        const struct scratch_dir *d, const struct layer_index *ix, int tar, const char *what)
{
	struct err e = ERR_INIT;
	assert_int_equal(mkdirat(d->fd, "out", 0755), 0);
	auto_fd int out = openat(d->fd, "out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MUST(tree_unpack(ix, NULL, tar, out, TREE_USER, &e), e);
	auto_fd int in = openat(d->fd, "t", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct sample *s = &samples[i];
		auto_fd int a = openat(in, s->name, O_RDONLY | O_CLOEXEC);
		auto_fd int b = openat(out, s->name, O_RDONLY | O_CLOEXEC);
		struct stat st;
		assert_int_equal(fstat(b, &st), 0);
		assert_int_equal(st.st_size, s->size);
		// of a file that is worth it as many pages as have data, and not one more
		if (s->size > 256 << 10 &&
		        (uint64_t)st.st_blocks * 512 >
		                s->count * ((s->length + PAGE - 1) / PAGE) * PAGE)
			fail_msg("%s %s: %lld blocks", what, s->name, (long long)st.st_blocks);
		same_bytes(a, b, s->size, s->name);
	}
	MUST(fs_remove_tree(d->fd, "out", &e), e);
}

struct one_tar {
	struct tar_source source; // first
	int fd;
};

static int the_tar(struct tar_source *s, size_t layer, struct err *e)
{
	return ((struct one_tar *)s)->fd;
}

// The same through a view, as COPY and ADD see it; and the digest that the import made.
static void check_views(const struct scratch_dir *d, struct layer_index *ix, int tar)
{
	struct err e = ERR_INIT;
	struct one_tar source = {.source.tar_fd = the_tar, .fd = tar};
	auto_view struct view *v = chain_new(&ix, 1, &source.source);
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		auto_free char *path = xasprintf("t/%s", samples[i].name);
		auto_fd int fd = openat(d->fd, path, O_RDONLY | O_CLOEXEC);
		auto_content struct content c = CONTENT_NONE;
		struct entry en;
		struct hash want;
		uint64_t size;
		assert_int_equal(hash_fd(fd, &want, &size), 0);
		assert_int_equal(v->ops->lookup(v, samples[i].name, &en, &e), 1);
		assert_int_equal(en.mode, 0640);
		assert_true(en.has_content && hash_eq(&en.content, &want));
		MUST(v->ops->open(v, &en, &c, &e), e);
		assert_int_equal(c.size, samples[i].size);
		assert_int_equal(c.offset, 0);
		same_bytes(fd, c.fd, c.size, samples[i].name);
	}
}

static void check_form(const struct scratch_dir *d, const char *format, const char *version)
{
	struct err e = ERR_INIT;
	auto_free char *in = xasprintf("%s/t", d->path), *out = xasprintf("%s/x.tar", d->path);
	const char *argv[24] = {"tar", "-C", in, "--sparse", "--hole-detection=seek", format,
	        "--numeric-owner", "-cf", out};
	size_t n = 9;
	if (version)
		argv[n++] = version;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		argv[n++] = samples[i].name;
	if (run(argv) != 0)
		fail_msg("tar %s %s failed", format, version ? version : "");
	auto_fd int blob = open(out, O_RDONLY | O_CLOEXEC), tar = scratch_fd();
	struct layer_result r = {0};
	assert_true(layer_sniff_archive(blob));
	if (layer_import(blob, tar, 0, 0, &r, &e) != 0)
		fail_msg("%s %s: %s", format, version ? version : "", e.msg);
	assert_int_equal(layer_index_count(r.index), ARRAY_LEN(samples));
	check_unpacked(d, r.index, tar, version ? version : format);
	check_views(d, r.index, tar);
	layer_result_release(&r);
}

static void gnu_tar_in_all_forms(void **state)
{
	if (RUN("tar", "--version") != 0)
		skip();
	struct scratch_dir d = scratch_dir();
	assert_int_equal(mkdirat(d.fd, "t", 0755), 0);
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		make_sample(&d, &samples[i]);
	check_form(&d, "--format=gnu", NULL);
	check_form(&d, "--format=oldgnu", NULL);
	check_form(&d, "--format=posix", "--sparse-version=0.0");
	check_form(&d, "--format=posix", "--sparse-version=0.1");
	check_form(&d, "--format=posix", "--sparse-version=1.0");
	scratch_remove(&d);
}

// ---- by hand

static void add_block(struct buf *b, const void *p, size_t n)
{
	static const char zero[TAR_BLOCK];
	buf_add(b, p, n);
	buf_add(b, zero, -n & (TAR_BLOCK - 1));
}

static void add_member(struct buf *b, char flag, const char *old, const char *data, size_t n)
{
	struct tar_raw_header h = {.typeflag = flag};
	memcpy(h.name, "a", 1);
	memcpy(h.mode, "0000644", 7);
	snprintf(h.size, sizeof h.size, "%011o", (unsigned)n);
	memcpy(h.magic, old ? "ustar  " : "ustar\00000", 8);
	// "OFFSET SIZE OFFSET SIZE ... REAL": in octal, into the map of the old form
	size_t at = 386;
	for (const char *p = old; p && *p; p += strcspn(p, " "), p += *p == ' ') {
		bool last = !strchr(p, ' ');
		memcpy((char *)&h + (last ? 483 : at), p, strcspn(p, " "));
		at += 12;
	}
	memset(h.chksum, ' ', 8);
	unsigned sum = 0;
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += ((unsigned char *)&h)[i];
	snprintf(h.chksum, 8, "%06o", sum);
	buf_add(b, &h, TAR_BLOCK);
	if (n)
		add_block(b, data, n);
}

// "key=value;key=value" of GNU.sparse.
static void add_pax(struct buf *b, const char *records)
{
	auto_buf struct buf text = {0};
	auto_strv struct strv all = {0};
	strv_split(&all, records, ';');
	for (size_t i = 0; i < all.n; i++) {
		size_t n = strlen(all.v[i]) + strlen(" GNU.sparse.\n");
		n += n + 1 > 9 ? 2 : 1;
		buf_printf(&text, "%zu GNU.sparse.%s\n", n, all.v[i]);
	}
	add_member(b, 'x', NULL, text.p, text.n);
}

// What comes of it: "size=bytes" with '.' for NUL, or the error's code.
static void expect(const char *name, const struct buf *b, const char *want)
{
	struct err e = ERR_INIT;
	auto_fd int blob = scratch_fd(), tar = scratch_fd();
	auto_buf struct buf got = {0};
	struct layer_result r = {0};
	struct entry en;
	assert_int_equal(write(blob, b->p, b->n), b->n);
	if (layer_import(blob, tar, IMPORT_PLAIN, 1 << 20, &r, &e) != 0) {
		buf_printf(&got, "!%s", err_code(&e));
	} else {
		layer_index_at(r.index, 0, &en);
		auto_content struct content c = CONTENT_NONE;
		char bytes[64] = "";
		MUST(sparse_open(tar, &en, &c, &e), e);
		assert_true(c.size < sizeof bytes);
		MUST(fs_pread_full(c.fd, bytes, (size_t)c.size, 0, &e), e);
		struct hash sum = hash_bytes(bytes, (size_t)c.size);
		assert_true(hash_eq(&sum, &en.content));
		for (size_t i = 0; i < c.size; i++)
			bytes[i] = bytes[i] ? bytes[i] : '.';
		buf_printf(&got, "%s %s", en.path, bytes);
	}
	layer_result_release(&r);
	if (strcmp(buf_cstr(&got), want) != 0)
		fail_msg("%s: '%s' (%s), not '%s'", name, buf_cstr(&got), e.msg, want);
}

static void old_form(void **state)
{
	static const struct {
		const char *name, *map, *data, *want;
	} rows[] = {
	        {"two pieces", "2 3 10 1 12", "abcX", "a ..abc...X."},
	        {"no piece", "4", "", "a ...."},
	        {"an empty piece at the end", "0 2 6 0 6", "ab", "a ab...."},
	        {"sum too small", "0 2 4", "abc", "!corrupt"},
	        {"sum too large", "0 4 4", "abc", "!corrupt"},
	        {"outside", "2 3 4", "abc", "!corrupt"},
	        {"overlap", "0 3 2 1 10", "abcd", "!corrupt"},
	        {"backwards", "4 1 0 1 10", "ab", "!corrupt"},
	        {"no number", "x 1 4", "a", "!corrupt"},
	        {"too large for here", "0 1 77777777777", "a", "!corrupt"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf b = {0};
		add_member(&b, 'S', rows[i].map, rows[i].data, strlen(rows[i].data));
		expect(rows[i].name, &b, rows[i].want);
	}
	auto_buf struct buf posix = {0};
	add_member(&posix, 'S', NULL, "", 0);
	expect("not GNU's header", &posix, "!corrupt");
}

static void pax_forms(void **state)
{
	static const struct {
		const char *name, *records;
		const char *map; // of 1.0, in blocks of its own
		const char *data, *want;
	} rows[] = {
	        {"0.0", "size=8;numblocks=2;offset=1;numbytes=2;offset=6;numbytes=1", NULL, "abc",
	                "a .ab...c."},
	        {"0.0 with a version", "major=0;minor=0;size=3;numblocks=1;offset=2;numbytes=1",
	                NULL, "a", "a ..a"},
	        {"0.1", "size=8;numblocks=2;map=1,2,6,1;name=real", NULL, "abc", "real .ab...c."},
	        {"0.1 of one hole", "size=3;numblocks=1;map=3,0", NULL, "", "a ..."},
	        {"1.0", "major=1;minor=0;realsize=8;name=real", "2\n1\n2\n6\n1\n", "abc",
	                "real .ab...c."},
	        {"1.0 of one hole", "major=1;minor=0;realsize=2", "0\n", "", "a .."},
	        {"1.0 without its map", "major=1;minor=0;realsize=2", NULL, "", "!corrupt"},
	        {"no size", "numblocks=1;map=0,3", NULL, "abc", "!corrupt"},
	        {"no pieces", "size=3;major=0;minor=1", NULL, "abc", "!corrupt"},
	        {"half a piece", "size=3;map=0,3,3", NULL, "abc", "!corrupt"},
	        {"half a record", "size=3;offset=0", NULL, "abc", "!corrupt"},
	        {"size first", "size=3;numbytes=3;offset=0", NULL, "abc", "!corrupt"},
	        {"wrong count", "size=3;numblocks=2;map=0,3", NULL, "abc", "!corrupt"},
	        {"not numbers", "size=3;map=a,b", NULL, "abc", "!corrupt"},
	        {"negative", "size=3;map=-1,3", NULL, "abc", "!corrupt"},
	        {"huge", "size=3;map=9999999999999999999999,3", NULL, "abc", "!corrupt"},
	        {"overflow", "size=3;map=999999999999999999,999999999999999999", NULL, "abc",
	                "!corrupt"},
	        {"no number of pieces", "major=1;minor=0;realsize=8", "x\n", "", "!corrupt"},
	        {"an empty line", "major=1;minor=0;realsize=8", "1\n\n3\n", "abc", "!corrupt"},
	        {"too many pieces", "major=1;minor=0;realsize=8", "1048577\n", "", "!corrupt"},
	        {"a map without an end", "major=1;minor=0;realsize=8", "9\n1\n2\n", "", "!corrupt"},
	        {"new version", "major=1;minor=1;realsize=8", "0\n", "", "!unsupported"},
	        {"new major", "major=2;minor=0;realsize=8", "0\n", "", "!unsupported"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf b = {0}, body = {0};
		add_pax(&b, rows[i].records);
		if (rows[i].map)
			add_block(&body, rows[i].map, strlen(rows[i].map));
		buf_puts(&body, rows[i].data);
		add_member(&b, '0', NULL, body.p, body.n);
		expect(rows[i].name, &b, rows[i].want);
	}
}

static void holes_count_against_the_limit(void **state)
{
	auto_buf struct buf b = {0};
	struct err e = ERR_INIT;
	struct layer_result r = {0};
	for (int i = 0; i < 3; i++)
		add_member(
		        &b, 'S', "2000000", "", 0); // half a MiB each, of the one that is allowed
	auto_fd int blob = scratch_fd(), tar = scratch_fd();
	assert_int_equal(write(blob, b.p, b.n), b.n);
	assert_int_equal(layer_import(blob, tar, IMPORT_PLAIN, 1 << 20, &r, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
	assert_string_equal(e.msg, "sparse files of more than 1048576 bytes");
	MUST(layer_import(blob, tar, IMPORT_PLAIN, 2 << 20, &r, &e), e);
	layer_result_release(&r);
}

// An index that points to another member, as a damaged store may have it.
static void what_is_not_there_is_not_opened(void **state)
{
	auto_buf struct buf b = {0};
	struct err e = ERR_INIT;
	struct content c = CONTENT_NONE;
	add_member(&b, '0', NULL, "abc", 3);
	add_member(&b, 'S', "0 1 4", "a", 1);
	auto_fd int tar = scratch_fd();
	assert_int_equal(write(tar, b.p, b.n), b.n);
	struct entry en = {.path = "a", .type = ENTRY_FILE, .size = 4};
	static const uint64_t wrong[] = {0, 512, 1536, 1 << 20};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		en.offset = wrong[i] | ENTRY_SPARSE;
		assert_int_equal(sparse_open(tar, &en, &c, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
	en.offset = 1024 | ENTRY_SPARSE;
	MUST(sparse_open(tar, &en, &c, &e), e);
	content_close(&c);
	en.size = 5;
	assert_int_equal(sparse_open(tar, &en, &c, &e), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(gnu_tar_in_all_forms),
	        cmocka_unit_test(old_form),
	        cmocka_unit_test(pax_forms),
	        cmocka_unit_test(holes_count_against_the_limit),
	        cmocka_unit_test(what_is_not_there_is_not_opened),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
