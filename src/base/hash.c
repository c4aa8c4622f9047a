// SPDX-License-Identifier: Apache-2.0
// SHA-256 through OpenSSL's low-level functions. They are the same code for the same instructions
// of the processor as EVP's, without its registry of providers: that took a millisecond to set up
// in every process that hashes, of the holder one for each job, and made a short input cost twice
// as much.
#define OPENSSL_SUPPRESS_DEPRECATED // in favour of EVP since 3.0
#include "base/hash.h"

#include "base/mem.h"
#include <errno.h>
#include <openssl/sha.h>
#include <string.h>
#include <unistd.h>

struct hasher {
	SHA256_CTX ctx;
};

struct hasher *hasher_new(void)
{
	struct hasher *h = xmalloc(sizeof(*h));
	SHA256_Init(&h->ctx);
	return h;
}

void hasher_free(struct hasher *h)
{
	free(h);
}

void hasher_free_ptr(struct hasher **h)
{
	hasher_free(*h);
}

void hasher_reset(struct hasher *h)
{
	SHA256_Init(&h->ctx);
}

void hasher_add(struct hasher *h, const void *p, size_t n)
{
	SHA256_Update(&h->ctx, p, n);
}

struct hash hasher_end(struct hasher *h)
{
	struct hash r;
	SHA256_Final(r.b, &h->ctx);
	SHA256_Init(&h->ctx);
	return r;
}

// Little-endian at p; n bytes follow it.
static void put_length(uint8_t *p, uint64_t n)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(n >> (8 * i));
}

void hasher_field(struct hasher *h, const void *p, size_t n)
{
	uint8_t both[8 + 64]; // one call of OpenSSL is dearer than the copy of a short field
	put_length(both, n);
	if (n <= sizeof(both) - 8) {
		if (n)
			memcpy(both + 8, p, n);
		hasher_add(h, both, 8 + n);
		return;
	}
	hasher_add(h, both, 8);
	hasher_add(h, p, n);
}

void hasher_u64(struct hasher *h, uint64_t v)
{
	uint8_t b[8];
	put_length(b, v);
	hasher_field(h, b, sizeof(b));
}

void hasher_str(struct hasher *h, const char *s)
{
	static const uint8_t no_length[8] = {255, 255, 255, 255, 255, 255, 255, 255};
	if (s)
		hasher_field(h, s, strlen(s));
	else
		hasher_add(h, no_length, sizeof(no_length)); // no string is that long
}

void hasher_hash(struct hasher *h, const struct hash *v)
{
	hasher_field(h, v->b, HASH_SIZE);
}

struct hash hash_bytes(const void *p, size_t n)
{
	struct hash r;
	SHA256_CTX ctx; // SHA256() itself goes through EVP
	SHA256_Init(&ctx);
	SHA256_Update(&ctx, p, n);
	SHA256_Final(r.b, &ctx);
	return r;
}

int hash_fd(int fd, struct hash *ret, uint64_t *ret_size)
{
	uint8_t chunk[64 << 10];
	SHA256_CTX ctx;
	SHA256_Init(&ctx);
	*ret_size = 0;
	for (;;) {
		ssize_t n = pread(fd, chunk, sizeof(chunk), (off_t)*ret_size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		SHA256_Update(&ctx, chunk, (size_t)n);
		*ret_size += (uint64_t)n;
	}
	SHA256_Final(ret->b, &ctx);
	return 0;
}

bool hash_eq(const struct hash *a, const struct hash *b)
{
	return !memcmp(a->b, b->b, HASH_SIZE);
}

bool hash_is_zero(const struct hash *h)
{
	static const struct hash zero;
	return hash_eq(h, &zero);
}

int hash_cmp(const struct hash *a, const struct hash *b)
{
	return memcmp(a->b, b->b, HASH_SIZE);
}

void hash_hex(const struct hash *h, char out[static HASH_HEX])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < HASH_SIZE; i++) {
		out[2 * i] = digits[h->b[i] >> 4];
		out[2 * i + 1] = digits[h->b[i] & 15];
	}
	out[HASH_HEX - 1] = '\0';
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hash_parse(const char *hex, struct hash *ret)
{
	struct hash r;
	for (size_t i = 0; i < HASH_SIZE; i++) {
		int hi = nibble(hex[2 * i]);
		int lo = hi < 0 ? -1 : nibble(hex[2 * i + 1]);
		if (lo < 0)
			return false;
		r.b[i] = (uint8_t)(hi << 4 | lo);
	}
	if (hex[2 * HASH_SIZE])
		return false;
	*ret = r;
	return true;
}
