// SPDX-License-Identifier: Apache-2.0
// Times as images carry them: RFC 3339 with nanoseconds, UTC.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct timestamp {
	int64_t sec;
	int32_t nsec;
};
#define TIME_TEXT 40
// "2024-01-02T03:04:05.678Z", trailing zeros cut as Go does.
void time_format(struct timestamp t, char out[static TIME_TEXT]);
bool time_parse(const char *s, struct timestamp *ret); // RFC 3339 with any offset
struct timestamp time_now(void);
// "3 minutes ago", as docker prints ages.
void time_age(struct timestamp t, char out[static TIME_TEXT]);
// "1.1GB", "12.3MB", "77kB": decimal units, as docker prints sizes.
void size_format(uint64_t bytes, char out[static 24]);
// "50MB", "1.5 GiB", "20m", "1,000": kB and MB count by 1000, KiB and MiB by 1024, as dive takes
// them (go-humanize's ParseBytes). False: it is no size, or one of 16 EiB and more.
bool size_parse(const char *s, uint64_t *ret);
