// SPDX-License-Identifier: Apache-2.0
// Open addressing with linear probing, never more than three quarters full. SipHash-1-3 with a
// secret of the process (Aumasson and Bernstein, 2012), so that hostile keys cannot be chosen to
// collide.
#include "base/map.h"

#include "base/mem.h"
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

struct map_slot {
	char *key; // NULL: free
	void *value;
	uint64_t hash;
};

static uint64_t secret[2];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_secret(void)
{
	if (getrandom(secret, sizeof(secret), GRND_NONBLOCK) != sizeof(secret)) {
		secret[0] = (uintptr_t)&once; // early boot: address randomization must do
		secret[1] = (uintptr_t)secret * 0x9e3779b97f4a7c15u;
	}
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = (v[1] << 13 | v[1] >> 51) ^ v[0];
	v[0] = v[0] << 32 | v[0] >> 32;
	v[2] += v[3];
	v[3] = (v[3] << 16 | v[3] >> 48) ^ v[2];
	v[0] += v[3];
	v[3] = (v[3] << 21 | v[3] >> 43) ^ v[0];
	v[2] += v[1];
	v[1] = (v[1] << 17 | v[1] >> 47) ^ v[2];
	v[2] = v[2] << 32 | v[2] >> 32;
}

static void sip_begin(uint64_t v[4])
{
	pthread_once(&once, make_secret);
	v[0] = secret[0] ^ 0x736f6d6570736575u;
	v[1] = secret[1] ^ 0x646f72616e646f6du;
	v[2] = secret[0] ^ 0x6c7967656e657261u;
	v[3] = secret[1] ^ 0x7465646279746573u;
}

static void sip_take(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
}

// The table never leaves the process: any byte order.
static void sip_words(uint64_t v[4], const char *p, const char *end)
{
	for (; end - p >= 8; p += 8) {
		uint64_t m;
		memcpy(&m, p, 8);
		sip_take(v, m);
	}
}

static uint64_t sip_end(const uint64_t state[4], const char *key, size_t n)
{
	uint64_t v[4], m = (uint64_t)n << 56;
	memcpy(v, state, sizeof(v));
	memcpy(&m, key + n / 8 * 8, n % 8);
	sip_take(v, m);
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t hash_of(const char *key)
{
	uint64_t v[4];
	size_t n = strlen(key);
	sip_begin(v);
	sip_words(v, key, key + n);
	return sip_end(v, key, n);
}

static size_t find(const struct map *m, const char *key, uint64_t h)
{
	size_t i = (size_t)h & (m->cap - 1);
	while (m->slots[i].key && (m->slots[i].hash != h || strcmp(m->slots[i].key, key) != 0))
		i = (i + 1) & (m->cap - 1);
	return i;
}

void map_release(struct map *m)
{
	for (size_t i = 0; i < m->cap; i++)
		free(m->slots[i].key);
	free(m->slots);
	*m = (struct map){0};
}

void *map_get(const struct map *m, const char *key)
{
	return m->n ? m->slots[find(m, key, hash_of(key))].value : NULL;
}

void *map_get_longer(const struct map *m, struct map_prefix *at, const char *key, size_t n)
{
	if (at->n < 8)
		sip_begin(at->state);
	sip_words(at->state, key + at->n / 8 * 8, key + n);
	at->n = n;
	return m->n ? m->slots[find(m, key, sip_end(at->state, key, n))].value : NULL;
}

bool map_has(const struct map *m, const char *key)
{
	return m->n && m->slots[find(m, key, hash_of(key))].key;
}

static void grow(struct map *m)
{
	struct map old = *m;
	m->cap = old.cap ? 2 * old.cap : 16;
	m->slots = xcalloc(m->cap, sizeof(*m->slots));
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].key)
			m->slots[find(m, old.slots[i].key, old.slots[i].hash)] = old.slots[i];
	free(old.slots);
}

void map_set(struct map *m, const char *key, void *value)
{
	uint64_t h = hash_of(key);
	if (4 * (m->n + 1) > 3 * m->cap)
		grow(m);
	struct map_slot *s = &m->slots[find(m, key, h)];
	if (!s->key) {
		*s = (struct map_slot){.key = xstrdup(key), .hash = h};
		m->n++;
	}
	s->value = value;
}

bool map_del(struct map *m, const char *key)
{
	if (!m->n)
		return false;
	size_t mask = m->cap - 1, hole = find(m, key, hash_of(key));
	if (!m->slots[hole].key)
		return false;
	free(m->slots[hole].key);
	m->slots[hole] = (struct map_slot){0};
	m->n--;
	// close the gap, or probes would stop at it
	for (size_t i = (hole + 1) & mask; m->slots[i].key; i = (i + 1) & mask) {
		size_t home = (size_t)m->slots[i].hash & mask;
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			m->slots[hole] = m->slots[i];
			m->slots[i] = (struct map_slot){0};
			hole = i;
		}
	}
	return true;
}

bool map_next(const struct map *m, size_t *i, const char **key, void **value)
{
	while (*i < m->cap && !m->slots[*i].key)
		++*i;
	if (*i >= m->cap)
		return false;
	*key = m->slots[*i].key;
	*value = m->slots[*i].value;
	++*i;
	return true;
}
