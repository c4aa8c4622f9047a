// SPDX-License-Identifier: Apache-2.0
#include "base/timefmt.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void time_format(struct timestamp t, char out[static TIME_TEXT])
{
	struct tm tm;
	time_t sec = t.sec;
	if (!gmtime_r(&sec, &tm) || tm.tm_year + 1900 > 9999 || tm.tm_year + 1900 < 0) {
		snprintf(out, TIME_TEXT, "0001-01-01T00:00:00Z");
		return;
	}
	size_t n = strftime(out, TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	if (t.nsec) {
		n += (size_t)snprintf(out + n, TIME_TEXT - n, ".%09d", (int)t.nsec);
		while (out[n - 1] == '0')
			n--;
	}
	snprintf(out + n, TIME_TEXT - n, "Z");
}

static bool digits(const char **s, int count, int *ret)
{
	*ret = 0;
	for (int i = 0; i < count; i++, ++*s) {
		if (**s < '0' || **s > '9')
			return false;
		*ret = *ret * 10 + (**s - '0');
	}
	return true;
}

static bool literal(const char **s, char c)
{
	return *(*s)++ == c;
}

static bool fraction(const char **s, int32_t *ret)
{
	*ret = 0;
	if (**s != '.')
		return true;
	++*s;
	int32_t scale = 100000000;
	const char *start = *s;
	for (; **s >= '0' && **s <= '9'; ++*s, scale /= 10)
		*ret += (**s - '0') * scale;
	return *s > start;
}

bool time_parse(const char *s, struct timestamp *ret)
{
	int year, mon, day, hour, min, sec, oh = 0, om = 0;
	struct timestamp t;
	if (!digits(&s, 4, &year) || !literal(&s, '-') || !digits(&s, 2, &mon) ||
	        !literal(&s, '-') || !digits(&s, 2, &day) || (*s != 'T' && *s != 't' && *s != ' '))
		return false;
	s++;
	if (!digits(&s, 2, &hour) || !literal(&s, ':') || !digits(&s, 2, &min) ||
	        !literal(&s, ':') || !digits(&s, 2, &sec) || !fraction(&s, &t.nsec))
		return false;
	int sign = *s == '+' ? -1 : *s == '-' ? 1 : 0;
	if (!sign && *s != 'Z' && *s != 'z')
		return false;
	s++;
	if (sign && (!digits(&s, 2, &oh) || !literal(&s, ':') || !digits(&s, 2, &om)))
		return false;
	if (*s || mon < 1 || mon > 12 || day < 1 || day > 31 || hour > 23 || min > 59 || sec > 60)
		return false;
	struct tm tm = {.tm_year = year - 1900,
	        .tm_mon = mon - 1,
	        .tm_mday = day,
	        .tm_hour = hour,
	        .tm_min = min,
	        .tm_sec = sec};
	t.sec = timegm(&tm) + sign * (oh * 3600 + om * 60);
	*ret = t;
	return true;
}

struct timestamp time_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (struct timestamp){t.tv_sec, (int32_t)t.tv_nsec};
}

void time_age(struct timestamp t, char out[static TIME_TEXT])
{
	static const struct {
		int64_t limit, unit;
		const char *one, *many;
	} steps[] = {
	        {60, 1, "1 second ago", "seconds"},
	        {3600, 60, "About a minute ago", "minutes"},
	        {48 * 3600, 3600, "About an hour ago", "hours"},
	        {14 * 86400, 86400, "1 day ago", "days"},
	        {60 * 86400, 7 * 86400, "1 week ago", "weeks"},
	        {2 * 365 * 86400, 30 * 86400, "1 month ago", "months"},
	        {INT64_MAX, 365 * 86400, "1 year ago", "years"},
	};
	int64_t d = time_now().sec - t.sec;
	if (d < 1) {
		snprintf(out, TIME_TEXT, "Less than a second ago");
		return;
	}
	size_t i = 0;
	while (d >= steps[i].limit)
		i++;
	if (d / steps[i].unit == 1)
		snprintf(out, TIME_TEXT, "%s", steps[i].one);
	else
		snprintf(out, TIME_TEXT, "%lld %s ago", (long long)(d / steps[i].unit),
		        steps[i].many);
}

void size_format(uint64_t bytes, char out[static 24])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double v = (double)bytes;
	size_t i = 0;
	while (v >= 1000 && i + 1 < sizeof(units) / sizeof(units[0])) {
		v /= 1000;
		i++;
	}
	snprintf(out, 24, "%.3g%s", v, units[i]);
	if (v >= 999.5) // %.3g would turn to an exponent
		snprintf(out, 24, "%.0f%s", v, units[i]);
}
