// SPDX-License-Identifier: Apache-2.0
// When to try again and how long to wait: exponential backoff with jitter, or what the server says
// in Retry-After (RFC 9110 section 10.2.3).
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

#define RETRY_MAX 5              // tries without any progress
#define RETRY_AFTER_MAX_MS 60000 // a server that wants longer is not waited for

struct retry {
	int tries; // failed so far
};
// Counts a failure. False: give up.
bool retry_again(struct retry *r);
// Sleeps: after_ms if >= 0, else the backoff of this many failures. ERR_CANCELLED if interrupted.
int retry_wait(const struct retry *r, int64_t after_ms, struct err *e);
// Backoff in ms before jitter: 500, 1000, 2000, 4000, 8000.
int64_t retry_backoff_ms(int tries);
// Retry-After: seconds, an HTTP date, or a Go duration as ghcr.io sends it ("35.8µs"). -1 if it
// says nothing. now: seconds since the epoch.
int64_t retry_after_ms(const char *value, int64_t now);
// An HTTP date (RFC 9110 section 5.6.7, IMF-fixdate). False if it is none.
bool http_date_parse(const char *s, int64_t *ret);
