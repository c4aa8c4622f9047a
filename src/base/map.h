// SPDX-License-Identifier: Apache-2.0
// String-keyed hash map: owns copies of its keys, borrows its values. Not thread-safe.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map {
	struct map_slot *slots;
	size_t n, cap;
};
#define auto_map __attribute__((cleanup(map_release)))
void map_release(struct map *m);                     // does not touch the values
void *map_get(const struct map *m, const char *key); // NULL if absent
// Where one key begins the next: what was made of the first n bytes. Zero: nothing yet.
struct map_prefix {
	uint64_t state[4];
	size_t n;
};
// map_get of a key of n bytes that begins with those of *at, which is set to all of it. Takes the
// time of the bytes that were added.
void *map_get_longer(const struct map *m, struct map_prefix *at, const char *key, size_t n);
bool map_has(const struct map *m, const char *key);
void map_set(struct map *m, const char *key, void *value);
bool map_del(struct map *m, const char *key);
// Iteration in no order: for (size_t i = 0; map_next(m, &i, &key, &value);)
bool map_next(const struct map *m, size_t *i, const char **key, void **value);
