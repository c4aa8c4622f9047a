// SPDX-License-Identifier: Apache-2.0
// Severities, and the scores of CVSS vectors (FIRST's specifications 2.0, 3.0, 3.1, 4.0), computed:
// published scores contradict their own vectors now and then.
#pragma once

#include <stddef.h>

struct err;

// In rising order. Negligible is Debian's "unimportant" and a score of 0.
enum severity {
	SEVERITY_UNKNOWN,
	SEVERITY_NEGLIGIBLE,
	SEVERITY_LOW,
	SEVERITY_MEDIUM,
	SEVERITY_HIGH,
	SEVERITY_CRITICAL,
};
const char *severity_name(enum severity s); // "UNKNOWN", "LOW", ...
// The words of those who publish advisories, in any case: "moderate", "Important", "low**", ...
// SEVERITY_UNKNOWN for others.
enum severity severity_of_word(const char *word);

#define CVSS_VECTOR_MAX 255

struct cvss {
	int version; // 20, 30, 31, 40
	int score;   // in tenths: 0 to 100
	enum severity severity;
};
// ERR_CORRUPT if it is no vector. Of 2.0 and 3.x the base score; of 4.0 that of all its metrics.
int cvss_score(const char *vector, struct cvss *ret, struct err *e);
