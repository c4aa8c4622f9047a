// SPDX-License-Identifier: Apache-2.0
// Buffers, lists of strings, arenas and the ownership attributes.
#include "base/buf.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_grow(void **state)
{
	auto_buf struct buf b = {0};
	assert_string_equal(buf_cstr(&b), "");
	buf_reserve(&b, 10);
	assert_string_equal(buf_cstr(&b), ""); // reserved is not written
	buf_puts(&b, "ab");
	buf_putc(&b, 'c');
	buf_add(&b, "d\0e", 3);
	assert_int_equal(b.n, 6);
	assert_memory_equal(b.p, "abcd\0e", 7);
	buf_reset(&b);
	assert_string_equal(buf_cstr(&b), "");
	buf_add(&b, NULL, 0);
	for (int i = 0; i < 10000; i++)
		buf_printf(&b, "%d,", i % 10);
	assert_int_equal(b.n, 20000);
	assert_int_equal(b.p[b.n], '\0');
	assert_memory_equal(b.p + 19990, "5,6,7,8,9,", 11);
	buf_printf(&b, "%s", "");
	assert_int_equal(b.n, 20000);
}

static void test_steal(void **state)
{
	struct buf b = {0};
	auto_free char *empty = buf_steal(&b);
	assert_string_equal(empty, "");
	buf_puts(&b, "x");
	auto_free char *x = buf_steal(&b);
	assert_string_equal(x, "x");
	assert_null(b.p);
	assert_int_equal(b.n, 0);
}

static void test_lists(void **state)
{
	auto_strv struct strv a = {0}, copy = {0};
	strv_split(&a, "x::y:", ':');
	assert_int_equal(a.n, 4);
	assert_string_equal(a.v[0], "x");
	assert_string_equal(a.v[1], "");
	assert_string_equal(a.v[3], "");
	assert_null(a.v[4]);
	strv_addf(&a, "%d", 7);
	assert_true(strv_has(&a, "7"));
	assert_false(strv_has(&a, "8"));
	strv_add(&copy, "old");
	strv_copy(&copy, &a);
	assert_int_equal(copy.n, 5);
	assert_string_equal(copy.v[4], "7");
	assert_ptr_not_equal(copy.v[4], a.v[4]);
	strv_copy(&copy, &copy);
	assert_int_equal(copy.n, 5);
	strv_release(&a);
	strv_split(&a, "", ',');
	assert_int_equal(a.n, 1);
}

static void test_environment(void **state)
{
	auto_strv struct strv env = {0};
	strv_env_set(&env, "PATH", "/bin");
	strv_env_set(&env, "PATHS", "no");
	strv_env_set(&env, "A", "");
	strv_env_set(&env, "PATH", "/usr/bin");
	assert_int_equal(env.n, 3);
	assert_string_equal(env.v[0], "PATH=/usr/bin"); // the place is kept
	assert_string_equal(strv_env_get(&env, "A"), "");
	assert_null(strv_env_get(&env, "PAT"));
	// a long one is not looked through, nor is its copy
	auto_strv struct strv copy = {0};
	for (char key[] = "K0"; key[1] < '0' + 40; key[1]++)
		strv_env_set(&env, key, "x");
	strv_copy(&copy, &env);
	strv_env_set(&copy, "K1", "y");
	assert_int_equal(copy.n, env.n);
	assert_int_equal(copy.n_keys, copy.n);
	assert_string_equal(strv_env_get(&copy, "K1"), "y");
	assert_string_equal(strv_env_get(&env, "K1"), "x");
}

static void test_arena(void **state)
{
	auto_arena struct arena a = {0};
	char *all[2000];
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		all[i] = arena_printf(&a, "%zu-%0*d", i, (int)(i % 300), 0);
		assert_int_equal((uintptr_t)all[i] % 16, 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		assert_int_equal((size_t)strtol(all[i], NULL, 10), i);
	char *big = arena_alloc(&a, 5 << 20);
	for (size_t i = 0; i < 5 << 20; i += 4096)
		assert_int_equal(big[i], 0);
	assert_string_equal(arena_strndup(&a, "abcdef", 3), "abc");
	assert_string_equal(arena_strdup(&a, ""), "");
	assert_string_equal(arena_strndup(&a, NULL, 0), "");
	arena_release(&a);
	assert_string_equal(arena_strdup(&a, "again"), "again");
}

static void test_ownership(void **state)
{
	char *p = xasprintf("%s-%d", "a", 1);
	auto_free char *q = steal_ptr(&p);
	assert_null(p);
	assert_string_equal(q, "a-1");
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), moved = steal_fd(&fd);
	assert_int_equal(fd, -1);
	errno = EXDEV;
	int raw = moved;
	close_fd(&moved);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(moved, -1);
	assert_int_equal(fcntl(raw, F_GETFD), -1);
	close_fd(&moved); // does nothing
	auto_free void *zero = xcalloc(0, 0), *none = xmalloc(0);
	assert_non_null(zero);
	assert_non_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_grow),
	        cmocka_unit_test(test_steal),
	        cmocka_unit_test(test_lists),
	        cmocka_unit_test(test_environment),
	        cmocka_unit_test(test_arena),
	        cmocka_unit_test(test_ownership),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
