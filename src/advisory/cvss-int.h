// SPDX-License-Identifier: Apache-2.0
// What the versions of CVSS share: reading a vector into one letter a metric.
#pragma once

#include "advisory/cvss.h"
#include <stdbool.h>

struct cvss_metric {
	const char *key;    // "AV"
	const char *values; // one letter each, "NALP"; NULL: any word, it does not count
	bool optional;      // 'X' if it is not there
};
#define CVSS_METRICS_MAX 32

// "AV:N/AC:L/...": ret[i] is the letter of metrics[i]. In any order, none twice.
int cvss_read(
        const struct cvss_metric *metrics, size_t n, const char *text, char *ret, struct err *e);

int cvss2_score(const char *text, int *ret, struct err *e);
int cvss3_score(const char *text, int version, int *ret, struct err *e);
int cvss4_score(const char *text, int *ret, struct err *e);
