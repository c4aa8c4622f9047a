// SPDX-License-Identifier: Apache-2.0
// Opening, blobs, temporary files, and what a blob that is not what it should be is called.
#include "store_fixture.h"
#include <sys/stat.h>
#include <sys/wait.h>

static void test_missing_store(void **state)
{
	char path[128];
	struct err err = ERR_INIT;
	snprintf(path, sizeof(path), "%s/none", fixture_root);
	assert_null(store_open(path, 0, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_null(store_open(path, STORE_READ_ONLY, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_int_equal(access(path, F_OK), -1);
	assert_null(store_open(fixture_root, 0, &err)); // an empty folder is no store either
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_int_equal(fixture_count("."), 0);
}

static void test_foreign_folder(void **state)
{
	struct err err = ERR_INIT;
	char path[128];
	snprintf(path, sizeof(path), "%s/thesis.tex", fixture_root);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_null(store_open(fixture_root, STORE_CREATE, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.msg, "thesis.tex"));
}

static void test_layout(void **state)
{
	auto_store struct store *s = fixture_open();
	struct err err;
	auto_buf struct buf text = {0};
	assert_int_equal(fs_read_file(store_root_fd(s), "oci-layout", 100, &text, &err), 0);
	assert_string_equal(text.p, "{\"imageLayoutVersion\":\"1.0.0\"}");
	assert_true(fixture_exists("index.json"));
	assert_string_equal(store_root(s), fixture_root);
	assert_null(store_note(s));
	fixture_sound(s);
}

static void test_newer_format(void **state)
{
	struct err err = ERR_INIT;
	store_close(fixture_open());
	fixture_sql("PRAGMA user_version=99");
	assert_null(store_open(fixture_root, STORE_CREATE, &err));
	assert_int_equal(err.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(err.msg, "format 99"));
}

static void test_damaged_database(void **state)
{
	struct err err = ERR_INIT;
	char path[128];
	store_close(fixture_open());
	snprintf(path, sizeof(path), "%s/hew.db-wal", fixture_root);
	unlink(path);
	snprintf(path, sizeof(path), "%s/hew.db", fixture_root);
	auto_fd int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(write(fd, "this is no database, not at all", 31), 31);
	assert_null(store_open(fixture_root, STORE_CREATE, &err));
	assert_int_equal(err.kind, ERR_CORRUPT);
}

static void test_put_read(void **state)
{
	auto_store struct store *s = fixture_open();
	struct digest d, none = {{{1}}};
	auto_buf struct buf got = {0};
	uint64_t size;
	OK(store_blob_put(s, "hello", 5, &d, e));
	OK(store_blob_put(s, "hello", 5, &d, e)); // again is success
	assert_true(store_blob_has(s, &d));
	assert_false(store_blob_has(s, &none));
	OK(store_blob_read(s, &d, 5, &got, e));
	assert_string_equal(got.p, "hello");
	FAILS(ERR_CORRUPT, store_blob_read(s, &d, 4, &got, e));
	FAILS(ERR_NOT_FOUND, store_blob_read(s, &none, 4, &got, e));
	FAILS(ERR_NOT_FOUND, store_blob_open(s, &none, NULL, e));
	struct err err;
	auto_fd int fd = store_blob_open(s, &d, &size, &err);
	assert_true(fd >= 0);
	assert_int_equal(size, 5);
	OK(store_blob_delete(s, &d, e));
	assert_false(store_blob_has(s, &d));
	OK(store_blob_delete(s, &d, e));
	assert_int_equal(fixture_count("blobs/sha256"), 0);
	OK(store_blob_put(s, "", 0, &d, e));
	assert_true(store_blob_has(s, &d));
	fixture_sound(s);
}

static void test_commit(void **state)
{
	auto_store struct store *s = fixture_open();
	struct err err = ERR_INIT;
	struct digest d = digest_of("abc", 3);
	auto_fd int fd = store_temp_file(s, &err), twin = store_temp_file(s, &err);
	OK(fs_write_all(fd, "abc", 3, e));
	OK(fs_write_all(twin, "abc", 3, e));
	FAILS(ERR_CORRUPT, store_blob_commit(s, fd, &d, 4, e));
	assert_false(store_blob_has(s, &d));
	OK(store_blob_commit(s, fd, &d, 3, e));
	OK(store_blob_commit(s, twin, &d, 3, e));
	assert_true(store_blob_has(s, &d));
	auto_fd int stranger = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct digest empty = digest_of("", 0);
	FAILS(ERR_FAIL, store_blob_commit(s, stranger, &empty, 0, e));
	fixture_sound(s);
}

static void truncate_blob(struct store *s, const struct digest *d, off_t to)
{
	char hex[HASH_HEX], path[256];
	digest_hex(d, hex);
	snprintf(path, sizeof(path), "%s/blobs/sha256/%s", fixture_root, hex);
	assert_int_equal(truncate(path, to), 0);
}

static void test_damaged_blob(void **state)
{
	auto_store struct store *s = fixture_open();
	char last[300];
	struct digest d;
	OK(store_blob_put(s, "hello", 5, &d, e));
	truncate_blob(s, &d, 3);
	assert_false(store_blob_has(s, &d));
	assert_int_equal(fixture_check(s, false, last, sizeof(last)), 1);
	assert_non_null(strstr(last, "3 bytes instead of 5"));
	OK(store_blob_put(s, "hello", 5, &d, e)); // comes again, is whole again
	fixture_sound(s);
	truncate_blob(s, &d, 3);
	truncate_blob(s, &d, 5); // right size, wrong bytes
	assert_int_equal(fixture_check(s, false, NULL, 0), 0);
	assert_int_equal(fixture_check(s, true, last, sizeof(last)), 1);
	assert_non_null(strstr(last, "has the digest sha256:"));
	auto_buf struct buf got = {0};
	FAILS(ERR_CORRUPT, store_blob_read(s, &d, 10, &got, e));
}

static void test_writer(void **state)
{
	auto_store struct store *s = fixture_open();
	struct err err = ERR_INIT;
	struct digest want = digest_of("abcdef", 6), other = digest_of("x", 1), got;
	struct blob_writer *w = blob_writer_new(s, &err);
	assert_non_null(w);
	OK(blob_writer_write(w, "junk", 4, e));
	OK(blob_writer_reset(w, e));
	OK(blob_writer_write(w, "abc", 3, e));
	OK(blob_writer_write(w, "def", 3, e));
	assert_int_equal(blob_writer_size(w), 6);
	OK(blob_writer_finish(w, &want, 6, &got, e));
	assert_true(digest_eq(&got, &want));
	blob_writer_free(w);
	assert_true(store_blob_has(s, &want));

	w = blob_writer_new(s, &err);
	OK(blob_writer_write(w, "abcde", 5, e));
	assert_int_equal(blob_writer_finish(w, &other, UINT64_MAX, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_CORRUPT);
	char text[DIGEST_TEXT];
	digest_text(&other, text);
	assert_non_null(strstr(err.msg, text));
	blob_writer_free(w);

	w = blob_writer_new(s, &err);
	OK(blob_writer_write(w, "abcdef", 6, e));
	FAILS(ERR_CORRUPT, blob_writer_finish(w, &want, 7, NULL, e));
	blob_writer_free(w);
	blob_writer_free(NULL);
	fixture_sound(s);
}

static void test_writer_places(void **state)
{
	auto_store struct store *s = fixture_open();
	struct err err;
	struct digest d = digest_of("hello, world", 12);
	struct blob_writer *w = blob_writer_new(s, &err);
	OK(blob_writer_place(w, 7, "world", 5, e));
	assert_int_equal(blob_writer_size(w), 0);
	FAILS(ERR_CORRUPT, blob_writer_advance(w, 13, e)); // so much is not there
	OK(blob_writer_reset(w, e));
	OK(blob_writer_place(w, 5, ", w???", 6, e));
	OK(blob_writer_place(w, 0, "hello", 5, e));
	OK(blob_writer_advance(w, 8, e));
	assert_int_equal(blob_writer_size(w), 8);
	OK(blob_writer_write(w, "orld", 4, e)); // over what nobody spoke for
	OK(blob_writer_finish(w, &d, 12, NULL, e));
	blob_writer_free(w);
	assert_true(store_blob_has(s, &d));
	w = blob_writer_new(s, &err);
	OK(blob_writer_place(w, 0, "hello, worlds", 13, e));
	OK(blob_writer_advance(w, 12, e));
	d = digest_of("hello, worlds", 13);
	FAILS(ERR_CORRUPT, blob_writer_finish(w, &d, 13, NULL, e));
	blob_writer_free(w);
	fixture_sound(s);
}

static void test_temporaries_go(void **state)
{
	struct store *s = fixture_open();
	struct err err;
	struct stat st;
	auto_free char *path = NULL;
	mode_t before = umask(0077);
	auto_fd int fd = store_temp_file(s, &err);
	auto_fd int dir = store_temp_dir(s, &path, &err);
	umask(before);
	assert_int_equal(fstat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_true(fixture_exists(path));
	assert_int_equal(mkdirat(dir, "deep", 0), 0);
	store_trash(s, path);
	assert_false(fixture_exists(path));
	assert_int_equal(fixture_count("trash"), 1);
	store_reap(s);
	assert_int_equal(fixture_count("trash"), 0);
	store_close(s);
	assert_int_equal(fixture_count("work"), 0);
	assert_int_equal(fixture_count("leases"), 0);
	assert_int_equal(fixture_count("trash"), 0);
}

static void test_sources(void **state)
{
	auto_store struct store *s = fixture_open();
	auto_strv struct strv got = {0};
	struct digest d;
	OK(store_blob_put(s, "b", 1, &d, e));
	OK(store_blob_sources(s, &d, &got, e));
	assert_int_equal(got.n, 0);
	OK(store_blob_add_source(s, &d, "docker.io/library/b", e));
	OK(store_blob_add_source(s, &d, "docker.io/library/a", e));
	OK(store_blob_add_source(s, &d, "docker.io/library/a", e));
	OK(store_blob_sources(s, &d, &got, e));
	assert_int_equal(got.n, 2);
	assert_true(strv_has(&got, "docker.io/library/b"));
}

static void test_read_only(void **state)
{
	struct err err = ERR_INIT;
	struct digest d, other;
	auto_buf struct buf got = {0};
	auto_store struct store *s = fixture_open();
	OK(store_blob_put(s, "hello", 5, &d, e));
	auto_store struct store *r = store_open(fixture_root, STORE_READ_ONLY, &err);
	assert_non_null(r);
	OK(store_blob_read(r, &d, 5, &got, e));
	FAILS(ERR_AUTH, store_blob_put(r, "x", 1, &other, e));
	FAILS(ERR_AUTH, store_temp_file(r, e));
	assert_int_equal(fixture_count("leases"), 1);
	assert_int_equal(fixture_check(r, true, NULL, 0), 0);
}

// A dead process's lease makes the next open look for what it left.
static void test_killed(void **state)
{
	struct digest d = digest_of("keep", 4);
	store_close(fixture_open());
	pid_t pid = fork();
	if (pid == 0) {
		struct err err;
		struct store *s = store_open(fixture_root, STORE_CREATE, &err);
		char *path;
		struct digest got;
		if (!s || store_blob_put(s, "keep", 4, &got, &err) < 0 ||
		        store_temp_file(s, &err) < 0 || store_temp_dir(s, &path, &err) < 0)
			_exit(1);
		int fd = openat(store_root_fd(s), "blobs/sha256/orphan", O_CREAT | O_WRONLY, 0600);
		_exit(fd < 0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(fixture_count("leases"), 1);
	auto_store struct store *s = fixture_open();
	assert_int_equal(fixture_count("leases"), 1); // ours
	assert_int_equal(fixture_count("work"), 1);   // ours: index.json has been written
	assert_false(fixture_exists("blobs/sha256/orphan"));
	assert_true(store_blob_has(s, &d));
	fixture_sound(s);
}

static void test_other_boot(void **state)
{
	struct digest lost, kept;
	struct store *s = fixture_open();
	OK(store_blob_put(s, "kept", 4, &kept, e));
	OK(store_sync(s, e));
	OK(store_blob_put(s, "lost", 4, &lost, e));
	store_close(s);
	s = fixture_open(); // the same boot: all there
	assert_true(store_blob_has(s, &lost));
	store_close(s);
	fixture_sql("UPDATE pending SET boot='another'");
	s = fixture_open();
	assert_true(store_blob_has(s, &kept));
	assert_false(store_blob_has(s, &lost));
	assert_int_equal(fixture_count("blobs/sha256"), 1);
	fixture_sound(s);
	store_close(s);
}

// Another machine's boot on a shared store: its process holds its lease, so its rows are alive.
static void test_other_machine(void **state)
{
	struct digest d;
	auto_store struct store *other = fixture_open();
	OK(store_blob_put(other, "theirs", 6, &d, e));
	fixture_sql("UPDATE pending SET boot='another'");
	auto_store struct store *s = fixture_open();
	assert_true(store_blob_has(s, &d));
}

// Many processes making the same store at once: all get it.
static void test_made_at_once(void **state)
{
	for (int round = 0; round < 5; round++) {
		pid_t pids[6];
		struct err err;
		struct digest d;
		assert_int_equal(fs_remove_tree(AT_FDCWD, fixture_root, &err), 0);
		for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
			pids[i] = fork();
			if (pids[i] == 0) {
				struct store *s = store_open(fixture_root, STORE_CREATE, &err);
				if (!s || store_blob_put(s, &i, sizeof(i), &d, &err) < 0)
					fprintf(stderr, "%s\n", err.msg);
				else
					_exit(0);
				_exit(1);
			}
		}
		for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
			int status;
			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_int_equal(status, 0);
		}
		auto_store struct store *s = fixture_open();
		assert_int_equal(fixture_count("blobs/sha256"), 6);
		fixture_sound(s);
	}
}

static void test_default_root(void **state)
{
	setenv("HEW_ROOT", "/a/b", 1);
	auto_free char *set = store_default_root();
	assert_string_equal(set, "/a/b");
	unsetenv("HEW_ROOT");
	auto_free char *root = store_default_root();
	if (geteuid() == 0)
		assert_string_equal(root, "/var/lib/hew");
	else
		assert_non_null(strstr(root, "/hew"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_missing_store),
	        TEST(test_foreign_folder),
	        TEST(test_layout),
	        TEST(test_newer_format),
	        TEST(test_damaged_database),
	        TEST(test_put_read),
	        TEST(test_commit),
	        TEST(test_damaged_blob),
	        TEST(test_writer),
	        TEST(test_writer_places),
	        TEST(test_temporaries_go),
	        TEST(test_sources),
	        TEST(test_read_only),
	        TEST(test_killed),
	        TEST(test_other_boot),
	        TEST(test_other_machine),
	        TEST(test_made_at_once),
	        TEST(test_default_root),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
