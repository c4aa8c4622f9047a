// SPDX-License-Identifier: Apache-2.0
// Writing layers: what is refused, what is normalised, and that whoever reads the tar back (our own
// reader, GNU tar, Python) finds what was put in.
#include "layer_fixture.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

static const char everything[] =
        "d a;f a/empty;f a/file hello;h a/link a/file;s a/sym ../x;d b 1777;c b/null 1:3;o c;"
        "f c/new x;p fifo;w gone;w sub/gone";

static void test_reads_back(void **state)
{
	struct err e = ERR_INIT;
	auto_fd int tar = scratch_fd();
	struct layer_result w = {0}, r = {0};
	MUST(spec_write(everything, tar, &w, &e), e);
	MUST(layer_import(tar, -1, 0, 0, &r, &e), e);
	auto_free char *dw = dump_index(w.index), *dr = dump_index(r.index);
	assert_string_equal(dw, dr);
	assert_true(digest_eq(&w.diff_id, &r.diff_id));
	assert_int_equal(w.tar_size, r.tar_size);
	assert_true(hash_eq(&w.content_id, &r.content_id));
	auto_buf struct buf bytes = {0};
	MUST(fs_read_fd(tar, 1 << 20, &bytes, &e), e);
	assert_int_equal(bytes.n, w.tar_size);
	struct digest d = digest_of(bytes.p, bytes.n);
	assert_true(digest_eq(&d, &w.diff_id));
	struct entry a, b;
	assert_true(
	        layer_index_find(w.index, "a/file", &a) && layer_index_find(r.index, "a/file", &b));
	assert_int_equal(a.offset, b.offset);
	assert_memory_equal(bytes.p + a.offset, "hello", 5);
	layer_result_release(&w);
	layer_result_release(&r);
}

static void test_same_bytes(void **state)
{
	struct err e = ERR_INIT;
	struct layer_result a = {0}, b = {0};
	auto_fd int one = scratch_fd(), two = scratch_fd();
	MUST(spec_write(everything, one, &a, &e), e);
	MUST(spec_write(everything, two, &b, &e), e);
	assert_true(digest_eq(&a.diff_id, &b.diff_id));
	// The bytes are a promise: a change of this digest breaks every cache and reproduced image.
	char text[DIGEST_TEXT];
	digest_text(&a.diff_id, text);
	assert_string_equal(
	        text, "sha256:a6d2be733afd89faeeaa2ec0d8c15b3b2cd28fc1f4dd679f8ad803a64f32754d");
	layer_result_release(&a);
	layer_result_release(&b);
}

static void test_empty(void **state)
{
	struct err e = ERR_INIT;
	struct layer_result r = {0};
	auto_fd int tar = scratch_fd();
	MUST(spec_write("", tar, &r, &e), e);
	char text[DIGEST_TEXT];
	digest_text(&r.diff_id, text);
	// 1024 zero bytes, as every builder's empty layer.
	assert_string_equal(
	        text, "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef");
	layer_result_release(&r);
}

static void test_refused(void **state)
{
	static const struct {
		const char *name, *spec;
		enum err_kind kind;
	} rows[] = {
	        {"whiteout name", "f .wh.a", ERR_CONTEXT},
	        {"whiteout name below", "d a;f a/.wh.b", ERR_CONTEXT},
	        {"whiteout directory", "d .wh.a;f .wh.a/b", ERR_CONTEXT},
	        {"opaque name", "f a/.wh..wh..opq", ERR_CONTEXT},
	        {"lost link", "h a b", ERR_CORRUPT},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		struct layer_result r = {0};
		auto_fd int tar = scratch_fd();
		if (spec_write(rows[i].spec, tar, &r, &e) == 0)
			fail_msg("%s: accepted", rows[i].name);
		assert_int_equal(e.kind, rows[i].kind);
	}
	struct err e = ERR_INIT;
	struct layer_result r = {0};
	auto_fd int tar = scratch_fd();
	MUST(spec_write("f a.wh.b;f .whx", tar, &r, &e), e);
	layer_result_release(&r);
}

