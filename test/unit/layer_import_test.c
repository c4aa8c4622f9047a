// SPDX-License-Identifier: Apache-2.0
// Foreign archives: what GNU tar makes of a directory must give the same layer as our own walk of
// it, in every format and compression; and what a hostile archive says must not get far.
#include "layer_fixture.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

// --- against GNU tar ---------------------------------------------------------------------------

static void make_tree(const struct scratch_dir *d)
{
	struct err e = ERR_INIT;
	auto_free char *deep = xasprintf("t/deep/%090d/%0150d", 1, 2);
	auto_free char *file = xasprintf("%s/%0200d", deep, 3);
	MUST(fs_mkdir_p(d->fd, "t/a/b", 0755, &e), e);
	MUST(fs_mkdir_p(d->fd, deep, 0711, &e), e);
	MUST(fs_replace_file(d->fd, file, "deep", 4, 0600, &e), e);
	MUST(fs_replace_file(d->fd, "t/a/x", "hello", 5, 0644, &e), e);
	MUST(fs_replace_file(d->fd, "t/a/empty", "", 0, 0444, &e), e);
	MUST(fs_replace_file(d->fd, "t/a-b", "dash", 4, 0644, &e), e);
	MUST(fs_replace_file(d->fd, "t/\xc3\xa4 b", "name", 4, 0644, &e), e);
	auto_free char *big = xmalloc(1200000);
	for (size_t i = 0; i < 1200000; i++)
		big[i] = (char)(i * 2654435761u >> 20);
	MUST(fs_replace_file(d->fd, "t/big", big, 1200000, 0644, &e), e);
	assert_int_equal(linkat(d->fd, "t/a/x", d->fd, "t/0first", 0), 0);
	assert_int_equal(linkat(d->fd, "t/a/x", d->fd, "t/z", 0), 0);
	assert_int_equal(symlinkat("a/x", d->fd, "t/sym"), 0);
	auto_free char *target = xasprintf("%0180d", 7);
	assert_int_equal(symlinkat(target, d->fd, "t/longsym"), 0);
	assert_int_equal(mkfifoat(d->fd, "t/fifo", 0600), 0);
	assert_int_equal(fchmodat(d->fd, "t/a/b", 07755, 0), 0);
	if (geteuid() == 0) {
		assert_int_equal(fchownat(d->fd, "t/a/x", 1234, 2000000, 0), 0);
		(void)!mknodat(d->fd, "t/null", S_IFCHR | 0666, makedev(1, 3));
	}
}

struct packed {
	const char *format, *compress;
};

// False if this tar cannot make the archive.
static bool compare(const struct scratch_dir *d, const struct packed *row, const struct hash *want)
{
	struct err e = ERR_INIT;
	auto_free char *format = xasprintf("--format=%s", row->format);
	auto_free char *path = xasprintf("%s/%s.tar", d->path, row->format);
	auto_free char *dir = xasprintf("%s/t", d->path);
	// Names instead of ".", so that there is no entry for the root, as in an upper.
	auto_strv struct strv names = {0};
	auto_fd int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MUST(fs_list_dir(dirfd, &names, &e), e);
	const char *argv[40] = {
	        "tar", "-C", dir, format, "--numeric-owner", "--sort=name", "-cf", path};
	size_t n = 8;
	if (row->compress)
		argv[n++] = row->compress;
	argv[n++] = "--";
	for (size_t i = 0; i < names.n; i++)
		argv[n++] = names.v[i];
	if (run(argv) != 0)
		return false; // the format cannot hold this tree, or the compressor is not here
	auto_fd int blob = open(path, O_RDONLY | O_CLOEXEC), out = scratch_fd();
	struct layer_result r = {0};
	if (layer_import(blob, out, 0, 0, &r, &e) != 0)
		fail_msg("%s %s: %s", row->format, row->compress ? row->compress : "", e.msg);
	if (!hash_eq(&r.content_id, want)) {
		auto_free char *got = dump_index(r.index);
		fail_msg("%s %s: %s", row->format, row->compress ? row->compress : "", got);
	}
	auto_buf struct buf tar = {0};
	MUST(fs_read_fd(out, 64 << 20, &tar, &e), e);
	struct digest digest = digest_of(tar.p, tar.n);
	assert_true(digest_eq(&digest, &r.diff_id));
	assert_true(layer_sniff_archive(blob));
	struct entry en;
	assert_true(layer_index_find(r.index, "a-b", &en));
	assert_memory_equal(tar.p + en.offset, "dash", 4);
	layer_result_release(&r);
	return true;
}

