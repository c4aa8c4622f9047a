// SPDX-License-Identifier: Apache-2.0
// Allocation that cannot fail (it aborts with a message), ownership by attribute, and arenas.
// Because running out is fatal, a length that comes from outside is bounded before it gets here.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

void *xmalloc(size_t n) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t n) __attribute__((returns_nonnull));
void *xreallocarray(void *p, size_t count, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull, nonnull));
char *xstrdup_null(const char *s) __attribute__((malloc)); // NULL for NULL
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull, nonnull));
char *xasprintf(const char *fmt, ...)
        __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

static inline void free_ptr(void *pp)
{
	free(*(void **)pp);
}
void close_fd(int *fd); // closes if >= 0; keeps errno

#define auto_free __attribute__((cleanup(free_ptr)))
#define auto_fd __attribute__((cleanup(close_fd)))

// Hand over: the variable gives up what it owns.
#define steal_ptr(p)                            \
	({                                      \
		__auto_type steal_p = (p);      \
		__auto_type steal_v = *steal_p; \
		*steal_p = NULL;                \
		steal_v;                        \
	})
static inline int steal_fd(int *fd)
{
	int v = *fd;
	*fd = -1;
	return v;
}

// An arena owns everything allocated from it until arena_release. Not thread-safe.
struct arena_chunk;
struct arena {
	struct arena_chunk *head;
	size_t total;
};
#define auto_arena __attribute__((cleanup(arena_release)))
void *arena_alloc(struct arena *a, size_t n) __attribute__((returns_nonnull)); // zeroed, aligned 16
char *arena_strdup(struct arena *a, const char *s) __attribute__((returns_nonnull, nonnull(2)));
char *arena_strndup(struct arena *a, const char *s, size_t n) __attribute__((returns_nonnull));
char *arena_printf(struct arena *a, const char *fmt, ...)
        __attribute__((returns_nonnull, format(printf, 2, 3)));
void arena_release(struct arena *a); // frees all; the arena is empty and usable again

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
