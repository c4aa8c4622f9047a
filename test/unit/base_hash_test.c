// SPDX-License-Identifier: Apache-2.0
// SHA-256 and the frames of cache keys.
#include "base/hash.h"
#include "base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *hex_of(struct hash h, char out[static HASH_HEX])
{
	hash_hex(&h, out);
	return out;
}

// FIPS 180-4 examples and a long one.
static void test_known(void **state)
{
	static const struct {
		const char *text, *hex;
	} rows[] = {
	        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	char hex[HASH_HEX];
	auto_hasher struct hasher *h = hasher_new();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = strlen(rows[i].text);
		assert_string_equal(hex_of(hash_bytes(rows[i].text, n), hex), rows[i].hex);
		for (size_t k = 0; k < n; k++) // byte by byte, and end() starts anew
			hasher_add(h, rows[i].text + k, 1);
		assert_string_equal(hex_of(hasher_end(h), hex), rows[i].hex);
	}
	hasher_add(h, "forgotten", 9);
	hasher_reset(h);
	assert_string_equal(hex_of(hasher_end(h), hex), rows[0].hex);
}

static struct hash of_strings(const char *const *v, size_t n)
{
	auto_hasher struct hasher *h = hasher_new();
	for (size_t i = 0; i < n; i++)
		hasher_str(h, v[i]);
	return hasher_end(h);
}

static void test_frames_do_not_collide(void **state)
{
	char long_text[200];
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	const struct {
		const char *v[3];
		size_t n;
	} rows[] = {
	        {{"ab", "c"}, 2},
	        {{"a", "bc"}, 2},
	        {{"abc"}, 1},
	        {{"abc", ""}, 2},
	        {{"", "abc"}, 2},
	        {{"abc", NULL}, 2},
	        {{"\3", ""}, 2},
	        {{long_text}, 1},
	        {{long_text + 1, "x"}, 2},
	        {{""}, 1},
	        {{NULL}, 1},
	        {{NULL}, 0},
	        {{"\377\377\377\377\377\377\377\377"}, 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t k = 0; k < i; k++) {
			struct hash a = of_strings(rows[i].v, rows[i].n);
			struct hash b = of_strings(rows[k].v, rows[k].n);
			if (hash_eq(&a, &b))
				fail_msg("rows %zu and %zu", i, k);
		}
}

// The frame is documented for cache keys: a change of these bytes is a change of every key.
static void test_frame_bytes(void **state)
{
	static const uint8_t want[] = {2, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 8, 0, 0, 0, 0, 0, 0, 0, 1,
	        2, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255};
	auto_hasher struct hasher *h = hasher_new();
	hasher_str(h, "ab");
	hasher_u64(h, 0x201);
	hasher_str(h, NULL);
	struct hash got = hasher_end(h), plain = hash_bytes(want, sizeof(want));
	assert_true(hash_eq(&got, &plain));
	hasher_hash(h, &plain);
	struct hash a = hasher_end(h);
	hasher_field(h, plain.b, HASH_SIZE);
	struct hash b = hasher_end(h);
	assert_true(hash_eq(&a, &b));
}

static void test_hex(void **state)
{
	static const char good[] =
	        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	struct hash h = {{0}}, zero = {{0}};
	char hex[HASH_HEX], bad[80];
	assert_true(hash_is_zero(&h));
	assert_true(hash_parse(good, &h));
	assert_string_equal(hex_of(h, hex), good);
	assert_false(hash_is_zero(&h));
	assert_true(hash_cmp(&zero, &h) < 0 && hash_cmp(&h, &zero) > 0 && hash_cmp(&h, &h) == 0);
	for (size_t n = 0; n < 64; n++) { // too short, at every length
		memcpy(bad, good, n);
		bad[n] = '\0';
		assert_false(hash_parse(bad, &h));
	}
	static const char wrong[] = "AgG/:`@ \x80";
	for (size_t i = 0; i < sizeof(wrong) - 1; i++) {
		memcpy(bad, good, sizeof(good));
		bad[63] = wrong[i];
		assert_false(hash_parse(bad, &h));
	}
	memcpy(bad, good, 64);
	memcpy(bad + 64, "0", 2);
	assert_false(hash_parse(bad, &h));
}

static void *hash_much(void *arg)
{
	for (int i = 0; i < 1000; i++)
		*(struct hash *)arg = hash_bytes("abc", 3);
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t t[4];
	struct hash h[4], want = hash_bytes("abc", 3);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, hash_much, &h[i]), 0);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		assert_true(hash_eq(&h[i], &want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_known),
	        cmocka_unit_test(test_frames_do_not_collide),
	        cmocka_unit_test(test_frame_bytes),
	        cmocka_unit_test(test_hex),
	        cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
