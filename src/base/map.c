// SPDX-License-Identifier: Apache-2.0
// Open addressing with linear probing; FNV-1a over a per-process seed, so that hostile keys cannot
// be chosen to collide.
#include "base/map.h"

#include "base/mem.h"
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

struct map_slot {
	char *key; // NULL: free
	void *value;
	uint64_t hash;
};

static uint64_t seed(void)
{
	static uint64_t s;
	uint64_t v = __atomic_load_n(&s, __ATOMIC_RELAXED);
	if (!v) {
		if (getrandom(&v, sizeof(v), GRND_NONBLOCK) != sizeof(v) || !v)
			v = (uintptr_t)&s | 1;
		uint64_t zero = 0;
		if (!__atomic_compare_exchange_n(
		            &s, &zero, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			v = zero;
	}
	return v;
}

static uint64_t hash_of(const char *key)
{
	uint64_t h = 14695981039346656037ull ^ seed();
	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 1099511628211ull;
	return h ^ h >> 29;
}

static size_t find(const struct map *m, const char *key, uint64_t h)
{
	size_t i = (size_t)h & (m->cap - 1);
	while (m->slots[i].key && (m->slots[i].hash != h || strcmp(m->slots[i].key, key)))
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
