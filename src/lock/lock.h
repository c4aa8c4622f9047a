// SPDX-License-Identifier: Apache-2.0
// hew.lock: what the names in a Dockerfile stood for, a line a name, sorted, so that a change of
// one is a change of one line:
//     # hew.lock 1
//     git <commit> <repository as ADD names it>
//     image sha256:<hex> <full reference>
//     url sha256:<hex> <url>
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

#define LOCK_FILE "hew.lock" // beside the Dockerfile
#define LOCK_MAX (1u << 20)  // bytes

enum lock_kind { LOCK_GIT, LOCK_IMAGE, LOCK_URL };
const char *lock_kind_name(enum lock_kind kind);

struct lock_entry {
	enum lock_kind kind;
	char *name, *value;
};
struct lock {
	struct lock_entry *v; // by kind and name
	size_t n;
};
#define auto_lock __attribute__((cleanup(lock_release)))
void lock_release(struct lock *l);
// ERR_CORRUPT with the line.
int lock_parse(const char *p, size_t n, struct lock *ret, struct err *e);
void lock_write(const struct lock *l, struct buf *out);
// A name as it stands there: without user and password of an http(s) URL. Caller frees.
char *lock_name(const char *name);
// NULL if it is not there.
const char *lock_find(const struct lock *l, enum lock_kind kind, const char *name);
// Enters it, or changes what it stands for. ERR_UNSUPPORTED: the name has no place in a line.
int lock_set(
        struct lock *l, enum lock_kind kind, const char *name, const char *value, struct err *e);

// What becomes of the file when `now` is what names stand for: each of its names is as it is there;
// the others stay, or go with `prune`.
struct lock_change {
	const struct lock_entry *was, *is; // NULL: it is new, it goes
};
// Fills changes, which has room for old->n + now->n; returns how many there are, by kind and name.
size_t lock_compare(
        const struct lock *old, const struct lock *now, bool prune, struct lock_change *changes);