static void test_gnu_tar(void **state)
{
	static const struct packed rows[] = {{"gnu", NULL}, {"pax", NULL}, {"ustar", NULL},
	        {"oldgnu", NULL}, {"gnu", "--gzip"}, {"pax", "--zstd"}, {"pax", "--xz"},
	        {"gnu", "--bzip2"}};
	if (RUN("tar", "--version") != 0)
		skip();
	struct err e = ERR_INIT;
	struct scratch_dir d = scratch_dir();
	make_tree(&d);
	auto_fd int upper = openat(d.fd, "t", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	            out = scratch_fd();
	struct layer_result want = {0};
	MUST(layer_write_upper(upper, out, NULL, &want, &e), e);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!compare(&d, &rows[i], &want.content_id) && i < 2)
			fail_msg("tar cannot write %s", rows[i].format);
	layer_result_release(&want);
	scratch_remove(&d);
}

// --- archives made by hand ---------------------------------------------------------------------

static void raw_member(struct buf *b, char flag, const char *name, const char *arg)
{
	char h[512] = {0};
	bool link = flag == '1' || flag == '2';
	size_t size = !link && arg ? strlen(arg) : 0;
	memcpy(h, name, strnlen(name, 100));
	memcpy(h + 100, "0000755", 7);
	memcpy(h + 108, "0000000", 7);
	memcpy(h + 116, "0000000", 7);
	snprintf(h + 124, 12, "%011o", (unsigned)size);
	memcpy(h + 136, "00000000000", 11);
	h[156] = flag;
	if (link)
		memcpy(h + 157, arg, strnlen(arg, 100));
	memcpy(h + 257, "ustar\00000", 8);
	memset(h + 148, ' ', 8);
	unsigned sum = 0;
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	buf_add(b, h, 512);
	static const char zero[512];
	if (size > 0) {
		buf_add(b, arg, size);
		buf_add(b, zero, -size & 511);
	}
}

// The same statements as in layer_fixture.h, with the names taken as they are.
static void raw_archive(struct buf *b, const char *spec)
{
	auto_free char *copy = xstrdup(spec);
	char *next = NULL;
	for (char *p = copy; p && *p; p = next) {
		if ((next = strchr(p, ';')))
			*next++ = '\0';
		char *name = p + 2, *arg = strchr(name, ' ');
		if (arg)
			*arg++ = '\0';
		static const char letters[] = "fhscd", flags[] = "01235"; // c: 0:0
		char flag = flags[strchr(letters, *p) - letters];
		raw_member(b, flag, name, arg);
	}
	static const char zero[1024];
	buf_add(b, zero, sizeof(zero));
}

static int import_bytes(
        const struct buf *b, int flags, uint64_t limit, struct layer_result *r, struct err *e)
{
	auto_fd int fd = scratch_fd();
	assert_int_equal(write(fd, b->p, b->n), b->n);
	return layer_import(fd, -1, flags, limit, r, e);
}

