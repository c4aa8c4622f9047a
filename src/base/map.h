// SPDX-License-Identifier: Apache-2.0
// String-keyed hash map: owns copies of its keys, borrows its values. Not thread-safe.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct map {
	struct map_slot *slots;
	size_t n, cap;
};
#define auto_map __attribute__((cleanup(map_release)))
void map_release(struct map *m);                     // does not touch the values
void *map_get(const struct map *m, const char *key); // NULL if absent
bool map_has(const struct map *m, const char *key);
void map_set(struct map *m, const char *key, void *value);
bool map_del(struct map *m, const char *key);
// Iteration in no order: for (size_t i = 0; map_next(m, &i, &key, &value);)
bool map_next(const struct map *m, size_t *i, const char **key, void **value);
