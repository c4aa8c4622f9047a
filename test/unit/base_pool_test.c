// SPDX-License-Identifier: Apache-2.0
// The pool and the ordered map: everything runs once, in order, within the window, and stops at
// failures.
#include "base/cancel.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void count(void *arg)
{
	__atomic_add_fetch((int *)arg, 1, __ATOMIC_SEQ_CST);
}

static void test_pool(void **state)
{
	int n = 0;
	struct pool *p = pool_new(3);
	assert_int_equal(pool_size(p), 3);
	for (int i = 0; i < 1000; i++)
		pool_add(p, count, &n);
	pool_free(p); // runs what is queued
	assert_int_equal(n, 1000);
	pool_free(NULL);
	assert_true(cpu_count() >= 1);
	p = pool_new(0);
	assert_int_equal(pool_size(p), cpu_count());
	pool_free(p);
}

struct crowd {
	struct slots slots;
	int inside, most;
};

static int go_in(void *arg, size_t i, struct err *e)
{
	struct crowd *c = arg;
	assert_int_equal(slots_enter(&c->slots, 3, e), 0);
	int now = __atomic_add_fetch(&c->inside, 1, __ATOMIC_SEQ_CST);
	if (now > __atomic_load_n(&c->most, __ATOMIC_SEQ_CST))
		__atomic_store_n(&c->most, now, __ATOMIC_SEQ_CST);
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	__atomic_sub_fetch(&c->inside, 1, __ATOMIC_SEQ_CST);
	slots_leave(&c->slots);
	return 0;
}

static void test_slots(void **state)
{
	struct crowd c = {0};
	struct err e = ERR_INIT;
	slots_init(&c.slots);
	const struct pool_each work = {.n = 50, .threads = 8, .arg = &c, .fn = go_in};
	assert_int_equal(pool_run_each(&work, &e), 0);
	assert_in_range(c.most, 1, 3);
	assert_int_equal(c.slots.busy, 0);
	const atomic_bool stop = true;
	cancel_with(&stop);
	assert_int_equal(slots_enter(&c.slots, 1, &e), 0); // there is room: nobody waits
	assert_int_equal(slots_enter(&c.slots, 1, &e), -1);
	assert_int_equal(e.kind, ERR_CANCELLED);
	cancel_with(NULL);
	slots_leave(&c.slots);
	slots_release(&c.slots);
}

