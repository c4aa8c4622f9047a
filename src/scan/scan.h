// SPDX-License-Identifier: Apache-2.0
// What is known to be wrong with packages: each is looked for in the advisory database, and its
// version compared with the ranges there by the order of its ecosystem. No network, no files but
// the database.
//
// Of distributions the source package counts (of AlmaLinux what is installed, as its records have
// it), in its version, in the records of that release. One flaw is one finding for a package,
// whatever number of records and names it has.
#pragma once

#include "advisory/advisory.h"
#include "packages/packages.h"

struct err;

// Texts and the flaw belong to the scan, the package to the list that was scanned.
struct finding {
	const struct found_package *package;
	const struct advisory_flaw *flaw;
	enum severity severity;
	const char
	        *severity_source; // who says so: "debian", "ghsa", "vulnrichment:cna"; NULL: nobody
	bool published;           // the severity is what the package's publisher says of it
	enum advisory_status status; // ADVISORY_FIXED: `fixed` mends it
	const char *fixed; // versions, of several branches ", " between; NULL: none is known
	// What decided it.
	const char *record;                     // the advisory's id, or the flaw's own
	const char *note;                       // the publisher's words; NULL
	const char *ecosystem, *release;        // "Debian", "12"; "" where there are none
	const char *name, *version;             // that were compared: of the source package
	const char *introduced, *last_affected; // of the range; NULL: open
	// Set by scan_filter: why it is neither shown nor counted, NULL: it is.
	const char *hidden;
};

struct scan {
	struct finding *v; // by severity falling, then package, version, path, flaw
	size_t n;
	struct strv warnings; // unknown release, end of life: one line each
	int64_t data_time;    // of the database; seconds
	bool has_release;     // packages of a distribution were among them
	struct advisory_release release;
	bool is_over; // the last day of its support, which end_of_life is, was before today
	struct arena arena;
	struct advisory_flaw *flaws;
	size_t n_flaws;
};
#define auto_scan __attribute__((cleanup(scan_release)))
void scan_release(struct scan *s);
int scan_packages(
        struct advisories *db, const struct package_list *l, struct scan *ret, struct err *e);

// Why a flaw is or is not one of these packages': a line for each package and record that speaks of
// it, with what was compared. Appended; nothing if no record names it.
int scan_explain(struct advisories *db, const struct package_list *l, const char *flaw,
        struct buf *ret, struct err *e);