static void test_changed_content(void **state)
{
	static const struct {
		const char *name, *bytes;
		uint64_t size;
		const char *hashed;
		bool ok;
	} rows[] = {
	        {"as said", "hello", 5, "hello", true},
	        {"not hashed before", "hello", 5, NULL, true},
	        {"changed", "hellO", 5, "hello", false},
	        {"shorter", "hell", 5, NULL, false},
	        {"longer is cut", "hello!", 5, "hello", true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		auto_fd int tar = scratch_fd(), fd = scratch_fd();
		assert_int_equal(
		        write(fd, rows[i].bytes, strlen(rows[i].bytes)), strlen(rows[i].bytes));
		auto_layer_writer struct layer_writer *w = layer_writer_new(tar, NULL);
		struct entry en = {.path = "some/file", .type = ENTRY_FILE, .size = rows[i].size};
		if (rows[i].hashed) {
			en.content = hash_bytes(rows[i].hashed, strlen(rows[i].hashed));
			en.has_content = true;
		}
		struct content c = {.fd = fd, .size = rows[i].size};
		int rc = layer_writer_add(w, &en, &c, &e);
		if ((rc == 0) != rows[i].ok)
			fail_msg("%s: %d %s", rows[i].name, rc, e.msg);
		if (rc != 0) {
			assert_int_equal(e.kind, ERR_CONTEXT);
			assert_non_null(strstr(e.msg, "some/file"));
		}
	}
}

// From memory, hashed by whoever read it or not: the same as from a file.
static void test_from_memory(void **state)
{
	static const char *const hashed[] = {"hello", NULL, "hellO"};
	for (size_t i = 0; i < 2 * ARRAY_LEN(hashed); i++) {
		const char *was = hashed[i / 2];
		struct err e = ERR_INIT;
		auto_fd int tar = scratch_fd();
		auto_layer_writer struct layer_writer *w = layer_writer_new(tar, NULL);
		struct entry en = {.path = "some/file", .type = ENTRY_FILE, .size = 5};
		struct hash h = hash_bytes("hello", 5);
		struct content c = {.fd = -1, .data = "hello", .hash = i % 2 ? &h : NULL};
		if (was) {
			en.content = hash_bytes(was, 5);
			en.has_content = true;
		}
		int rc = layer_writer_add(w, &en, &c, &e);
		if (was && strcmp(was, "hello") != 0) {
			assert_int_equal(rc, -1);
			assert_int_equal(e.sys, ESTALE);
			continue;
		}
		struct layer_result r = {0};
		MUST(rc, e);
		MUST(layer_writer_finish(w, &r, &e), e);
		struct entry got;
		layer_index_at(r.index, 0, &got);
		assert_true(hash_eq(&got.content, &h));
		char text[5];
		assert_int_equal(pread(tar, text, 5, (off_t)got.offset), 5);
		assert_memory_equal(text, "hello", 5);
		layer_result_release(&r);
	}
}

// Files around the size of the buffer, so that every boundary is crossed.
static void test_large(void **state)
{
	struct err e = ERR_INIT;
	auto_fd int tar = scratch_fd(), fd = scratch_fd();
	const size_t max = 3u << 19;
	auto_free uint8_t *p = xmalloc(max);
	for (size_t i = 0; i < max; i++)
		p[i] = (uint8_t)(i * 2654435761u >> 13);
	assert_int_equal(write(fd, p, max), max);
	static const size_t sizes[] = {511, 512, 513, (512 << 10) - 1024, (512 << 10) - 512,
	        512 << 10, (512 << 10) + 1, 1 << 20, 3 << 19, 1};
	struct layer_result r = {0}, back = {0};
	auto_layer_writer struct layer_writer *w = layer_writer_new(tar, NULL);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char name[8];
		snprintf(name, sizeof(name), "f%zu", i);
		struct entry en = {.path = name, .type = ENTRY_FILE, .size = sizes[i]};
		struct content c = {.fd = fd, .offset = max - sizes[i], .size = sizes[i]};
		MUST(layer_writer_add(w, &en, &c, &e), e);
	}
	MUST(layer_writer_finish(w, &r, &e), e);
	MUST(layer_import(tar, -1, 0, 0, &back, &e), e);
	assert_true(hash_eq(&r.content_id, &back.content_id));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct entry en;
		layer_index_at(r.index, i, &en);
		struct hash want = hash_bytes(p + max - sizes[i], sizes[i]);
		assert_true(hash_eq(&want, &en.content));
	}
	layer_result_release(&r);
	layer_result_release(&back);
}

