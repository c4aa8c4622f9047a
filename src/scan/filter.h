// SPDX-License-Identifier: Apache-2.0
// Which findings count. What is left out stays in the scan with the reason, so that a report can
// say how many there are.
#pragma once

#include "scan/ignore.h"
#include "scan/scan.h"

struct scan_filter {
	unsigned severities;           // 1 << severity of each that counts; 0: all
	unsigned ignore_statuses;      // 1 << status of each that does not
	bool no_os, no_library;        // --pkg-types
	bool all;                      // what is hidden by default, too: see scan_filter
	const struct ignores *ignores; // NULL: none
	const char *today;             // "2026-11-26": entries end on a day
};
// Without `all`: flaws that the distribution calls unimportant, of headers of a kernel that does
// not run here, and of packages that a distribution's own package owns.
void scan_filter(struct scan *s, const struct scan_filter *f);

// "CRITICAL,HIGH", in any case; ERR_USAGE names the word.
int severities_parse(const char *text, unsigned *ret, struct err *e);
// Trivy's words for a status, "affected", "fixed", "will_not_fix", "fix_deferred", "end_of_life",
// "under_investigation", "not_affected", "unknown", as bits of advisory_status.
int statuses_parse(const char *text, unsigned *ret, struct err *e);
const char *status_word(enum advisory_status s);
