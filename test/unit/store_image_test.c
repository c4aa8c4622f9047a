// SPDX-License-Identifier: Apache-2.0
// Images, names and how they are found; index.json as other tools read it.
#include "base/json.h"
#include "store_fixture.h"

#define APP "docker.io/library/app:latest"
#define LOCAL "127.0.0.1:5000/team/x:y"

static struct digest put_image(struct store *s, const char *name, const char *text)
{
	struct digest layer, manifest;
	OK(fixture_layer(s, text, &layer, e));
	OK(fixture_image(s, name, &layer, 1, &manifest, e));
	return manifest;
}

static void test_names(void **state)
{
	auto_store struct store *s = fixture_open();
	struct image_list list = {0};
	struct digest a = put_image(s, APP, "a"), b = put_image(s, NULL, "b"), none = {{{1}}};
	OK(store_image_list(s, &list, e));
	assert_int_equal(list.n, 2);
	image_list_release(&list);
	OK(store_name_set(s, APP, &b, e)); // moves: a is untagged now
	OK(store_name_set(s, LOCAL, &b, e));
	FAILS(ERR_NOT_FOUND, store_name_set(s, LOCAL, &none, e));
	OK(store_image_list(s, &list, e));
	assert_int_equal(list.n, 3);
	for (size_t i = 0; i < list.n; i++) {
		assert_int_equal(digest_eq(&list.v[i].manifest, &a), list.v[i].name == NULL);
		assert_true(list.v[i].size >= 1024);
	}
	image_list_release(&list);
	OK(store_name_remove(s, LOCAL, e));
	FAILS(ERR_NOT_FOUND, store_name_remove(s, LOCAL, e));
	OK(store_image_remove(s, &b, e));
	FAILS(ERR_NOT_FOUND, store_image_remove(s, &b, e));
	OK(store_image_list(s, &list, e));
	assert_int_equal(list.n, 1);
	image_list_release(&list);
	fixture_sound(s);
}

static void test_put_needs_blobs(void **state)
{
	auto_store struct store *s = fixture_open();
	struct image_row row = {.manifest = {{{1}}}};
	FAILS(ERR_NOT_FOUND, store_image_put(s, &row, e));
	OK(store_blob_put(s, "{}", 2, &row.manifest, e));
	row.image_id.h.b[0] = 1;
	FAILS(ERR_NOT_FOUND, store_image_put(s, &row, e));
	OK(store_blob_put(s, "no config", 9, &row.image_id, e));
	FAILS(ERR_CORRUPT, store_image_put(s, &row, e));
}

static void expect_found(struct store *s, const char *ref, const struct digest *want)
{
	struct image_row row = {0};
	struct err err = ERR_INIT;
	if (store_image_find(s, ref, &row, &err) < 0)
		fail_msg("'%s': %s", ref, err.msg);
	assert_true(digest_eq(&row.manifest, want));
	image_row_release(&row);
}

static void test_find(void **state)
{
	auto_store struct store *s = fixture_open();
	struct digest a = put_image(s, APP, "a"), b = put_image(s, LOCAL, "b");
	struct image_row row = {0};
	char hex[HASH_HEX], text[128];
	expect_found(s, APP, &a);
	expect_found(s, "app", &a);
	expect_found(s, "app:latest", &a);
	expect_found(s, LOCAL, &b);
	digest_hex(&b, hex);
	expect_found(s, hex, &b);
	snprintf(text, sizeof(text), "sha256:%s", hex);
	expect_found(s, text, &b);
	snprintf(text, sizeof(text), "127.0.0.1:5000/team/x@sha256:%s", hex);
	expect_found(s, text, &b);
	snprintf(text, sizeof(text), "sha256:%.7s", hex);
	expect_found(s, text, &b);
	OK(store_image_find(s, LOCAL, &row, e));
	assert_string_equal(row.name, LOCAL);
	digest_hex(&row.image_id, hex);
	image_row_release(&row);
	snprintf(text, sizeof(text), "%.12s", hex);
	expect_found(s, text, &b);
	snprintf(text, sizeof(text), "%.5s", hex); // half a byte more
	expect_found(s, text, &b);
	static const char *const none[] = {"nobody", "abc", "", "sha256:", "UPPER", "ffffffffff",
	        "docker.io/library/app:other", "%", "app@sha256:0000"};
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		FAILS(ERR_NOT_FOUND, store_image_find(s, none[i], &row, e));
}

