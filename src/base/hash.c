// SPDX-License-Identifier: Apache-2.0
// SHA-256 through OpenSSL. Fetching the algorithm costs more than hashing a small input, so it is
// done once.
#include "base/hash.h"

#include "base/mem.h"
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

static EVP_MD *sha256;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local EVP_MD_CTX *thread_ctx; // of hash_bytes
static pthread_key_t thread_end;             // frees it

static void free_ctx(void *ctx)
{
	EVP_MD_CTX_free(ctx);
}

static void fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!sha256)
		abort();
	pthread_key_create(&thread_end, free_ctx);
}

struct hasher {
	EVP_MD_CTX *ctx;
};

static void start(EVP_MD_CTX *ctx)
{
	pthread_once(&once, fetch);
	if (EVP_DigestInit_ex2(ctx, sha256, NULL) != 1)
		abort();
}

struct hasher *hasher_new(void)
{
	struct hasher *h = xmalloc(sizeof(*h));
	h->ctx = EVP_MD_CTX_new();
	if (!h->ctx)
		abort();
	start(h->ctx);
	return h;
}

void hasher_free(struct hasher *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

void hasher_free_ptr(struct hasher **h)
{
	hasher_free(*h);
}

void hasher_reset(struct hasher *h)
{
	start(h->ctx);
}

void hasher_add(struct hasher *h, const void *p, size_t n)
{
	if (n && EVP_DigestUpdate(h->ctx, p, n) != 1)
		abort();
}

struct hash hasher_end(struct hasher *h)
{
	struct hash r;
	if (EVP_DigestFinal_ex(h->ctx, r.b, NULL) != 1)
		abort();
	start(h->ctx);
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

static EVP_MD_CTX *new_thread_ctx(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (!ctx)
		abort();
	pthread_once(&once, fetch);
	pthread_setspecific(thread_end, ctx);
	return ctx;
}

struct hash hash_bytes(const void *p, size_t n)
{
	struct hash r;
	if (!thread_ctx)
		thread_ctx = new_thread_ctx();
	start(thread_ctx);
	if (n && EVP_DigestUpdate(thread_ctx, p, n) != 1)
		abort();
	if (EVP_DigestFinal_ex(thread_ctx, r.b, NULL) != 1)
		abort();
	return r;
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
