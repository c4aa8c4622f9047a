// SPDX-License-Identifier: Apache-2.0
// Backoff and Retry-After. Waiting listens to cancellation, and no server can make hew wait longer
// than RETRY_AFTER_MAX_MS at a time.

#include "registry/retry.h"

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include <errno.h>
#include <poll.h>
#include <sys/random.h>

#define SLICE_MS 500 // how long a failure elsewhere may go unnoticed

bool retry_again(struct retry *r)
{
	return ++r->tries < RETRY_MAX;
}

int64_t retry_backoff_ms(int tries)
{
	int shift = tries < 1 ? 0 : tries > 5 ? 4 : tries - 1;
	return (int64_t)500 << shift;
}

// Between half and all of ms, so that many clients do not come back at the same moment.
static int64_t jitter(int64_t ms)
{
	uint32_t random = 0;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)clock_ns();
	return ms / 2 + (int64_t)(random % (uint64_t)(ms / 2 + 1));
}

int retry_wait(const struct retry *r, int64_t after_ms, struct err *e)
{
	int64_t ms = after_ms >= 0 ? after_ms : jitter(retry_backoff_ms(r->tries));
	if (ms > RETRY_AFTER_MAX_MS)
		ms = RETRY_AFTER_MAX_MS;
	int64_t end = clock_ns() + ms * 1000000;
	while (cancel_check(e) == 0) {
		int64_t left = (end - clock_ns()) / 1000000;
		if (left <= 0)
			return 0;
		struct pollfd pfd = {.fd = cancel_fd(), .events = POLLIN};
		int slice = left < SLICE_MS ? (int)left : SLICE_MS;
		if (poll(&pfd, 1, slice) < 0 && errno != EINTR)
			return err_sys(e, "wait before the next try");
	}
	return -1;
}

bool http_date_parse(const char *s, int64_t *ret)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = {0};
	char month[4], zone[4];
	if (sscanf(s, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d %3[A-Z]", &tm.tm_mday, month,
	            &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, zone) != 7)
		return false;
	const char *m = strlen(month) == 3 ? strstr(months, month) : NULL;
	if (!m || (m - months) % 3 || tm.tm_year < 1970 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	        (strcmp(zone, "GMT") != 0 && strcmp(zone, "UTC") != 0))
		return false;
	tm.tm_mon = (int)(m - months) / 3;
	tm.tm_year -= 1900;
	*ret = timegm(&tm);
	return true;
}

// "1m30s", "35.8µs": the units Go prints.
static int64_t go_duration_ms(const char *s)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = {{"ns", 1e-6}, {"us", 1e-3}, {"\xc2\xb5s", 1e-3}, {"ms", 1}, {"s", 1e3},
	        {"m", 6e4}, {"h", 3.6e6}};
	double total = 0;
	bool any = false;
	while (*s >= '0' && *s <= '9') {
		char *end;
		double v = strtod(s, &end);
		size_t i = 0;
		while (i < ARRAY_LEN(units) && !str_has_prefix(end, units[i].unit))
			i++;
		if (i == ARRAY_LEN(units) || v > 1e12)
			return -1;
		total += v * units[i].ms;
		s = end + strlen(units[i].unit);
		any = true;
	}
	bool ended = *s == '\0' || *s == ',' || *s == ' ';
	return any && ended ? (int64_t)(total + 0.999) : -1;
}

int64_t retry_after_ms(const char *value, int64_t now)
{
	int64_t date;
	uint64_t seconds;
	if (!value)
		return -1;
	while (*value == ' ')
		value++;
	if (str_to_u64(value, &seconds))
		return seconds > INT64_MAX / 1000 ? INT64_MAX : (int64_t)seconds * 1000;
	if (http_date_parse(value, &date))
		return date <= now ? 0 : (date - now) * 1000;
	return go_duration_ms(value);
}