// Two images whose ids begin alike cannot be told apart by that beginning.
static void test_ambiguous(void **state)
{
	struct store *s = fixture_open();
	struct image_row row;
	char prefix[5] = "", text[16], hex[HASH_HEX];
	struct digest first = {0};
	put_image(s, NULL, "a");
	put_image(s, NULL, "b");
	struct image_list list = {0};
	OK(store_image_list(s, &list, e));
	first = list.v[0].image_id;
	image_list_release(&list);
	store_close(s);
	digest_hex(&first, hex);
	memcpy(prefix, hex, 4);
	auto_free char *sql = xasprintf(
	        "UPDATE images SET image_id = x'%s%060d' WHERE image_id <> x'%s'", prefix, 0, hex);
	fixture_sql(sql);
	s = fixture_open();
	FAILS(ERR_USAGE, store_image_find(s, prefix, &row, e));
	struct err err = ERR_INIT;
	assert_int_equal(store_image_find(s, prefix, &row, &err), -1);
	assert_non_null(strstr(err.msg, "ambiguous"));
	snprintf(text, sizeof(text), "%.12s", hex);
	OK(store_image_find(s, text, &row, e));
	image_row_release(&row);
	store_close(s);
}

// The same config under two manifests is one image.
static void test_one_image_two_manifests(void **state)
{
	auto_store struct store *s = fixture_open();
	struct digest a = put_image(s, APP, "a");
	struct image_row row = {0}, found = {0};
	OK(store_image_find(s, APP, &row, e));
	OK(store_blob_put(s, "{\"other\":1}", 11, &row.manifest, e));
	free(row.name);
	row.name = NULL;
	OK(store_image_put(s, &row, e));
	char text[DIGEST_TEXT];
	digest_text(&row.image_id, text);
	text[20] = '\0';
	OK(store_image_find(s, text, &found, e));
	assert_true(digest_eq(&found.manifest, &a)); // the named one stands for it
	image_row_release(&found);
}

static void read_index(struct store *s, struct buf *text)
{
	struct err err;
	assert_int_equal(fs_read_file(store_root_fd(s), "index.json", 1 << 20, text, &err), 0);
}

static void test_index_json(void **state)
{
	auto_store struct store *s = fixture_open();
	auto_buf struct buf text = {0};
	char want[DIGEST_TEXT];
	struct err err;
	struct digest a = put_image(s, APP, "a");
	put_image(s, NULL, "untagged");
	OK(store_name_set(s, LOCAL, &a, e));
	read_index(s, &text);
	auto_jdoc struct jdoc *doc = jdoc_parse(text.p, text.n, &err);
	const struct jn *list = jn_get(jdoc_root(doc), "manifests");
	assert_int_equal(jn_int(jn_get(jdoc_root(doc), "schemaVersion"), 0), 2);
	assert_int_equal(jn_len(list), 2);
	const struct jn *first = jn_at(list, 0), *notes = jn_get(first, "annotations");
	digest_text(&a, want);
	assert_string_equal(jn_get_str(first, "digest"), want);
	assert_string_equal(jn_get_str(first, "mediaType"), MT_OCI_MANIFEST);
	assert_string_equal(jn_get_str(notes, "org.opencontainers.image.ref.name"), LOCAL);
	assert_string_equal(jn_get_str(notes, "io.containerd.image.name"), LOCAL);
}

