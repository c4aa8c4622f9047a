// SPDX-License-Identifier: Apache-2.0
// eStargz: the same bytes from any number of workers; plain gzip to those that know nothing of it.
// What the table of contents says is compared in test/e2e, by a reader of its own.
#include "layer_fixture.h"

#include "base/pool.h"
#include "layer/estargz.h"

static void make(
        const struct layer_index *ix, int tar, size_t threads, struct buf *out, struct estargz *ret)
{
	struct err e = ERR_INIT;
	auto_fd int spool = scratch_fd(), blob = scratch_fd();
	struct pool *pool = pool_new(threads);
	MUST(layer_estargz(ix, tar, spool, blob, 6, pool, ret, &e), e);
	pool_free(pool);
	lseek(blob, 0, SEEK_SET);
	MUST(fs_read_fd(blob, 1 << 30, out, &e), e);
	assert_int_equal(out->n, ret->blob_size);
	struct hash want = hash_bytes(out->p, out->n);
	assert_true(hash_eq(&want, &ret->blob));
}

// A large file, so that there are several jobs and chunks; nothing that can be compressed much.
static void add_large(struct layer_writer *w, const char *path, size_t n)
{
	struct err e = ERR_INIT;
	auto_free char *p = xmalloc(n);
	uint32_t x = 1;
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = (char)(x >> 26);
	}
	const struct entry en = {.path = path, .type = ENTRY_FILE, .mode = 0644, .size = n};
	const struct content c = {.fd = -1, .size = n, .data = p};
	MUST(layer_writer_add(w, &en, &c, &e), e);
}

static void test_workers(void **state)
{
	struct err e = ERR_INIT;
	struct layer_result r = {0}, read = {0};
	struct estargz one, three;
	auto_buf struct buf a = {0}, b = {0};
	auto_arena struct arena arena = {0};
	auto_fd int tar = scratch_fd();
	auto_layer_writer struct layer_writer *w = layer_writer_new(tar, NULL);
	MUST(spec_each(&arena, "d d;f d/empty;f d/small x;h d/same d/small;o o;w gone",
	             spec_to_writer, w, &e),
	        e);
	add_large(w, "large", (9 << 20) + 5);
	add_large(w, "whole", 4 << 20);
	MUST(layer_writer_finish(w, &r, &e), e);
	make(r.index, tar, 1, &a, &one);
	make(r.index, tar, 3, &b, &three);
	assert_memory_equal(&one, &three, sizeof(one));
	assert_memory_equal(a.p, b.p, a.n);
	// As a layer that somebody pulls.
	auto_fd int blob = scratch_fd();
	MUST(fs_write_all(blob, a.p, a.n, &e), e);
	MUST(layer_import(blob, -1, 0, 0, &read, &e), e);
	assert_true(hash_eq(&read.diff_id.h, &one.diff_id));
	assert_int_equal(read.tar_size, one.tar_size);
	auto_free char *got = dump_index(read.index);
	assert_non_null(
	        strstr(got, "f .no.prefetch.landmark 1;d d;f d/empty 0;f d/same 1;h d/small d/same;"
	                    "w gone;f large 9437189;o o;f stargz.index.json "));
	layer_result_release(&r);
	layer_result_release(&read);
}

// One that is an eStargz already gets a new table and no second landmark.
static void test_again(void **state)
{
	struct err e = ERR_INIT;
	struct layer_result r = {0}, read = {0};
	struct estargz one, two;
	auto_buf struct buf a = {0}, b = {0};
	auto_fd int tar = scratch_fd(), blob = scratch_fd(), plain = scratch_fd();
	MUST(spec_write("f a x;d b", tar, &r, &e), e);
	make(r.index, tar, 2, &a, &one);
	MUST(fs_write_all(blob, a.p, a.n, &e), e);
	MUST(layer_import(blob, plain, 0, 0, &read, &e), e);
	make(read.index, plain, 2, &b, &two);
	assert_memory_equal(&one, &two, sizeof(one));
	layer_result_release(&r);
	layer_result_release(&read);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_workers),
	        cmocka_unit_test(test_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