// Files of all sizes around the pieces that change hands: a thread must not change a byte, and what
// it cannot write must be told.
static int write_many(int tar, bool threaded, struct layer_result *ret, struct err *e)
{
	enum { N = 200, MAX = 3 << 20 };
	struct layer_writer_options o = {.threaded = threaded};
	auto_layer_writer struct layer_writer *w = layer_writer_new(tar, &o);
	auto_fd int body = scratch_fd();
	auto_free char *p = xmalloc(MAX);
	for (size_t i = 0; i < MAX; i++)
		p[i] = (char)(i * 2654435761u >> 13);
	if (fs_pwrite_all(body, p, MAX, 0, e) != 0)
		return -1;
	for (size_t i = 0; i < N; i++) {
		char path[16];
		snprintf(path, sizeof(path), "f%03zu", i);
		size_t size = i % 50 == 49 ? MAX : i * 517;
		struct entry en = {.path = path, .type = ENTRY_FILE, .size = size};
		struct content c = {.fd = body, .size = size};
		if (layer_writer_add(w, &en, &c, e) != 0)
			return -1;
	}
	return layer_writer_finish(w, ret, e);
}

static void test_threaded(void **state)
{
	struct err e = ERR_INIT;
	struct layer_result alone = {0}, beside = {0}, none = {0};
	auto_fd int a = scratch_fd(), b = scratch_fd();
	MUST(write_many(a, false, &alone, &e), e);
	MUST(write_many(b, true, &beside, &e), e);
	assert_true(digest_eq(&alone.diff_id, &beside.diff_id));
	assert_true(hash_eq(&alone.content_id, &beside.content_id));
	struct hash on_disk;
	uint64_t size;
	assert_int_equal(hash_fd(b, &on_disk, &size), 0);
	assert_true(hash_eq(&on_disk, &beside.diff_id.h) && size == beside.tar_size);
	layer_result_release(&alone);
	layer_result_release(&beside);
	auto_fd int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_int_equal(write_many(full, true, &none, &e), -1);
	assert_int_equal(e.sys, ENOSPC);
}

static void test_clamp(void **state)
{
	static const struct {
		int64_t sec, want_sec;
		uint32_t nsec, want_nsec;
		bool whole;
	} rows[] = {{99, 99, 5, 5}, {100, 100, 0, 0}, {100, 100, 5, 0}, {101, 100, 7, 0},
	        {-5, -5, 1, 1}, {99, 99, 5, 0, true}, {-5, -5, 1, 0, true}, {101, 100, 7, 0, true}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		struct layer_writer_options o = {
		        .clamp_mtime = true, .max_mtime = 100, .nanoseconds = !rows[i].whole};
		auto_fd int tar = scratch_fd();
		struct layer_result r = {0};
		auto_layer_writer struct layer_writer *w = layer_writer_new(tar, &o);
		struct entry en = {.path = "a",
		        .type = ENTRY_DIR,
		        .mtime_sec = rows[i].sec,
		        .mtime_nsec = rows[i].nsec};
		MUST(layer_writer_add(w, &en, NULL, &e), e);
		MUST(layer_writer_finish(w, &r, &e), e);
		layer_index_at(r.index, 0, &en);
		assert_int_equal(en.mtime_sec, rows[i].want_sec);
		assert_int_equal(en.mtime_nsec, rows[i].want_nsec);
		layer_result_release(&r);
	}
}

static void test_xattrs(void **state)
{
	struct err e = ERR_INIT;
	static const char v3[] = "\1\0\0\3\2\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0\xa0\x86\1\0";
	struct xattr in[] = {{"security.capability", v3, 24}, {"trusted.overlay.opaque", "y", 1},
	        {"user.note", "n", 1}, {"user.overlay.origin", "z", 1}};
	struct entry en = {
	        .path = "a", .type = ENTRY_FILE, .xattrs = in, .n_xattrs = ARRAY_LEN(in)};
	auto_fd int tar = scratch_fd();
	struct layer_result r = {0}, back = {0};
	auto_layer_writer struct layer_writer *w = layer_writer_new(tar, NULL);
	MUST(layer_writer_add(w, &en, NULL, &e), e);
	MUST(layer_writer_finish(w, &r, &e), e);
	MUST(layer_import(tar, -1, 0, 0, &back, &e), e);
	struct layer_result *both[] = {&r, &back};
	for (size_t i = 0; i < 2; i++) {
		layer_index_at(both[i]->index, 0, &en);
		assert_int_equal(en.n_xattrs, 2);
		assert_string_equal(en.xattrs[0].name, "security.capability");
		assert_int_equal(en.xattrs[0].size, 20);
		assert_memory_equal(en.xattrs[0].value, "\1\0\0\2\2\0\0\0\4", 9);
		assert_string_equal(en.xattrs[1].name, "user.note");
		layer_result_release(both[i]);
	}
}

// --- what other programs read ------------------------------------------------------------------

