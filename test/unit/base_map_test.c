// SPDX-License-Identifier: Apache-2.0
// The string map, large enough for collisions and gaps.
#include "base/map.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 5000 };

static const char *key_of(size_t i, char text[static 32])
{
	snprintf(text, 32, "%.*s%zu", (int)(i % 17), "aaaaaaaaaaaaaaaaa", i); // all lengths
	return text;
}

static void test_empty(void **state)
{
	auto_map struct map m = {0};
	const char *key;
	void *value;
	size_t i = 0;
	assert_null(map_get(&m, "x"));
	assert_false(map_has(&m, "x"));
	assert_false(map_del(&m, "x"));
	assert_false(map_next(&m, &i, &key, &value));
}

static void test_values(void **state)
{
	auto_map struct map m = {0};
	char mine[] = "key";
	int a, b;
	map_set(&m, mine, &a);
	mine[0] = 'x'; // the map has its own copy
	assert_ptr_equal(map_get(&m, "key"), &a);
	map_set(&m, "key", &b);
	assert_int_equal(m.n, 1);
	assert_ptr_equal(map_get(&m, "key"), &b);
	map_set(&m, "null", NULL);
	assert_true(map_has(&m, "null"));
	map_set(&m, "", &a);
	assert_ptr_equal(map_get(&m, ""), &a);
}

static bool deleted(size_t i)
{
	return i % 3 == 1;
}

// As map_get says, whatever was looked up on the way.
static void test_longer(void **state)
{
	static const char path[] = "a/bc/def/ghijklmnop/q/rstuvwxyz0123/4";
	auto_map struct map m = {0};
	char key[sizeof(path) + 1];
	for (size_t n = 1; n < sizeof(path); n += n % 4 + 1) {
		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		map_set(&m, key, (void *)(uintptr_t)&path[n]);
	}
	for (size_t step = 1; step < 12; step++) {
		struct map_prefix at = {0};
		for (size_t n = 0; n < sizeof(path); n += step) {
			snprintf(key, sizeof(key), "%.*s", (int)n, path);
			assert_ptr_equal(map_get_longer(&m, &at, key, n), map_get(&m, key));
			struct map_prefix here = at; // more than one way on from here
			snprintf(key + n, sizeof(key) - n, "!");
			assert_null(map_get_longer(&m, &here, key, n + 1));
		}
	}
}

static void test_many(void **state)
{
	auto_map struct map m = {0};
	char text[32];
	for (size_t i = 0; i < KEYS; i++)
		map_set(&m, key_of(i, text), (void *)(i + 1));
	for (size_t i = 0; i < KEYS; i++)
		if (deleted(i))
			assert_true(map_del(&m, key_of(i, text)));
	for (size_t i = 0; i < KEYS; i++) {
		size_t want = deleted(i) ? 0 : i + 1;
		if ((size_t)map_get(&m, key_of(i, text)) != want)
			fail_msg("%s", text);
		if (deleted(i))
			assert_false(map_del(&m, text));
	}
	bool seen[KEYS] = {false};
	const char *key;
	void *value;
	size_t n = 0;
	for (size_t i = 0; map_next(&m, &i, &key, &value); n++) {
		size_t k = (size_t)value - 1;
		assert_false(seen[k]);
		seen[k] = true;
		assert_string_equal(key, key_of(k, text));
	}
	assert_int_equal(n, m.n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_empty),
	        cmocka_unit_test(test_values),
	        cmocka_unit_test(test_longer),
	        cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
