// SPDX-License-Identifier: Apache-2.0
// Findings as people count them: what one source package has of one flaw is one row, however many
// packages were built from it and lie in a layer. They are mended together.
#pragma once

#include "report/report.h"

struct report_row {
	const struct finding *first;
	size_t n; // packages
};
// By severity falling, then name and flaw. hidden: those that a filter hid, too. *ret is the
// caller's.
size_t report_rows(const struct scan *s, bool hidden, struct report_row **ret);
// "zlib1g", "zlib1g (zlib)": built from that, "glibc (2)": so many of that. Caller frees.
char *report_row_name(const struct report_row *row);
