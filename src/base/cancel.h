// SPDX-License-Identifier: Apache-2.0
// Cancellation: one flag for the process, set by SIGINT, SIGTERM and SIGHUP, and an eventfd to poll
// beside other descriptors. Long loops ask cancel_requested(); waits poll cancel_fd().
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct err;
int cancel_install(struct err *e); // installs the handlers; once, before any thread
bool cancel_requested(void);
int cancel_fd(void);          // becomes readable and stays so; -1 before cancel_install
int cancel_signal(void);      // which one, 0 if none
void cancel_trigger(int sig); // as if the signal had come
// ERR_CANCELLED if requested, else 0.
int cancel_check(struct err *e);
// For work in parallel: cancel_check of this thread asks *stop, too. NULL ends that. Returns what
// was set before. Nothing wakes who waits: waits have to be short.
const atomic_bool *cancel_with(const atomic_bool *stop);
// A wait for the condition that ends by itself after a moment (100 ms), so that whoever waits can
// look. The lock is held before and after.
void cancel_wait(pthread_cond_t *cond, pthread_mutex_t *lock);
