// SPDX-License-Identifier: Apache-2.0
// A fixed set of worker threads and a queue of jobs; results are the jobs' own business.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pool;                           // thread-safe
struct pool *pool_new(size_t threads); // 0: one per usable processor
void pool_free(struct pool *p);        // runs what is queued, then joins
void pool_add(struct pool *p, void (*fn)(void *), void *arg);
size_t pool_size(const struct pool *p);
size_t cpu_count(void); // sched_getaffinity

// fn(arg, i) for each i < n, on so many threads at most. The first failure stops the rest, and so
// does what stops the caller (cancel_with): cancel_check of the threads says it.
struct err;
struct pool_each {
	size_t n, threads;
	void *arg;
	int (*fn)(void *arg, size_t i, struct err *e);
};
int pool_run_each(const struct pool_each *work, struct err *e);

// Ordered parallel map over a sequence: fn(i) runs on the pool, done(i) is called in order of i by
// one thread at a time, with at most `window` results outstanding. Stops early if either fails,
// with the error of the first i that did.
struct pool_ordered {
	size_t n, window;
	void *arg;
	int (*fn)(void *arg, size_t i, struct err *e);
	int (*done)(void *arg, size_t i, struct err *e);
};
int pool_run_ordered(struct pool *p, const struct pool_ordered *o, struct err *e);
