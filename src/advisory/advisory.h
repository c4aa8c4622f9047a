// SPDX-License-Identifier: Apache-2.0
// The advisory database: one read-only SQLite file, compiled by advisory/import.h. What is known
// about a package comes in two steps, because most of it does not concern the version at hand:
// first the ranges, then of a flaw that matters its names and severity.
//
// Versions are texts; whoever matches has their order. A version is affected if it lies in any
// range of the flaw: introduced <= v (NULL: from the beginning), v < fixed, v <= last_affected
// (NULL: no end is known).
#pragma once

#include "advisory/cvss.h"
#include "base/mem.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

#define ADVISORIES_FORMAT 2 // of the tables; another hew's may be another

// What the publisher says of a flaw in a release. All but FIXED have no version that mends it.
enum advisory_status {
	ADVISORY_AFFECTED,
	ADVISORY_FIXED,
	ADVISORY_NO_DSA,       // too small for an advisory; a fix may come with a point release
	ADVISORY_IGNORED,      // will not be fixed
	ADVISORY_POSTPONED,    // will be fixed with the next one
	ADVISORY_UNDETERMINED, // nobody knows yet
	ADVISORY_END_OF_LIFE,  // the package is not supported any more
};
const char *advisory_status_name(enum advisory_status s); // "affected", "no-dsa", ...

// $HEW_DB; else /var/cache/hew/advisories.db as root, else below $XDG_CACHE_HOME/hew: it can be had
// again. Caller frees.
char *advisories_default_path(void);

struct advisories; // an open database, of one thread at a time
// ERR_NOT_FOUND if there is none, ERR_CORRUPT, ERR_UNSUPPORTED: made for another hew.
int advisories_open(const char *path, struct advisories **ret, struct err *e);
void advisories_close(struct advisories *db);
void advisories_close_ptr(struct advisories **db);
#define auto_advisories __attribute__((cleanup(advisories_close_ptr)))

// When its data was made: the newest date in it, so that the same data is the same file. Seconds.
int64_t advisories_time(const struct advisories *db);

// release: "12", "3.19"; "" where there are none. A distribution's release that is not here has not
// "no flaws".
enum advisory_coverage {
	ADVISORY_KNOWN,
	ADVISORY_UNKNOWN_RELEASE, // of an ecosystem that is here
	ADVISORY_UNKNOWN_ECOSYSTEM,
};
struct advisory_release {
	enum advisory_coverage coverage;
	char end_of_life[11]; // "2026-06-10"; "": not known
	char codename[32];
};
int advisories_release(struct advisories *db, const char *ecosystem, const char *release,
        struct advisory_release *ret, struct err *e);

struct advisory_range {
	int64_t flaw;   // for advisories_flaw
	int64_t record; // for advisories_record: which advisory says so; the flaw itself if that
	                // does
	const char *introduced, *fixed, *last_affected; // NULL: open
	enum advisory_status status;
	enum severity severity; // the publisher's word for this package
	const char *note;       // "Minor issue"; NULL if there is none
};
struct advisory_ranges {
	struct advisory_range *v; // by flaw
	size_t n;
	struct arena arena; // owns all texts
};
void advisory_ranges_release(struct advisory_ranges *r);
#define auto_advisory_ranges __attribute__((cleanup(advisory_ranges_release)))
// package: a source package's name for distributions, the name itself for languages. Where a
// distribution says in one place that a flaw is fixed, and in another that it is open, fixed
// counts.
int advisories_ranges(struct advisories *db, const char *ecosystem, const char *release,
        const char *package, struct advisory_ranges *ret, struct err *e);

struct advisory_rating {
	const char *source; // "ghsa", "vulnrichment:cna", ...
	const char *vector; // NULL: a word only
	struct cvss cvss;   // of the vector, computed
	enum severity severity;
};
struct advisory_flaw {
	const char *const *names; // of one flaw: CVE first, then GHSA, then others
	size_t n_names;
	const char *title;                // NULL if there is none
	char published[11], modified[11]; // "" if not known
	char known_exploited[11];         // since when it is in CISA's catalog; "": it is not
	int epss, percentile;             // in 1/100000; -1: not known
	// The first is the one to show: a vector in an advisory, then one by CVE, then a word in an
	// advisory, then a word by CVE; of vectors 4.0 before 3.1, 3.0, 2.0.
	const struct advisory_rating *ratings;
	size_t n_ratings;
	struct arena arena; // owns all of it
};
void advisory_flaw_release(struct advisory_flaw *f);
#define auto_advisory_flaw __attribute__((cleanup(advisory_flaw_release)))
int advisories_flaw(struct advisories *db, int64_t flaw, struct advisory_flaw *ret, struct err *e);
// The id of an advisory, "DSA-5673-1". Appended.
int advisories_record(struct advisories *db, int64_t record, struct buf *ret, struct err *e);

// One row a source and one an ecosystem's release; both in order.
struct advisory_source {
	const char *name; // "OSV GHSA", "Debian tracker", "CISA KEV"
	char newest[11];
	int64_t records, withdrawn;
};
struct advisory_count {
	const char *ecosystem, *release, *codename;
	char end_of_life[11];
	int64_t packages, ranges;
};
struct advisories_info {
	int64_t flaws, ranges, packages;
	struct advisory_source *sources;
	size_t n_sources;
	struct advisory_count *counts;
	size_t n_counts;
	struct arena arena;
};
void advisories_info_release(struct advisories_info *i);
#define auto_advisories_info __attribute__((cleanup(advisories_info_release)))
int advisories_info(struct advisories *db, struct advisories_info *ret, struct err *e);
