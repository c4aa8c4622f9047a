// SPDX-License-Identifier: Apache-2.0
// SHA-256 and the framed hasher that cache keys use.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_SIZE 32
#define HASH_HEX 65 // with the NUL

struct hash {
	uint8_t b[HASH_SIZE];
};

struct hasher; // one running SHA-256, of one thread at a time
struct hasher *hasher_new(void);
void hasher_free(struct hasher *h);
void hasher_free_ptr(struct hasher **h);
#define auto_hasher __attribute__((cleanup(hasher_free_ptr)))
void hasher_reset(struct hasher *h);
void hasher_add(struct hasher *h, const void *p, size_t n);
struct hash hasher_end(struct hasher *h); // resets

// Framed fields: length and bytes, so that no two different sequences of fields collide.
void hasher_field(struct hasher *h, const void *p, size_t n);
void hasher_str(struct hasher *h, const char *s); // NULL counts as a field of its own
void hasher_u64(struct hasher *h, uint64_t v);
void hasher_hash(struct hasher *h, const struct hash *v);

struct hash hash_bytes(const void *p, size_t n);
int hash_fd(int fd, struct hash *ret, uint64_t *ret_size); // from its start; -1 with errno
bool hash_eq(const struct hash *a, const struct hash *b);
bool hash_is_zero(const struct hash *h);
void hash_hex(const struct hash *h, char out[static HASH_HEX]);
bool hash_parse(const char *hex, struct hash *ret); // exactly 64 lower-case hex digits
int hash_cmp(const struct hash *a, const struct hash *b);
