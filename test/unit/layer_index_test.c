// SPDX-License-Identifier: Apache-2.0
// The index: what stands of contradictory layers, lookups, its file, and what damage does to it.
#include "layer_fixture.h"

#include "layer/index-int.h"
#include <endian.h>
#include <stdio.h>

static void test_settle(void **state)
{
	static const struct {
		const char *name, *input, *want; // want NULL: ERR_CORRUPT
	} rows[] = {
	        {"empty", "", ""},
	        {"sorted", "d a;f a/b;f a.b", "d a;f a/b 0;f a.b 0"},
	        {"slash first", "f a.b;f a/b;d a;f a-c", "d a;f a/b 0;f a-c 0;f a.b 0"},
	        {"later replaces", "f a one;f a three", "f a 5"},
	        {"dir over file", "f a x;d a 700", "d a 700"},
	        {"file over dir takes what was below", "d a;f a/b;d a/c;f a/c/d;f a x", "f a 1"},
	        {"child after file", "f a x;f a/b yy", "f a/b 2"},
	        {"child before and after", "f a/b;f a x;f a/c yy", "f a/c 2"},
	        {"link then child (no resolving here)", "s a x;f a/b", "f a/b 0"},
	        {"nested", "f a;f a/b;f a/b/c", "f a/b/c 0"},
	        {"killed twice", "f a/b/c;f a/b;f a", "f a 0"},
	        {"file then dir forgets older children", "f a/b;f a;d a", "d a"},
	        {"whiteout", "w a", "w a"},
	        {"whiteout and file", "w a;f a x", "f a 1"},
	        {"file and whiteout", "f a x;w a", "f a 1"},
	        {"whiteout and dir", "w a;d a;f a/b", "o a;f a/b 0"},
	        {"dir and whiteout", "d a 700;w a", "o a 700"},
	        {"whiteout with children", "w a;f a/b", "o a;f a/b 0"},
	        {"whiteout among siblings", "d a;w a/x;f a/y", "d a;w a/x;f a/y 0"},
	        {"hard link", "f b xyz;h c b", "f b 3;h c b"},
	        {"hard link sorts before its file", "f b xyz;h a b", "f a 3;h b a"},
	        {"links to links", "f m xyz;h z m;h a z;h q a", "f a 3;h m a;h q a;h z a"},
	        {"link ahead of its target", "h a b;f b xyz", "f a 3;h b a"},
	        {"links in a circle", "h a b;h b a", NULL},
	        {"link to itself", "h a a", NULL},
	        {"link to itself after the file", "f a xyz;h a a", "f a 3"},
	        {"missing target", "h a b", NULL},
	        {"target is a directory", "d b;h a b", NULL},
	        {"target is a symlink", "s b x;h a b", "s a x;s b x"},
	        {"target is a device", "c b;h a b", "c a;c b"},
	        {"target is a whiteout", "w b;h a b", NULL},
	        {"target replaced later", "f b one;h c b;f b three", "f b 5;f c 3"},
	        {"two links to what was replaced", "f b one;h d b;h c b;f b three",
	                "f b 5;f c 3;h d c"},
	        {"link to what was deleted with its parent", "d d;f d/f abc;h l d/f;f d x",
	                "f d 1;f l 3"},
	        {"dead link to nothing", "h a/b nothing;f a x", "f a 1"},
	        {"root", "d . 700;f a", "d . 700;f a 0"},
	        {"root is a file", "f .", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		struct layer_index *ix = spec_index(rows[i].input, &e);
		if (!rows[i].want) {
			if (ix)
				fail_msg("%s: accepted", rows[i].name);
			assert_int_equal(e.kind, ERR_CORRUPT);
			continue;
		}
		if (!ix)
			fail_msg("%s: %s", rows[i].name, e.msg);
		auto_free char *got = dump_index(ix);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: got '%s', want '%s'", rows[i].name, got, rows[i].want);
		// What was made must pass the check for what was read.
		auto_fd int fd = scratch_fd();
		MUST(layer_index_write(ix, fd, &e), e);
		struct layer_index *again = layer_index_open(fd, &e);
		if (!again)
			fail_msg("%s: read back: %s", rows[i].name, e.msg);
		auto_free char *got_again = dump_index(again);
		assert_string_equal(got, got_again);
		layer_index_close(again);
		layer_index_close(ix);
	}
}

static void test_link_attributes(void **state)
{
	struct err e = ERR_INIT;
	struct layer_index *ix = spec_index("f z/file hello;h a/link z/file", &e);
	assert_non_null(ix);
	struct entry en;
	assert_true(layer_index_find(ix, "z/file", &en));
	assert_string_equal(en.link, "a/link");
	assert_int_equal(en.size, 5);
	assert_true(en.has_content);
	struct hash want = hash_bytes("hello", 5);
	assert_true(hash_eq(&en.content, &want));
	assert_int_equal(layer_index_file_bytes(ix), 5);
	layer_index_close(ix);
}

static void test_find_and_range(void **state)
{
	struct err e = ERR_INIT;
	struct layer_index *ix = spec_index("d a;f a/1;d a/b;f a/b/2;f a/b.c;f ab;d c;f c/x", &e);
	assert_non_null(ix);
	static const struct {
		const char *dir;
		size_t begin, end;
	} rows[] = {{"", 0, 8}, {"a", 0, 5}, {"a/b", 2, 4}, {"a/b.c", 4, 5}, {"c", 6, 8},
	        {"b", 6, 6}, {"a/zz", 5, 5}, {"zz", 8, 8}, {"a/1", 1, 2}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t begin, end;
		layer_index_range(ix, rows[i].dir, &begin, &end);
		if (begin != rows[i].begin || end != rows[i].end)
			fail_msg("'%s': [%zu, %zu)", rows[i].dir, begin, end);
	}
	struct entry en;
	assert_true(layer_index_find(ix, "a/b.c", &en));
	assert_false(layer_index_find(ix, "a/b.", &en));
	assert_false(layer_index_find(ix, "", &en));
	layer_index_close(ix);
}

static void test_implied(void **state)
{
	static const struct {
		const char *spec;
		size_t want;
	} rows[] = {{"", 0}, {"f a", 0}, {"f a/b", 1}, {"f a/b/c;f a/b/d;f a/e", 2},
	        {"d a;f a/b", 0}, {"d a;f a/b/c;f ab/c", 2}, {"d .;f a/b", 1}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		struct layer_index *ix = spec_index(rows[i].spec, &e);
		assert_non_null(ix);
		if (layer_index_implied(ix) != rows[i].want)
			fail_msg("'%s': %zu", rows[i].spec, layer_index_implied(ix));
		layer_index_close(ix);
	}
}

static struct hash id_of(const char *spec)
{
	struct err e = ERR_INIT;
	struct layer_index *ix = spec_index(spec, &e);
	assert_non_null(ix);
	struct hash h = layer_index_content_id(ix);
	layer_index_close(ix);
	return h;
}

static void test_content_id(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
	        {"f a x;f b y", "f b y;f a x", true},
	        {"f a x;h b a", "f b x;h a b", true},
	        {"f a x", "f a y", false},
	        {"f a x", "f b x", false},
	        {"d a", "d a 700", false},
	        {"d a", "o a", false},
	        {"d a", "f a", false},
	        {"f a", "w a", false},
	        {"s a x", "s a y", false},
	        {"f a x;f b x", "f a x;h b a", false},
	        {"", "f a", false},
	        {"f ab", "d a;f b", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct hash a = id_of(rows[i].a), b = id_of(rows[i].b);
		if (hash_eq(&a, &b) != rows[i].same)
			fail_msg("'%s' and '%s'", rows[i].a, rows[i].b);
	}
}

static struct layer_index *one_entry(const struct entry *en)
{
	struct err e = ERR_INIT;
	auto_index_builder struct index_builder *b = index_builder_new();
	MUST(index_builder_add(b, en, &e), e);
	struct layer_index *ix = index_builder_finish(b, &e);
	assert_non_null(ix);
	return ix;
}

static void test_content_id_fields(void **state)
{
	struct xattr one[] = {{"user.a", "1", 1}}, two[] = {{"user.a", "2", 1}};
	struct entry base = {.path = "a",
	        .type = ENTRY_CHAR,
	        .mode = 0644,
	        .xattrs = one,
	        .n_xattrs = 1,
	        .dev_minor = 3};
	struct layer_index *ix = one_entry(&base);
	struct hash want = layer_index_content_id(ix);
	layer_index_close(ix);
	for (int i = 0; i < 9; i++) {
		struct entry en = base;
		bool same = i < 2;
		if (i == 0)
			en.mtime_sec = 77;
		if (i == 1)
			en.mtime_nsec = 77;
		if (i == 2)
			en.mode = 0600;
		if (i == 3)
			en.uid = 1;
		if (i == 4)
			en.gid = 1;
		if (i == 5)
			en.dev_minor = 4;
		if (i == 6)
			en.n_xattrs = 0;
		if (i == 7)
			en.xattrs = two;
		if (i == 8)
			en.type = ENTRY_BLOCK;
		ix = one_entry(&en);
		struct hash got = layer_index_content_id(ix);
		layer_index_close(ix);
		if (hash_eq(&got, &want) != same)
			fail_msg("change %d", i);
	}
}

static void test_xattrs(void **state)
{
	struct xattr in[] = {{"user.b", "2", 1}, {"trusted.overlay.opaque", "y", 1},
	        {"user.a", "with\0nul", 8}, {"user.overlay.x", "y", 1}, {"user.b", "3", 1},
	        {"security.capability", "", 0}};
	struct entry en = {
	        .path = "a", .type = ENTRY_FILE, .xattrs = in, .n_xattrs = ARRAY_LEN(in)};
	struct layer_index *ix = one_entry(&en);
	layer_index_at(ix, 0, &en);
	assert_int_equal(en.n_xattrs, 3);
	assert_string_equal(en.xattrs[0].name, "security.capability");
	assert_string_equal(en.xattrs[1].name, "user.a");
	assert_int_equal(en.xattrs[1].size, 8);
	assert_memory_equal(en.xattrs[1].value, "with\0nul", 8);
	assert_string_equal(en.xattrs[2].name, "user.b");
	assert_memory_equal(en.xattrs[2].value, "3", 1);
	layer_index_close(ix);
}

static void test_bytes_do_not_depend_on_order(void **state)
{
	struct err e = ERR_INIT;
	struct layer_index *a = spec_index("d d;f d/x 1;s l d;f z 2;h y z", &e);
	struct layer_index *b = spec_index("f z 2;h y z;s l d;f d/x 1;d d", &e);
	assert_int_equal(a->size, b->size);
	assert_memory_equal(a->base, b->base, a->size);
	layer_index_close(a);
	layer_index_close(b);
}

static struct layer_index *reopen(const uint8_t *p, size_t n, struct err *e)
{
	auto_fd int fd = scratch_fd();
	assert_int_equal(write(fd, p, n), n);
	return layer_index_open(fd, e);
}

static void use(struct layer_index *ix)
{
	free(dump_index(ix));
	struct hash h = index_content_id(ix);
	size_t begin, end;
	layer_index_range(ix, "d", &begin, &end);
	assert_true(begin <= end && !hash_is_zero(&h));
	layer_index_close(ix);
}

// Any byte changed is noticed by the checksum; with the checksum mended, the structure must still
// hold.
static void test_damage(void **state)
{
	struct err e = ERR_INIT;
	struct xattr x[] = {{"user.a", "1", 1}};
	auto_index_builder struct index_builder *b = index_builder_new();
	struct entry with = {.path = "d/x", .type = ENTRY_FILE, .xattrs = x, .n_xattrs = 1};
	MUST(index_builder_add(b, &with, &e), e);
	auto_arena struct arena a = {0};
	MUST(spec_each(&a, "d d;s l d;f z 22;h y z;w q", spec_to_builder, b, &e), e);
	struct layer_index *ix = index_builder_finish(b, &e);
	assert_non_null(ix);
	auto_free uint8_t *copy = xmalloc(ix->size);
	memcpy(copy, ix->base, ix->size);
	size_t size = ix->size;
	layer_index_close(ix);
	for (size_t i = 0; i < size; i++) {
		for (int bit = 0; bit < 8; bit += i < 88 ? 1 : 3) {
			copy[i] ^= (uint8_t)(1 << bit);
			ix = reopen(copy, size, &e);
			if (ix)
				fail_msg("byte %zu bit %d: not noticed", i, bit);
			uint8_t crc[4];
			memcpy(crc, copy + 12, 4);
			struct index_header *h = (void *)copy;
			h->crc = htole32(index_crc(copy, size));
			ix = reopen(copy, size, &e);
			if (ix)
				use(ix);
			memcpy(copy + 12, crc, 4);
			copy[i] ^= (uint8_t)(1 << bit);
		}
	}
	for (size_t n = 0; n < size; n += 3)
		assert_null(reopen(copy, n, &e));
	ix = reopen(copy, size, &e);
	assert_non_null(ix);
	layer_index_close(ix);
}

// A sorted table with something below a file would make a tree follow it.
static void test_structure_is_checked(void **state)
{
	static const struct {
		const char *name, *spec;
		size_t record;
		const char *path; // written over that record's path, same length
	} rows[] = {
	        {"below a file", "f a;f b.c", 1, "a/c"},
	        {"unsorted", "f b;f c", 1, "a"},
	        {"double", "f b;f c", 1, "b"},
	        {"dot", "f a;f b", 1, "."},
	        {"dotdot", "f a;f bb", 1, ".."},
	        {"absolute", "f bb", 0, "/b"},
	        {"trailing slash", "f bb", 0, "b/"},
	        {"empty component", "f bbbb", 0, "b//b"},
	        {"inner dotdot", "f bbbbbb", 0, "b/../b"},
	        {"nul", "f bbb", 0, "b\0b"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		struct layer_index *ix = spec_index(rows[i].spec, &e);
		assert_non_null(ix);
		auto_free uint8_t *copy = xmalloc(ix->size);
		memcpy(copy, ix->base, ix->size);
		size_t len;
		const char *at = index_path(ix, rows[i].record, &len);
		memcpy(copy + ((const uint8_t *)at - ix->base), rows[i].path, len);
		struct index_header *h = (void *)copy;
		h->crc = htole32(index_crc(copy, ix->size));
		struct layer_index *bad = reopen(copy, ix->size, &e);
		if (bad)
			fail_msg("%s: accepted", rows[i].name);
		assert_int_equal(e.kind, ERR_CORRUPT);
		layer_index_close(ix);
	}
}

// Contradictions nested as deep as they come are settled in linear time.
static void test_deep_contradictions(void **state)
{
	struct err e = ERR_INIT;
	auto_index_builder struct index_builder *b = index_builder_new();
	auto_buf struct buf path = {0};
	for (int i = 0; i < 4000; i++) {
		buf_puts(&path, i ? "/a" : "a");
		struct entry en = {.path = path.p, .type = ENTRY_FILE};
		MUST(index_builder_add(b, &en, &e), e);
	}
	for (int i = 0; i < 20000; i++) {
		struct entry en = {.path = "z", .type = ENTRY_FILE, .link = i ? "z" : NULL};
		MUST(index_builder_add(b, &en, &e), e);
	}
	struct layer_index *ix = index_builder_finish(b, &e);
	assert_non_null(ix);
	assert_int_equal(layer_index_count(ix), 2);
	layer_index_close(ix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_settle),
	        cmocka_unit_test(test_link_attributes),
	        cmocka_unit_test(test_find_and_range),
	        cmocka_unit_test(test_implied),
	        cmocka_unit_test(test_content_id),
	        cmocka_unit_test(test_content_id_fields),
	        cmocka_unit_test(test_xattrs),
	        cmocka_unit_test(test_bytes_do_not_depend_on_order),
	        cmocka_unit_test(test_damage),
	        cmocka_unit_test(test_structure_is_checked),
	        cmocka_unit_test(test_deep_contradictions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
