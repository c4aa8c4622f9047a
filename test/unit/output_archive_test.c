// SPDX-License-Identifier: Apache-2.0
// Archives, folders and plain files; what is left when they fail.
#include "output_fixture.h"

#include "output/archive.h"
#include "output/target.h"

static void test_same_bytes(void **state)
{
	auto_store struct store *s = fixture_open();
	auto_strv struct strv names = {0};
	struct digest layers[2];
	struct output_request q = two_layers(s, &names, layers);
	static const char *const types[] = {"type=oci", "type=docker",
	        "type=docker,compression=uncompressed", "type=oci,compression=zstd", "type=tar"};
	auto_free char *a = beside("a"), *b = beside("b");
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct descriptor d = run_spec(&q, types[i], a), again = run_spec(&q, types[i], b);
		assert_same_files(a, b);
		assert_true(digest_eq(&d.digest, &again.digest));
		descriptor_release(&d);
		descriptor_release(&again);
	}
	auto_free char *out = beside(".");
	assert_int_equal(entries_in(out), 2);
}

static void test_umask(void **state)
{
	auto_store struct store *s = fixture_open();
	auto_strv struct strv names = {0};
	struct digest layers[2];
	struct stat st;
	struct output_request q = two_layers(s, &names, layers);
	auto_free char *a = beside("a");
	mode_t was = umask(027);
	struct descriptor d = run_spec(&q, "type=oci", a);
	umask(was);
	assert_int_equal(stat(a, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	descriptor_release(&d);
}

static void test_large_size(void **state)
{
	auto_free char *path = beside("a");
	auto_fd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	auto_fd int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct archive a = {.fd = fd};
	struct err e = ERR_INIT;
	// The header is out before the bytes turn out to be missing.
	assert_int_equal(archive_file(&a, "x", nothing, 0x0200000001ull * 16, &e), -1);
	unsigned char size[12];
	assert_int_equal(pread(fd, size, 12, 124), 12);
	static const unsigned char want[12] = {0x80, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0x10};
	assert_memory_equal(size, want, 12);
	assert_int_equal(ftruncate(fd, 0), 0);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(archive_file(&a, "x", nothing, 077777777777, &e), -1);
	assert_int_equal(pread(fd, size, 12, 124), 12);
	assert_memory_equal(size, "77777777777", 12);
}

static void test_layout_grows(void **state)
{
	auto_store struct store *s = fixture_open();
	auto_strv struct strv names = {0};
	struct digest layers[2];
	struct output_request q = two_layers(s, &names, layers);
	auto_free char *dir = beside("layout"), *index = beside("layout/index.json");
	static const struct {
		const char *name;
		size_t images;
	} steps[] = {{"docker.io/library/a:1", 1}, {"docker.io/library/b:1", 2},
	        {"docker.io/library/a:1", 2}};
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		auto_strv struct strv one = {0};
		auto_buf struct buf text = {0};
		auto_index struct image_index ix = {0};
		strv_add(&one, steps[i].name);
		q.names = &one;
		struct descriptor d = run_spec(&q, "type=oci,tar=false", dir);
		descriptor_release(&d);
		slurp(index, &text);
		OK(image_index_parse(text.p, text.n, NULL, &ix, e));
		assert_int_equal(ix.manifests.n, steps[i].images);
		assert_int_equal(entries_in(dir), 3);
	}
}

static void assert_file(const char *path, const char *want)
{
	auto_buf struct buf text = {0};
	slurp(path, &text);
	assert_string_equal(buf_cstr(&text), want);
}

static void test_local_merges(void **state)
{
	auto_store struct store *s = fixture_open();
	auto_strv struct strv names = {0};
	struct digest layers[2];
	struct stat st;
	struct output_request q = two_layers(s, &names, layers);
	auto_free char *tree = beside("tree"), *file = beside("tree/dir/file"),
	               *kept = beside("tree/dir/kept"), *dir = beside("tree/dir"),
	               *victim = beside("victim");
	run_spec(&q, "type=local", tree);
	assert_file(file, "two");
	// What is not the image's stays; what is, is replaced, whatever its kind.
	OK(fs_replace_file(AT_FDCWD, kept, "k", 1, 0644, e));
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkdir(file, 0755), 0);
	run_spec(&q, "type=local", tree);
	assert_file(file, "two");
	assert_file(kept, "k");
	assert_int_equal(entries_in(tree), 1);
	// A link is not followed out of the folder.
	OK(fs_remove_tree(AT_FDCWD, dir, e));
	assert_int_equal(mkdir(victim, 0755), 0);
	assert_int_equal(symlink(victim, dir), 0);
	run_spec(&q, "type=local", tree);
	assert_int_equal(entries_in(victim), 0);
	assert_int_equal(lstat(dir, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_file(file, "two");
}

// Layers that came as blobs are unpacked when files are asked for.
static void test_local_imports(void **state)
{
	auto_store struct store *s = fixture_open();
	auto_store struct store *t = other_store("t");
	auto_strv struct strv names = {0};
	struct digest layers[2];
	auto_free char *layout = beside("l"), *tree = beside("tree"),
	               *file = beside("tree/dir/file");
	auto_strv struct strv loaded = {0};
	struct image_row row = {0};
	struct output_request q = two_layers(s, &names, layers);
	struct descriptor d = run_spec(&q, "type=oci", layout);
	OK(output_load(t, layout, &loaded, e));
	OK(store_image_find(t, "docker.io/library/two:1", &row, e));
	for (size_t i = 0; i < 2; i++) // as if only pulled
		OK(store_blob_delete(t, &layers[i], e));
	struct output_request r = {.store = t, .manifest = row.manifest, .names = &names};
	run_spec(&r, "type=local", tree);
	assert_file(file, "two");
	descriptor_release(&d);
	image_row_release(&row);
}

static void fails_and_leaves_nothing(const struct output_request *q, const char *type)
{
	struct output_spec o = {0};
	struct output_result r = {0};
	struct err err = ERR_INIT;
	auto_free char *dest = beside("x");
	auto_free char *out = beside(".");
	auto_free char *text = xasprintf("%s,dest=%s", type, dest);
	OK(output_spec_parse(text, &o, e));
	if (output_run(q, &o, &r, &err) != -1)
		fail_msg("%s worked", type);
	assert_int_equal(entries_in(out), 0);
	output_spec_release(&o);
}

static void test_nothing_left(void **state)
{
	auto_store struct store *s = fixture_open();
	auto_strv struct strv names = {0};
	struct digest layers[2];
	struct output_request q = two_layers(s, &names, layers);
	char hex[HASH_HEX];
	digest_hex(&layers[1], hex);
	auto_free char *blob = xasprintf("%s/blobs/sha256/%s", fixture_root, hex);
	// The second layer's bytes are gone behind the store's back.
	assert_int_equal(truncate(blob, 1024), 0);
	static const char *const types[] = {
	        "type=oci", "type=oci,tar=false", "type=docker", "type=local", "type=tar"};
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		fails_and_leaves_nothing(&q, types[i]);
}

static void test_target(void **state)
{
	struct target t = TARGET_NONE;
	struct err err = ERR_INIT;
	auto_free char *file = beside("f"), *link = beside("link"), *out = beside(".");
	OK(fs_replace_file(AT_FDCWD, file, "old", 3, 0644, e));
	assert_int_equal(symlink("f", link), 0);
	OK(target_open_file(link, &t, e));
	OK(fs_write_all(t.fd, "new", 3, e));
	assert_file(file, "old");
	OK(target_commit_file(&t, e));
	target_release(&t);
	assert_file(file, "new");
	assert_int_equal(entries_in(out), 2);
	OK(target_open_file(file, &t, e));
	OK(fs_write_all(t.fd, "gone", 4, e));
	target_release(&t);
	assert_file(file, "new");
	assert_int_equal(entries_in(out), 2);
	assert_int_equal(target_open_file(out, &t, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        SETUP(test_same_bytes),
	        SETUP(test_umask),
	        SETUP(test_large_size),
	        SETUP(test_layout_grows),
	        SETUP(test_local_merges),
	        SETUP(test_local_imports),
	        SETUP(test_nothing_left),
	        SETUP(test_target),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
