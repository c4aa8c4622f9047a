// SPDX-License-Identifier: Apache-2.0
// Layers, their indexes and compressed forms, trees and step records.
#include "store_fixture.h"
#include <sys/stat.h>

static void test_commit(void **state)
{
	auto_store struct store *s = fixture_open();
	struct err err = ERR_INIT;
	struct digest d, again;
	struct layer_info info;
	struct layer_index *ix, *same;
	struct entry en;
	OK(fixture_layer(s, "hello", &d, e));
	OK(fixture_layer(s, "hello", &again, e));
	assert_true(digest_eq(&d, &again));
	assert_true(store_layer_get(s, &d, &info));
	assert_true(info.has_tar && info.has_index);
	assert_int_equal(info.file_bytes, 5);
	assert_int_equal(info.tar_size % 512, 0);
	OK(store_layer_index(s, &d, &ix, e));
	OK(store_layer_index(s, &d, &same, e));
	assert_ptr_equal(ix, same);
	assert_true(layer_index_find(ix, "dir/file", &en));
	struct hash content_id = layer_index_content_id(ix);
	assert_true(hash_eq(&content_id, &info.content_id));
	auto_fd int tar = store_layer_tar(s, &d, &err);
	char text[5];
	OK(fs_pread_full(tar, text, 5, (off_t)en.offset, e));
	assert_memory_equal(text, "hello", 5);
	fixture_sound(s);
}

static void test_foreign_id_stays(void **state)
{
	struct digest d, other;
	struct layer_info declared, indexed, local;
	struct store *s = fixture_open();
	OK(fixture_layer(s, "hello", &d, e)); // only to learn the digest
	uint64_t freed;
	store_close(s);
	s = fixture_open();
	OK(store_gc(s, 0, &freed, e));
	assert_false(store_layer_get(s, &d, &declared));
	OK(store_layer_declare(s, &d, e));
	OK(store_layer_declare(s, &d, e));
	assert_true(store_layer_get(s, &d, &declared));
	assert_false(declared.has_tar || declared.has_index);
	OK(fixture_layer(s, "hello", &d, e));
	assert_true(store_layer_get(s, &d, &indexed));
	assert_true(indexed.has_tar && indexed.has_index);
	assert_true(hash_eq(&declared.content_id, &indexed.content_id));
	// and a layer made here keeps its own
	OK(fixture_layer(s, "other", &other, e));
	assert_true(store_layer_get(s, &other, &local));
	OK(store_layer_declare(s, &other, e));
	assert_true(store_layer_get(s, &other, &indexed));
	assert_true(hash_eq(&local.content_id, &indexed.content_id));
	store_close(s);
}

static void test_missing(void **state)
{
	auto_store struct store *s = fixture_open();
	struct digest none = {{{7}}};
	struct layer_index *ix;
	struct layer_info info;
	assert_false(store_layer_get(s, &none, &info));
	FAILS(ERR_NOT_FOUND, store_layer_index(s, &none, &ix, e));
	FAILS(ERR_NOT_FOUND, store_layer_tar(s, &none, e));
	OK(store_layer_declare(s, &none, e));
	FAILS(ERR_NOT_FOUND, store_layer_index(s, &none, &ix, e));
}

// A damaged index is dropped, so that whoever needs it makes it again from the tar.
static void test_damaged_index(void **state)
{
	auto_store struct store *s = fixture_open();
	struct digest d;
	struct layer_index *ix;
	struct layer_info info;
	char hex[HASH_HEX], path[256], last[300];
	OK(fixture_layer(s, "hello", &d, e));
	digest_hex(&d, hex);
	snprintf(path, sizeof(path), "%s/layers/%s", fixture_root, hex);
	assert_int_equal(truncate(path, 20), 0);
	assert_int_equal(fixture_check(s, false, NULL, 0), 0);
	assert_int_equal(fixture_check(s, true, last, sizeof(last)), 1);
	FAILS(ERR_NOT_FOUND, store_layer_index(s, &d, &ix, e));
	assert_true(store_layer_get(s, &d, &info));
	assert_true(info.has_tar && !info.has_index);
	fixture_sound(s);
	OK(fixture_layer(s, "hello", &d, e));
	OK(store_layer_index(s, &d, &ix, e));
	fixture_sound(s);
}

