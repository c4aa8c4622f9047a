// SPDX-License-Identifier: Apache-2.0
// The parts of hew builds.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct record;
struct store;
struct strv;

// ---- builds_list.c
// filters: "status=failed", "name=PATTERN".
int builds_list(struct store *s, const struct strv *filters, bool json, bool quiet, struct err *e);

// ---- builds_log.c: what the build said, as plain progress or as lines of JSON; on stdout
int builds_log(struct store *s, const struct record *r, bool json, struct err *e);

// A line of the file.
#define LOG_STEPS_MAX 100000
struct log_line {
	char kind; // 'o', 'e': output; 's', 'c', 'd', 'f', ...: see exec/build_log.c
	int step;  // by its id
	int64_t at_us;
	const char *text; // of the line
	size_t n;
};
bool log_line_parse(const char *p, size_t n, struct log_line *ret);
// Every whole line of a log; fd is closed.
int log_read(int fd, void (*take)(void *arg, const char *line, size_t n), void *arg, struct err *e);
