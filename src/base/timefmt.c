// SPDX-License-Identifier: Apache-2.0
// Times and sizes as text: RFC 3339 as Go writes it (fraction without trailing zeros, UTC as Z),
// ages and decimal sizes as docker prints them.
#include "base/timefmt.h"

#include "base/buf.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void time_format(struct timestamp t, char out[static TIME_TEXT])
{
	struct tm tm;
	time_t sec = t.sec;
	if (!gmtime_r(&sec, &tm) || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900) {
		snprintf(out, TIME_TEXT, "0001-01-01T00:00:00Z"); // as Go's zero time
		return;
	}
	// strftime would not pad a year below 1000
	size_t n = (size_t)snprintf(out, TIME_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u",
	        (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
	        (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
	        (unsigned)tm.tm_sec % 100);
	if (t.nsec > 0) {
		n += (size_t)snprintf(
		        out + n, TIME_TEXT - n, ".%09u", (unsigned)t.nsec % 1000000000);
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
	if (*s || mon < 1 || mon > 12 || day < 1 || day > 31 || hour > 23 || min > 59 || sec > 60 ||
	        oh > 23 || om > 59)
		return false;
	struct tm tm = {.tm_year = year - 1900, .tm_mon = mon - 1, .tm_mday = day, .tm_hour = hour};
	t.sec = timegm(&tm) + min * 60 + sec + sign * (oh * 3600 + om * 60);
	if (tm.tm_mday != day) // 30 February was normalized
		return false;
	*ret = t;
	return true;
}

struct timestamp time_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (struct timestamp){t.tv_sec, (int32_t)t.tv_nsec};
}

// The words and roundings of docker's "ago" column: hours are rounded, larger units cut.
void time_age(struct timestamp t, char out[static TIME_TEXT])
{
	static const struct {
		int64_t below, divide; // in hours
		const char *unit;
	} spans[] = {
	        {48, 1, "hours"},
	        {14 * 24, 24, "days"},
	        {60 * 24, 7 * 24, "weeks"},
	        {2 * 365 * 24, 30 * 24, "months"},
	        {INT64_MAX, 365 * 24, "years"},
	};
	int64_t sec = time_now().sec - t.sec, hours = sec / 3600 + (sec % 3600 >= 1800);
	if (sec < 1)
		snprintf(out, TIME_TEXT, "Less than a second ago");
	else if (sec < 60)
		snprintf(out, TIME_TEXT, "%d second%s ago", (int)sec, sec == 1 ? "" : "s");
	else if (sec < 120)
		snprintf(out, TIME_TEXT, "About a minute ago");
	else if (sec < 3600)
		snprintf(out, TIME_TEXT, "%d minutes ago", (int)(sec / 60));
	else if (hours == 1)
		snprintf(out, TIME_TEXT, "About an hour ago");
	else
		for (size_t i = 0;; i++)
			if (hours < spans[i].below) {
				long long n = hours / spans[i].divide;
				snprintf(out, TIME_TEXT, "%lld %s ago", n, spans[i].unit);
				return;
			}
}

void size_format(uint64_t bytes, char out[static 24])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double v = (double)bytes;
	size_t i = 0;
	while (v >= 999.5 && i + 1 < sizeof(units) / sizeof(units[0])) { // three digits: no "1e+03"
		v /= 1000;
		i++;
	}
	if (i == 0)
		snprintf(out, 24, "%uB", (unsigned)bytes);
	else
		snprintf(out, 24, "%.3g%s", v, units[i]);
}

static const struct size_unit {
	const char *name;
	double bytes;
} size_units[] = {
        {"", 1},
        {"b", 1},
        {"k", 1e3},
        {"kb", 1e3},
        {"ki", 1024.0},
        {"kib", 1024.0},
        {"m", 1e6},
        {"mb", 1e6},
        {"mi", 1048576.0},
        {"mib", 1048576.0},
        {"g", 1e9},
        {"gb", 1e9},
        {"gi", 1073741824.0},
        {"gib", 1073741824.0},
        {"t", 1e12},
        {"tb", 1e12},
        {"ti", 1099511627776.0},
        {"tib", 1099511627776.0},
        {"p", 1e15},
        {"pb", 1e15},
        {"pi", 1125899906842624.0},
        {"pib", 1125899906842624.0},
};

bool size_parse(const char *s, uint64_t *ret)
{
	char number[40];
	size_t n = 0;
	for (; strchr("0123456789.,", *s) && *s; s++)
		if (*s != ',') {
			if (n + 1 >= sizeof(number))
				return false;
			number[n++] = *s;
		}
	number[n] = '\0';
	char *end = number;
	double v = n ? strtod(number, &end) : 0;
	if (!n || *end || !strpbrk(number, "0123456789"))
		return false;
	while (*s == ' ')
		s++;
	for (size_t i = 0; i < sizeof(size_units) / sizeof(size_units[0]); i++) {
		if (!str_ieq(s, size_units[i].name))
			continue;
		v *= size_units[i].bytes;
		if (v >= 18446744073709551616.0)
			return false;
		*ret = (uint64_t)v;
		return true;
	}
	return false;
}