static void test_index_json_damaged(void **state)
{
	auto_store struct store *s = fixture_open();
	char last[300];
	struct digest a = put_image(s, APP, "a"), b = put_image(s, NULL, "b");
	(void)a;
	OK(fs_replace_file(store_root_fd(s), "index.json", "{}", 2, 0644, e));
	assert_int_equal(fixture_check(s, false, last, sizeof(last)), 1);
	assert_non_null(strstr(last, "index.json"));
	OK(store_name_set(s, APP, &b, e));
	fixture_sound(s);
}

static void test_same_again_writes_nothing(void **state)
{
	auto_store struct store *s = fixture_open();
	struct image_row row = {0};
	struct stat before, after;
	struct digest a = put_image(s, APP, "a");
	OK(store_image_find(s, APP, &row, e));
	OK(store_resolution_set(s, "x", "linux/amd64", &a, e));
	OK(store_sync(s, e));
	assert_int_equal(fstatat(store_root_fd(s), "hew.db-wal", &before, 0), 0);
	OK(store_image_put(s, &row, e));
	OK(store_name_set(s, APP, &a, e));
	OK(store_resolution_set(s, "x", "linux/amd64", &a, e));
	OK(store_sync(s, e));
	assert_int_equal(fstatat(store_root_fd(s), "hew.db-wal", &after, 0), 0);
	assert_int_equal(before.st_size, after.st_size);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	image_row_release(&row);
}

static void test_resolutions(void **state)
{
	auto_store struct store *s = fixture_open();
	struct err err;
	struct digest a = {{{1}}}, b = {{{2}}}, got;
	assert_int_equal(store_resolution_get(s, "n", "linux/amd64", &got, &err), 0);
	OK(store_resolution_set(s, "n", "linux/amd64", &a, e));
	OK(store_resolution_set(s, "n", "linux/arm64", &b, e));
	assert_int_equal(store_resolution_get(s, "n", "linux/amd64", &got, &err), 1);
	assert_true(digest_eq(&got, &a));
	OK(store_resolution_set(s, "n", "linux/amd64", &b, e));
	assert_int_equal(store_resolution_get(s, "n", "linux/amd64", &got, &err), 1);
	assert_true(digest_eq(&got, &b));
}

// A power cut after a retag that was not synced: the name is back where it was safe.
static void test_name_falls_back(void **state)
{
	struct store *s = fixture_open();
	struct digest old = put_image(s, APP, "old");
	OK(store_sync(s, e));
	struct digest new = put_image(s, APP, "new");
	expect_found(s, APP, &new);
	store_close(s);
	fixture_sql("UPDATE pending SET boot='another'");
	s = fixture_open();
	expect_found(s, APP, &old);
	fixture_sound(s);
	store_close(s);
}

static int run_skopeo(const char *verb, const char *from, const char *to)
{
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		dup2(null, 1);
		execlp("skopeo", "skopeo", "--insecure-policy", verb, from, to, (char *)NULL);
		_exit(127);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_skopeo(void **state)
{
	static const char *const names[] = {APP, LOCAL};
	auto_store struct store *s = fixture_open();
	put_image(s, APP, "a");
	put_image(s, LOCAL, "b");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_free char *from = xasprintf("oci:%s:%s", fixture_root, names[i]);
		auto_free char *to = xasprintf("oci:%s/work/copy%zu:x", fixture_root, i);
		int status = run_skopeo("copy", from, to);
		if (status == 127)
			skip();
		assert_int_equal(status, 0);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_names),
	        TEST(test_put_needs_blobs),
	        TEST(test_find),
	        TEST(test_ambiguous),
	        TEST(test_one_image_two_manifests),
	        TEST(test_index_json),
	        TEST(test_index_json_damaged),
	        TEST(test_same_again_writes_nothing),
	        TEST(test_resolutions),
	        TEST(test_name_falls_back),
	        TEST(test_skopeo),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