struct blob_case {
	const char *recipe; // asked for; NULL: any
	int want;           // which of the blobs, -1: none
};

static void test_blobs(void **state)
{
	auto_store struct store *s = fixture_open();
	struct digest d;
	struct layer_blob blobs[] = {
	        {.size = 10, .media_type = MT_OCI_LAYER_GZIP, .recipe = ""},
	        {.size = 20, .media_type = MT_OCI_LAYER_GZIP, .recipe = "gzip6"},
	        {.size = 30, .media_type = MT_OCI_LAYER_ZSTD, .recipe = "zstd3"},
	};
	static const struct blob_case cases[] = {
	        {"gzip6", 1}, {"zstd3", 2}, {"lz4", 0}, {"", 0}, {NULL, 1}};
	OK(fixture_layer(s, "hello", &d, e));
	struct layer_blob got = {0};
	OK(store_layer_blob(s, &d, NULL, &got, e));
	assert_int_equal(got.size, 0);
	OK(store_blob_put(s, "gz", 2, &blobs[1].digest, e)); // only this one is here
	blobs[0].digest.h.b[0] = 1;
	blobs[2].digest.h.b[0] = 2;
	for (size_t i = 0; i < ARRAY_LEN(blobs); i++) {
		OK(store_layer_add_blob(s, &d, &blobs[i], e));
		OK(store_layer_add_blob(s, &d, &blobs[i], e));
	}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		assert_int_equal(store_layer_blob(s, &d, cases[i].recipe, &got, &err), 1);
		assert_int_equal(got.size, blobs[cases[i].want].size);
		assert_string_equal(got.media_type, blobs[cases[i].want].media_type);
		assert_int_equal(got.present, cases[i].want == 1);
	}
}

static void test_foreign_blob_is_not_any_recipe(void **state)
{
	auto_store struct store *s = fixture_open();
	struct err err = ERR_INIT;
	struct digest d = {{{3}}};
	struct layer_blob b = {.size = 1, .recipe = "zstd3", .digest = {{{4}}}}, got;
	OK(store_layer_add_blob(s, &d, &b, e)); // declares the layer
	assert_int_equal(store_layer_blob(s, &d, "gzip6", &got, &err), 0);
	assert_int_equal(store_layer_blob(s, &d, NULL, &got, &err), 1);
}

static void make_tree(struct store *s, char **ret_path)
{
	struct err err;
	auto_fd int fd = store_temp_dir(s, ret_path, &err);
	assert_true(fd >= 0);
	assert_int_equal(mkdirat(fd, "below", 0755), 0);
}

static void test_trees(void **state)
{
	static const char *const flavours[] = {
	        "trusted", "user", "userxattr:0,1000,1;1,100000,65536"};
	auto_store struct store *s = fixture_open();
	struct digest d;
	OK(fixture_layer(s, "hello", &d, e));
	for (size_t i = 0; i < ARRAY_LEN(flavours); i++) {
		auto_free char *first = NULL, *second = NULL;
		struct err err = ERR_INIT;
		assert_false(store_tree_has(s, &d, flavours[i]));
		FAILS(ERR_NOT_FOUND, store_tree_open(s, &d, flavours[i], e));
		make_tree(s, &first);
		make_tree(s, &second);
		OK(store_tree_commit(s, &d, flavours[i], first, e));
		OK(store_tree_commit(s, &d, flavours[i], second, e)); // the loser is trashed
		assert_false(fixture_exists(second));
		assert_true(store_tree_has(s, &d, flavours[i]));
		auto_fd int fd = store_tree_open(s, &d, flavours[i], &err);
		assert_int_equal(faccessat(fd, "below", F_OK, 0), 0);
		assert_int_equal(fixture_count("trees"), i + 1);
	}
	fixture_sound(s);
}