struct run {
	size_t window, fn_fails, fn_fails_too, done_fails; // SIZE_MAX: never
	size_t outstanding, most, ran, next;
	bool order_broken;
};

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static int run_fn(void *arg, size_t i, struct err *e)
{
	struct run *r = arg;
	size_t now = __atomic_add_fetch(&r->outstanding, 1, __ATOMIC_SEQ_CST);
	size_t most = __atomic_load_n(&r->most, __ATOMIC_SEQ_CST);
	while (now > most && !__atomic_compare_exchange_n(&r->most, &most, now, false,
	                             __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	__atomic_add_fetch(&r->ran, 1, __ATOMIC_SEQ_CST);
	if (i % 13 == 0)
		pause_ms(1);
	if (i == r->fn_fails)
		pause_ms(5); // the later failure comes first
	if (i == r->fn_fails || i == r->fn_fails_too)
		return err_set(e, ERR_CORRUPT, "fn %zu", i);
	return 0;
}

static int run_done(void *arg, size_t i, struct err *e)
{
	struct run *r = arg;
	__atomic_sub_fetch(&r->outstanding, 1, __ATOMIC_SEQ_CST);
	r->order_broken |= i != r->next;
	r->next++;
	return i == r->done_fails ? err_set(e, ERR_SPACE, "done %zu", i) : 0;
}

static void test_ordered(void **state)
{
	static const struct {
		const char *name;
		size_t n, window, fn_fails, fn_fails_too, done_fails, want_done;
		const char *msg;
	} rows[] = {
	        {"nothing", 0, 4, SIZE_MAX, SIZE_MAX, SIZE_MAX, 0, NULL},
	        {"one", 1, 4, SIZE_MAX, SIZE_MAX, SIZE_MAX, 1, NULL},
	        {"many", 500, 8, SIZE_MAX, SIZE_MAX, SIZE_MAX, 500, NULL},
	        {"one at a time", 50, 1, SIZE_MAX, SIZE_MAX, SIZE_MAX, 50, NULL},
	        {"no window", 50, 0, SIZE_MAX, SIZE_MAX, SIZE_MAX, 50, NULL},
	        {"a window wider than all", 5, SIZE_MAX / 2, SIZE_MAX, SIZE_MAX, SIZE_MAX, 5, NULL},
	        {"fn fails", 500, 8, 100, SIZE_MAX, SIZE_MAX, 100, "fn 100"},
	        {"the first fails", 500, 8, 0, SIZE_MAX, SIZE_MAX, 0, "fn 0"},
	        {"the last fails", 50, 8, 49, SIZE_MAX, SIZE_MAX, 49, "fn 49"},
	        {"two fail", 500, 8, 100, 103, SIZE_MAX, 100, "fn 100"},
	        {"done fails", 500, 8, SIZE_MAX, SIZE_MAX, 42, 43, "done 42"},
	        {"done fails before fn", 500, 8, 44, SIZE_MAX, 40, 41, "done 40"},
	};
	struct pool *p = pool_new(4);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct run r = {.fn_fails = rows[i].fn_fails,
		        .fn_fails_too = rows[i].fn_fails_too,
		        .done_fails = rows[i].done_fails};
		struct pool_ordered o = {rows[i].n, rows[i].window, &r, run_fn, run_done};
		struct err e = ERR_INIT;
		int result = pool_run_ordered(p, &o, &e);
		const char *msg = result ? e.msg : NULL;
		if (!msg != !rows[i].msg || (msg && strcmp(msg, rows[i].msg)))
			fail_msg("%s: %s", rows[i].name, msg ? msg : "no error");
		if (r.order_broken || r.next != rows[i].want_done)
			fail_msg("%s: %zu done", rows[i].name, r.next);
		size_t window = rows[i].window ? rows[i].window : 1;
		if (r.most > window || (msg && r.ran > r.next + window + 1))
			fail_msg("%s: %zu outstanding, %zu ran", rows[i].name, r.most, r.ran);
	}
	pool_free(p);
}

struct each_run {
	atomic_size_t ran;
	size_t fails;
	atomic_bool *stops; // set by the first
	bool waits;         // until it is stopped
};

static int each_fn(void *arg, size_t i, struct err *e)
{
	struct each_run *r = arg;
	atomic_fetch_add(&r->ran, 1);
	if (i == r->fails)
		return err_set(e, ERR_NET, "number %zu", i);
	if (r->stops)
		atomic_store(r->stops, true);
	for (int n = 0; r->waits && n < 2000; n++) {
		if (cancel_check(e))
			return -1;
		pause_ms(5);
	}
	return 0;
}

static void test_each(void **state)
{
	const size_t threads[] = {1, 3, 200};
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		struct err e = ERR_INIT;
		struct each_run r = {.fails = SIZE_MAX};
		struct pool_each o = {100, threads[i], &r, each_fn};
		assert_int_equal(pool_run_each(&o, &e), 0);
		assert_int_equal(r.ran, 100);
		o.n = 0;
		assert_int_equal(pool_run_each(&o, &e), 0);
		assert_int_equal(r.ran, 100);
	}
	// a failure ends those that run, and is what is told
	struct err e = ERR_INIT;
	struct each_run r = {.fails = 2, .waits = true};
	struct pool_each o = {100, 3, &r, each_fn};
	assert_int_equal(pool_run_each(&o, &e), -1);
	assert_int_equal(e.kind, ERR_NET);
	assert_int_equal(r.ran, 3);
}

static void test_each_stopped(void **state)
{
	atomic_bool stop = false;
	struct err e = ERR_INIT;
	struct each_run r = {.fails = SIZE_MAX, .stops = &stop, .waits = true};
	struct pool_each o = {100, 4, &r, each_fn};
	cancel_with(&stop);
	assert_int_equal(pool_run_each(&o, &e), -1);
	cancel_with(NULL);
	assert_int_equal(e.kind, ERR_CANCELLED);
	assert_in_range(r.ran, 1, 4);
}

static void test_cancelled(void **state)
{
	struct pool *p = pool_new(2);
	struct run r = {.fn_fails = SIZE_MAX, .fn_fails_too = SIZE_MAX, .done_fails = SIZE_MAX};
	struct pool_ordered o = {100, 4, &r, run_fn, run_done};
	struct err e = ERR_INIT;
	cancel_trigger(2);
	assert_int_equal(pool_run_ordered(p, &o, &e), -1);
	assert_int_equal(e.kind, ERR_CANCELLED);
	assert_int_equal(r.ran, 0);
	pool_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pool), cmocka_unit_test(test_slots),
	        cmocka_unit_test(test_ordered), cmocka_unit_test(test_each),
	        cmocka_unit_test(test_each_stopped),
	        cmocka_unit_test(test_cancelled), // stays so for the process
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