static void test_gnu_tar(void **state)
{
	struct err e = ERR_INIT;
	struct scratch_dir d = scratch_dir();
	auto_free char *tar = xasprintf("%s/layer.tar", d.path), *out = xasprintf("%s/out", d.path);
	auto_fd int fd = open(tar, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct layer_result r = {0};
	auto_free char *spec =
	        xasprintf("d a;f a/file hello;h a/link a/file;s a/sym file;"
	                  "d %0120d;d %0120d/%0120d;f %0120d/%0120d/%0120d deep;p fifo",
	                1, 1, 2, 1, 2, 3);
	MUST(spec_write(spec, fd, &r, &e), e);
	layer_result_release(&r);
	MUST(fs_mkdir_p(d.fd, "out", 0755, &e), e);
	int rc = RUN("tar", "-C", out, "--warning=no-timestamp", "-xpf", tar);
	if (rc == 127) {
		scratch_remove(&d);
		skip();
	}
	assert_int_equal(rc, 0);
	auto_buf struct buf text = {0};
	auto_free char *deep = xasprintf("out/%0120d/%0120d/%0120d", 1, 2, 3);
	MUST(fs_read_file(d.fd, deep, 100, &text, &e), e);
	assert_string_equal(text.p, "deep");
	struct stat a, b;
	assert_int_equal(fstatat(d.fd, "out/a/file", &a, 0), 0);
	assert_int_equal(fstatat(d.fd, "out/a/link", &b, 0), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(a.st_mtim.tv_sec, 1000);
	assert_int_equal(a.st_mode & 07777, 0644);
	scratch_remove(&d);
}

static void test_python(void **state)
{
	static const char script[] =
	        "import tarfile, sys\n"
	        "t = tarfile.open(sys.argv[1])\n"
	        "m = {x.name: x for x in t.getmembers()}\n"
	        "assert len(m) == 4, m\n"
	        "x = m['a' * 120]\n"
	        "assert x.isreg() and x.uid == 4000000000 and x.gid == 7 and x.size == 5, x\n"
	        "assert abs(x.mtime - 1.5) < 1e-6 and x.uname == '' and x.gname == '', x.mtime\n"
	        "assert x.pax_headers['SCHILY.xattr.user.k'] == 'v', x.pax_headers\n"
	        "assert t.extractfile(x).read() == b'hello'\n"
	        "assert m['s'].issym() and m['s'].linkname == 'l' * 200\n"
	        "assert m['before'].mtime == -2.5, m['before'].mtime\n"
	        "assert m['dir/.wh.gone'].size == 0\n";
	struct err e = ERR_INIT;
	struct scratch_dir d = scratch_dir();
	auto_free char *tar = xasprintf("%s/layer.tar", d.path);
	auto_fd int fd = open(tar, O_RDWR | O_CREAT | O_CLOEXEC, 0600), body = scratch_fd();
	assert_int_equal(write(body, "hello", 5), 5);
	char name[121] = {0}, link[201] = {0};
	memset(name, 'a', 120);
	memset(link, 'l', 200);
	struct xattr x[] = {{"user.k", "v", 1}};
	const struct entry entries[] = {
	        {.path = name,
	                .type = ENTRY_FILE,
	                .uid = 4000000000u,
	                .gid = 7,
	                .size = 5,
	                .mtime_sec = 1,
	                .mtime_nsec = 500000000,
	                .xattrs = x,
	                .n_xattrs = 1},
	        {.path = "s", .type = ENTRY_SYMLINK, .link = link},
	        {.path = "before", .type = ENTRY_DIR, .mtime_sec = -3, .mtime_nsec = 500000000},
	        {.path = "dir/gone", .type = ENTRY_WHITEOUT},
	};
	struct layer_writer_options o = {.nanoseconds = true};
	auto_layer_writer struct layer_writer *w = layer_writer_new(fd, &o);
	struct content c = {.fd = body, .size = 5};
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		MUST(layer_writer_add(w, &entries[i], &c, &e), e);
	struct layer_result r = {0};
	MUST(layer_writer_finish(w, &r, &e), e);
	layer_result_release(&r);
	int rc = RUN("python3", "-c", script, tar);
	scratch_remove(&d);
	if (rc == 127)
		skip();
	assert_int_equal(rc, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_reads_back),
	        cmocka_unit_test(test_same_bytes),
	        cmocka_unit_test(test_empty),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_changed_content),
	        cmocka_unit_test(test_from_memory),
	        cmocka_unit_test(test_large),
	        cmocka_unit_test(test_threaded),
	        cmocka_unit_test(test_clamp),
	        cmocka_unit_test(test_xattrs),
	        cmocka_unit_test(test_gnu_tar),
	        cmocka_unit_test(test_python),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