static void test_steps(void **state)
{
	auto_store struct store *s = fixture_open();
	struct err err = ERR_INIT;
	struct hash key = hash_bytes("key", 3), other = hash_bytes("other", 5);
	struct digest d, unknown = {{{9}}};
	struct step_record got, r = {.has_layer = true,
	                                .created_sec = 5,
	                                .created_nsec = 6,
	                                .duration_ns = 7,
	                                .components = xstrdup("{\"a\":1}"),
	                                .name = xstrdup("RUN x")};
	OK(fixture_layer(s, "hello", &d, e));
	r.diff_id = unknown;
	FAILS(ERR_NOT_FOUND, store_step_put(s, &key, &r, e));
	r.diff_id = d;
	assert_int_equal(store_step_get(s, &key, &got, &err), 0);
	OK(store_step_put(s, &key, &r, e));
	assert_int_equal(store_step_get(s, &key, &got, &err), 1);
	assert_true(got.has_layer && digest_eq(&got.diff_id, &d));
	assert_int_equal(got.created_sec, 5);
	assert_int_equal(got.created_nsec, 6);
	assert_int_equal(got.duration_ns, 7);
	assert_string_equal(got.components, "{\"a\":1}");
	assert_string_equal(got.name, "RUN x");
	step_record_release(&got);
	r.has_layer = false;
	OK(store_step_put(s, &other, &r, e));
	assert_int_equal(store_step_get(s, &other, &got, &err), 1);
	assert_false(got.has_layer);
	step_record_release(&got);
	// a record whose layer is gone is no hit
	OK(store_blob_delete(s, &d, e));
	assert_int_equal(store_step_get(s, &key, &got, &err), 0);
	step_record_release(&r);
}

static void test_builds(void **state)
{
	auto_store struct store *s = fixture_open();
	for (int i = 0; i < 205; i++) {
		char id[16];
		snprintf(id, sizeof(id), "b%d", i);
		OK(store_build_put(s, id, "{}", e));
	}
	OK(store_build_put(s, "b204", "{\"again\":true}", e));
}

// Of builds that ran nothing the oldest go, and one that was repeated is not old.
static void test_repeated_build_stays(void **state)
{
	struct build_row row;
	auto_store struct store *s = fixture_open();
	for (int i = 0; i <= 300; i++) {
		char id[16];
		snprintf(id, sizeof(id), "b%d", i);
		OK(store_build_put(s, id, "{\"all_cached\":true}", e));
		if (i == 280)
			assert_true(store_build_repeat(s, "b3"));
	}
	OK(store_build_find(s, "b3", &row, e));
	assert_string_equal(row.id, "b3");
	build_row_release(&row);
	FAILS(ERR_NOT_FOUND, store_build_find(s, "b4", &row, e));
}

static void test_cache_dir(void **state)
{
	auto_store struct store *s = fixture_open();
	struct err err;
	struct stat a, b;
	auto_fd int lock1 = -1, lock2 = -1, lock3 = -1, lock4 = -1;
	auto_fd int fd = store_cache_dir(s, "npm", NULL, "trusted", &lock1, &err);
	auto_fd int twin = store_cache_dir(s, "npm", NULL, "trusted", &lock2, &err);
	auto_fd int theirs = store_cache_dir(s, "npm", NULL, "user-1", &lock3, &err);
	auto_fd int other = store_cache_dir(s, "../npm", NULL, "trusted", &lock4, &err);
	assert_true(fd >= 0 && twin >= 0 && theirs >= 0 && other >= 0);
	assert_true(fstat(fd, &a) == 0 && fstat(twin, &b) == 0 && a.st_ino == b.st_ino);
	assert_true(fstat(theirs, &b) == 0 && a.st_ino != b.st_ino);
	assert_int_equal(fixture_count("cache"), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_commit),
	        TEST(test_foreign_id_stays),
	        TEST(test_missing),
	        TEST(test_damaged_index),
	        TEST(test_blobs),
	        TEST(test_foreign_blob_is_not_any_recipe),
	        TEST(test_trees),
	        TEST(test_steps),
	        TEST(test_builds),
	        TEST(test_repeated_build_stays),
	        TEST(test_cache_dir),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