static void test_rules(void **state)
{
	static const struct {
		const char *name, *input;
		int flags;
		const char *want; // NULL: ERR_CORRUPT
	} rows[] = {
	        {"dot slash", "d ./;d ./a/;f ./a/b x", 0, "d .;d a;f a/b 1"},
	        {"absolute", "f /etc/passwd x", 0, "f etc/passwd 1"},
	        {"climbing", "f ../../etc/passwd x", 0, NULL},
	        {"climbing inside", "f a/../../b x", 0, NULL},
	        {"climbing from the root", "f /../b x", 0, NULL},
	        {"climbing in a plain archive", "f ../b x", IMPORT_PLAIN, NULL},
	        {"up and down", "f a/../b x", 0, "f b 1"},
	        {"a 0:0 device", "c a/b", 0, "w a/b"},
	        {"a 0:0 device in a plain archive", "c a/b", IMPORT_PLAIN, "c a/b"},
	        {"double slashes", "f a//b///c x", 0, "f a/b/c 1"},
	        {"whiteout", "f a/.wh.b", 0, "w a/b"},
	        {"whiteout at the root", "f .wh.b", 0, "w b"},
	        {"opaque before its directory", "f a/.wh..wh..opq;d a", 0, "o a"},
	        {"opaque after its directory", "d a;f a/b;f a/.wh..wh..opq", 0, "o a;f a/b 0"},
	        {"opaque without directory", "f a/.wh..wh..opq;f a/b", 0, "o a;f a/b 0"},
	        {"opaque root", "f .wh..wh..opq;f a", 0, "o .;f a 0"},
	        {"aufs leftovers", "d .wh..wh.plnk;f .wh..wh.plnk/1.2 x;f .wh..wh.aufs;f a", 0,
	                "f a 0"},
	        {"whiteout of nothing", "f .wh.", 0, NULL},
	        {"whiteout of dot", "f a/.wh..", 0, NULL},
	        {"whiteout of dotdot", "f a/.wh...", 0, NULL},
	        {"below a whiteout name", "f .wh.a/b", 0, NULL},
	        {"not a whiteout", "f a.wh.b;f .whb", 0, "f .whb 0;f a.wh.b 0"},
	        {"plain archive", "f a/.wh.b x;f .wh..wh..opq", IMPORT_PLAIN,
	                "f .wh..wh..opq 0;f a/.wh.b 1"},
	        {"through a link", "s lib usr/lib;f lib/x 1", 0, "s lib usr/lib;f usr/lib/x 1"},
	        {"through an absolute link", "s lib /usr/lib;f lib/x 1", 0,
	                "s lib /usr/lib;f usr/lib/x 1"},
	        {"through a climbing link", "s a ../../..;f a/etc/x 1", 0,
	                "s a ../../..;f etc/x 1"},
	        {"through two links", "s a b;s b c;f a/x 1", 0, "s a b;s b c;f c/x 1"},
	        {"link below a link", "s a b;s b/l ../c;f a/l/x 1", 0, "s a b;s b/l ../c;f c/x 1"},
	        {"link that became a directory", "s a b;d a;f a/x 1", 0, "d a;f a/x 1"},
	        {"circle", "s a b;s b a;f a/x 1", 0, NULL},
	        {"hard link through a link", "s l d;f d/f x;h h l/f", 0, "f d/f 1;h h d/f;s l d"},
	        {"whiteout through a link", "s l d;f l/.wh.x", 0, "w d/x;s l d"},
	        {"hard link to a climbing name", "f b x;h a ../../b", 0, NULL},
	        {"hard link out of the layer", "h a b", 0, NULL},
	        {"root is a link", "s . x", 0, NULL},
	        {"root as file", "f / x", 0, "d ."},
	        {"twice", "f a 1;f a 22", 0, "f a 2"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		struct layer_result r = {0};
		auto_buf struct buf b = {0};
		raw_archive(&b, rows[i].input);
		int rc = import_bytes(&b, rows[i].flags, 0, &r, &e);
		auto_free char *got = rc == 0 ? dump_index(r.index) : NULL;
		if ((rc == 0) != (rows[i].want != NULL) || (got && strcmp(got, rows[i].want) != 0))
			fail_msg("%s: '%s' (%s)", rows[i].name, got ? got : "-", e.msg);
		if (rc != 0)
			assert_int_equal(e.kind, ERR_CORRUPT);
		layer_result_release(&r);
	}
}

static void raw_long(struct buf *b, char kind, const char *text) // of the next member
{
	raw_member(b, kind, "././@LongLink", text);
}

static void repeat(struct buf *b, const char *text, size_t n)
{
	while (n-- > 0)
		buf_puts(b, text);
}

static double import_seconds(struct buf *b, int want, struct err *e)
{
	static const char zero[1024];
	struct timespec before, after;
	struct layer_result r = {0};
	buf_add(b, zero, sizeof(zero));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	assert_int_equal(import_bytes(b, IMPORT_PLAIN, 0, &r, e), want);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	layer_result_release(&r);
	return (double)(after.tv_sec - before.tv_sec) +
	       (double)(after.tv_nsec - before.tv_nsec) / 1e9;
}

// Names that are long, or links to long places, take no longer than they are.
static void test_long_places(void **state)
{
	struct err e = ERR_INIT;
	auto_buf struct buf deep = {0}, down = {0}, links = {0};
	raw_archive(&deep, "s a b");
	deep.n -= 1024; // more follows
	for (char c = 'c'; c < 'k'; c++) {
		auto_buf struct buf name = {0};
		buf_putc(&name, c);
		repeat(&name, "/x", 30000);
		raw_long(&deep, 'L', buf_cstr(&name));
		raw_member(&deep, '0', "x", NULL);
	}
	double took = import_seconds(&deep, 0, &e);
	print_message("8 places of 30000 folders: %.3f s\n", took);
	assert_true(took < 0.4);

	// Each link leads far down and up again, to the next.
	repeat(&down, "x/", 9000);
	repeat(&down, "../", 9000);
	for (int i = 0; i < 200; i++) {
		auto_free char *name = xasprintf("l%d", i);
		auto_free char *target = xasprintf("%sl%d", down.p, i + 1);
		raw_long(&links, 'K', target);
		raw_member(&links, '2', name, "x");
	}
	raw_member(&links, '0', "l0/f", NULL);
	took = import_seconds(&links, -1, &e);
	assert_int_equal(e.kind, ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "symbolic links make a path too long"));
	print_message("200 links of 45 kB: %.3f s\n", took);
	assert_true(took < 0.4);
}

static void test_limits(void **state)
{
	auto_buf struct buf b = {0};
	raw_archive(&b, "f a hello");
	struct err e = ERR_INIT;
	struct layer_result r = {0};
	MUST(import_bytes(&b, 0, b.n, &r, &e), e);
	layer_result_release(&r);
	assert_int_equal(import_bytes(&b, 0, b.n - 1, &r, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
	// Every length but the whole is noticed, or is an archive without its end.
	for (size_t n = 1; n < 512 + strlen("hello"); n += 37) {
		struct buf cut = {.p = b.p, .n = n};
		assert_int_equal(import_bytes(&cut, 0, 0, &r, &e), -1);
	}
}

static void test_diff_id_covers_everything(void **state)
{
	auto_buf struct buf b = {0};
	raw_archive(&b, "f a hello");
	buf_puts(&b, "what follows the end of the archive");
	struct err e = ERR_INIT;
	struct layer_result r = {0};
	MUST(import_bytes(&b, 0, 0, &r, &e), e);
	struct digest want = digest_of(b.p, b.n);
	assert_true(digest_eq(&want, &r.diff_id));
	assert_int_equal(r.tar_size, b.n);
	layer_result_release(&r);
}

static void test_no_hash(void **state)
{
	auto_buf struct buf b = {0};
	raw_archive(&b, "f a hello;f b x");
	struct err e = ERR_INIT;
	struct layer_result r = {0};
	MUST(import_bytes(&b, IMPORT_NO_HASH | IMPORT_PLAIN, 0, &r, &e), e);
	struct entry en;
	assert_true(layer_index_find(r.index, "a", &en));
	assert_false(en.has_content);
	assert_memory_equal(b.p + en.offset, "hello", 5);
	layer_result_release(&r);
}

static void test_sniff(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		bool want;
	} rows[] = {{"", 0, false}, {"just text", 9, false}, {"\x1f\x8b\x08 not gzip", 12, false},
	        {"BZh9 not bzip2", 14, false},
	        {"\xfd"
	         "7zXZ\0 no",
	                9, false}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_fd int fd = scratch_fd();
		assert_int_equal(write(fd, rows[i].bytes, rows[i].n), rows[i].n);
		assert_int_equal(layer_sniff_archive(fd), rows[i].want);
	}
	auto_buf struct buf b = {0};
	raw_archive(&b, "f a hello");
	auto_fd int fd = scratch_fd();
	assert_int_equal(write(fd, b.p, b.n), b.n);
	assert_int_equal(lseek(fd, 3, SEEK_SET), 3);
	assert_true(layer_sniff_archive(fd));
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 3); // looked at, not read
	auto_fd int zeros = scratch_fd();
	assert_int_equal(ftruncate(zeros, 1 << 20), 0);
	assert_false(layer_sniff_archive(zeros));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_gnu_tar),
	        cmocka_unit_test(test_rules),
	        cmocka_unit_test(test_long_places),
	        cmocka_unit_test(test_limits),
	        cmocka_unit_test(test_diff_id_covers_everything),
	        cmocka_unit_test(test_no_hash),
	        cmocka_unit_test(test_sniff),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
